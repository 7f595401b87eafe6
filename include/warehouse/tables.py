"""The tables of the warehouse, each defined once in ``include/sql/<dataset>/<table>/table.yaml``.

Creation, column descriptions, documentation, gates and tests all read this definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SQL_ROOT = Path(__file__).parents[1] / "sql"
OWNERS = ("data", "growth", "ml")
TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "TIMESTAMP", "JSON", "RECORD")
MODES = ("REQUIRED", "NULLABLE", "REPEATED")


# BigQuery answers with legacy names for some types.
STANDARD_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "STRUCT": "RECORD"}


@dataclass(frozen=True)
class Column:
    """One column. A RECORD has ``fields``, and is personal (``pii``) when one of them is."""

    name: str
    type: str
    mode: str
    pii: bool
    description: str
    fields: tuple[Column, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Return the column as a BigQuery REST ``TableFieldSchema`` object."""
        body: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "mode": self.mode,
            "description": self.description,
        }
        return body | {"fields": [field.schema() for field in self.fields]} if self.fields else body


@dataclass(frozen=True)
class Table:
    """One table: ``name`` is ``<dataset>.<table>``; ``partition_field`` is None for an unpartitioned table."""

    name: str
    owner: str
    description: str
    grain: str
    primary_key: tuple[str, ...]
    partition_field: str | None
    partition_type: str | None
    clustering: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def dataset(self) -> str:
        return self.name.split(".")[0]

    @property
    def table_id(self) -> str:
        return self.name.split(".")[1]

    @property
    def folder(self) -> Path:
        return SQL_ROOT / self.dataset / self.table_id

    def sql(self, name: str = "query") -> str:
        """Return the text of ``<name>.sql`` beside this table's definition."""
        return (self.folder / f"{name}.sql").read_text(encoding="utf-8")

    def schema(self) -> list[dict[str, Any]]:
        """Return the columns as BigQuery REST ``TableFieldSchema`` objects."""
        return [column.schema() for column in self.columns]

    def resource(self, project: str) -> dict[str, Any]:
        """Return the BigQuery REST ``Table`` body that creates this table."""
        body: dict[str, Any] = {
            "tableReference": {"projectId": project, "datasetId": self.dataset, "tableId": self.table_id},
            "description": f"{self.description} Grain: {self.grain}.",
            "schema": {"fields": self.schema()},
            "labels": {"owner": self.owner, "pii": str(any(c.pii for c in self.columns)).lower()},
        }
        if self.partition_field:
            body["timePartitioning"] = {"type": self.partition_type, "field": self.partition_field}
        if self.clustering:
            body["clustering"] = {"fields": list(self.clustering)}
        return body


def column_types(schema: Sequence[Mapping[str, Any]], within: str = "") -> dict[str, tuple[str, str]]:
    """Return (standard type, mode) by dotted name of every column and nested field of a REST schema, in its order."""
    found: dict[str, tuple[str, str]] = {}
    for field in schema:
        name = f"{within}{field['name']}"
        found[name] = (STANDARD_TYPES.get(field["type"], field["type"]), field.get("mode") or "NULLABLE")
        found |= column_types(field.get("fields", ()), f"{name}.")
    return found


def table(name: str) -> Table:
    """Return the table ``<dataset>.<table>``; raise ValueError naming the file and field when its YAML is wrong."""
    dataset, _, table_id = name.partition(".")
    path = SQL_ROOT / dataset / table_id / "table.yaml"
    if not table_id or not path.exists():
        raise ValueError(f"No table {name!r}: expected its definition at include/sql/{dataset}/{table_id}/table.yaml.")
    return _parsed(name, path)


@cache
def tables() -> tuple[Table, ...]:
    """Return every table, sorted by name."""
    paths = sorted(SQL_ROOT.glob("*/*/table.yaml"))
    return tuple(_parsed(f"{p.parent.parent.name}.{p.parent.name}", p) for p in paths)


@cache
def _parsed(name: str, path: Path) -> Table:
    # Half a hundred files: libyaml reads them in a seventh of the time.
    body = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    where = path.relative_to(SQL_ROOT.parent.parent)
    expected = {"owner", "description", "grain", "primary_key", "partition", "clustering", "columns"}
    if set(body) != expected:
        raise ValueError(f"{where}: keys must be exactly {sorted(expected)}, found {sorted(body)}.")
    columns = tuple(_column(where, number, item) for number, item in enumerate(body["columns"], start=1))
    partition = body["partition"] or {}
    parsed = Table(
        name=name,
        owner=body["owner"],
        description=body["description"],
        grain=body["grain"],
        primary_key=tuple(body["primary_key"]),
        partition_field=partition.get("field"),
        partition_type=partition.get("type"),
        clustering=tuple(body["clustering"]),
        columns=columns,
    )
    _check(where, parsed)
    return parsed


def _column(where: Path, place: int | str, item: dict[str, Any]) -> Column:
    is_record = item.get("type") == "RECORD"
    expected = {"name", "type", "mode", "description", "fields" if is_record else "pii"}
    if set(item) != expected:
        raise ValueError(f"{where}: column {place} must have exactly {sorted(expected)}, found {sorted(item)}.")
    if item["type"] not in TYPES or item["mode"] not in MODES or not (is_record or isinstance(item["pii"], bool)):
        raise ValueError(f"{where}: column {item['name']}: type in {TYPES}, mode in {MODES}, pii true|false.")
    fields: tuple[Column, ...] = ()
    if is_record:
        fields = tuple(
            _column(where, f"{item['name']}.{number}", f) for number, f in enumerate(item["fields"], start=1)
        )
        _check_names(where, fields)
    pii = any(field.pii for field in fields) if is_record else item["pii"]
    return Column(item["name"], item["type"], item["mode"], pii, item["description"], fields)


def _check_names(where: Path, columns: Sequence[Column]) -> None:
    names = [c.name for c in columns]
    if len(set(names)) != len(names):
        raise ValueError(f"{where}: a column is named twice: {sorted({n for n in names if names.count(n) > 1})}.")


def _check(where: Path, parsed: Table) -> None:
    _check_names(where, parsed.columns)
    names = {c.name for c in parsed.columns}
    used = [*parsed.primary_key, *parsed.clustering, *([parsed.partition_field] if parsed.partition_field else [])]
    unknown = sorted(set(used) - names)
    if unknown:
        raise ValueError(f"{where}: primary_key, clustering or partition name unknown columns {unknown}.")
    if parsed.owner not in OWNERS:
        raise ValueError(f"{where}: owner {parsed.owner!r} is not one of {OWNERS}.")
