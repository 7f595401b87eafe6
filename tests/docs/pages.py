"""The pages docs/dags.md and docs/tables.md, made of the DAGs as Airflow parses them and of the table definitions: `make docs`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from include.warehouse.tables import Table, tables

ROOT = Path(__file__).parents[2]
STAGES = ("operate", "ingest", "clean", "enrich", "segment", "learn", "personalize", "activate", "feedback")
DAGS_HEAD = """# DAGs

<!-- Made by `make docs` from dags/; a test compares. -->

Tier 1 pages at once, because money or law is at stake; tier 2 is mended today, tier 3 this week. An interval DAG owns a date and runs by the clock (UTC);
a convergent one runs when an asset changes, or by hand, and brings its tables to the state that RAW implies. The DAG's own page, in its file and in the UI, says what it
reads and what to do when it fails."""
TABLES_HEAD = """# Tables

<!-- Made by `make docs` from include/sql/*/*/table.yaml and from the statements of each DAG; a test compares. -->

Each table is defined once, in `include/sql/<dataset>/<table>/table.yaml`, with every column. "Written by" names the DAGs with a statement that changes rows."""


def dags_page(dags: Mapping[str, Any]) -> str:
    """Return the text of docs/dags.md."""
    lines = [DAGS_HEAD]
    for stage in STAGES:
        lines += [
            f"\n## {stage}\n",
            "| DAG | What it does | Tier | Kind | Runs | Announces | Owner |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_dag_row(dag) for dag_id, dag in sorted(dags.items()) if f"stage:{stage}" in dag.tags]
    return "\n".join(lines) + "\n"


def tables_page(writers: Mapping[str, Iterable[str]]) -> str:
    """Return the text of docs/tables.md.

    :param writers: table -> the DAGs that change its rows
    """
    lines = [TABLES_HEAD]
    for dataset in sorted({table.dataset for table in tables()}):
        lines.append(f"\n## {dataset}")
        for table in (one for one in tables() if one.dataset == dataset):
            lines += ["", *_table_lines(table, sorted(writers.get(table.name, ())))]
    return "\n".join(lines) + "\n"


def writers_of(dags: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return table -> the DAGs with a statement that changes its rows."""
    from tests.sql.statements import statements
    from tests.sql.writers import changed_tables, dag_ids_of

    found: dict[str, set[str]] = defaultdict(set)
    for statement in (one for one in statements() if one.made_by):
        for name in changed_tables(statement.text):
            found[name] |= dag_ids_of(statement, dict(dags))
    return found


def parsed_dags() -> dict[str, Any]:
    """Return the DAGs of the tree by dag_id, as Airflow parses them. Raises ValueError with the trace of a file that does not import."""
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
    if bag.import_errors:
        raise ValueError("\n".join(f"{path}: {trace}" for path, trace in bag.import_errors.items()))
    return dict(bag.dags)


def _dag_row(dag: Any) -> str:
    by_kind = {tag.partition(":")[0]: tag.partition(":")[2] for tag in dag.tags}
    path = Path(dag.fileloc).relative_to(ROOT).as_posix()
    cells = [
        f"[`{dag.dag_id}`](../{path})", dag.description, by_kind["tier"], by_kind["kind"], _runs(dag),
        _code(sorted(_announced(dag))) or "–", ", ".join(sorted({task.owner for task in dag.tasks})),
    ]  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _runs(dag: Any) -> str:
    from include.airflow.schedules import (
        CRONS,
    )  # Airflow reads its settings as it is imported: _main has set them by then

    if dag.dag_id in CRONS:
        return f"`{CRONS[dag.dag_id]}`"
    return _assets(dag.schedule) if dag.schedule else "by hand"


def _assets(schedule: Any) -> str:
    """Return the assets that start a DAG: in a list all must have changed, ``a | b`` is either."""
    if isinstance(schedule, list):
        return " and ".join(_assets(part) for part in schedule)
    if hasattr(schedule, "objects"):
        word = " or " if type(schedule).__name__ == "AssetAny" else " and "
        return word.join(_assets(part) for part in schedule.objects)
    return f"`{schedule.name}`"


def _announced(dag: Any) -> set[str]:
    return {outlet.name for task in dag.tasks for outlet in task.outlets if hasattr(outlet, "name")}


def _table_lines(table: Table, writers: list[str]) -> Iterator[str]:
    partition = f"`{table.partition_field}`, {table.partition_type}" if table.partition_field else "none"
    yield f"### {table.name}\n"
    yield f"{table.description}\n"
    yield f"- Grain: {table.grain}"
    yield f"- Key: {_code(table.primary_key) or 'none'}; partition: {partition}; clustering: {_code(table.clustering) or 'none'}"
    yield f"- Owner: {table.owner}; written by: {', '.join(writers) or 'no statement: a load job, or people'}"
    yield f"- Personal columns: {_code(column.name for column in table.columns if column.pii) or 'none'}"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _main() -> None:
    with tempfile.TemporaryDirectory() as home:
        defaults = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "GTM_PROJECT": "p",
            "GTM_LAKE_BUCKET": "b",
        }
        os.environ.update({name: os.environ.get(name, value) for name, value in defaults.items()})
        dags = parsed_dags()
        for name, page in (("dags.md", dags_page(dags)), ("tables.md", tables_page(writers_of(dags)))):
            (ROOT / "docs" / name).write_text(page, encoding="utf-8")
            sys.stdout.write(f"docs/{name} written\n")


if __name__ == "__main__":
    _main()
