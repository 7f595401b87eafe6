"""The fields of a CSV block by RFC 4180: where each record begins, and where each field that holds something is.

A register is mostly empty fields (of NPPES's 330 columns some 35 a row are filled), so empty ones are stepped over and
not kept. numba compiles the loop to machine code, which lets other threads run; docs/conversion.md compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

QUOTE, COMMA, NEWLINE, RETURN = b'",\n\r'
WORD_BYTES = 8
EMPTY_FIELDS = np.frombuffer(b'"",' * 8, "<u8")

type Integers = npt.NDArray[np.int32]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scan:
    """What the whole records at the beginning of some bytes hold. Positions are offsets into the bytes.

    :param record_starts: one a record, and the end of the last.
    :param newlines_before: line feeds before each record, also those inside quotes, and before the end of the last.
    :param field_counts: fields of each record; 0 of a malformed one.
    :param malformed: of each record, whether a quote or a carriage return stands where RFC 4180 allows none.
    :param beyond_ascii: of each record, whether one of its values holds a byte that is not ASCII.
    :param record, column: of each filled field, in order, which field of which record it is.
    :param begin, end: of each filled field, where its content is, without the quotes around it.
    :param escaped: of each filled field, whether it holds doubled quotes.
    """

    record_starts: Integers
    newlines_before: Integers
    field_counts: Integers
    malformed: Flags
    beyond_ascii: Flags
    record: Integers
    column: Integers
    begin: Integers
    end: Integers
    escaped: Flags


def scan(content: bytes, is_last: bool = False) -> Scan:
    """Return the fields of the records that end in the content, which begins with a record.

    A record ends at a line feed, with or without a carriage return before it, that is in no quotes. A malformed one is
    its first physical line only: a stray quote opens a value that runs through the lines below, until a quote stands
    where none may be. Those lines are records of their own. The content has less than 2 GB.

    :param is_last: no bytes follow, so a quote that is open at the end is malformed, too. The content ends with a line feed.
    """
    data = np.frombuffer(content, np.uint8)
    records, fields = len(content) // 256 + 16, len(content) // 16 + 16
    while True:
        starts, lines, counts = (np.empty(records + 1, np.int32) for _ in range(3))
        record, column, begin, end = (np.empty(fields, np.int32) for _ in range(4))
        malformed, beyond_ascii = (np.empty(records + 1, np.bool_) for _ in range(2))
        escaped = np.empty(fields, np.bool_)
        of_records = (starts, lines, counts, malformed, beyond_ascii)
        found, filled = _find(data, is_last, *of_records, record, column, begin, end, escaped)
        if found <= records and filled <= fields:
            break
        records, fields = max(records, found), max(fields, filled)
    return Scan(
        record_starts=starts[: found + 1],
        newlines_before=lines[: found + 1],
        field_counts=counts[:found],
        malformed=malformed[:found],
        beyond_ascii=beyond_ascii[:found],
        record=record[:filled],
        column=column[:filled],
        begin=begin[:filled],
        end=end[:filled],
        escaped=escaped[:filled],
    )


@njit(nogil=True, cache=True)
def _byte(data: npt.NDArray[np.uint8], at: int) -> int:
    """Return a byte. An unsigned index never counts from the end; not to look for that makes the scan 1.6 times as fast."""
    byte: int = data[np.uint64(at)]
    return byte


@njit(nogil=True, cache=True)
def word(data: npt.NDArray[np.uint8], at: int) -> np.uint64:
    """Return eight bytes as one number, the first the lowest: compiled, this is a single load."""
    number = np.uint64(0)
    for place in range(WORD_BYTES):
        number |= np.uint64(_byte(data, at + place)) << np.uint64(8 * place)
    return number


@njit(nogil=True, cache=True)
def set_word(data: npt.NDArray[np.uint8], at: int, number: np.uint64) -> None:
    """Write what `word` returns."""
    for place in range(WORD_BYTES):
        data[np.uint64(at + place)] = np.uint8(number >> np.uint64(8 * place))


@njit(nogil=True, cache=True)
def _are_eight_empty_fields(data: npt.NDArray[np.uint8], at: int) -> bool:
    return (
        at + 3 * WORD_BYTES <= len(data)
        and word(data, at) == EMPTY_FIELDS[0]
        and word(data, at + WORD_BYTES) == EMPTY_FIELDS[1]
        and word(data, at + 2 * WORD_BYTES) == EMPTY_FIELDS[2]
    )


@njit(nogil=True, cache=True)
def _is_empty_field(data: npt.NDArray[np.uint8], at: int) -> bool:
    return (
        at + 2 < len(data)
        and _byte(data, at) == QUOTE
        and _byte(data, at + 1) == QUOTE
        and _byte(data, at + 2) == COMMA
    )


@njit(nogil=True, cache=True)
def _ends_unquoted(byte: int) -> bool:
    return byte in (COMMA, NEWLINE, QUOTE, RETURN)


@njit(nogil=True, cache=True)
def _line_end(data: npt.NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return where the physical line ends that begins at a place, and the bits of its bytes."""
    seen = 0
    while at < len(data) and _byte(data, at) != NEWLINE:
        seen |= _byte(data, at)
        at += 1
    return at, seen


@njit(nogil=True, cache=True)
def _find(
    data: npt.NDArray[np.uint8],
    is_last: bool,
    starts: Integers,
    lines: Integers,
    counts: Integers,
    malformed: Flags,
    beyond_ascii: Flags,
    record: Integers,
    column: Integers,
    begin: Integers,
    end: Integers,
    escaped: Flags,
) -> tuple[int, int]:
    """Fill the arrays as Scan describes them, as far as they reach.

    Returns how many whole records there are, and how many filled fields these have.
    """
    size, at = len(data), 0
    records, fields, whole_fields = 0, 0, 0
    line, number, seen = 0, 0, 0
    start, start_line = 0, 0
    starts[0] = 0
    lines[0] = 0
    while at < size:
        # Most fields are empty: two quotes and a comma.
        while _are_eight_empty_fields(data, at):
            at += 24
            number += 8
        while _is_empty_field(data, at):
            at += 3
            number += 1
        if at == size:
            break
        first, is_doubled = at, False
        if _byte(data, at) == QUOTE:
            at += 1
            first = at
            while True:
                while at < size and _byte(data, at) != QUOTE:
                    line += _byte(data, at) == NEWLINE
                    seen |= _byte(data, at)
                    at += 1
                if at + 1 >= size or _byte(data, at + 1) != QUOTE:
                    break
                is_doubled = True
                at += 2
            last = at
            at += 1
        else:
            while at < size and not _ends_unquoted(_byte(data, at)):
                seen |= _byte(data, at)
                at += 1
            last = at
        if at < size and _byte(data, at) == RETURN and (at + 1 == size or _byte(data, at + 1) == NEWLINE):
            at += 1
        wrong = (_byte(data, at) != COMMA and _byte(data, at) != NEWLINE) if at < size else is_last
        if wrong:
            at, seen = _line_end(data, start)
            line, fields, number, last = start_line, whole_fields, -1, first
        if at >= size:
            break
        if last > first:
            if fields < len(record):
                record[fields], column[fields], escaped[fields] = records, number, is_doubled
                begin[fields], end[fields] = first, last
            fields += 1
        number += 1
        if _byte(data, at) == NEWLINE:
            line += 1
            if records < len(counts) - 1:
                counts[records], malformed[records], beyond_ascii[records] = number, wrong, seen >= 0x80
                starts[records + 1], lines[records + 1] = at + 1, line
            records += 1
            whole_fields, number, seen = fields, 0, 0
            start, start_line = at + 1, line
        at += 1
    return records, whole_fields
