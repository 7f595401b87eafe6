"""A block of a CSV as rows: the good ones as an Arrow table, the others with line, column, value and reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.csv.blocks import Block
from include.csv.columns import string_columns
from include.csv.layout import Layout
from include.lake.zip_member import DamagedFile


@dataclass(frozen=True)
class Rejected:
    """A record that is not loaded. `line` is the physical line of the member on which it starts; header = 1.

    :param column: as published; empty when it is about the whole record.
    """

    line: int
    rule: str
    row_key: str
    column: str
    value: str
    reason: str
    record: str

    @property
    def place(self) -> str:
        """Where it is and what stands there, in words."""
        return f"line {self.line}{f', {self.column}' if self.column else ''}: {self.value!r}"


@dataclass(frozen=True)
class Rows:
    """Turns the blocks of one file into rows.

    :param targets: of each field of a record, the number of the layout's column that it is; None: not loaded.
    """

    layout: Layout
    targets: tuple[int | None, ...]
    source_name: str
    where: str
    file_date: date

    def of(self, block: Block) -> tuple[pa.Table, list[Rejected]]:
        """Return the good rows in the layout's schema, and the refused records, both by line.

        Raises DamagedFile when the file breaks off within a record.
        """
        badly_formed = self._badly_formed(block)
        if block.is_cut and block.records - 1 in badly_formed:
            line = block.line(block.records - 1)
            raise DamagedFile(f"{self.where}: the file breaks off in line {line}. Download it again.")
        good = np.ones(block.records, np.bool_)
        good[list(badly_formed)] = False
        columns = string_columns(block.content, block.found, good, self.targets, len(self.layout.columns))
        rows = np.flatnonzero(good)
        table = pa.Table.from_arrays(
            [
                pa.repeat(pa.scalar(self.file_date, pa.date32()), len(rows)),
                pa.repeat(pa.scalar(self.source_name, pa.string()), len(rows)),
                pa.repeat(pa.scalar(self.where, pa.string()), len(rows)),
                pa.array(block.first_line + block.found.newlines_before[rows].astype(np.int64)),
                *columns,
            ],
            schema=self.layout.schema,
        )
        broken = self._broken_rules(table)
        refused = [self._refused(block, int(rows[row]), table.slice(row, 1), *fault) for row, fault in broken.items()]
        if broken:
            # What stands between the refused, without copying: a filter would touch every column for a row or two.
            between = pairwise([-1, *sorted(broken), len(rows)])
            table = pa.concat_tables(table.slice(before + 1, after - before - 1) for before, after in between)
        return table, sorted([*badly_formed.values(), *refused], key=lambda item: item.line)

    def _badly_formed(self, block: Block) -> dict[int, Rejected]:
        """Return by record number those that have too few or too many fields, stray quotes, or wrong bytes."""
        rejected = {}
        width = len(self.targets)
        for record in np.flatnonzero(block.found.malformed).tolist():
            reason = "A quote that is not doubled, or a carriage return, stands where a value cannot have one."
            rejected[record] = _rejected(block, record, "malformed", "", reason)
        for record in np.flatnonzero(block.found.field_counts != width).tolist():
            fields = int(block.found.field_counts[record]) if block.text(record) else 0
            reason = f"{fields} fields instead of {width}: a quote or a comma is missing or too many, or a line is cut."
            rejected.setdefault(record, _rejected(block, record, "field_count", str(fields), reason))
        for record, byte in _not_utf8(block).items():
            reason = f"{byte}, is not UTF-8: the file was written in another encoding, such as Latin-1, or is damaged."
            rejected.setdefault(record, _rejected(block, record, "encoding", byte, reason))
        return rejected

    def _broken_rules(self, table: pa.Table) -> dict[int, tuple[int, str]]:
        """Return of each row that breaks a rule which it is, and the column; the first rule counts."""
        found: dict[int, tuple[int, str]] = {}
        for number, rule in enumerate(self.layout.rules):
            broken = pc.fill_null(rule.broken(table), False)
            if pc.any(broken, min_count=0).as_py():
                for at in np.flatnonzero(broken.to_numpy(zero_copy_only=False)).tolist():
                    column, row = divmod(at, table.num_rows)
                    found.setdefault(row, (number, rule.columns[column]))
        return found

    def _refused(self, block: Block, record: int, row: pa.Table, rule_number: int, column: str) -> Rejected:
        rule = self.layout.rules[rule_number]
        published = self.layout.columns[self.layout.bigquery_names.index(column)]
        value, key = (row[name][0].as_py() or "" for name in (column, self.layout.key))
        return _rejected(block, record, rule.name, value, rule.reason, published, key)


def _rejected(
    block: Block, record: int, rule: str, value: str, reason: str, column: str = "", row_key: str | None = None
) -> Rejected:
    text = block.text(record)
    return Rejected(
        line=block.line(record),
        rule=rule,
        row_key=text.split(",", 1)[0].strip('"')[:10] if row_key is None else row_key,
        column=column,
        value=value,
        reason=reason,
        record=text,
    )


def _not_utf8(block: Block) -> dict[int, str]:
    """Return by record number the first byte that is not UTF-8."""
    wrong = {}
    for record in np.flatnonzero(block.found.beyond_ascii).tolist():
        try:
            block.bytes_of(record).decode("utf-8")
        except UnicodeDecodeError as error:
            wrong[record] = f"byte {error.start + 1} of the record, 0x{error.object[error.start]:02X}"
    return wrong
