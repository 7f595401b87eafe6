"""The part of Socrata's query language (SoQL) that the state boards' data sets answer here; the rest is refused as not modeled.

Modeled: `$select` of columns, `*`, `:id` or `count(*)`; `$where` with comparisons, IN, LIKE, BETWEEN, IS NULL, AND, OR, NOT and parentheses; `$order`;
`$limit` and `$offset`; a column's name as a filter. Every column here is text, so a comparison with a number is a mismatch of types,
as at the vendor.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, object]
Test = Callable[[Row], bool]
PARAMETERS = {"$select", "$where", "$order", "$limit", "$offset"}
UNMODELED = {
    "$group",
    "$having",
    "$q",
    "$query",
    "$$app_token",
    "$$exclude_system_fields",
    "$$version",
    "$$read_from_nbe",
}
DEFAULT_LIMIT, MAX_ROWS = 1_000, 50_000
TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([:@]?[A-Za-z_]\w*)|(<=|>=|!=|<>|[=<>(),*]))")
COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class Refused(ValueError):
    """What Socrata answers, or the sandbox for it: a status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


def answer(rows: Sequence[Row], asked: Mapping[str, str]) -> list[Row]:
    """The rows that a question is answered with, each with its `:id`. Refused says why there are none."""
    columns = {":id", *(name for row in rows for name in row)}
    filters = {name: value for name, value in asked.items() if name not in PARAMETERS}
    if unmodeled := sorted(UNMODELED & set(filters)):
        raise _not_modeled(", ".join(unmodeled))
    for name in filters:
        if name.startswith("$"):
            raise Refused(400, "query.soql.invalid", f"Unrecognized parameter {name}")
        _check_column(name, columns)
    tests = [_where(asked["$where"], columns)] if asked.get("$where") else []
    found = [row for row in rows if all(test(row) for test in tests)]
    found = [row for row in found if all(row.get(name) == value for name, value in filters.items())]
    select = asked.get("$select", "*")
    if match := re.fullmatch(r"\s*count\(\s*\*\s*\)(?:\s+as\s+(\w+))?\s*", select, re.IGNORECASE):
        return [{match[1] or "count": str(len(found))}]
    chosen = _selected(select, columns)
    for name, is_down in reversed(_order(asked.get("$order", ":id"), columns)):
        found.sort(key=lambda row, name=name: str(row.get(name, "")), reverse=is_down)  # type: ignore[misc]
    limit, offset = _whole("$limit", asked, DEFAULT_LIMIT), _whole("$offset", asked, 0)
    page = found[offset : offset + min(limit, MAX_ROWS)]
    return [{name: value for name, value in row.items() if name in chosen} for row in page]


def _whole(name: str, asked: Mapping[str, str], usual: int) -> int:
    text = asked.get(name, str(usual))
    if not text.isdecimal():
        raise Refused(400, "query.soql.invalid", f"{name} must be a whole number, not {text!r}")
    return int(text)


def _selected(text: str, columns: set[str]) -> set[str]:
    chosen: set[str] = set()
    for part in map(str.strip, text.split(",")):
        if part == "*":
            chosen |= {name for name in columns if not name.startswith(":")}
        elif re.fullmatch(r":?\w+", part):
            _check_column(part, columns)
            chosen.add(part)
        else:
            raise _not_modeled(f"$select={part}")
    return chosen


def _order(text: str, columns: set[str]) -> list[tuple[str, bool]]:
    parts = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(:?\w+)(?:\s+(asc|desc))?\s*", part, re.IGNORECASE)
        if match is None:
            raise _not_modeled(f"$order={part}")
        _check_column(match[1], columns)
        parts.append((match[1], (match[2] or "").lower() == "desc"))
    return parts


def _where(text: str, columns: set[str]) -> Test:
    parser = _Parser(list(_tokens(text)), columns)
    test = parser.any_of()
    if parser.at < len(parser.tokens):
        raise Refused(400, "query.soql.malformed", f"$where: unexpected {parser.tokens[parser.at].text!r}")
    return test


def _tokens(text: str) -> Iterator[Token]:
    at, text = 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise _not_modeled(f"$where: {text[at : at + 20]!r}")
        string, number, word, sign = match.groups()
        if string is not None:
            yield Token("string", string[1:-1].replace("''", "'"))
        elif number is not None:
            yield Token("number", number)
        else:
            yield Token("word", word) if word is not None else Token("sign", sign)
        at = match.end()


class _Parser:
    """$where, from its tokens to a test of a row. A column without a value is NULL: no comparison holds for it."""

    def __init__(self, tokens: list[Token], columns: set[str]) -> None:
        self.tokens = tokens
        self.columns = columns
        self.at = 0

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.takes("or"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.takes("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def one(self) -> Test:
        if self.takes("not"):
            test = self.one()
            return lambda row: not test(row)
        if self.takes("("):
            test = self.any_of()
            self.needs(")")
            return test
        return self.comparison(self.column())

    def comparison(self, name: str) -> Test:
        def known(row: Row) -> str | None:
            value = row.get(name)
            return None if value in (None, "") else str(value)

        if self.takes("is"):
            is_wanted = not self.takes("not")
            self.needs("null")
            return lambda row: (known(row) is None) == is_wanted
        is_not = self.takes("not")
        if self.takes("in"):
            values = self.values()
            return lambda row: (text := known(row)) is not None and (text in values) != is_not
        if self.takes("like"):
            pattern = re.compile(_like(self.text()), re.DOTALL)
            return lambda row: (text := known(row)) is not None and bool(pattern.fullmatch(text)) != is_not
        if self.takes("between"):
            least = self.text()
            self.needs("and")
            most = self.text()
            return lambda row: (text := known(row)) is not None and (least <= text <= most) != is_not
        sign = self.next("sign")
        if is_not or sign not in COMPARISONS:
            raise Refused(400, "query.soql.malformed", f"$where: unexpected {sign!r} after {name}")
        holds, wanted = COMPARISONS[sign], self.text()
        return lambda row: (text := known(row)) is not None and holds(text, wanted)

    def column(self) -> str:
        name = self.next("word")
        if self.at < len(self.tokens) and self.tokens[self.at].text == "(":
            raise _not_modeled(f"$where: the function {name}")
        _check_column(name, self.columns)
        return name

    def values(self) -> set[str]:
        self.needs("(")
        found = {self.text()}
        while self.takes(","):
            found.add(self.text())
        self.needs(")")
        return found

    def text(self) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "number":
            raise Refused(400, "query.soql.type-mismatch", f"Type mismatch: {self.tokens[self.at].text} is no text")
        return self.next("string")

    def next(self, kind: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != kind:
            there = self.tokens[self.at].text if self.at < len(self.tokens) else "the end"
            raise Refused(400, "query.soql.malformed", f"$where: {kind} expected, not {there!r}")
        self.at += 1
        return self.tokens[self.at - 1].text

    def takes(self, text: str) -> bool:
        """Whether this word or sign comes next; if so it is behind us."""
        is_next = self.at < len(self.tokens) and self.tokens[self.at].kind in ("word", "sign")
        is_next = is_next and self.tokens[self.at].text.lower() == text
        self.at += is_next
        return is_next

    def needs(self, text: str) -> None:
        if not self.takes(text):
            raise Refused(400, "query.soql.malformed", f"$where: {text!r} expected")


def _like(pattern: str) -> str:
    return "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in pattern)


def _check_column(name: str, columns: set[str]) -> None:
    if name in columns:
        return
    if name.startswith(":"):
        raise _not_modeled(f"the system column {name}")
    raise Refused(
        400, "query.soql.no-such-column", f"Query coordinator error: query.soql.no-such-column; No such column: {name}"
    )


def _not_modeled(what: str) -> Refused:
    return Refused(501, "not-modeled", f"not modeled by the sandbox: {what}")
