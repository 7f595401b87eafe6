"""A CSV cut into blocks of whole records, with the fields of each."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from include.csv.scan import NEWLINE, Scan, scan
from include.lake.zip_member import DamagedFile

MAX_RECORD_BYTES = 1024**2
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some records of a file: those that `found` tells of are whole; the block's bytes may go on after them.

    :param first_line: the physical line of the file on which the first record starts.
    :param is_cut: the file ends with this block and without a line end, which is added here.
    """

    content: bytes
    found: Scan
    first_line: int
    is_cut: bool = False

    @property
    def size(self) -> int:
        """How many bytes the records have."""
        return int(self.found.record_starts[-1])

    @property
    def records(self) -> int:
        return len(self.found.field_counts)

    @property
    def continuation_lines(self) -> int:
        """How many of its physical lines begin within a value. Counted in the values, not taken from the line numbers."""
        spans = np.diff(self.found.newlines_before)
        several = np.flatnonzero(spans > 1)
        firsts = np.searchsorted(self.found.record, several)
        lasts = np.searchsorted(self.found.record, several, side="right") - 1
        values = zip(self.found.begin[firsts].tolist(), self.found.end[lasts].tolist(), strict=True)
        return sum(self.content.count(b"\n", begin, end) for begin, end in values)

    def line(self, record: int) -> int:
        """Return the physical line on which a record starts."""
        return self.first_line + int(self.found.newlines_before[record])

    def bytes_of(self, record: int) -> bytes:
        """Return a record with its line end."""
        return self.content[self.found.record_starts[record] : self.found.record_starts[record + 1]]

    def text(self, record: int) -> str:
        """Return a record without its line end, for people to read."""
        return self.bytes_of(record).decode("utf-8", "replace").rstrip("\r\n")


class PhysicalLines:
    """Pieces of a file, and how many lines an editor would show, counted in the bytes before anything parses them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._ends = 0
        self._is_open = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            # Twice as fast as piece.count, and other threads run meanwhile.
            self._ends += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == NEWLINE))
            self._is_open = not piece.endswith(b"\n")
            yield piece

    @property
    def count(self) -> int:
        """Those of the pieces that were taken; a last line without an end is one."""
        return self._ends + self._is_open


def as_utf8(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Return the pieces in UTF-8. The encoding is UTF-8, which is left as it is, right or wrong, or Latin-1."""
    return pieces if encoding == "utf-8" else (piece.decode(encoding).encode("utf-8") for piece in pieces)


def header_and_rest(pieces: Iterator[bytes], where: str) -> tuple[list[str], bytes]:
    """Take the header's line from the pieces of a file; return its names, and what was taken beyond it.

    A byte order mark is dropped. Raises DamagedFile for a file without a byte, or whose first line is no line of a CSV.
    """
    start = b""
    while b"\n" not in start and len(start) < MAX_RECORD_BYTES and (piece := next(pieces, b"")):
        start += piece
    if not start:
        raise DamagedFile(f"{where}: the member is empty, it has not even a header. Download the file again.")
    line, _, rest = start.removeprefix(BYTE_ORDER_MARK).partition(b"\n")
    if b"\r" in line.rstrip(b"\r"):
        raise DamagedFile(
            f"{where}: line 1 holds a carriage return: lines end as on old Macs, or every line end was rewritten. Lines must "
            "end with a line feed: get the file again, unopened."
        )
    try:
        return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")], strict=True), []), rest
    except csv.Error as error:
        raise DamagedFile(f"{where}: line 1 is no header of RFC 4180 ({error}). Download the file again.") from None


def gathered(pieces: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield the pieces in lists of `size` bytes or a little more; the last list may have less, and be empty."""
    group: list[bytes] = []
    for piece in pieces:
        for at in range(0, len(piece), size):
            group.append(piece[at : at + size])
            if sum(map(len, group)) >= size:
                yield group
                group = []
    yield group


def blocks(groups: Iterable[list[bytes]], where: str) -> Iterator[Block]:
    """Yield what follows the header as blocks, one for each group of pieces that ends a record.

    Raises DamagedFile, with the line, when a quote is open where the file breaks off, or over more than any record has.
    """
    line, rest = 2, b""
    for group in groups:
        content = b"".join([rest, *group])
        block = Block(content, scan(content), line)
        rest = content[block.size :]
        line += int(block.found.newlines_before[-1])
        if len(rest) > MAX_RECORD_BYTES:
            raise _open_quote(rest, line, where)
        if block.size:
            yield block
    if rest:
        is_cut = not rest.endswith(b"\n")
        content = rest + b"\n" if is_cut else rest
        block = Block(content, scan(content, is_last=not is_cut), line, is_cut)
        if block.size < len(content):
            raise _open_quote(content[block.size :], line + int(block.found.newlines_before[-1]), where)
        yield block


def _open_quote(content: bytes, first_line: int, where: str) -> DamagedFile:
    odd = next((at for at, text in enumerate(content.split(b"\n")) if text.count(b'"') % 2), 0)
    return DamagedFile(
        f"{where}: line {first_line + odd} opens a quote that is never closed. The file is cut or damaged: "
        "download it again."
    )
