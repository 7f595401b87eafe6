"""The tables of the warehouse, each defined once in ``include/sql/<dataset>/<table>/table.yaml``.

Creation, column descriptions, documentation, gates and tests all read this definition.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SQL_ROOT = Path(__file__).parent / "sql"
OWNERS = ("data", "growth", "ml")
TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "TIMESTAMP", "JSON")
MODES = ("REQUIRED", "NULLABLE", "REPEATED")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    mode: str
    pii: bool
    description: str


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

    def schema(self) -> list[dict[str, str]]:
        """Return the columns as BigQuery REST ``TableFieldSchema`` objects."""
        return [{"name": c.name, "type": c.type, "mode": c.mode, "description": c.description} for c in self.columns]

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
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
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


def _column(where: Path, number: int, item: dict[str, Any]) -> Column:
    expected = {"name", "type", "mode", "pii", "description"}
    if set(item) != expected:
        raise ValueError(f"{where}: column {number} must have exactly {sorted(expected)}, found {sorted(item)}.")
    if item["type"] not in TYPES or item["mode"] not in MODES or not isinstance(item["pii"], bool):
        raise ValueError(f"{where}: column {item['name']}: type in {TYPES}, mode in {MODES}, pii true|false.")
    return Column(item["name"], item["type"], item["mode"], item["pii"], item["description"])


def _check(where: Path, parsed: Table) -> None:
    names = [c.name for c in parsed.columns]
    if len(set(names)) != len(names):
        raise ValueError(f"{where}: a column is named twice: {sorted({n for n in names if names.count(n) > 1})}.")
    used = [*parsed.primary_key, *parsed.clustering, *([parsed.partition_field] if parsed.partition_field else [])]
    unknown = sorted(set(used) - set(names))
    if unknown:
        raise ValueError(f"{where}: primary_key, clustering or partition name unknown columns {unknown}.")
    if parsed.owner not in OWNERS:
        raise ValueError(f"{where}: owner {parsed.owner!r} is not one of {OWNERS}.")
