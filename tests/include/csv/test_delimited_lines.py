"""Records as csv.reader finds them; a stray quote costs its own line, and lines are counted in the bytes."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.boards.sources import Delimited
from include.csv.delimited_lines import MAX_LINE_BYTES, Record, physical_lines, records
from include.lake.zip_member import DamagedFile

QUOTED, PLAIN = Delimited(",", quotes=True, encoding="utf-8"), Delimited("|", quotes=False, encoding="utf-8")
ROWS = st.lists(st.lists(st.text(alphabet='ab",\né', max_size=4), min_size=2, max_size=3), min_size=1, max_size=5)


def read(content: bytes, form: Delimited = QUOTED) -> list[Record]:
    return list(records(io.BytesIO(content), form, "f"))


def told(content: bytes, form: Delimited = QUOTED) -> list[tuple[int, list[str] | str | None]]:
    return [(record.line, record.fault or record.fields) for record in read(content, form)]


def written(row: list[str], line_end: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerow(row)
    return text.getvalue().encode()


@settings(deadline=None)
@given(ROWS, st.sampled_from(["\n", "\r\n"]))
def test_records_when_written_by_csv_then_the_same_fields_and_every_line_is_counted(
    rows: list[list[str]], line_end: str
) -> None:
    content = b"".join(written(row, line_end) for row in rows)
    found = read(content)
    assert [record.fields for record in found] == rows
    assert [record.line for record in found] == [
        1 + sum(1 + "".join(row).count("\n") for row in rows[:number]) for number in range(len(rows))
    ]
    assert physical_lines(io.BytesIO(content)) == sum(1 + "".join(row).count("\n") for row in rows)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text(alphabet="ab,é", max_size=3), min_size=3, max_size=3), min_size=1, max_size=5), st.data()
)
def test_records_when_one_quote_is_put_in_or_lost_then_every_other_line_is_read(
    rows: list[list[str]], data: st.DataObject
) -> None:
    lines = [written(["2", *row]) for row in rows]
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    at = data.draw(st.integers(0, len(line) - 1))
    lost = data.draw(st.sampled_from([at for at, byte in enumerate(line) if byte == ord('"')]))
    damaged = data.draw(st.sampled_from([line[:at] + b'"' + line[at:], line[:lost] + line[lost + 1 :]]))
    found = read(b"".join([*lines[:number], damaged, *lines[number + 1 :]]))

    assert [record.line for record in found] == list(range(1, len(lines) + 1))
    assert [record.fields for record in found if record.line != number + 1] == [
        ["2", *row] for other, row in enumerate(rows) if other != number
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'1,"a"b\n2,c\n', [(1, "',' expected after '\"'"), (2, ["2", "c"])]),
        (b'1,a"b\n2,c\n', [(1, "a quote in a value that is not in quotes"), (2, ["2", "c"])]),
        (b'1,"a\n2,c\n', [(1, "unexpected end of data"), (2, ["2", "c"])]),
        (b'1,"a\nb"x,c\n2,c\n', [(1, "',' expected after '\"'"), (2, "a quote in a value that is not in quotes"), (3, ["2", "c"])]),
        (b'1,"a\n\nb"\n\r\n2,c', [(1, ["1", "a\n\nb"]), (4, []), (5, ["2", "c"])]),
        (b'\xef\xbb\xbf"1",c\n', [(1, ["1", "c"])]),
        (b"1,\xe9\n2,c\n", [(1, None), (2, ["2", "c"])]),
    ],
)  # fmt: skip
def test_records_when_lines_are_odd_then_each_is_told_of(
    content: bytes, expected: list[tuple[int, list[str] | str | None]]
) -> None:
    assert told(content) == expected


def test_records_when_quotes_have_no_meaning_then_they_are_characters() -> None:
    assert told(b'1|"a|\n2|b\n', PLAIN) == [(1, ["1", '"a', ""]), (2, ["2", "b"])]


def test_records_when_the_file_breaks_off_within_quotes_then_damaged() -> None:
    with pytest.raises(DamagedFile, match="f: line 2 opens a quote that is never closed: the download was cut"):
        read(b'1,a\n2,"b\nc')


def test_records_when_no_line_ends_then_damaged_and_the_reason_told() -> None:
    with pytest.raises(DamagedFile, match="f: line 2 has more than .* bytes without a line feed: .* old Macs"):
        read(b"1,a\n" + b"2,b\r" * (MAX_LINE_BYTES // 4), PLAIN)


@pytest.mark.parametrize("content", [b"", b"\n", b"a", b"a\nb", b"a\r\n\n", b"\n\n\n", b"a\n" * 600_000])
def test_physical_lines_when_counted_then_as_an_editor_does_and_the_file_is_at_its_start(content: bytes) -> None:
    source = io.BytesIO(content)
    source.read()
    assert physical_lines(source) == len(content.splitlines())
    assert source.read() == content
