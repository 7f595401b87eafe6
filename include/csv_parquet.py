"""A CSV member of a zip as Parquet: inflated, parsed and written block by block, nothing extracted to disk.

Memory is bounded by the block size, whatever the size of the file (CMS's monthly one has over 9 million rows). Blocks
are worked on by two threads at once, each of which writes parts of its own. docs/conversion.md says what it measures.
"""

from __future__ import annotations

import csv
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from include.csv_columns import string_columns
from include.csv_scan import Scan, scan
from include.zip_member import DamagedFile, OpenMember, open_member

BLOCK_BYTES = 32 * 1024**2
MAX_RECORD_BYTES = 1024**2
ROWS_PER_PART = 500_000
LANES = 2
MAX_REJECTED_SHARE = 0.01
ALWAYS_TOLERATED = 10
PROGRESS_SECONDS = 10.0


@dataclass(frozen=True)
class Rule:
    """What every row must keep to; a row that does not is refused.

    :param name: as in `rejected.jsonl` and clean.rejected_row.
    :param column: BigQuery name of the column that `broken` looks at and whose value is shown.
    :param reason: why the row cannot be believed and what to do, for people.
    :param broken: returns of each value of that column whether it breaks the rule; the table has all the columns.
    """

    name: str
    column: str
    reason: str
    broken: Callable[[pa.Table], pa.Array]


@dataclass(frozen=True)
class Layout:
    """What one kind of CSV holds and which of its rows can be believed.

    :param name: for messages, e.g. `npidata`.
    :param columns: names as published, in the published order.
    :param bigquery_names: of the same columns.
    :param key: BigQuery name of the column whose value names a refused row; NULL in no loaded row.
    :param positions: returns for each of `columns` where the header of a file has it, None: NULL in every row. Raises its
        own error, with the exact difference, for a header that it does not know. The second argument names the file.
    :param rules: checked in this order; a row is refused for the first one that it breaks.
    :param encoding: of the file. Bytes that are wrong in it refuse their row.
    """

    name: str
    columns: tuple[str, ...]
    bigquery_names: tuple[str, ...]
    key: str
    positions: Callable[[Sequence[str], str], Sequence[int | None]]
    rules: tuple[Rule, ...] = ()
    encoding: str = "utf-8"

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the Parquet parts: where a row came from, then the layout's own, all text."""
        return pa.schema(
            [
                pa.field("file_date", pa.date32(), nullable=False),
                pa.field("source", pa.string(), nullable=False),
                pa.field("source_object", pa.string(), nullable=False),
                pa.field("line", pa.int64(), nullable=False),
                *(pa.field(name, pa.string(), nullable=name != self.key) for name in self.bigquery_names),
            ]
        )


@dataclass(frozen=True)
class Rejected:
    """A record that is not loaded. `line` is the physical line of the member on which it starts; header = 1."""

    line: int
    rule: str
    row_key: str
    column: str
    value: str
    reason: str
    record: str


@dataclass
class Converted:
    """What a conversion read and wrote; `rows_in` always equals `rows` plus `rejected`."""

    member: str
    note: str = ""
    rows_in: int = 0
    rows: int = 0
    rejected: int = 0
    rejected_by_rule: Counter[str] = field(default_factory=Counter)
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
class _Block:
    """Whole records, their last line end included. `first_line` is the physical line on which the first starts."""

    content: bytes
    first_line: int
    is_cut: bool = False  # the last line end was missing in the file


@dataclass(frozen=True)
class _Written:
    bytes: int
    records: int
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
    :param open_part: opens a part (`part-00000.parquet`, …) for writing. Two are open at a time, in two threads.
    :param rejects: gets one JSON object a line, the fields of Rejected, by line.
    :param progress: told every PROGRESS_SECONDS, and at the end.

    An empty value becomes NULL; masks such as `<UNAVAIL>` stay. Blocks go to the parts in turn, so a part does not hold
    neighbouring lines, but the same file always gives the same parts. A file with only a header gives one part of no
    rows. Raises DamagedFile, HeaderContractError, or what `member` raises, when nothing of the file may be loaded.
    """
    with open_member(source, source_object, member) as opened, ExitStack() as stack:
        where = f"{source_object}#{opened.name}"
        header = _header(opened, where)
        positions = layout.positions(header, where)
        result = Converted(opened.name, _note(layout, header, positions))
        rows = _Rows(layout, _targets(header, positions), source_name, where, file_date)
        lanes = [_Lane(rows, open_part, rows_per_part, number) for number in range(LANES)]
        for lane in lanes:
            stack.enter_context(lane)
        begun = time.monotonic()
        told = begun
        done_bytes = 0
        for written in _written(_blocks(opened.stream, where, block_bytes), lanes):
            for item in written.rejected:
                rejects.write(json.dumps(asdict(item), ensure_ascii=False).encode("utf-8") + b"\n")
            result.rows_in += written.records
            result.rejected += len(written.rejected)
            result.rejected_by_rule.update(item.rule for item in written.rejected)
            done_bytes += written.bytes
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                progress(Progress(done_bytes, opened.size, result.rows_in, told - begun))
        if not result.rows_in:
            lanes[0].submit(_Block(b"", 2)).result()
        for lane in lanes:
            lane.finish()
        progress(Progress(opened.size, opened.size, result.rows_in, time.monotonic() - begun))
    result.rows = sum(lane.rows for lane in lanes)
    result.parts = sorted(name for lane in lanes for name in lane.parts)
    _check_balance(result, where)
    return result


def _header(opened: OpenMember, where: str) -> list[str]:
    line = opened.stream.readline(MAX_RECORD_BYTES)
    if not line:
        raise DamagedFile(f"{where}: the member is empty, it has not even a header. Download the file again.")
    return next(csv.reader([line.decode("utf-8-sig", "replace").rstrip("\r\n")]), [])


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


def _written(blocks: Iterator[_Block], lanes: Sequence[_Lane]) -> Iterator[_Written]:
    """Yield what became of each block, in their order. No more blocks are in memory than there are lanes, and two."""
    pending: deque[Future[_Written]] = deque()
    for number, block in enumerate(blocks):
        pending.append(lanes[number % len(lanes)].submit(block))
        if len(pending) > len(lanes):
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _blocks(stream: IO[bytes], where: str, block_bytes: int) -> Iterator[_Block]:
    """Yield the stream in pieces of whole records, each about `block_bytes` long.

    A record ends at a line end that has an even number of quotes before it.
    """
    line, rest = 2, b""
    while True:
        piece = stream.read(block_bytes)
        content = rest + piece
        end = _last_record_end(content) if piece else len(content)
        if not piece and _count(content, b'"') % 2:
            raise _open_quote(content, line, where)
        rest = content[end:]
        if len(rest) > MAX_RECORD_BYTES + block_bytes:
            raise _open_quote(rest, line + _count(content[:end], b"\n"), where)
        if end:
            whole = content[:end]
            is_cut = not whole.endswith(b"\n")
            yield _Block(whole + b"\n" if is_cut else whole, line, is_cut)
            line += _count(whole, b"\n")
        if not piece:
            return


def _count(content: bytes, byte: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == byte[0]))


def _last_record_end(content: bytes) -> int:
    """Return the index just after the last line end that closes a record; 0 when there is none."""
    quotes = _count(content, b'"')
    upto = len(content)
    while (at := content.rfind(b"\n", 0, upto)) >= 0:
        quotes -= content.count(b'"', at + 1, upto)
        if quotes % 2 == 0:
            return at + 1
        upto = at
    return 0


def _open_quote(content: bytes, first_line: int, where: str) -> DamagedFile:
    odd = next(at for at, text in enumerate(content.split(b"\n")) if text.count(b'"') % 2)
    return DamagedFile(
        f"{where}: line {first_line + odd} opens a quote that is never closed. The file is cut or damaged: "
        "download it again."
    )


@dataclass(frozen=True)
class _Rows:
    """Turns blocks into the rows of one file."""

    layout: Layout
    targets: tuple[int | None, ...]
    source_name: str
    where: str
    file_date: date

    def of(self, block: _Block) -> tuple[pa.Table, int, list[Rejected]]:
        """Return the block's good rows in the layout's schema, how many records it has, and the bad ones in order."""
        content = self._utf8(block.content)
        found = scan(content)
        records = _Records(block, content, found)
        rejected = self._badly_formed(records)
        if block.is_cut and records.count - 1 in rejected:
            line = records.line(records.count - 1)
            raise DamagedFile(f"{self.where}: the file breaks off in line {line}. Download it again.")
        good = np.ones(records.count, np.bool_)
        good[list(rejected)] = False
        columns = string_columns(content, found, good, self.targets, len(self.layout.columns))
        values = pa.Table.from_arrays(columns, list(self.layout.bigquery_names))
        good_records = np.flatnonzero(good)
        refused = self._unbelievable(values, good_records, records)
        if refused:
            kept = np.isin(good_records, list(refused), invert=True)
            values, good_records = values.filter(pa.array(kept)), good_records[kept]
            rejected |= refused
        table = pa.Table.from_arrays(
            [
                pa.repeat(pa.scalar(self.file_date, pa.date32()), len(good_records)),
                pa.repeat(pa.scalar(self.source_name, pa.string()), len(good_records)),
                pa.repeat(pa.scalar(self.where, pa.string()), len(good_records)),
                pa.array(block.first_line + found.newlines_before[good_records], pa.int64()),
                *values.columns,
            ],
            schema=self.layout.schema,
        )
        return table, records.count, [rejected[record] for record in sorted(rejected)]

    def _utf8(self, content: bytes) -> bytes:
        if self.layout.encoding == "utf-8" or content.isascii():
            return content
        return content.decode(self.layout.encoding).encode("utf-8")

    def _badly_formed(self, records: _Records) -> dict[int, Rejected]:
        """Return by record number those that have too few or too many fields, stray quotes, or wrong bytes."""
        rejected = {}
        width = len(self.targets)
        for record in np.flatnonzero(records.found.field_counts != width).tolist():
            fields = int(records.found.field_counts[record]) if records.text(record) else 0
            reason = (
                f"{fields} fields instead of {width}: a quote or a comma is missing or too many, or the line is cut."
            )
            rejected[record] = records.rejected(record, "field_count", str(fields), reason)
        for record in records.found.stray.tolist():
            reason = "A quote stands inside a value and is not doubled: where the value ends cannot be known."
            rejected.setdefault(record, records.rejected(record, "stray_quote", "", reason))
        for record, byte in _not_utf8(records).items():
            reason = f"{byte}, is not UTF-8: the file was written in another encoding, such as Latin-1, or is damaged."
            rejected.setdefault(record, records.rejected(record, "encoding", byte, reason))
        return rejected

    def _unbelievable(
        self, values: pa.Table, record_of_row: npt.NDArray[np.int64], records: _Records
    ) -> dict[int, Rejected]:
        """Return by record number those that break a rule of the layout."""
        rejected: dict[int, Rejected] = {}
        for rule in self.layout.rules:
            broken = pc.fill_null(rule.broken(values), False)
            if not pc.any(broken, min_count=0).as_py():
                continue
            for row in np.flatnonzero(broken.to_numpy(zero_copy_only=False)).tolist():
                record = int(record_of_row[row])
                value = values[rule.column][row].as_py() or ""
                published = self.layout.columns[self.layout.bigquery_names.index(rule.column)]
                key = values[self.layout.key][row].as_py() or ""
                if record not in rejected:
                    rejected[record] = records.rejected(record, rule.name, value, rule.reason, published, key)
        return rejected


@dataclass(frozen=True)
class _Records:
    """A block's records by number, for the few that are looked at one by one."""

    block: _Block
    content: bytes
    found: Scan

    @property
    def count(self) -> int:
        return len(self.found.field_counts)

    def line(self, record: int) -> int:
        return self.block.first_line + int(self.found.newlines_before[record])

    def bytes(self, record: int) -> bytes:
        return self.content[self.found.record_starts[record] : self.found.record_starts[record + 1]]

    def text(self, record: int) -> str:
        return self.bytes(record).decode("utf-8", "replace").rstrip("\r\n")

    def rejected(
        self, record: int, rule: str, value: str, reason: str, column: str = "", row_key: str | None = None
    ) -> Rejected:
        text = self.text(record)
        return Rejected(
            line=self.line(record),
            rule=rule,
            row_key=text.split(",", 1)[0].strip('"')[:10] if row_key is None else row_key,
            column=column,
            value=value,
            reason=reason,
            record=text,
        )


def _not_utf8(records: _Records) -> dict[int, str]:
    """Return by record number the first byte that is not UTF-8."""
    if records.content.isascii():
        return {}
    try:
        records.content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return {}
    high = np.flatnonzero(np.frombuffer(records.content, np.uint8) >= 0x80)
    wrong = {}
    for record in np.unique(np.searchsorted(records.found.record_starts, high, side="right") - 1).tolist():
        try:
            records.bytes(record).decode("utf-8")
        except UnicodeDecodeError as error:
            wrong[record] = f"byte {error.start + 1} of the record, 0x{error.object[error.start]:02X}"
    return wrong


class _Lane:
    """A thread that turns blocks into rows and writes them to parts of its own: number, number + LANES, …."""

    def __init__(
        self,
        rows: _Rows,
        open_part: Callable[[str], AbstractContextManager[IO[bytes]]],
        rows_per_part: int,
        number: int,
    ) -> None:
        self.rows = 0
        self.parts: list[str] = []
        self._rows_of = rows
        self._open_part = open_part
        self._rows_per_part = rows_per_part
        self._next_part = number
        self._rows_in_part = 0
        self._writer: parquet.ParquetWriter | None = None
        self._open = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"convert-{number}")

    def __enter__(self) -> _Lane:
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def submit(self, block: _Block) -> Future[_Written]:
        return self._thread.submit(self._write, block)

    def finish(self) -> None:
        """Wait for what was submitted, and close the part."""
        self._thread.submit(self._close).result()

    def _write(self, block: _Block) -> _Written:
        table, records, rejected = self._rows_of.of(block)
        if self._writer is None:
            name = f"part-{self._next_part:05d}.parquet"
            sink = self._open.enter_context(self._open_part(name))
            self._writer = self._open.enter_context(parquet.ParquetWriter(sink, table.schema, compression="zstd"))
            self.parts.append(name)
            self._next_part += LANES
        self._writer.write_table(table)
        self.rows += table.num_rows
        self._rows_in_part += table.num_rows
        if self._rows_in_part >= self._rows_per_part:
            self._close()
        return _Written(len(block.content), records, rejected)

    def _close(self) -> None:
        self._open.close()
        self._writer = None
        self._rows_in_part = 0


def _check_balance(result: Converted, where: str) -> None:
    if result.rows_in != result.rows + result.rejected:
        raise DamagedFile(
            f"{where}: {result.rows_in} records in, {result.rows} rows out and {result.rejected} rejected "
            "do not balance: this is an error in include/csv_parquet.py."
        )
    if result.rejected > max(ALWAYS_TOLERATED, MAX_REJECTED_SHARE * result.rows_in):
        raise DamagedFile(
            f"{where}: {result.rejected} of {result.rows_in} records are refused ({dict(result.rejected_by_rule)}). "
            "So many are no accident: look at rejected.jsonl beside the staged parts and get the file again."
        )


def rejected_rows(lines: IO[bytes]) -> list[dict[str, object]]:
    """Return the JSON lines that `convert` wrote, one dict of Rejected's fields each."""
    return [cast("dict[str, object]", json.loads(line)) for line in lines]
