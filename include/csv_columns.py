"""Arrow columns from the fields that a scan found: all columns of a block at once, empty fields as NULL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from include.csv_scan import QUOTE, Flags, Integers, Scan

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
    fields = (found.record, found.column, found.begin, found.end)
    values, sizes = np.zeros(width, np.int32), np.zeros(width, np.int32)
    _measure(*fields, row_of, target_of, values, sizes)
    filled = np.flatnonzero(values)
    place_of = np.full(width, -1, np.int32)
    place_of[filled] = np.arange(len(filled))
    # One buffer for the offsets of all columns that have a value, one for their validity, one for their bytes.
    offsets = np.empty((len(filled), rows + 1), np.int32)
    valid = np.zeros((len(filled), (rows + 7) // 8), np.uint8)
    data = np.empty(int(sizes.sum()), np.uint8)
    heads = np.concatenate(([0], np.cumsum(sizes[filled])[:-1])).astype(np.int32) if len(filled) else sizes[:0]
    _fill(
        np.frombuffer(content, np.uint8),
        *fields,
        found.escaped,
        row_of,
        target_of,
        place_of,
        heads,
        offsets,
        valid,
        data,
    )
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
        if row_of[record[field]] >= 0 and target_of[column[field]] >= 0:
            values[target_of[column[field]]] += 1
            sizes[target_of[column[field]]] += end[field] - begin[field]


@njit(nogil=True, cache=True)
def _fill(
    content: Bytes,
    record: Integers,
    column: Integers,
    begin: Integers,
    end: Integers,
    escaped: Flags,
    row_of: Integers,
    target_of: Integers,
    place_of: Integers,
    heads: Integers,
    offsets: npt.NDArray[np.int32],
    valid: npt.NDArray[np.uint8],
    data: Bytes,
) -> None:
    """Copy the values to where their column has its bytes, from `heads` on, and write offsets and validity."""
    next_row = np.zeros(len(offsets), np.int32)
    for field in range(len(record)):
        row = row_of[record[field]]
        if row < 0 or target_of[column[field]] < 0:
            continue
        place = place_of[target_of[column[field]]]
        head = heads[place]
        for empty in range(next_row[place], row + 1):
            offsets[place, empty] = head
        next_row[place] = row + 1
        valid[place, row >> 3] |= np.uint8(1 << (row & 7))
        if escaped[field]:
            at = begin[field]
            while at < end[field]:
                data[head] = content[at]
                head += 1
                at += 2 if content[at] == QUOTE else 1
        else:
            for at in range(begin[field], end[field]):
                data[head] = content[at]
                head += 1
        heads[place] = head
    for place in range(len(offsets)):
        for empty in range(next_row[place], offsets.shape[1]):
            offsets[place, empty] = heads[place]
