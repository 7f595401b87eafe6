"""The main CSV of an NPPES zip as Parquet: inflated, parsed and written block by block, nothing extracted to disk.

Memory is bounded by the block size, whatever the size of the file (the monthly one has over 9 million rows).
"""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import IO, cast

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from include.nppes import Member, npi_is_valid, npidata_member
from include.nppes_layout import NPIDATA_BIGQUERY_NAMES, NPIDATA_COLUMNS, HeaderContractError, check_header

BLOCK_BYTES = 8 * 1024**2
MAX_RECORD_BYTES = 1024**2
ROWS_PER_PART = 500_000
MAX_REJECTED_SHARE = 0.01
ALWAYS_TOLERATED = 10

SCHEMA = pa.schema(
    [
        pa.field("file_date", pa.date32(), nullable=False),
        pa.field("source_object", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        *(pa.field(name, pa.string(), nullable=name != "npi") for name in NPIDATA_BIGQUERY_NAMES),
    ]
)


class DamagedFile(ValueError):
    """The file as a whole cannot be trusted: nothing of it is loaded. The message says what is wrong and where."""


@dataclass(frozen=True)
class Rejected:
    """A record that is not loaded. `line` is the physical line of the member on which it starts; header = 1."""

    line: int
    rule: str
    row_key: str
    value: str
    reason: str
    record: str


@dataclass
class Converted:
    """What a conversion read and wrote; `rows_in` always equals `rows` plus `rejected`."""

    member: str
    rows_in: int = 0
    rows: int = 0
    rejected: int = 0
    rejected_by_rule: Counter[str] = field(default_factory=Counter)
    parts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Block:
    """Whole records. `lines` are its physical lines without line ends; `starts` the index of each record's first."""

    content: bytes
    first_line: int
    lines: list[bytes]
    starts: list[int]

    def line(self, record: int) -> int:
        return self.first_line + self.starts[record]

    def text(self, record: int) -> str:
        after = self.starts[record + 1] if record + 1 < len(self.starts) else len(self.lines)
        return b"\n".join(self.lines[self.starts[record] : after]).decode("utf-8", "replace").rstrip("\r")


def convert(
    source: IO[bytes],
    *,
    source_object: str,
    file_date: date,
    open_part: Callable[[str], AbstractContextManager[IO[bytes]]],
    rejects: IO[bytes],
    block_bytes: int = BLOCK_BYTES,
    rows_per_part: int = ROWS_PER_PART,
) -> Converted:
    """Write the npidata member of a zip as Parquet parts, and the records that break a rule as JSON lines.

    :param source: the zip, seekable; read in pieces.
    :param source_object: where the zip is archived, as `gs://bucket/object`; with `#member` it goes into each row.
    :param file_date: the last day that the file must cover.
    :param open_part: opens a part (`part-00000.parquet`, …) for writing; used one at a time.
    :param rejects: gets one JSON object a line, the fields of Rejected.

    An empty value becomes NULL; masks such as `<UNAVAIL>` stay. A file with only a header gives one part of no rows.
    Raises DamagedFile, HeaderContractError, or WrongMembers (include.nppes) when nothing of the file may be loaded.
    """
    with _npidata(source, source_object) as (member, stream):
        if member.last_day != file_date:
            raise DamagedFile(f"{source_object}: {member.name} ends on {member.last_day}, expected {file_date}.")
        where = f"{source_object}#{member.name}"
        check_header(_header(stream, where), where)
        result = Converted(member.name)
        tables = _accepted(stream, where, file_date, block_bytes, rejects, result)
        _write_parts(tables, open_part, rows_per_part, result)
    _check_balance(result, where)
    return result


@contextmanager
def _npidata(source: IO[bytes], where: str) -> Iterator[tuple[Member, IO[bytes]]]:
    head = source.read(64)
    source.seek(0)
    if not head.startswith(b"PK"):
        raise DamagedFile(
            f"{where}: not a zip. It begins with {head[:40]!r}: a page or a message was saved in its place."
        )
    try:
        with zipfile.ZipFile(source) as archive:
            member = npidata_member(archive.namelist())
            with archive.open(member.name) as stream:
                yield member, stream
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DamagedFile(f"{where}: the zip is truncated or damaged ({error}). Download it again.") from error


def _header(stream: IO[bytes], where: str) -> list[str]:
    line = stream.readline(MAX_RECORD_BYTES)
    if not line:
        raise HeaderContractError(f"{where}: the member is empty, it has not even a header. Download the file again.")
    return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")]))


def _accepted(
    stream: IO[bytes], where: str, file_date: date, block_bytes: int, rejects: IO[bytes], result: Converted
) -> Iterator[pa.Table]:
    """Yield the rows that are loaded, block by block; write the others to `rejects`; count both in `result`."""
    for block in _blocks(stream, where, block_bytes):
        table, rejected = _parsed(block, where, file_date)
        for item in rejected:
            rejects.write(json.dumps(asdict(item), ensure_ascii=False).encode("utf-8") + b"\n")
        result.rows_in += len(block.starts)
        result.rows += table.num_rows
        result.rejected += len(rejected)
        result.rejected_by_rule.update(item.rule for item in rejected)
        yield table


def _blocks(stream: IO[bytes], where: str, block_bytes: int) -> Iterator[_Block]:
    """Yield the stream in pieces of whole records, each about `block_bytes` long.

    A record ends at a line end that has an even number of quotes before it. CMS quotes every value and turns a
    double quote inside a value into a single one, so an odd quote means damage, and it is found here.
    """
    line, rest = 2, b""
    while True:
        piece = stream.read(block_bytes)
        content = rest + piece
        end = _last_record_end(content) if piece else len(content)
        if not piece and content.count(b'"') % 2:
            raise _open_quote(content, line, where)
        rest = content[end:]
        if len(rest) > MAX_RECORD_BYTES + block_bytes:
            raise _open_quote(rest, line + content.count(b"\n", 0, end), where)
        if end:
            block = _block(content[:end], line)
            line += len(block.lines)
            yield block
        if not piece:
            return


def _last_record_end(content: bytes) -> int:
    """Return the index just after the last line end that closes a record; 0 when there is none."""
    quotes = content.count(b'"')
    upto = len(content)
    while (at := content.rfind(b"\n", 0, upto)) >= 0:
        quotes -= content.count(b'"', at + 1, upto)
        if quotes % 2 == 0:
            return at + 1
        upto = at
    return 0


def _block(content: bytes, first_line: int) -> _Block:
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    starts, inside = [], 0
    for at, text in enumerate(lines):
        if not inside:
            starts.append(at)
        inside ^= text.count(b'"') & 1
    return _Block(content, first_line, lines, starts)


def _open_quote(content: bytes, first_line: int, where: str) -> DamagedFile:
    odd = next(at for at, text in enumerate(content.split(b"\n")) if text.count(b'"') % 2)
    return DamagedFile(
        f"{where}: line {first_line + odd} opens a quote that is never closed. The file is cut or damaged."
    )


def _parsed(block: _Block, where: str, file_date: date) -> tuple[pa.Table, list[Rejected]]:
    """Return the block's good rows in SCHEMA, and its bad records in the order of their lines."""
    rejected: dict[int, Rejected] = {}

    def keep(row: arrow_csv.InvalidRow) -> str:
        rejected[row.number - 1] = _wrong_field_count(block, row.number - 1, row.actual_columns)
        return "skip"

    try:
        values = arrow_csv.read_csv(
            pa.BufferReader(block.content),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=len(block.content) + 1, column_names=NPIDATA_BIGQUERY_NAMES
            ),
            arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(NPIDATA_BIGQUERY_NAMES, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _unreadable(block, where, error) from error
    records = [record for record in range(len(block.starts)) if record not in rejected]
    if len(records) != values.num_rows:
        raise DamagedFile(
            f"{where}: from line {block.line(0)} to {block.first_line + len(block.lines) - 1} there are "
            f"{len(records)} records by quotes but {values.num_rows} by the CSV parser. A value holds a stray quote."
        )
    if rejected and max(rejected) == len(block.starts) - 1 and not block.content.endswith(b"\n"):
        raise DamagedFile(f"{where}: the file breaks off in line {block.line(max(rejected))}. Download it again.")
    good = []
    npis, entities = values["npi"].to_pylist(), values["entity_type_code"].to_pylist()
    for row, record in enumerate(records):
        fault = _fault(block, record, npis[row] or "", entities[row])
        if fault:
            rejected[record] = fault
        else:
            good.append(row)
    kept = values if len(good) == values.num_rows else values.take(pa.array(good, pa.int64()))
    lines = [block.line(records[row]) for row in good]
    table = pa.Table.from_arrays(
        [
            pa.repeat(pa.scalar(file_date, pa.date32()), len(good)),
            pa.repeat(pa.scalar(where, pa.string()), len(good)),
            pa.array(lines, pa.int64()),
            *kept.columns,
        ],
        schema=SCHEMA,
    )
    return table, [rejected[record] for record in sorted(rejected)]


def _wrong_field_count(block: _Block, record: int, found: int) -> Rejected:
    text = block.text(record)
    return Rejected(
        line=block.line(record),
        rule="field_count",
        row_key=text.split(",", 1)[0].strip('"')[:10],
        value=str(found),
        reason=f"{found} fields instead of {len(NPIDATA_COLUMNS)}: a quote or a comma is missing or too many.",
        record=text,
    )


def _fault(block: _Block, record: int, npi: str, entity: str | None) -> Rejected | None:
    if not npi_is_valid(npi):
        reason = "The NPI is not ten digits with a right check digit: the row was damaged, no real row fails this."
        return Rejected(block.line(record), "npi_check_digit", npi, npi, reason, block.text(record))
    if entity not in (None, "1", "2"):
        reason = "The entity type is not 1, 2 or empty: 1.0 means that a spreadsheet or pandas rewrote the file."
        return Rejected(block.line(record), "entity_type", npi, entity, reason, block.text(record))
    return None


def _unreadable(block: _Block, where: str, error: pa.ArrowInvalid) -> DamagedFile:
    for at, text in enumerate(block.lines):
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as wrong:
            return DamagedFile(
                f"{where}: line {block.first_line + at} is not UTF-8 (byte {wrong.start + 1} of the line)."
            )
    return DamagedFile(f"{where}: lines from {block.first_line} cannot be parsed: {error}")


def _write_parts(
    tables: Iterator[pa.Table],
    open_part: Callable[[str], AbstractContextManager[IO[bytes]]],
    rows_per_part: int,
    result: Converted,
) -> None:
    """Write the tables to parts of at least `rows_per_part` rows, a row group a table; at least one part."""
    pending: pa.Table | None = next(tables, SCHEMA.empty_table())
    while pending is not None:
        name = f"part-{len(result.parts):05d}.parquet"
        result.parts.append(name)
        written = 0
        with open_part(name) as sink, parquet.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
            while pending is not None and written < rows_per_part:
                writer.write_table(pending)
                written += pending.num_rows
                pending = next(tables, None)


def _check_balance(result: Converted, where: str) -> None:
    if result.rows_in != result.rows + result.rejected:
        raise DamagedFile(
            f"{where}: {result.rows_in} records in, {result.rows} rows out and {result.rejected} rejected "
            "do not balance: this is an error in include/nppes_parquet.py."
        )
    if result.rejected > max(ALWAYS_TOLERATED, MAX_REJECTED_SHARE * result.rows_in):
        raise DamagedFile(
            f"{where}: {result.rejected} of {result.rows_in} records are refused ({dict(result.rejected_by_rule)}). "
            "So many are no accident: look at rejected.jsonl beside the staged parts and get the file again."
        )


def rejected_rows(lines: IO[bytes]) -> list[dict[str, object]]:
    """Return the JSON lines that `convert` wrote, one dict of Rejected's fields each."""
    return [cast("dict[str, object]", json.loads(line)) for line in lines]
