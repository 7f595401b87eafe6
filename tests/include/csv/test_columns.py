"""Columns of a block: values in their rows, everything else NULL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from include.csv.columns import string_columns
from include.csv.scan import scan

CONTENT = b'"a","","c ""x"" ,"\n"","e\nf",""\n"g","",""\n'


def columns(
    content: bytes, targets: Sequence[int | None], width: int, bad: Sequence[int] = ()
) -> list[list[str | None]]:
    found = scan(content)
    good = np.ones(len(found.field_counts), np.bool_)
    good[list(bad)] = False
    made = string_columns(content, found, good, targets, width)
    for column in made:
        column.validate(full=True)
    return [column.to_pylist() for column in made]


def test_string_columns_when_fields_are_empty_then_null_and_doubled_quotes_are_undone() -> None:
    assert columns(CONTENT, (0, 1, 2), 3) == [["a", None, "g"], [None, "e\nf", None], ['c "x" ,', None, None]]


def test_string_columns_when_columns_are_moved_or_missing_then_each_is_in_its_place() -> None:
    assert columns(CONTENT, (3, None, 0), 4) == [
        ['c "x" ,', None, None],
        [None] * 3,
        [None] * 3,
        ["a", None, "g"],
    ]


@pytest.mark.parametrize(
    ("bad", "kept"), [((0,), [None, "g"]), ((1,), ["a", "g"]), ((2,), ["a", None]), ((0, 1, 2), [])]
)
def test_string_columns_when_a_record_is_bad_then_it_has_no_row(bad: tuple[int, ...], kept: list[str | None]) -> None:
    assert columns(CONTENT, (0, 1, 2), 3, bad)[0] == kept


def test_string_columns_when_a_bad_record_has_more_fields_than_there_are_columns_then_they_go_nowhere() -> None:
    assert columns(b"a,b\nc,d,e,f\ng,h\n", (0, 1), 2, bad=(1,)) == [["a", "g"], ["b", "h"]]


def test_string_columns_when_rows_exceed_a_byte_of_validity_then_every_bit_is_right() -> None:
    content = b"".join(b"%d,\n" % n if n % 3 else b",x\n" for n in range(1, 100))
    first, second = columns(content, (0, 1), 2)
    assert first == [str(n) if n % 3 else None for n in range(1, 100)]
    assert second == [None if n % 3 else "x" for n in range(1, 100)]


def test_string_columns_when_values_are_shorter_and_longer_than_a_word_then_none_runs_into_another() -> None:
    rows = [[str(n % 10) * (n * place % 21) for place in (1, 7, 11)] for n in range(200)]
    content = "".join(f"{','.join(row)}\n" for row in rows).encode()
    expected = [[value or None for value in column] for column in zip(*rows, strict=True)]
    assert columns(content, (0, 1, 2), 3) == expected
    assert columns(content, (2, 0, 1), 3) == [expected[1], expected[2], expected[0]]


def test_string_columns_when_there_is_no_record_then_columns_without_rows() -> None:
    assert columns(b"", (0, 1), 2) == [[], []]
