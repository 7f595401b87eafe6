"""Fields as csv.reader finds them, whatever stands in them and wherever a block ends."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.csv.scan import scan

TEXTS = st.text(alphabet='ab",\n\ré<', max_size=6)
EMPTY = st.lists(st.just(""), max_size=30)
NEARLY_EMPTY = st.tuples(EMPTY, TEXTS, EMPTY).map(lambda row: [*row[0], row[1], *row[2]])
TABLES = st.lists(st.lists(TEXTS, min_size=1, max_size=4) | NEARLY_EMPTY, min_size=1, max_size=6)


def written(rows: list[list[str]], quoting: int, line_end: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=line_end).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode()


def filled(content: bytes, is_last: bool = True) -> list[tuple[int, int, str]]:
    """Return record, column and value of every field that holds something."""
    found = scan(content, is_last)
    places = zip(found.record, found.column, found.begin, found.end, found.escaped, strict=True)
    return [
        (int(record), int(column), content[begin:end].replace(b'""', b'"' if escaped else b'""').decode())
        for record, column, begin, end, escaped in places
    ]


@settings(deadline=None)
@given(TABLES, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"]))
def test_scan_when_written_by_csv_then_the_same_fields(rows: list[list[str]], quoting: int, line_end: str) -> None:
    content = written(rows, quoting, line_end)
    found = scan(content)

    assert not found.malformed.any()
    assert filled(content) == [
        (number, column, value) for number, row in enumerate(rows) for column, value in enumerate(row) if value
    ]
    assert found.field_counts.tolist() == [len(row) for row in rows]
    assert found.beyond_ascii.tolist() == [not "".join(row).isascii() for row in rows]
    starts = found.record_starts.tolist()
    assert [content[:start].count(b"\n") for start in starts] == found.newlines_before.tolist()
    assert starts[-1] == len(content)


@settings(deadline=None)
@given(TABLES, st.data())
def test_scan_when_the_content_is_cut_anywhere_then_the_records_before_are_whole(
    rows: list[list[str]], data: st.DataObject
) -> None:
    content = written(rows, csv.QUOTE_ALL, "\r\n")
    cut = data.draw(st.integers(0, len(content)))
    whole = scan(content).record_starts
    found = scan(content[:cut])

    assert found.record_starts.tolist() == [start for start in whole.tolist() if start <= cut]
    assert filled(content[:cut], is_last=False) == [
        field for field in filled(content) if field[0] < len(found.field_counts)
    ]


@pytest.mark.parametrize(
    "line",
    [
        b'"a"b,c\n',
        b'"a" ,c\n',
        b'a""b,c\n',
        b'a"b",c\n',
        b'"a""b"c"",d\n',
        b'"a","b"\r,c\n',
        b"a\rb,c\n",
        b'"a"x",c\n',
        b'"a","b\n',
        b'"a,"b"\n',
        b'a","b"\n',
        b'"a"","b"\n',
        b'"a","b""\n',
    ],
)
def test_scan_when_a_quote_or_return_stands_in_a_wrong_place_then_its_line_is_malformed(line: bytes) -> None:
    found = scan(b'"1","2"\n' + line + b'"3","4"\n"5","6"\n')
    assert found.malformed.tolist() == [False, True, False, False]
    assert found.field_counts.tolist() == [2, 0, 2, 2]
    assert found.newlines_before.tolist() == [0, 1, 2, 3, 4]
    assert [value for _, _, value in filled(b'"1","2"\n' + line + b'"3","4"\n')] == ["1", "2", "3", "4"]


def test_scan_when_a_record_of_two_lines_has_a_stray_quote_then_each_line_is_malformed() -> None:
    found = scan(b'"1","a\nb"x","2"\n"3","4"\n')
    assert found.malformed.tolist() == [True, True, False]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text(alphabet="ab,é<", max_size=3), min_size=3, max_size=3), min_size=1, max_size=5), st.data()
)
def test_scan_when_one_quote_is_put_in_or_lost_then_every_other_line_is_read(
    rows: list[list[str]], data: st.DataObject
) -> None:
    lines = [written([["2", *row]], csv.QUOTE_ALL, "\n") for row in rows]
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    quotes = [at for at, byte in enumerate(line) if byte == ord('"')]
    put_in = data.draw(st.integers(0, len(line) - 1))
    lost = data.draw(st.sampled_from(quotes))
    damaged = data.draw(st.sampled_from([line[:put_in] + b'"' + line[put_in:], line[:lost] + line[lost + 1 :]]))
    content = b"".join([*lines[:number], damaged, *lines[number + 1 :]])
    found = scan(content, is_last=True)

    assert found.newlines_before.tolist() == list(range(len(lines) + 1))
    others = [record for record in range(len(lines)) if record != number]
    assert not found.malformed[others].any()
    assert [(record, column, value) for record, column, value in filled(content) if record != number] == [
        (record, column, value) for record in others for column, value in enumerate(["2", *rows[record]]) if value
    ]


def test_scan_when_a_quote_is_open_at_the_end_then_no_record_ends_after_it_unless_nothing_follows() -> None:
    content = b'a,b\n"c,d\ne,f\n'
    assert scan(content).record_starts.tolist() == [0, 4]
    last = scan(content, is_last=True)
    assert (last.record_starts.tolist(), last.malformed.tolist()) == ([0, 4, 9, 13], [False, True, False])


@pytest.mark.parametrize("content", [b"", b'"', b'""', b'"",', b'"a"', b"\r", b"a,b"])
def test_scan_when_no_record_ends_then_none_is_found(content: bytes) -> None:
    found = scan(content)
    assert (found.record_starts.tolist(), found.field_counts.tolist(), found.record.tolist()) == ([0], [], [])


def test_scan_when_fields_are_dense_and_records_short_then_room_is_made() -> None:
    found = scan(b"1\n" * 5000 + b"1,2,3\n" * 5000)
    assert len(found.field_counts) == 10_000
    assert found.record.tolist()[-3:] == [9999] * 3
    assert len(found.begin) == 20_000
