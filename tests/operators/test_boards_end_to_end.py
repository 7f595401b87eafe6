"""Every board of the sandbox, from its site to rows: nothing refused, and the unknown words are the ones that are new."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import IO, TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest

from hooks.board import BoardHook
from include.board_answers import write_answers
from include.board_parquet import Converted, convert
from include.board_sources import BoardSource, LookupFetch, board_sources

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
