"""Every board of the sandbox, from its site to rows: nothing refused, and the unknown words are the ones that are new."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest

from hooks.board import BoardHook
from include.boards.answers import write_answers
from include.boards.date_forms import date_of
from include.boards.parquet import Converted, convert
from include.boards.sources import BoardSource, LookupFetch, board_source, board_sources
from services.sandbox.board_forms import FORMS

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox

NEW_WORDS = {
    "CA": "Family Support", "CO": "Active - Telehealth ONLY", "CT": "ON HOLD", "FL": "Administrative / Active",
    "IL": "MILITARY", "MA": "Monitoring; Expired", "NC": "Volunteer", "NJ": "Reinstatement Denied",
    "TX": "Military Service", "WA": "MILITARY",
}  # fmt: skip


def read(source: BoardSource) -> bytes:
    hook, into = BoardHook(source), io.BytesIO()
    if isinstance(source.fetch, LookupFetch):
        write_answers(into, [(f"{number}.html", hook.look_up(str(number))) for number in range(1000, 10_000, 150)])
    else:
        hook.fetch(into, {})
    return into.getvalue()


def normal(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its text as published."""
    return {name: value for name, value in row.items() if name != "payload"}


def details(source: BoardSource, row: dict[str, Any]) -> dict[str, str]:
    """What CLEAN takes from the text as published."""
    payload = json.loads(row["payload"])
    return {name: payload.get(column) or "" for name, column in source.details.items()}


def converted(source: BoardSource, content: bytes) -> tuple[Converted, list[dict[str, Any]]]:
    sink = io.BytesIO()

    @contextmanager
    def part(name: str) -> Iterator[IO[bytes]]:
        yield sink

    books = convert(
        io.BytesIO(content), source, source_object="gs://a/b", file_date=date(2025, 11, 10), open_part=part,
        rejects=io.BytesIO(),
    )  # fmt: skip
    return books, parquet.read_table(io.BytesIO(sink.getvalue())).to_pylist()


OTHER_FORMS = [(state, number) for state, forms in FORMS.items() for number in range(1, len(forms))]


@pytest.fixture
def own_forms(sandbox: Sandbox) -> Iterator[None]:
    sandbox.admin.delete("faults")
    yield
    sandbox.admin.put("board-forms", json={"forms": dict.fromkeys(FORMS, 0)}).raise_for_status()


@pytest.mark.parametrize(("state", "number"), OTHER_FORMS)
def test_board_when_it_writes_in_another_form_then_the_same_licenses(
    sandbox: Sandbox, own_forms: None, state: str, number: int
) -> None:
    """Forms that the declaration does not name first: they must not change who has which license from when to when."""
    source = board_source(state)
    own = read(source)
    sandbox.admin.put("board-forms", json={"forms": {state: number}}).raise_for_status()
    other = read(source)
    (books, expected), (other_books, rows) = converted(source, own), converted(source, other)

    assert other != own
    assert {**books.__dict__, "remarks": books.remarks.note()} == {
        **other_books.__dict__, "remarks": other_books.remarks.note()
    }  # fmt: skip
    assert [normal(row) for row in rows] == [normal(row) for row in expected]
    assert [details(source, row) for row in rows] == [details(source, row) for row in expected]


def test_board_forms_when_drawn_by_a_seed_then_the_same_ones_and_never_a_boards_own(
    sandbox: Sandbox, own_forms: None
) -> None:
    drawn = sandbox.draw_board_forms(417)
    assert drawn == sandbox.draw_board_forms(417)
    assert all(drawn[state] in [str(form) for form in forms[1:]] for state, forms in FORMS.items())
    assert any(sandbox.draw_board_forms(seed) != drawn for seed in range(5))


def test_board_forms_when_listed_then_none_is_the_first_of_its_declaration() -> None:
    assert set(FORMS) == {source.state for source in board_sources()}
    for state, (own, *others) in FORMS.items():
        first = board_source(state).date_forms[0]
        day = datetime(1991, 7, 19)
        assert date_of(day.strftime(own.dates), first) == day.date()
        assert len({own, *others}) == 1 + len(others) >= 2
        assert all(date_of(day.strftime(form.dates), first) is None or state == "NC" for form in others)


@pytest.mark.parametrize("source", board_sources(), ids=lambda source: source.state)
def test_board_when_read_and_converted_then_every_row_and_only_new_words_unknown(
    sandbox: Sandbox, source: BoardSource
) -> None:
    sandbox.admin.delete("faults")
    books, rows = converted(source, read(source))
    assert (books.rejected, books.rows_in) == (0, len(rows))
    assert set(books.remarks.unknown_statuses) <= {NEW_WORDS[source.state]}
    assert books.remarks.new_columns == []
    if source.is_whole:
        assert len(rows) >= 25
        assert {row["status_class"] for row in rows} >= {"active", "lapsed"}
        assert all(row["license_number"] and row["issued_on"] and row["license_type"] for row in rows)
