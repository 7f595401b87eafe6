"""Blocks of whole records, wherever the pieces of a file end; lines are counted as an editor counts them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from include.csv.blocks import MAX_RECORD_BYTES, Block, PhysicalLines, as_utf8, blocks, gathered, header_and_rest
from include.lake.zip_member import DamagedFile

RECORDS = [b'"1","a"\n', b'"2","b\n\nc"\r\n', b'"3",""\n']


def cut(content: bytes, size: int) -> Iterator[list[bytes]]:
    return gathered([content[at : at + size] for at in range(0, len(content), size)], size)


def told(found: list[Block]) -> list[tuple[int, str]]:
    """Return line and text of each record."""
    return [(block.line(record), block.text(record)) for block in found for record in range(block.records)]


@pytest.mark.parametrize("size", [*range(1, 30), 1000])
def test_blocks_when_pieces_end_anywhere_then_the_same_records_and_lines(size: int) -> None:
    assert told(list(blocks(cut(b"".join(RECORDS), size), "a.csv"))) == [
        (2, '"1","a"'),
        (3, '"2","b\n\nc"'),
        (6, '"3",""'),
    ]


def test_blocks_when_the_last_line_end_is_missing_then_it_is_added_and_said() -> None:
    *before, last = blocks(cut(b"".join(RECORDS)[:-1], 12), "a.csv")
    assert told([last])[-1] == (6, '"3",""')
    assert last.is_cut
    assert not any(block.is_cut for block in before)


@pytest.mark.parametrize("size", [3, 1000])
def test_blocks_when_the_file_breaks_off_within_quotes_then_error_names_the_line(size: int) -> None:
    with pytest.raises(DamagedFile, match=r"a.csv: line 6 opens a quote that is never closed.*download it again"):
        list(blocks(cut(b"".join([*RECORDS[:2], b'"3","x\n,4']), size), "a.csv"))


@pytest.mark.parametrize("size", [3, 1000])
def test_blocks_when_a_quote_is_open_at_the_last_line_end_then_its_line_alone_is_malformed(size: int) -> None:
    found = list(blocks(cut(b"".join([*RECORDS[:2], b'"3","\n4,5\n']), size), "a.csv"))
    assert told(found)[2:] == [(6, '"3","'), (7, "4,5")]
    assert [bool(malformed) for block in found for malformed in block.found.malformed] == [False, False, True, False]


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_continuation_lines_when_values_hold_line_feeds_then_these_are_counted(size: int) -> None:
    content = b"".join([*RECORDS, b'"a\nb","","c\n"\n', b'"4","x"y\n', *RECORDS])
    assert sum(block.continuation_lines for block in blocks(cut(content, size), "a.csv")) == 2 + 2 + 2


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\r\n\n", b'"a\n'])
def test_physical_lines_when_the_pieces_are_taken_then_as_an_editor_counts(content: bytes) -> None:
    lines = PhysicalLines(content[at : at + 1] for at in range(len(content)))
    assert b"".join(lines) == content
    assert lines.count == len(content.splitlines())


def test_blocks_when_a_record_is_longer_than_any_can_be_then_error_and_no_more_is_read() -> None:
    read = []

    def pieces() -> Iterator[bytes]:
        yield RECORDS[0] + b'"2","'
        for number in range(100):
            read.append(number)
            yield b"x" * (MAX_RECORD_BYTES // 4)

    with pytest.raises(DamagedFile, match="line 3 opens a quote"):
        list(blocks(([piece] for piece in pieces()), "a.csv"))
    assert len(read) < 10


def test_gathered_when_pieces_are_large_or_small_then_lists_of_the_size() -> None:
    assert list(gathered([b"abcdef", b"g", b"h", b"i"], 2)) == [[b"ab"], [b"cd"], [b"ef"], [b"g", b"h"], [b"i"]]
    assert list(gathered([], 2)) == [[]]


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_header_when_it_has_a_mark_or_returns_then_they_are_dropped(size: int, start: bytes, line_end: bytes) -> None:
    content = start + b'"NPI","a ""b"", c"' + line_end + RECORDS[0]
    pieces = iter([content[at : at + size] for at in range(0, len(content), size)])
    header, rest = header_and_rest(pieces, "a.csv")

    assert header == ["NPI", 'a "b", c']
    assert rest + b"".join(pieces) == RECORDS[0]


def test_header_when_the_file_is_empty_then_error() -> None:
    with pytest.raises(DamagedFile, match=re.escape("a.csv: the member is empty, it has not even a header.")):
        header_and_rest(iter([b""]), "a.csv")


def test_as_utf8_when_latin_1_then_its_letters_are_right() -> None:
    assert list(as_utf8(iter([b"CA\xd1ON", b"\x80"]), "latin-1")) == ["CAÑON".encode(), "\x80".encode()]
    assert list(as_utf8(iter([b"CA\xd1ON"]), "utf-8")) == [b"CA\xd1ON"]


@pytest.mark.parametrize("content", [b'"NPI","Name"\r"1","A"\r', b"NPI,Name\r1,A\r", b"NPI\rName\n1,A\n"])
def test_header_when_lines_end_as_on_old_macs_then_error_says_so(content: bytes) -> None:
    with pytest.raises(DamagedFile, match=r"a.csv: line 1 holds a carriage return: .*old Macs.*get the file again"):
        header_and_rest(iter([content]), "a.csv")


@pytest.mark.parametrize("header", [b'"NPI","Na"me"\n', b'"NPI","Name\n'])
def test_header_when_a_quote_is_stray_then_error_says_so(header: bytes) -> None:
    with pytest.raises(DamagedFile, match=r"a.csv: line 1 is no header of RFC 4180 \(.*Download the file again"):
        header_and_rest(iter([header]), "a.csv")
