"""Google's own analyzer reads every statement of the project; the embedded warehouse accepts some that BigQuery refuses."""

from __future__ import annotations

import ast
import atexit
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.airflow.pools import POOLS
from include.warehouse.tables import Table, tables
from tests.sql.googlesql.catalog import columns_of
from tests.sql.googlesql.script import Analyzed, Analyzer, Fault
from tests.sql.googlesql.tree import changed, inserted, patterns, refused_by_planner, scans
from tests.sql.statements import ROOT, Statement, is_sql, statements
from tests.sql.writers import changed_tables, dag_ids_of

# The first run on a machine compiles the analyzer.
pytestmark = pytest.mark.timeout(1800)
EXCEPTIONS = yaml.safe_load((Path(__file__).parent / "exceptions.yaml").read_text())
ROOMS = ("plugins", "include", "services/demo", "expectations")
# Texts in another language than BigQuery's: Google Ads' own, and DuckDB's.
OTHER_LANGUAGES = ("plugins/hooks/google_ads.py", "include/linkage/")


@dataclass(frozen=True)
class Result:
    statement: Statement
    analyzed: list[Analyzed]
    faults: list[Fault]


@cache
def analyzer() -> Analyzer:
    atexit.register(analyzer.cache_clear)  # wasmtime cannot free its memory any more once Python takes modules apart
    return Analyzer()


def result_of(statement: Statement) -> Result:
    staged = {name: columns_of(columns) for name, columns in statement.staged.items()}
    return Result(statement, *analyzer().analyze(statement.text, staged))


@cache
def results() -> tuple[Result, ...]:
    return tuple(result_of(statement) for statement in statements())


def faults_of(result: Result) -> Iterator[str]:
    """Yield ``file:line: what is wrong`` of one text."""
    required = {table.name: {c.name for c in table.columns if c.mode == "REQUIRED"} for table in tables()}
    for fault in result.faults:
        yield _said(result, fault.line, fault.message)
    for one in result.analyzed:
        for message in refused_by_planner(one.tree):
            yield _said(result, one.line, message)
        for table, columns in inserted(one.tree):
            if missing := sorted(required.get(table, set()) - columns):
                yield _said(result, one.line, f"INSERT leaves out REQUIRED {', '.join(missing)} of {table}")


def _said(result: Result, line: int, message: str) -> str:
    text = result.statement.text.splitlines()[line - 1].strip()
    return f"{result.statement.where}:{result.statement.line + line - 1}: {message}\n    {text}"


def test_statements_when_analyzed_by_google_have_no_fault() -> None:
    assert [fault for result in results() for fault in faults_of(result)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT npi\nFROM clean.provider\nWHERE nippy = '1'", "probe:3: .*Unrecognized name: nippy.*column 7.*\n.*WHERE nippy"),
        # The two faults that kept clean.event and clean.provider from ever being written.
        (
            "SELECT email, MIN(person_id) AS person_id FROM enriched.contact\nGROUP BY email HAVING COUNT(DISTINCT person_id) = 1",
            "probe:2: .*Aggregations of aggregations are not allowed",
        ),
        (
            "CREATE TEMP TABLE slot AS SELECT npi, 1 AS slot FROM clean.provider;\n"
            "SELECT ARRAY_AGG(npi ORDER BY slot) AS npis FROM slot",
            "probe:2: .*ORDER BY does not support expressions of type STRUCT",
        ),
        ("SELECT npi FROM clean.provider WHERE npi = @npi", "probe:1: Declare in a comment '-- @npi TYPE'"),
        ("-- @npi INT64\nSELECT npi FROM clean.provider WHERE npi = @npi", "probe:2: .*No matching signature for operator ="),
        ("DECLARE n INT64;\nSET n = (SELECT npi FROM clean.provider LIMIT 1)", "probe:2: SET n: the types differ"),
        ("DECLARE n INT64;\nIF n > 1 THEN\n  SELECT nope FROM clean.provider;\nEND IF", "probe:3: .*Unrecognized name: nope"),
        ("SELECT npi, NPI FROM clean.provider", "probe:1: Duplicate column names"),
        (
            "SELECT a.npi FROM clean.provider AS a LEFT JOIN clean.provider AS b ON a.npi < b.npi",
            "probe:1: LEFT OUTER JOIN cannot be used without an equality",
        ),
        ("INSERT INTO ops.alert (source) SELECT 'x'", "probe:1: INSERT leaves out REQUIRED .* of ops.alert"),
    ],
)  # fmt: skip
def test_statement_when_bigquery_would_refuse_it_then_line_and_reason_are_named(text: str, said: str) -> None:
    (fault,) = faults_of(result_of(Statement("probe", 1, text)))
    assert re.search(said, fault, re.DOTALL), fault


def test_patterns_when_run_by_the_reference_implementation_are_valid() -> None:
    seen = {pattern: r.statement.where for r in results() for one in r.analyzed for pattern in patterns(one.tree)}
    assert len(seen) > 100
    assert [f"{where}: {fault}" for pattern, where in seen.items() if (fault := pattern_fault(*pattern))] == []
    assert "missing ]" in (pattern_fault("regexp_contains", "[a-") or "")
    assert pattern_fault("json_value", "$.a[") is not None


def pattern_fault(function: str, pattern: str) -> str | None:
    quoted = "'" + pattern.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    more = ", ''" if function == "regexp_replace" else ""
    try:
        analyzer().client.evaluated(f"{function}('{{}}', {quoted}{more})", analyzer().project)
    except Exception as error:  # noqa: BLE001 - whatever it is, the pattern is not valid
        return f"{function} {pattern!r}: {error}"
    return None


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_table_when_created_in_bigquery_breaks_no_limit(table: Table) -> None:
    columns = {column.name: column for column in table.columns}
    by = [columns[name] for name in table.clustering]
    assert len(by) <= 4
    assert [c.name for c in by if c.mode == "REPEATED" or c.type in ("JSON", "RECORD", "FLOAT64")] == []
    assert table.partition_field is None or columns[table.partition_field].type in ("DATE", "TIMESTAMP")
    assert [c.name for c in table.columns if len(c.description) > 1024] == []
    assert len(table.resource("p")["description"]) <= 16_384
    reserved = r"(?i)_(PARTITION|TABLE_|FILE_|ROW_TIMESTAMP|COLIDENTIFIER|CHANGE_)|__ROOT__"
    assert [name for name in columns if re.match(reserved, name) or not re.fullmatch(r"[A-Za-z_]\w{0,299}", name)] == []


def whole_scans(result: Result) -> set[str]:
    """Return the partitioned tables that a text reads without a constant to compare their partition column with."""
    partition = {table.name: table.partition_field for table in tables() if table.partition_field}
    return {
        scan.table for one in result.analyzed for scan in scans(one.tree)
        if scan.table in partition and partition[scan.table] not in scan.columns
    }  # fmt: skip


def test_scans_of_tables_that_grow_have_a_constant_on_the_partition_or_a_reason() -> None:
    allowed = {
        (where, name) for one in EXCEPTIONS["whole_scans"] for where, names in one["in"].items() for name in names
    }
    found = {(result.statement.where, name) for result in results() for name in whole_scans(result)}
    assert sorted(found - allowed) == [], "read with a constant predicate on the partition column, or say why not"
    assert sorted(allowed - found) == [], "exceptions that nothing needs any more: take them out of exceptions.yaml"


@pytest.mark.parametrize(
    ("where", "is_whole"),
    [
        ("WHERE requested_date = @day", False),
        ("WHERE requested_date BETWEEN DATE_SUB(@day, INTERVAL 3 DAY) AND @day", False),
        ("WHERE requested_date IN (DATE '2025-01-01', @day) AND vendor = 'x'", False),
        ("WHERE DATE_TRUNC(requested_date, MONTH) = @day", True),
        ("WHERE requested_date = @day OR vendor = 'x'", True),
        ("WHERE requested_date = (SELECT MAX(file_date) FROM raw.nppes_npi WHERE file_date > @day)", True),
        ("WHERE vendor = 'x' AND responded_at > TIMESTAMP(@day)", True),
    ],
)
def test_scan_when_the_partition_is_compared_then_only_a_constant_counts(where: str, is_whole: bool) -> None:
    result = result_of(Statement("probe", 1, f"/* @day DATE */ SELECT * FROM raw.vendor_response {where}"))
    if "@day" not in where:
        result = result_of(Statement("probe", 1, f"SELECT * FROM raw.vendor_response {where}"))
    assert not result.faults
    assert ("raw.vendor_response" in whole_scans(result)) == is_whole


def test_scan_when_a_merge_or_a_join_names_the_partition_then_it_counts_where_rows_fall_away() -> None:
    merge = (
        "MERGE raw.event AS t USING (SELECT 'a' AS dedup_key) AS s ON {} WHEN NOT MATCHED BY SOURCE AND {} THEN DELETE"
    )
    day = "t.received_date = DATE '2026-01-01'"
    for on, by_source, is_whole in [
        ("FALSE", day, False),
        ("FALSE", "t.verified", True),
        ("t.dedup_key = s.dedup_key", day, True),
    ]:
        assert bool(whole_scans(result_of(Statement("probe", 1, merge.format(on, by_source))))) == is_whole, (
            on,
            by_source,
        )
    join = "SELECT 1 FROM clean.provider AS p {} JOIN raw.vendor_response AS v ON v.person_key = p.npi AND v.requested_date = DATE '2026-01-01'"
    assert [
        bool(whole_scans(result_of(Statement("probe", 1, join.format(kind))))) for kind in ("", "LEFT", "RIGHT")
    ] == [
        False,
        False,
        True,
    ]


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAGs as Airflow parses them."""
    env = {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "GTM_PROJECT": "p", "GTM_LAKE_BUCKET": "b", "GTM_GA4_DATASET": "analytics_1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, os.environ.get(name, value))
        from airflow.dag_processing.dagbag import BundleDagBag

        bag = BundleDagBag(ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
        assert bag.import_errors == {}
        return dict(bag.dags)


def writers(dags: dict[str, Any], of: tuple[Result, ...]) -> dict[str, set[str]]:
    """Return table -> the DAGs with a statement that changes it."""
    found = defaultdict(set)
    for result in of:
        if result.statement.made_by:
            for target in {change[1] for one in result.analyzed if (change := changed(one.tree))}:
                if not target.startswith("temp "):
                    found[target] |= dag_ids_of(result.statement, dags)
    return found


def test_tables_when_two_dags_change_them_say_why_that_is_right(dags: dict[str, Any]) -> None:
    by_table = writers(dags, results())
    assert by_table["raw.event"] == {"load_events"}
    assert by_table["clean.identity"] == {"resolve_identity"}
    assert by_table["segmented.lead"] == {"segment_leads"}
    shared = {table: sorted(dag_ids) for table, dag_ids in by_table.items() if len(dag_ids) > 1}
    said = {table: sorted(one["dags"]) for table, one in EXCEPTIONS["shared_tables"].items()}
    assert shared == said, "one DAG owns a table, or exceptions.yaml says why several may change it at once"


def test_transactions_when_another_dag_changes_the_table_say_why_that_is_right(dags: dict[str, Any]) -> None:
    """BigQuery cancels a transaction for any other change of its tables, and a statement outside waits for it."""
    shared = {table for table, dag_ids in writers(dags, results()).items() if len(dag_ids) > 1}
    found = {
        (result.statement.where, change[1])
        for result in results() for one in result.analyzed
        if one.is_in_transaction and (change := changed(one.tree)) and change[1] in shared
    }  # fmt: skip
    allowed = {
        (where, name) for one in EXCEPTIONS["transactions"] for where, names in one["in"].items() for name in names
    }
    assert sorted(found - allowed) == [], "change it by one statement, outside of the transaction"
    assert sorted(allowed - found) == [], "exceptions that nothing needs any more: take them out of exceptions.yaml"


def test_writers_when_a_statement_changes_a_table_of_another_dag_then_both_are_named(dags: dict[str, Any]) -> None:
    text = "DELETE FROM clean.identity WHERE TRUE"
    probe = Statement(
        "plugins/operators/inbox_to_bigquery.py", 1, text, made_by="plugins/operators/inbox_to_bigquery.py"
    )
    assert writers(dags, (*results(), result_of(probe)))["clean.identity"] == {"resolve_identity", "load_events"}


def test_tables_that_a_text_changes_when_read_from_its_words_are_those_of_the_analyzer() -> None:
    differing = {}
    for result in results():
        changes = [changed(one.tree) for one in result.analyzed]
        named = {change[1] for change in changes if change and not change[1].startswith("temp ")}
        if named != changed_tables(result.statement.text):
            differing[result.statement.where] = (named, changed_tables(result.statement.text))
    assert differing == {}


def test_loads_of_answers_wait_for_one_another(dags: dict[str, Any]) -> None:
    tasks = [task for dag in dags.values() for task in dag.tasks if task.task_type == "CallLedgerToBigQueryOperator"]
    assert len(tasks) == 5
    assert {task.pool for task in tasks} == {"vendor_response"}
    assert POOLS["vendor_response"][0] == 1


def test_texts_that_look_like_sql_are_all_in_the_catalog() -> None:
    assert [
        place for path in _modules() for place in forgotten(path.relative_to(ROOT).as_posix(), path.read_text())
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        "SQL = 'SELECT npi FROM clean.provider WHERE npi IS NULL'",
        "def f(client):\n    client.query_and_wait('''\n-- why\nDELETE FROM clean.provider''')",
        "def f(name):\n    return f'MERGE {name} AS t USING clean.provider AS s ON FALSE WHEN MATCHED THEN DELETE'",
    ],
)
def test_text_when_it_is_in_no_catalog_is_found(source: str) -> None:
    assert len(list(forgotten("plugins/operators/new.py", source))) == 1


def test_statements_run_through_the_one_door() -> None:
    """Elsewhere a statement would have neither declared types nor the retry: ``client.query`` stands in one module."""
    calls = re.compile(r"\.query_and_wait\b|\bclient\.query\(|QueryParameter\(")
    found = [path.relative_to(ROOT).as_posix() for path in _modules() if calls.search(path.read_text())]
    assert sorted(found) == ["include/warehouse/parameters.py", "include/warehouse/run.py"]


def _modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def forgotten(path: str, source: str) -> Iterator[str]:
    """Yield ``file:line: text`` of each text of a module that looks like SQL and stands in no statement of the catalog."""
    if path.startswith(OTHER_LANGUAGES):
        return
    known = [_squeezed(one.text) for one in statements() if one.made_by == path]
    tree = ast.parse(source)
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in documents | parts or not (text := _text(node)) or not is_sql(text):
            continue
        fixed = [_squeezed(part) for part in re.split(r"\{\w*\}", text)]
        if not any(all(part in one for part in fixed) for one in known):
            yield f"{path}:{node.lineno}: {text.strip()[:80]}: add it to tests/sql/statements.py"  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str:
    """Return the text of a constant, or of an f-string with {} for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _squeezed(text: str) -> str:
    return re.sub(r"\s+|--[^\n]*", "", text)
