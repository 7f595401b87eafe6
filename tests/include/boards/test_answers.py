"""Several answers in one object: the same answers, the same bytes; the next numbers go on where the last run stopped."""

from __future__ import annotations

import io

import pytest

from include.boards.answers import next_numbers, write_answers
from include.lake.zip_member import members

PAGES = [("4711.html", b"<html>one</html>"), ("4712.html", b"<html>two</html>")]


def written(pages: list[tuple[str, bytes]]) -> bytes:
    into = io.BytesIO()
    write_answers(into, pages)
    return into.getvalue()


def test_write_answers_when_written_twice_then_the_same_bytes_and_read_in_order() -> None:
    assert written(PAGES) == written(PAGES)
    assert list(members(io.BytesIO(written(PAGES)), "pages.zip")) == PAGES


@pytest.mark.parametrize(
    ("after", "budget", "expected"),
    [
        ("", 2, ["1", "2"]),
        ("2", 2, ["3", "4"]),
        ("3", 3, ["4", "1", "2"]),
        ("4", 2, ["1", "2"]),
        ("25", 1, ["3"]),  # the last one is no longer in the registry
        ("", 9, ["1", "2", "3", "4"]),
    ],
)
def test_next_numbers_when_some_were_asked_then_on_behind_them_and_round_again(
    after: str, budget: int, expected: list[str]
) -> None:
    assert next_numbers(["1", "2", "3", "4"], after, budget) == expected
