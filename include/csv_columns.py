"""Arrow columns from the fields that a scan found: all columns of a block at once, empty fields as NULL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.csv_scan import Integers, Scan


def string_columns(
    block: bytes, found: Scan, good: npt.NDArray[np.bool_], targets: Sequence[int | None], width: int
) -> list[pa.Array]:
    """Return `width` columns of strings with a row for each good record.

    :param good: of each record, whether it becomes a row. A good record has exactly `len(targets)` fields.
    :param targets: of each field of a record, the column that it goes to; None: to none.

    A column that no field goes to, and an empty field, is NULL; doubled quotes are undone. Bytes are taken as they are:
    the caller knows that they are UTF-8.
    """
    row, column, field = _places(found, good, targets)
    order = np.argsort(column, kind="stable")
    row, column, field = row[order], column[order], field[order]
    rows = int(np.count_nonzero(good))
    data, offsets = _contents(block, found, field)
    # Column by column: a run of equal offsets over the rows before each value, and one offset more at the end.
    column_starts = np.searchsorted(column, np.arange(width + 1))
    at = column.astype(np.int64) * (rows + 1) + row
    ends = np.concatenate((at, [width * (rows + 1) - 1]))
    full = np.repeat(offsets, np.diff(ends, prepend=-1))
    is_set = np.zeros((width, -(-rows // 8) * 8), np.bool_)
    is_set[column, row] = True
    valid = np.packbits(is_set, axis=1, bitorder="little")
    has_escapes = set(column[np.isin(field, found.escaped)].tolist()) if len(found.escaped) else set()
    columns = []
    for number in range(width):
        values = pa.Array.from_buffers(
            pa.string(),
            rows,
            [
                pa.py_buffer(valid[number]),
                pa.py_buffer(full[number * (rows + 1) : (number + 1) * (rows + 1)]),
                data,
            ],
            null_count=rows - int(column_starts[number + 1] - column_starts[number]),
        )
        columns.append(pc.replace_substring(values, '""', '"') if number in has_escapes else values)
    return columns


def _places(
    found: Scan, good: npt.NDArray[np.bool_], targets: Sequence[int | None]
) -> tuple[Integers, npt.NDArray[np.uint16], Integers]:
    """Return row and column of each filled field that is wanted, and which of the scan's fields it is."""
    field = np.arange(len(found.field))
    if good.all():
        row, source = np.divmod(found.field, len(targets))
    else:
        fields_before = np.concatenate(([0], np.cumsum(found.field_counts)))
        record = np.searchsorted(fields_before, found.field, side="right") - 1
        wanted = good[record]
        field, record = field[wanted], record[wanted]
        row = (np.cumsum(good) - 1)[record]
        source = found.field[wanted] - fields_before[record]
    column = np.array([-1 if target is None else target for target in targets])[source]
    if None in targets:
        wanted = column >= 0
        row, column, field = row[wanted], column[wanted], field[wanted]
    return row, column.astype(np.uint16), field


def _contents(block: bytes, found: Scan, field: Integers) -> tuple[pa.Buffer, npt.NDArray[np.int32]]:
    """Return the bytes of these fields one after the other, and where each begins; the end of the last follows."""
    if not len(field):
        return pa.py_buffer(b""), np.zeros(1, np.int32)
    # The block as an array of pieces: a field's content, what stands between it and the next, the next content, ….
    bounds = np.empty(2 * len(found.begin), np.int32)
    bounds[::2], bounds[1::2] = found.begin, found.end
    pieces = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(block)])
    taken = pieces.take(pa.array(2 * field))
    return taken.buffers()[2], np.frombuffer(taken.buffers()[1], np.int32, len(field) + 1)
