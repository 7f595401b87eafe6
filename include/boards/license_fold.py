"""What the promotion of clean.license takes from include/boards: expressions for its SQL, and a parameter for its words."""

from __future__ import annotations

import json
from collections.abc import Callable

from include.boards.sources import DETAILS, STATUS_CLASSES, BoardSource, board_sources
from include.warehouse.tables import table


def query() -> str:
    """Return clean.license's query with each ``{name}`` replaced by the expression that the declarations make of it.

    A JSON path and a column cannot be query parameters. The texts come from declarations, never from data.
    """
    text = table("clean.license").sql()
    for detail in DETAILS:
        text = text.replace(f"{{{detail}}}", _by_source(lambda source, name=detail: _detail(source, name)))  # type: ignore[misc]
    return text.replace("{number_fits}", _by_source(_number_fits))


def declarations() -> str:
    """Return the query parameter @boards: a JSON array, for each board its source, is_whole, separators and status words."""
    return json.dumps(
        [
            {
                "source": source.name,
                "is_whole": source.is_whole,
                "separators": "".join(f"\\{mark}" for mark in source.status_separators),
                "statuses": [
                    {"word": word, "class": name, "severity_rank": STATUS_CLASSES.index(name)}
                    for word, name in sorted(source.statuses.items())
                ],
            }
            for source in board_sources()
        ]
    )


def _by_source(expression: Callable[[BoardSource], str]) -> str:
    cases = " ".join(f"WHEN '{source.name}' THEN {said}" for source in board_sources() if (said := expression(source)))
    return f"CASE source {cases} END"


def _detail(source: BoardSource, name: str) -> str:
    column = source.details.get(name)
    return f"""JSON_VALUE(payload, '$."{column}"')""" if column else ""


def _number_fits(source: BoardSource) -> str:
    """What the first fitting rule finds; the same as include.linkage.numbers.number_macro does in DuckDB."""
    fits = (f"NULLIF(LTRIM(REGEXP_EXTRACT(typed_number, r'{rule}'), '0'), '')" for rule in source.number_rules)
    return f"COALESCE({', '.join(fits)})"
