"""A CSV member of a zip as Parquet: inflated, parsed and written block by block, nothing extracted to disk.

Memory is bounded by the block and the row group, whatever the size of the file (CMS's monthly one has over 9 million
rows). Three threads share the work: one inflates and finds the fields, one fills columns and checks them, one writes Parquet.
They run at once, because each is nearly always inside compiled code. docs/conversion.md has the measurements.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import chain
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from include.csv.blocks import Block, PhysicalLines, as_utf8, blocks, gathered, header_and_rest
from include.csv.layout import Layout
from include.csv.rows import Rejected, Rows
from include.lake.zip_member import DamagedFile, open_member
from include.quality.refusals import check_refused

BLOCK_BYTES = 16 * 1024**2
ROWS_PER_GROUP = 100_000
ROWS_PER_PART = 500_000
QUEUED_BLOCKS = 8
PROGRESS_SECONDS = 10.0
HEADER_LINES = 1


@dataclass
class Converted:
    """What a conversion read and wrote; `rows_in` always equals `rows` plus `rejected`.

    :param rows_in: the file's physical lines, counted before they are parsed, without the header and continuation lines.
    :param continuation_lines: those that begin within a value, because a line feed stands in it.
    """

    member: str
    note: str = ""
    rows_in: int = 0
    continuation_lines: int = 0
    rows: int = 0
    rejected: int = 0
    rejected_by_rule: Counter[str] = field(default_factory=Counter)
    first_rejected: str = ""
    parts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """How far a conversion is. `bytes` of `total_bytes` are of the member, inflated."""

    bytes: int
    total_bytes: int
    rows: int
    seconds: float

    def __str__(self) -> str:
        speed = self.bytes / self.seconds if self.seconds else 0.0
        left = f"{(self.total_bytes - self.bytes) / speed:.0f} s left" if speed else "time left unknown"
        share = f"{self.bytes / 1e6:,.0f} of {self.total_bytes / 1e6:,.0f} MB"
        return f"{share}, {self.rows:,} records, {speed / 1e6:.0f} MB/s, {left}"


@dataclass(frozen=True)
class _Written:
    bytes: int
    records: int
    continuation_lines: int
    rejected: list[Rejected]


def convert(
    source: IO[bytes],
    *,
    source_name: str,
    source_object: str,
    file_date: date,
    member: Callable[[Sequence[str]], str],
    layout: Layout,
    open_part: Callable[[str], AbstractContextManager[IO[bytes]]],
    rejects: IO[bytes],
    progress: Callable[[Progress], None] = lambda _: None,
    block_bytes: int = BLOCK_BYTES,
    rows_per_part: int = ROWS_PER_PART,
) -> Converted:
    """Write a member of a zip as Parquet parts, and the records that break a rule as JSON lines.

    :param source: the zip, seekable; read in pieces.
    :param source_name: goes into each row as `source`, e.g. `nppes_weekly`.
    :param source_object: where the zip is archived, as `gs://bucket/object`; with `#member` it goes into each row.
    :param file_date: the partition that the rows belong to.
    :param member: returns which of the zip's members to read, or raises.
    :param open_part: opens a part (`part-00000.parquet`, …) for writing, in another thread; one is open at a time.
    :param rejects: gets one JSON object a line, the fields of Rejected, by line.
    :param progress: told every PROGRESS_SECONDS, and at the end.

    An empty value becomes NULL; masks such as `<UNAVAIL>` stay. Rows keep the order of the file, and the same file gives
    the same parts. A file with only a header gives one part of no rows. Raises DamagedFile, or what `member` and the
    layout's `positions` raise, when nothing of the file may be loaded.
    """
    with open_member(source, source_object, member) as opened:
        where = f"{source_object}#{opened.name}"
        lines = PhysicalLines(opened.pieces)
        pieces = as_utf8(iter(lines), layout.encoding)
        header, rest = header_and_rest(pieces, where)
        positions = layout.positions(header, where)
        result = Converted(opened.name, _note(layout, header, positions))
        rows = Rows(layout, _targets(header, positions), source_name, where, file_date)
        begun = told = time.monotonic()
        done_bytes = records = 0
        with _Parts(layout.schema, open_part, rows_per_part) as parts:
            groups = gathered(chain([rest], pieces), block_bytes)
            for written in _written(groups, rows, parts):
                for item in written.rejected:
                    rejects.write(json.dumps(asdict(item), ensure_ascii=False).encode("utf-8") + b"\n")
                    result.first_rejected = result.first_rejected or item.place
                records += written.records
                result.continuation_lines += written.continuation_lines
                result.rejected += len(written.rejected)
                result.rejected_by_rule.update(item.rule for item in written.rejected)
                done_bytes += written.bytes
                if time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    progress(Progress(done_bytes, opened.size, records, told - begun))
        progress(Progress(opened.size, opened.size, records, time.monotonic() - begun))
    result.rows_in = lines.count - HEADER_LINES - result.continuation_lines
    result.rows, result.parts = parts.rows, parts.names
    _check_balance(result, where)
    return result


def _targets(header: Sequence[str], positions: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the column that each field of a record goes to."""
    columns = {position: column for column, position in enumerate(positions) if position is not None}
    return tuple(columns.get(position) for position in range(len(header)))


def _note(layout: Layout, header: Sequence[str], positions: Sequence[int | None]) -> str:
    """Return how a header that is not the layout's own was read; empty for its own."""
    if tuple(header) == layout.columns:
        return ""
    placed = list(zip(layout.columns, positions, strict=True))
    read_as = [f"{header[at]!r} as {name!r}" for name, at in placed if at is not None and header[at] != name]
    absent = [repr(name) for name, at in placed if at is None]
    return f"another header than today's; read: {', '.join(read_as) or 'by name'}; NULL: {', '.join(absent) or 'none'}"


def _written(groups: Iterator[list[bytes]], rows: Rows, parts: _Parts) -> Iterator[_Written]:
    """Yield what became of each block, in their order.

    While this thread makes rows of a block, a second one inflates and scans the next, and a third writes those before;
    at most QUEUED_BLOCKS wait for that, about as many as are made while a row group is written.
    """
    pending: deque[Future[_Written]] = deque()
    with ThreadPoolExecutor(1, "scan") as scanning, ThreadPoolExecutor(1, "write") as writing:
        for block in _ahead(blocks(groups, rows.where), scanning):
            table, rejected = rows.of(block)
            written = _Written(block.size, block.records, block.continuation_lines, rejected)
            pending.append(writing.submit(parts.add, table, written))
            if len(pending) > QUEUED_BLOCKS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _ahead(source: Iterator[Block], thread: ThreadPoolExecutor) -> Iterator[Block]:
    """Yield the blocks, the next one always being made in the thread meanwhile."""
    coming = thread.submit(next, source, None)
    while (block := coming.result()) is not None:
        coming = thread.submit(next, source, None)
        yield block


class _Parts:
    """The Parquet parts of one conversion: one after the other, each of `rows_per_part` rows or a few more.

    Use it in a `with`: at the end the last part is closed; on an error it is left as the error finds it.
    """

    def __init__(
        self, schema: pa.Schema, open_part: Callable[[str], AbstractContextManager[IO[bytes]]], rows_per_part: int
    ) -> None:
        self.names: list[str] = []
        self.rows = 0
        self._schema = schema
        self._open_part = open_part
        self._rows_per_part = rows_per_part
        self._rows_in_part = 0
        self._group: list[pa.Table] = []
        self._rows_in_group = 0
        self._part = ExitStack()
        self._writer: parquet.ParquetWriter | None = None

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            self._write_group()
        self._part.__exit__(*error)

    def add(self, table: pa.Table, written: _Written) -> _Written:
        """Write the table, or keep it until there is enough for a row group; return `written`."""
        self._group.append(table)
        self._rows_in_group += table.num_rows
        if self._rows_in_group >= min(ROWS_PER_GROUP, self._rows_per_part):
            self._write_group()
        if self._rows_in_part >= self._rows_per_part:
            self._part.close()
            self._writer, self._rows_in_part = None, 0
        return written

    def _write_group(self) -> None:
        """Write what has come since the last row group; make a part if there is none, even for no rows."""
        if not self._rows_in_group and self.names:
            return
        table = pa.concat_tables([self._schema.empty_table(), *self._group])
        if self._writer is None:
            self.names.append(f"part-{len(self.names):05d}.parquet")
            sink = self._part.enter_context(self._open_part(self.names[-1]))
            # A column is nearly empty or full of different values: dictionaries and statistics cost more than they give.
            self._writer = self._part.enter_context(
                parquet.ParquetWriter(
                    sink,
                    self._schema,
                    compression="zstd",
                    use_dictionary=False,
                    write_statistics=False,
                    max_rows_per_page=ROWS_PER_PART,
                )
            )
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.rows += table.num_rows
        self._rows_in_part += table.num_rows
        self._group, self._rows_in_group = [], 0


def _check_balance(result: Converted, where: str) -> None:
    if result.rows_in != result.rows + result.rejected:
        raise DamagedFile(
            f"{where}: {result.rows_in} lines in, without the header and {result.continuation_lines} that begin within a "
            f"value, {result.rows} rows out and {result.rejected} rejected do not balance: this is an error in "
            "include/csv/parquet.py."
        )
    check_refused(where, result.rows_in, result.rejected_by_rule, result.first_rejected)
