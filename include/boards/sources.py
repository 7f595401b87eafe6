"""The state boards of dentistry that we read, each declared in ``include/boards/<state>.yaml`` and nowhere else.

A declaration says where a board publishes, how often, in which form, which column is what, and what each status word
means. A new state is a new file (docs/sources/boards.md).
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from include.boards.date_forms import is_date_form

FOLDER = Path(__file__).parent
# From best to worst: where a board gives several words for one license, the worst counts.
STATUS_CLASSES = ("active", "pending", "restricted", "lapsed", "retired", "disciplined", "deceased")
UNKNOWN = "unknown"
DETAILS = ("middle_name", "name_suffix", "former_last_name", "organization_name", "address_line_1", "address_line_2",
           "city", "address_state", "postal_code", "phone")  # fmt: skip
CADENCES = {"daily": 1, "weekly": 7, "monthly": 31}  # days between two editions, at most
# Days without news from which a board is not quiet but broken: a long weekend, a skipped week, a late month.
MAX_GAPS = {"daily": 5, "weekly": 16, "monthly": 40}
_SOQL = re.compile(r"\s*(\w+)\s*(?:=|\bin\b)\s*\(?((?:\s*'[^']*'\s*,?)+)\)?\s*")


@dataclass(frozen=True)
class FileFetch:
    """A file at a path. With `page`, the path's {0}, {1} … are the groups of the pattern `link` found on that page.

    session: the site wants a sign-in; the connection's password is the Cookie header of a signed-in session.
    """

    path: str
    page: str = ""
    link: str = ""
    session: bool = False


@dataclass(frozen=True)
class FormFetch:
    """A download behind forms: the page at `path`, then one form after the other, each with these fields filled in."""

    path: str
    steps: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class SocrataFetch:
    """A data set of a Socrata site, read in pages in the order of its row ids.

    where: a SoQL filter of the form `column = 'word'` or `column in ('word', 'word')`. A list that a person hands in was not
    filtered by the site, so the same filter is applied to its rows.
    """

    path: str
    where: str
    page_rows: int

    def takes(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a row passes the filter."""
        found = _SOQL.fullmatch(self.where)
        return found is None or values.get(found[1]) in re.findall("'([^']*)'", found[2])


@dataclass(frozen=True)
class LookupFetch:
    """A page for people that answers for one license number.

    :param fields: sent with every question; the number goes into `number_field`, written as `number_form` says.
    :param number_pattern: what a license number of this board looks like; others are not asked for.
    :param budget: questions a run, at most.
    :param mark: words that stand on every answer, also when nobody has the number.
    :param title_column: name for the cell without a label that stands before the first labeled one.
    """

    path: str
    fields: Mapping[str, str]
    number_field: str
    number_pattern: str
    number_form: str
    budget: int
    mark: str
    title_column: str


@dataclass(frozen=True)
class Delimited:
    """quotes: RFC 4180 quoting; without it, a quote mark is a character. trailing_empty_column: lines end with a delimiter."""

    delimiter: str
    quotes: bool
    encoding: str
    trailing_empty_column: bool = False


@dataclass(frozen=True)
class ColumnPart:
    """A column, or with `pattern` the first group of what it finds in the column."""

    column: str
    pattern: str = ""

    def of(self, values: Mapping[str, Any]) -> str | None:
        """Return the value as published; None when it is empty."""
        value = str(values.get(self.column) or "").strip()
        if value and self.pattern:
            found = re.search(self.pattern, value)
            return found[1] if found else None
        return value or None


@dataclass(frozen=True)
class BoardSource:
    """One board. `columns` must all be there; `optional_columns` may; any other is loaded too, and reported.

    :param scheduled: whether runs read it without being asked to by name.
    :param number_rules: patterns of a license number without blanks, in capitals, as the board or a licensee writes it; what the
        first that fits finds in its group is the number, leading zeros cut off.
    :param details: what else CLEAN takes from a row: one of DETAILS -> column.
    :param status_columns: joined by " / " when there are several; `status_separators` split words that count alone.
    :param date_forms: how it has been seen to write dates; a file is read by the one that all its dates are in (include/boards/date_forms.py).
    :param statuses: status word, case-folded -> one of STATUS_CLASSES.
    """

    state: str
    board: str
    cadence: str
    scheduled: bool
    terms: str
    file_name: str
    delay_seconds: float
    fetch: FileFetch | FormFetch | SocrataFetch | LookupFetch
    delimited: Delimited | None
    columns: tuple[str, ...]
    optional_columns: tuple[str, ...]
    license_number: ColumnPart
    license_type: ColumnPart
    number_rules: tuple[str, ...]
    status_columns: tuple[str, ...]
    status_separators: str
    names: Mapping[str, str]
    details: Mapping[str, str]
    date_forms: tuple[str, ...]
    date_columns: Mapping[str, str]
    statuses: Mapping[str, str]

    @property
    def name(self) -> str:
        """The source's name in tables, lake folders and the manifest."""
        return f"board_{self.state.lower()}"

    @property
    def conn_id(self) -> str:
        return f"{self.name}_default"

    @property
    def is_whole(self) -> bool:
        """Whether one edition lists all licensees of the board."""
        return not isinstance(self.fetch, LookupFetch)

    def is_due(self, day: date) -> bool:
        """Whether the board is read on `day`: weekly ones on Mondays, monthly ones on the 5th."""
        if self.cadence == "weekly":
            return day.weekday() == 0
        return self.cadence == "daily" or day.day == 5

    def status(self, values: Mapping[str, Any]) -> str | None:
        """Return the status as published; None when there is none."""
        words = [str(values.get(column) or "").strip() for column in self.status_columns]
        return " / ".join(word for word in words if word) or None

    def status_class(self, status: str | None) -> str:
        """Return the class of a published status: the worst of its words, "unknown" when one of them is not declared."""
        whole = self.statuses.get(_folded(status or ""))
        if whole or not self.status_separators:
            return whole or UNKNOWN
        words = [_folded(word) for word in re.split(f"[{re.escape(self.status_separators)}]", status or "")]
        classes = [self.statuses.get(word, UNKNOWN) for word in words if word]
        return UNKNOWN if UNKNOWN in classes or not classes else max(classes, key=STATUS_CLASSES.index)

    def column_named(self, published: str) -> str:
        """Return the declared column that a published name means, whatever its case, blanks and underscores; else the name."""
        return self._declared.get(folded_name(published), published)

    @cached_property
    def _declared(self) -> Mapping[str, str]:
        return {folded_name(name): name for name in (*self.columns, *self.optional_columns)}


@cache
def board_sources() -> tuple[BoardSource, ...]:
    """Every declared board, by state. Raises ValueError naming the file and the field when a declaration is wrong."""
    return tuple(_of_file(path) for path in sorted(FOLDER.glob("*.yaml")))


def board_source(state: str) -> BoardSource:
    """The board of a state; raises ValueError naming those that are declared."""
    for source in board_sources():
        if source.state == state:
            return source
    raise ValueError(f"No board is declared for {state!r}; include/boards has {[s.state for s in board_sources()]}.")


def due_states(day: date, asked: Collection[str]) -> list[str]:
    """The states to read on `day`: those asked for by name, or else every scheduled one that is due."""
    if asked:
        return sorted(board_source(state).state for state in set(asked))
    return [source.state for source in board_sources() if source.scheduled and source.is_due(day)]


def parsed(body: Mapping[str, Any], where: str) -> BoardSource:
    """The board that a YAML document declares; raises ValueError naming `where` and every fault."""
    _check_keys(where, body, _REQUIRED, _OPTIONAL)
    source = BoardSource(
        state=body["state"],
        board=body["board"],
        cadence=body["cadence"],
        scheduled=body.get("scheduled", True),
        terms=body["terms"],
        file_name=body["file_name"],
        delay_seconds=float(body.get("delay_seconds", 1)),
        fetch=_fetch(where, body["fetch"]),
        delimited=_delimited(where, body.get("delimited")),
        columns=tuple(body["columns"]),
        optional_columns=tuple(body.get("optional_columns", ())),
        license_number=_part(where, body["license_number"]),
        license_type=_part(where, body["license_type"]),
        number_rules=tuple(body["number_rules"]),
        status_columns=tuple(body["status"]["columns"]),
        status_separators=body["status"].get("separators", ""),
        names=body["names"],
        details=body["details"],
        date_forms=tuple(body["dates"].get("forms", ())),
        date_columns={name: column for name, column in body["dates"].items() if name != "forms"},
        statuses={_folded(word): name for name, words in body["statuses"].items() for word in words},
    )
    faults = _faults(source, body)
    if faults:
        raise ValueError(f"{where}: " + "; ".join(faults))
    return source


_REQUIRED = {"state", "board", "cadence", "terms", "file_name", "fetch", "columns", "license_number", "license_type",
             "number_rules", "status", "names", "details", "dates", "statuses"}  # fmt: skip
_OPTIONAL = {"scheduled", "delay_seconds", "delimited", "optional_columns"}
_FETCHES: dict[str, tuple[type, set[str], set[str]]] = {
    "file": (FileFetch, {"path"}, {"page", "link", "session"}),
    "forms": (FormFetch, {"path", "steps"}, set()),
    "socrata": (SocrataFetch, {"path", "where", "page_rows"}, set()),
    "lookup": (LookupFetch, {"path", "fields", "number_field", "number_pattern", "number_form", "budget", "mark",
                             "title_column"}, set()),
}  # fmt: skip
_NAMES = {"full_name", "first_name", "last_name"}
_DATES = {"issued_on", "expires_on"}


def _of_file(path: Path) -> BoardSource:
    where = f"include/boards/{path.name}"
    source = parsed(yaml.safe_load(path.read_text(encoding="utf-8")), where)
    if path.stem != source.state.lower():
        raise ValueError(f"{where}: declares {source.state}; name the file {source.state.lower()}.yaml")
    return source


def _fetch(where: str, body: Mapping[str, Any]) -> Any:
    kind = body.get("kind")
    if kind not in _FETCHES:
        raise ValueError(f"{where}: fetch.kind {kind!r} is not one of {sorted(_FETCHES)}")
    made, required, optional = _FETCHES[kind]
    _check_keys(f"{where}: fetch", body, required | {"kind"}, optional)
    fields = {name: value for name, value in body.items() if name != "kind"}
    if "steps" in fields:
        fields["steps"] = tuple(fields["steps"])
    return made(**fields)


def _delimited(where: str, body: Mapping[str, Any] | None) -> Delimited | None:
    if body is None:
        return None
    _check_keys(f"{where}: delimited", body, {"delimiter", "quotes", "encoding"}, {"trailing_empty_column"})
    return Delimited(**body)


def _part(where: str, body: str | Mapping[str, str]) -> ColumnPart:
    if isinstance(body, str):
        return ColumnPart(body)
    _check_keys(where, body, {"column", "pattern"}, set())
    return ColumnPart(body["column"], body["pattern"])


def _check_keys(where: str, body: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    missing, unknown = sorted(required - set(body)), sorted(set(body) - required - optional)
    if missing or unknown:
        raise ValueError(f"{where}: missing {missing}, unknown {unknown}")


def _faults(source: BoardSource, body: Mapping[str, Any]) -> list[str]:
    known = {*source.columns, *source.optional_columns}
    used = {source.license_number.column, source.license_type.column, *source.status_columns,
            *source.names.values(), *source.details.values(), *source.date_columns.values()}  # fmt: skip
    words = [_folded(word) for words in body["statuses"].values() for word in words]
    is_delimited = isinstance(source.fetch, FileFetch | FormFetch)
    checks = {
        f"state {source.state!r} is not two capital letters": bool(re.fullmatch("[A-Z]{2}", source.state)),
        f"cadence {source.cadence!r} is not one of {sorted(CADENCES)}": source.cadence in CADENCES,
        f"unknown columns are used: {sorted(used - known)}": used <= known,
        "a column is declared twice": len({folded_name(name) for name in known}) == len(source.columns) + len(source.optional_columns),
        f"statuses: classes {sorted(set(source.statuses.values()) - set(STATUS_CLASSES))} are not among {STATUS_CLASSES}":
            set(source.statuses.values()) <= set(STATUS_CLASSES),
        f"statuses: said twice: {sorted({word for word in words if words.count(word) > 1})}": len(words) == len(set(words)),
        f"names: {sorted(set(source.names) - _NAMES)} are not among {sorted(_NAMES)}": set(source.names) <= _NAMES,
        f"details: {sorted(set(source.details) - set(DETAILS))} are not among {DETAILS}": set(source.details) <= set(DETAILS),
        "number_rules: each must be a pattern with exactly one group": all(_has_one_group(rule) for rule in source.number_rules),
        f"dates: {sorted(set(source.date_columns) - _DATES)} are not among {sorted(_DATES)}":
            set(source.date_columns) <= _DATES,
        f"dates.forms {source.date_forms} do not each say year, month and day":
            bool(source.date_forms) and all(map(is_date_form, source.date_forms)),
        "fetch.where is neither column = 'word' nor column in ('word', …), with a declared column": _is_filter(source, known),
        "delimited belongs to fetch.kind file and forms, and only there": is_delimited == (source.delimited is not None),
        "fetch: page and link go together, and path needs a {0} for what the link finds": _link_is_whole(source.fetch),
        "delay_seconds must be above 0": source.delay_seconds > 0,
        "terms must say something": bool(source.terms.strip()),
    }  # fmt: skip
    return [fault for fault, holds in checks.items() if not holds]


def _has_one_group(pattern: str) -> bool:
    try:
        return re.compile(pattern).groups == 1
    except re.error:
        return False


def _link_is_whole(fetch: Any) -> bool:
    if not isinstance(fetch, FileFetch):
        return True
    has_slot = any(field is not None for _, field, _, _ in string.Formatter().parse(fetch.path))
    return bool(fetch.page) == bool(fetch.link) == has_slot


def _is_filter(source: BoardSource, known: set[str]) -> bool:
    if not isinstance(source.fetch, SocrataFetch):
        return True
    found = _SOQL.fullmatch(source.fetch.where)
    return found is not None and found[1] in known


def folded_name(name: str) -> str:
    """Return what is the same of a column's name in every writing: `License Number`, LICENSE_NUMBER, licensenumber."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
