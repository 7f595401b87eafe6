"""Arrow columns from the fields that a scan found: all columns of a block at once, empty fields as NULL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from include.csv.scan import QUOTE, WORD_BYTES, Flags, Integers, Scan, set_word, word

type Bytes = npt.NDArray[np.uint8]


def string_columns(
    content: bytes, found: Scan, good: Flags, targets: Sequence[int | None], width: int
) -> list[pa.Array]:
    """Return `width` columns of strings with a row for each good record.

    :param good: of each record, whether it becomes a row. A good record has at most `len(targets)` fields.
    :param targets: of each field of a record, the column that it goes to; None: to none.

    A column that no field goes to, and an empty field, is NULL; doubled quotes are undone. Bytes are taken as they are:
    the caller knows that they are UTF-8.
    """
    rows = int(np.count_nonzero(good))
    row_of = np.where(good, np.cumsum(good) - 1, -1).astype(np.int32)
    target_of = np.array([-1 if target is None else target for target in targets], np.int32)
    values, sizes = np.zeros(width, np.int32), np.zeros(width, np.int32)
    _measure(found.record, found.column, found.begin, found.end, row_of, target_of, values, sizes)
    filled = np.flatnonzero(values)
    place_of = np.full(width, -1, np.int32)
    place_of[filled] = np.arange(len(filled))
    # One buffer for the offsets of all columns that have a value, one for their bytes.
    offsets = np.empty((len(filled), rows + 1), np.int32)
    ends = np.cumsum(sizes[filled] + WORD_BYTES).astype(np.int32)
    data = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    _fill(
        np.frombuffer(content, np.uint8),
        found.record,
        found.column,
        found.begin,
        found.end,
        found.escaped,
        row_of,
        np.where(target_of < 0, -1, place_of[target_of]),
        ends - sizes[filled] - WORD_BYTES,
        offsets,
        data,
    )
    valid = np.packbits(offsets[:, 1:] != offsets[:, :-1], axis=1, bitorder="little")
    columns = [pa.nulls(rows, pa.string())] * width
    shared = pa.py_buffer(data)
    for place, number in enumerate(filled.tolist()):
        buffers = [pa.py_buffer(valid[place]), pa.py_buffer(offsets[place]), shared]
        columns[number] = pa.Array.from_buffers(pa.string(), rows, buffers, null_count=rows - int(values[number]))
    return columns


@njit(nogil=True, cache=True)
def _measure(
    record: Integers,
    column: Integers,
    begin: Integers,
    end: Integers,
    row_of: Integers,
    target_of: Integers,
    values: Integers,
    sizes: Integers,
) -> None:
    """Count the values of each column, and their bytes; doubled quotes count as two."""
    for field in range(len(record)):
        target = target_of[np.uint64(column[field])]
        if row_of[np.uint64(record[field])] >= 0 and target >= 0:
            values[target] += 1
            sizes[target] += end[field] - begin[field]


@njit(nogil=True, cache=True)
def _fill(
    content: Bytes,
    record: Integers,
    column: Integers,
    begin: Integers,
    end: Integers,
    escaped: Flags,
    row_of: Integers,
    place_of: Integers,
    heads: Integers,
    offsets: npt.NDArray[np.int32],
    data: Bytes,
) -> None:
    """Copy the values to where their column has its bytes, from `heads` on, and write the offsets."""
    next_row = np.zeros(len(offsets), np.int32)
    for field in range(len(record)):
        row, place = row_of[np.uint64(record[field])], place_of[np.uint64(column[field])]
        if row < 0 or place < 0:
            continue
        head = heads[place]
        for empty in range(next_row[place], row + 1):
            offsets[place, empty] = head
        next_row[place] = row + 1
        first, last = begin[field], end[field]
        if escaped[field]:
            while first < last:
                data[head] = content[first]
                head += 1
                first += 2 if content[first] == QUOTE else 1
        elif last + WORD_BYTES <= len(content):
            # In words, which may write up to WORD_BYTES - 1 bytes behind the value: the column's next overwrites them.
            for done in range(0, last - first, WORD_BYTES):
                set_word(data, head + done, word(content, first + done))
            head += last - first
        else:
            for at in range(first, last):
                data[head] = content[at]
                head += 1
        heads[place] = head
    for place in range(len(offsets)):
        for empty in range(next_row[place], offsets.shape[1]):
            offsets[place, empty] = heads[place]
