"""Query parameters, typed as the statement itself declares them.

A statement names each of its parameters with its type in a comment, as in ``-- @as_of TIMESTAMP, @npis ARRAY<STRING>: why``.
The call, the test with Google's analyzer and a person who pastes the statement into the console read the same line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from google.cloud import bigquery

# What a statement is made of besides code. A comment inside a text is none, so both are found in one pass.
_ASIDE = re.compile(
    r"""(?P<comment>--[^\n]*|\#[^\n]*|/\*.*?\*/)
    |(?P<text>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`[^`\n]*`)""",
    re.DOTALL | re.VERBOSE,
)
_DECLARED = re.compile(r"@(\w+)\s+(ARRAY<STRING>|[A-Z][A-Z0-9]+)")
_USED = re.compile(r"(?<!@)@(\w+)")

Value = Any


def declared(sql: str) -> dict[str, str]:
    """Return parameter -> BigQuery type, as the comments of a statement say.

    Raises ValueError where a parameter is used and not declared, declared and not used, or of a type that none may have.
    """
    comments = " ".join(aside["comment"] for aside in _ASIDE.finditer(sql) if aside["comment"])
    used = set(_USED.findall(_ASIDE.sub(" ", sql)))
    types: dict[str, str] = {}
    for name, type_ in _DECLARED.findall(comments):
        if name not in used:
            raise ValueError(f"@{name} {type_} is declared and not used in: {_excerpt(sql)}")
        if type_ not in _CHECKS or types.setdefault(name, type_) != type_:
            raise ValueError(f"@{name} {type_}: one type of {sorted(_CHECKS)} is declared of each, in: {_excerpt(sql)}")
    if missing := sorted(used - types.keys()):
        raise ValueError(f"Declare in a comment '-- @{missing[0]} TYPE' ({missing} are not) in: {_excerpt(sql)}")
    return types


def query_parameters(
    sql: str, values: Mapping[str, Value]
) -> list[bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter]:
    """Return the values as the parameters that the statement declares.

    Raises ValueError where one is missing, unknown or of another type: BigQuery would convert some of them without a word.
    """
    types = declared(sql)
    if types.keys() != values.keys():
        raise ValueError(f"Parameters {sorted(types)} are declared and {sorted(values)} given for: {_excerpt(sql)}")
    for name, value in values.items():
        if not (value is None and not types[name].startswith("ARRAY")) and not _CHECKS[types[name]](value):
            raise ValueError(f"@{name} is {types[name]} and was given {type(value).__name__} for: {_excerpt(sql)}")
    return [
        bigquery.ArrayQueryParameter(name, "STRING", list(values[name]))
        if type_.startswith("ARRAY")
        else bigquery.ScalarQueryParameter(name, type_, values[name])
        for name, type_ in types.items()
    ]


def from_text(sql: str, texts: Mapping[str, str]) -> dict[str, Value]:
    """Return the values that a DAG's templates rendered as text, of the types that the statement declares.

    Raises ValueError naming the parameter whose text is none of its type.
    """
    types = declared(sql)
    values = {}
    for name, text in texts.items():
        try:
            values[name] = _READ.get(types.get(name, ""), str)(text)
        except (KeyError, ValueError) as error:
            raise ValueError(f"@{name} is {types[name]} and was given {text!r} for: {_excerpt(sql)}") from error
    return values


def _is_moment(value: Value) -> bool:
    """Whether a value names a point in time and nothing less: a text without an offset would be read as UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return False
    return isinstance(moment, datetime) and moment.utcoffset() is not None


def _is_day(value: Value) -> bool:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return False
    return isinstance(day, date) and not isinstance(day, datetime)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHECKS: dict[str, Callable[[Value], bool]] = {
    "STRING": lambda value: isinstance(value, str),
    "INT64": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "FLOAT64": _is_number,
    "BOOL": lambda value: isinstance(value, bool),
    "DATE": _is_day,
    "TIMESTAMP": _is_moment,
    "ARRAY<STRING>": lambda value: isinstance(value, list | tuple) and all(isinstance(one, str) for one in value),
}
_READ: dict[str, Callable[[str], Value]] = {
    "INT64": int,
    "FLOAT64": float,
    "BOOL": lambda text: {"true": True, "false": False}[text.lower()],
}


def _excerpt(sql: str) -> str:
    return " ".join(_ASIDE.sub(lambda aside: aside["text"] or " ", sql).split())[:120]
