"""Every statement that the project sends to BigQuery or shows to a person who will: files, Python's own, gates, documents."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from include.boards import license_fold
from include.enrichment.ledger_load import STAGING
from include.marketing import ga4
from include.quality import drift
from include.warehouse import as_of_rows
from include.warehouse.tables import SQL_ROOT, Column, Table, table, tables
from operators import gate, inbox_to_bigquery, parquet_to_bigquery_partition, record_loads
from services.demo import figures

ROOT = Path(__file__).parents[2]
AS_OF = "2025-11-17T06:00:00+00:00"
SLICES = ("source", "platform")  # columns by which several sources share a partition


@dataclass(frozen=True)
class Statement:
    """A text, one statement or a script.

    where: file, with what tells it from others of the file. line: the text's first line there. staged: tables that Python
    makes for it. made_by: the file whose code runs it. about: the table whose name Python filled in, if it did.
    """

    where: str
    line: int
    text: str
    staged: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    made_by: str = ""
    about: str | None = None


@cache
def statements() -> tuple[Statement, ...]:
    """Return every one of them."""
    return (*_files(), *_expectations(), *_profiles(), *_python(), *_demo(), *_documents())


def constants(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each constant of a module that is a text."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def _files() -> Iterator[Statement]:
    for path in sorted(SQL_ROOT.glob("*/*/*.sql")):
        name, target = path.relative_to(ROOT).as_posix(), table(f"{path.parent.parent.name}.{path.parent.name}")
        text, staged, about = path.read_text(), {}, None
        if target.name == "clean.license":
            text = license_fold.query()
        if "{staging}" in text:  # operators/link_licenses.py
            staged = {f"{target.name}_load": target.columns}
            text = text.replace("{staging}", f"{target.name}_load")
        if "{staged}" in text:  # operators/record_loads.py and gate.py
            staged = {f"{target.name}_load_x": target.columns}
            text = text.replace("{staged}", f"{target.name}_load_x")
        if "{checked}" in text:  # operators/gate.py, of the one gate that refuses rows
            about = "clean.provider_candidate"
            text = text.replace("{checked}", about).replace("{key}", "npi")
        if STAGING in text:
            staged = {STAGING: tuple(_as_text(column) for column in target.columns)}
        yield Statement(name, 1, text, staged, name, about)


def _expectations() -> Iterator[Statement]:
    for path in _suites():
        name = path.relative_to(ROOT).as_posix()
        rows = gate.rows_of_run(_table_of(path), AS_OF)
        batch = f"({rows})" if rows else _table_of(path).name
        for line, text in constants(path):
            if is_sql(text):
                yield Statement(name, line, text.replace("{batch}", batch), made_by=name)
        if rows:
            yield Statement(
                f"plugins/operators/gate.py ({_table_of(path).name})", 1, rows, made_by="plugins/operators/gate.py"
            )


def _profiles() -> Iterator[Statement]:
    for path in _suites():
        target = _table_of(path)
        limits = importlib.import_module(f"expectations.{target.name}").drift()
        text = drift.profile_sql(target, limits, gate.condition_of_run(target, AS_OF) or "TRUE")
        yield Statement(
            f"include/quality/drift.py ({target.name})", 1, text, made_by="include/quality/drift.py", about=target.name
        )


def _python() -> Iterator[Statement]:
    operators = "plugins/operators"
    dated = [one for one in tables() if one.dataset == "raw" and one.partition_field and one.name != "raw.event"]
    for target in dated:
        staging, columns = f"{target.name}_load_x", {c.name for c in target.columns}
        made_by = f"{operators}/parquet_to_bigquery_partition.py"
        for slice_by in [(), *((name,) for name in SLICES if name in columns)]:
            text = parquet_to_bigquery_partition.replacement(target, staging, slice_by)
            where = f"{made_by} ({target.name} {' '.join(slice_by)})"
            yield Statement(where, 1, text, {staging: target.columns}, made_by, target.name)
        for name in SLICES:
            if name in columns:
                made_by = f"{operators}/record_loads.py"
                yield Statement(
                    f"{made_by} ({target.name})", 1, record_loads.count(target, name), {}, made_by, target.name
                )
    made_by = "include/enrichment/ledger_load.py"
    for line, text in constants(ROOT / made_by):
        if is_sql(text):
            yield Statement(made_by, line, text, {}, made_by)
    event, made_by = table("raw.event"), f"{operators}/inbox_to_bigquery.py"
    text = inbox_to_bigquery.replacement(event, "raw.staging_event_x")
    yield Statement(made_by, 1, text, {"raw.staging_event_x": event.columns}, made_by)
    yield Statement(f"{made_by} (no rows)", 1, inbox_to_bigquery.EMPTY, {}, made_by)
    made_by = "include/warehouse/as_of_rows.py"
    for name in ("predictions.lead_score", "predictions.creative"):
        staging = f"{name}_load_x"
        text = as_of_rows.replacement(table(name), staging)
        yield Statement(f"{made_by} ({name})", 1, text, {staging: table(name).columns}, made_by, name)
    yield from _ga4()


def _ga4() -> Iterator[Statement]:
    made_by, export = "include/marketing/ga4.py", "raw.ga4_export_x"
    ours = tuple(column for column in table(ga4.TABLE).columns if column.name != ga4.OURS)
    for label, published in (("as we know it", ours), ("with nested fields added and moved", tuple(map(_moved, ours)))):
        rows = ga4.published_rows(export, [column.schema() for column in published])
        for what, text in (("fingerprint", ga4.fingerprint(rows)), ("replace_day", ga4.replace_day(rows))):
            yield Statement(f"{made_by} ({what}, export {label})", 1, text, {export: published}, made_by)
    yield Statement(f"{made_by} (fingerprint, loaded)", 1, ga4.fingerprint(ga4.loaded_rows()), {}, made_by)


def _demo() -> Iterator[Statement]:
    made_by = "services/demo/figures.py"
    for line, text in constants(ROOT / made_by):
        if is_sql(text):
            yield Statement(made_by, line, text, made_by=made_by)
    yield Statement(f"{made_by} (layers)", 1, figures.layers(), made_by=made_by)


def _documents() -> Iterator[Statement]:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text, name = path.read_text(), path.relative_to(ROOT).as_posix()
        for block in re.finditer(r"```sql\n(.*?)```", text, re.DOTALL):
            yield Statement(name, 1 + text.count("\n", 0, block.start(1)), block[1])
        yield from _inline(name, 1, re.sub(r"```.*?```", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.DOTALL))
    for path in sorted((ROOT / "dags").rglob("*.py")):
        yield from _inline(
            path.relative_to(ROOT).as_posix(), 1, ast.get_docstring(ast.parse(path.read_text()), clean=False) or ""
        )


def _inline(name: str, line: int, text: str) -> Iterator[Statement]:
    for found in re.finditer(r"`((?:SELECT|TRUNCATE|DELETE FROM|UPDATE|MERGE) [^`]+)`", text):
        if "…" not in found[1]:
            yield Statement(name, line + text.count("\n", 0, found.start()), found[1])


def is_sql(text: str) -> bool:
    """Whether a text is a statement, or begins like one."""
    bare = re.sub(r"--[^\n]*", "", text).strip().rstrip("(")
    verbs = r"SELECT\b|WITH\s+\w+\s+AS\b|MERGE\b|INSERT\s+INTO\b|DELETE\s+FROM\b|UPDATE\s+\w+\.\w|TRUNCATE\s+TABLE\b"
    return bool(re.match(rf"\(?\s*(?:{verbs}|CREATE\s|DECLARE\s|BEGIN\s+TRANS|ASSERT\s|ALTER\s+TABLE|DROP\s)", bare))


def _suites() -> list[Path]:
    return [path for path in sorted((ROOT / "expectations").glob("*/*.py")) if path.stem != "__init__"]


def _table_of(path: Path) -> Table:
    return table(f"{path.parent.name}.{path.stem}")


def _as_text(column: Column) -> Column:
    return Column(
        column.name, "STRING" if column.type == "JSON" else column.type, column.mode, column.pii, column.description
    )


def _moved(column: Column) -> Column:
    """Return a column whose nested fields are another one more, and in another order."""
    if not column.fields:
        return column
    added = Column("zz_new", "STRING", "NULLABLE", False, "What Google added.")
    fields = (added, *reversed([_moved(one) for one in column.fields]))
    return Column(column.name, column.type, column.mode, column.pii, column.description, fields)
