"""What is known of one kind of CSV before it is read: its columns, the headers it may have, and what every row keeps to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa


@dataclass(frozen=True)
class Rule:
    """What every row must keep to; a row that does not is refused.

    :param name: as in `rejected.jsonl` and clean.rejected_row.
    :param columns: BigQuery names of the columns that it is about.
    :param reason: why a value that breaks it cannot be believed and what to do, for people.
    :param broken: returns of each of `values_of(table, columns)` whether it breaks the rule; NULL: it does not. The table
        has all the layout's columns, each in one chunk.
    """

    name: str
    columns: tuple[str, ...]
    reason: str
    broken: Callable[[pa.Table], pa.Array]


def values_of(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Return the values of some columns as one array, a column after the other: rules look at many values at once."""
    return pa.concat_arrays([table[column].chunk(0) for column in columns])


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
    :param encoding: of the file: utf-8, in which wrong bytes refuse their row, or latin-1, which has no wrong bytes.
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
