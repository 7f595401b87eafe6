"""GA4's daily export: the table that holds a day, whether it has the shape that we know, and the SQL that brings it to RAW.

Google writes ``analytics_<property id>.events_YYYYMMDD`` into BigQuery itself, and may rewrite a day for 72 hours after
its end. What it publishes: https://support.google.com/analytics/answer/7029846; when: .../answer/9358801.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.warehouse.tables import Column, column_types, table

TABLE = "raw.ga4_events"
SOURCE = "ga4"
OURS = "event_day"  # the one column that is not GA4's: the day of the export table
SETTLED_DAYS = 3

# SHA-256 over the sorted SHA-256 of the rows, in 256 groups, because one string over a day of a large property would be
# too long. The order of rows does not change it; a row that is there twice does.
FINGERPRINT = """
SELECT COALESCE(SUM(part_rows), 0) AS row_count, TO_HEX(SHA256(COALESCE(STRING_AGG(part_hash, '' ORDER BY part_hash), ''))) AS sha256
FROM (
  SELECT COUNT(*) AS part_rows, TO_HEX(SHA256(STRING_AGG(row_hash, '' ORDER BY row_hash))) AS part_hash
  FROM (SELECT TO_HEX(SHA256(TO_JSON_STRING(event))) AS row_hash FROM ({rows}) AS event)
  GROUP BY SUBSTR(row_hash, 1, 2)
)
"""

# One statement: the partition is the old one or the new one at any moment, and no other is read or touched.
REPLACE = """
-- @day DATE
MERGE {target} AS loaded
USING (SELECT @day AS {ours}, published.* FROM ({rows}) AS published) AS published
ON FALSE
WHEN NOT MATCHED BY SOURCE AND loaded.{ours} = @day THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ({ours}, {columns}) VALUES ({ours}, {columns})
"""

Schema = Sequence[Mapping[str, Any]]


class NotLinked(RuntimeError):
    """The export's dataset is not there: GA4 is not linked, or GTM_GA4_DATASET names another property."""


class ExportContractError(RuntimeError):
    """An export table lacks a column that we load, or has it with another type."""


class EmptiedExport(RuntimeError):
    """An export table has no rows, and raw.ga4_events holds some of an earlier state of it. They are the only copy."""


@dataclass(frozen=True)
class Drift:
    """How an export table differs from raw.ga4_events: `refused` must not be loaded, `added` are columns left out."""

    refused: tuple[str, ...]
    added: tuple[str, ...]


def export_table(dataset: str, day: date) -> str:
    """Return the daily export table of a day as dataset.table."""
    return f"{dataset}.events_{day:%Y%m%d}"


def drift(published: Schema) -> Drift:
    """Return how an export's REST schema differs from ours."""
    theirs, ours = column_types(published), column_types([column.schema() for column in _columns()])
    refused = [
        f"{name}: missing, expected {' '.join(known)}"
        if name not in theirs
        else f"{name}: {' '.join(theirs[name])}, expected {' '.join(known)}"
        for name, known in ours.items()
        if theirs.get(name) != known
    ]
    return Drift(tuple(refused), tuple(name for name in theirs if name not in ours))


def published_rows(export: str, published: Schema) -> str:
    """Return the query of an export table's rows in the shape of raw.ga4_events, without our own column."""
    fields = {field["name"]: field for field in published}
    columns = [_as(column, fields[column.name], column.name) for column in _columns()]
    return f"SELECT {', '.join(columns)} FROM `{export}`"  # noqa: S608 - a validated name and our own columns


def loaded_rows() -> str:
    """Return the query of the rows that raw.ga4_events holds for the query parameter ``day``, in the same shape."""
    return f"-- @day DATE\nSELECT {_names()} FROM {TABLE} WHERE {OURS} = @day"  # noqa: S608 - own names only


def fingerprint(rows: str) -> str:
    """Return the query of `row_count` and `sha256` of some rows."""
    return FINGERPRINT.format(rows=rows)


def replace_day(rows: str) -> str:
    """Return the statement that makes the rows the whole partition of the query parameter ``day``."""
    return REPLACE.format(target=TABLE, ours=OURS, rows=rows, columns=_names())


def _columns() -> list[Column]:
    return [column for column in table(TABLE).columns if column.name != OURS]


def _names() -> str:
    return ", ".join(column.name for column in _columns())


def _as(column: Column, field: Mapping[str, Any], value: str, depth: int = 0) -> str:
    """Return the SQL of one column or nested field, with its name.

    BigQuery fits one STRUCT into another by position, not by name. So where Google has added or moved a nested field,
    the record is built anew from ours; where it has not, the value is taken as it is.
    """
    if list(column_types(field.get("fields", ()))) == list(column_types([f.schema() for f in column.fields])):
        return value if value == column.name else f"{value} AS {column.name}"
    fields = {nested["name"]: nested for nested in field["fields"]}
    if column.mode == "REPEATED":
        parts = ", ".join(_as(f, fields[f.name], f"e{depth}.{f.name}", depth + 1) for f in column.fields)
        items = f"UNNEST({value}) AS e{depth} WITH OFFSET AS o{depth} ORDER BY o{depth}"
        return f"ARRAY(SELECT AS STRUCT {parts} FROM {items}) AS {column.name}"  # noqa: S608 - names of the contract
    parts = ", ".join(_as(f, fields[f.name], f"{value}.{f.name}", depth) for f in column.fields)
    return f"IF({value} IS NULL, NULL, STRUCT({parts})) AS {column.name}"
