"""What holds for every DAG file: the set, the page for the person on call, names, tags, retries, pools, schedules."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"
FILES = sorted(DAGS.rglob("*.py"))
DAG_IDS = {
    "activate_ghl", "activate_instantly", "apply_tables", "check_connections", "check_freshness", "deliver_alerts", "clean_events", "clean_providers", "enrich_contacts", "ingest_board_licenses",
    "ingest_ad_performance", "ingest_ga4", "ingest_site_visits", "ingest_nppes_deactivation", "ingest_nppes_monthly", "ingest_nppes_weekly", "load_events", "personalize_content", "register_webhooks", "resolve_identity", "score_leads", "segment_leads", "validate_contacts",
    "train_lead_score",
}  # fmt: skip
# What the page in the UI must say; the person who reads it was woken by it.
DOC_PARTS = ("| Kind | ", "| Runs | ", "| Reads | ", "| Writes | ", "## When it fails", "## Backfill")
MAX_CODE_LINES = 150
MAX_PARSE_SECONDS = 1.0
# Loads the folder as the image does: the repository on PYTHONPATH, plugins/ appended by Airflow.
LOAD = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
bag = BundleDagBag(sys.argv[1], bundle_path=Path(sys.argv[1]), bundle_name="dags-folder")
print(json.dumps({"dag_ids": sorted(bag.dags), "errors": bag.import_errors}))
"""


@pytest.fixture(scope="module")
def bag() -> Iterator[DagBag]:
    from airflow.dag_processing.dagbag import BundleDagBag

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GTM_SCHEDULES", raising=False)
        yield BundleDagBag(DAGS, bundle_path=DAGS, bundle_name="dags-folder")


def dag_of(bag: DagBag, path: Path) -> DAG:
    assert path.stem in bag.dags, f"{path.relative_to(ROOT)} defines no DAG of its name"
    return bag.dags[path.stem]  # type: ignore[return-value]


def each(values: list[Path]) -> Any:
    return pytest.mark.parametrize("path", values, ids=lambda path: path.stem)


def test_dag_ids_are_exactly_these(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == DAG_IDS


@pytest.mark.slow
def test_dags_when_loaded_with_the_paths_of_the_image_are_the_same(tmp_path: Path) -> None:
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS), "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false", "GTM_PROJECT": "p", "GTM_LAKE_BUCKET": "b",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", LOAD, DAGS], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"dag_ids": sorted(DAG_IDS), "errors": {}}


def test_parse_when_imports_are_warm_takes_under_a_second_a_file(bag: DagBag) -> None:
    from airflow.dag_processing.dagbag import BundleDagBag

    again = BundleDagBag(DAGS, bundle_path=DAGS, bundle_name="dags-folder")
    slow = {
        stat.file: stat.duration for stat in again.dagbag_stats if stat.duration.total_seconds() > MAX_PARSE_SECONDS
    }
    assert len(again.dagbag_stats) == len(FILES) > 0
    assert slow == {}


def test_every_asset_that_starts_a_dag_is_written_by_a_task(bag: DagBag) -> None:
    from airflow.sdk import Asset

    written = {o.name for dag in bag.dags.values() for t in dag.tasks for o in t.outlets if isinstance(o, Asset)}
    awaited = {name for path in FILES for name in assets_in(dag_of(bag, path).schedule)}
    assert awaited - written == set()
    assert awaited


@each(FILES)
def test_tasks_that_read_what_another_task_returned_come_after_it(bag: DagBag, path: Path) -> None:
    for task in dag_of(bag, path).tasks:
        texts = json.dumps(
            [getattr(task, "partial_kwargs", {}), *(getattr(task, f, None) for f in task.template_fields)], default=str
        )
        for named in re.findall(r"xcom_pull\(task_ids='(\w+)'", texts):
            assert named in task.get_flat_relative_ids(upstream=True), (
                f"{task.task_id} reads {named} and may run before it"
            )


def test_every_dag_that_owns_a_date_stands_in_the_freshness_sources(bag: DagBag) -> None:
    from include.airflow.defaults import Kind, Stage
    from include.quality.freshness_sources import SOURCES

    owners = {i for i, dag in bag.dags.items() if Kind.INTERVAL in dag.tags and Stage.OPERATE not in dag.tags}
    assert owners == {source.dag_id for source in SOURCES}


def test_every_asset_is_grouped_by_its_layer(bag: DagBag) -> None:
    from airflow.sdk import Asset

    outlets = {
        o.name: o.group for dag in bag.dags.values() for t in dag.tasks for o in t.outlets if isinstance(o, Asset)
    }
    assert outlets
    assert {name: group for name, group in outlets.items() if group != name.split(".")[0]} == {}


@each(FILES)
class TestEveryFile:
    def test_defines_one_dag_of_its_name(self, bag: DagBag, path: Path) -> None:
        ids = [dag_id for dag_id, dag in bag.dags.items() if Path(str(dag.fileloc)) == path]
        assert ids == [path.stem]

    def test_lies_in_the_folder_of_its_stage(self, bag: DagBag, path: Path) -> None:
        assert f"stage:{path.parent.name}" in dag_of(bag, path).tags

    def test_page_says_what_the_person_on_call_needs(self, bag: DagBag, path: Path) -> None:
        page = dag_of(bag, path).doc_md or ""
        assert [part for part in DOC_PARTS if part not in page] == []

    def test_list_says_in_a_line_what_it_does(self, bag: DagBag, path: Path) -> None:
        assert re.fullmatch(r"[A-Z][^.\n]{20,99}", str(dag_of(bag, path).description).replace("raw.", "raw "))

    def test_is_short_below_its_docstring(self, bag: DagBag, path: Path) -> None:
        source = path.read_text()
        docstring = ast.parse(source).body[0]
        assert len(source.splitlines()) - (docstring.end_lineno or 0) <= MAX_CODE_LINES

    def test_has_no_value_that_changes_with_every_parse(self, path: Path, bag: DagBag) -> None:
        assert unstable(path) is None

    def test_tags_are_of_the_enums_with_one_stage_tier_and_kind(self, bag: DagBag, path: Path) -> None:
        from include.airflow.defaults import Kind, Stage, System, Tier

        tags = dag_of(bag, path).tags
        assert set(tags) <= {*Stage, *Tier, *Kind, *System}
        for enum in (Stage, Tier, Kind):
            assert len(tags & set(enum)) == 1, f"{sorted(tags)} needs exactly one of {[str(v) for v in enum]}"
        assert tags & set(System)

    def test_owner_is_a_team(self, bag: DagBag, path: Path) -> None:
        from include.warehouse.tables import OWNERS

        assert {task.owner for task in dag_of(bag, path).tasks} <= set(OWNERS)

    def test_does_not_catch_up_and_limits_its_runs(self, bag: DagBag, path: Path) -> None:
        from include.airflow.defaults import Kind

        dag = dag_of(bag, path)
        assert dag.catchup is False
        assert dag.max_active_runs == 1 or Kind.INTERVAL in dag.tags

    def test_schedule_fits_its_kind(self, bag: DagBag, path: Path) -> None:
        from airflow.sdk.definitions.timetables.assets import AssetTriggeredTimetable
        from airflow.sdk.definitions.timetables.simple import NullTimetable
        from airflow.timetables.interval import CronDataIntervalTimetable

        from include.airflow.defaults import Kind

        dag = dag_of(bag, path)
        allowed = (
            (CronDataIntervalTimetable,) if Kind.INTERVAL in dag.tags else (AssetTriggeredTimetable, NullTimetable)
        )
        assert isinstance(dag.timetable, allowed), type(dag.timetable)

    def test_asset_triggered_dag_takes_an_as_of(self, bag: DagBag, path: Path) -> None:
        dag = dag_of(bag, path)
        if assets_in(dag.schedule):
            assert "as_of" in dag.params
            assert "resolve_as_of" in dag.task_ids

    def test_tasks_are_named_verb_noun_retry_and_end(self, bag: DagBag, path: Path) -> None:
        for task in dag_of(bag, path).tasks:
            assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", task.task_id), task.task_id
            assert task.retries, task.task_id
            assert task.execution_timeout is not None, task.task_id

    def test_a_task_that_fails_tells_the_pager(self, bag: DagBag, path: Path) -> None:
        from notifiers.pager import PagerNotifier

        for task in dag_of(bag, path).tasks:
            callbacks = task.partial_kwargs["on_failure_callback"] if task.is_mapped else task.on_failure_callback
            assert any(isinstance(one, PagerNotifier) for one in callbacks), task.task_id

    def test_a_tier_one_dag_has_a_deadline_and_its_owners_name_in_it(self, bag: DagBag, path: Path) -> None:
        from include.airflow.defaults import Tier

        dag = dag_of(bag, path)
        assert bool(dag.deadline) == (Tier.ONE in dag.tags)
        for alert in dag.deadline or []:
            assert {alert.callback.kwargs["owner"]} == {task.owner for task in dag.tasks}

    def test_mapped_tasks_have_readable_names_in_the_grid(self, bag: DagBag, path: Path) -> None:
        for task in dag_of(bag, path).tasks:
            assert not task.is_mapped or task.map_index_template, task.task_id

    def test_pools_exist(self, bag: DagBag, path: Path) -> None:
        from include.airflow.pools import POOLS

        assert {task.pool for task in dag_of(bag, path).tasks} <= {*POOLS, "default_pool"}

    def test_vendor_tasks_hold_the_vendors_pool_and_retry_by_the_error(self, bag: DagBag, path: Path) -> None:
        from include.airflow.defaults import VENDOR_RETRY

        for task in dag_of(bag, path).tasks:
            # An operator that knows several vendors takes the pool of the one that it calls.
            if vendors := vendors_of_task(task):
                assert task.pool in vendors, f"{task.task_id} calls one of {vendors} outside its pool"
                missing = [rule for rule in VENDOR_RETRY.rules if rule not in retry_rules(task)]
                assert missing == [], task.task_id

    def test_retry_rules_name_exceptions_that_import(self, bag: DagBag, path: Path) -> None:
        for task in dag_of(bag, path).tasks:
            for rule in retry_rules(task):
                for name in [rule.exception] if isinstance(rule.exception, str) else rule.exception:
                    assert issubclass(imported(name) if isinstance(name, str) else name, Exception)


def unstable(path: Path) -> str | None:
    """Return what Airflow's own check says about values that change with every parse; None when it finds none."""
    from airflow.utils.dag_version_inflation_checker import (
        AirflowRuntimeVaryingValueChecker,
        DagVersionInflationCheckLevel,
    )

    checker = AirflowRuntimeVaryingValueChecker(DagVersionInflationCheckLevel.error)
    checker.visit(ast.parse(path.read_text()))
    found: str | None = checker.static_check_result.format_warnings()
    return found


def test_stability_check_when_a_start_date_is_now_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "d.py"
    path.write_text("from datetime import datetime\nfrom airflow.sdk import DAG\nDAG('d', start_date=datetime.now())\n")
    assert "Line 3" in str(unstable(path))


def assets_in(schedule: Any) -> set[str]:
    """Return the names of the assets in a DAG's ``schedule``."""
    from airflow.sdk import Asset

    if isinstance(schedule, Asset):
        return {schedule.name}
    parts = schedule if isinstance(schedule, list) else getattr(schedule, "objects", [])
    return {name for part in parts for name in assets_in(part)}


def retry_rules(task: Any) -> list[Any]:
    return list(task.retry_policy.rules) if task.retry_policy else []


def operator_module(task: Any) -> str:
    """Return the dotted module of a task's operator class, also of a mapped task's."""
    return str((task.operator_class if task.is_mapped else type(task)).__module__)


def vendors_of(module: str) -> set[str]:
    """Return the vendors with a pool whose hook the operator in ``module`` imports."""
    from include.airflow.pools import POOLS

    path = ROOT / "plugins" / f"{module.replace('.', '/')}.py"
    source = path.read_text() if path.exists() else ""
    return set(re.findall(r"(?:from|import) hooks\.(\w+)", source)) & set(POOLS)


def vendors_of_task(task: Any) -> set[str]:
    """Return the vendors that a task calls: the one that it names, or those whose hook its operator imports."""
    named = task.partial_kwargs.get("vendor") if task.is_mapped else getattr(task, "vendor", None)
    module = operator_module(task)
    return {named} if named and ("ask_vendor" in module or "reconcile_vendor" in module) else vendors_of(module)


def test_every_vendor_is_called_by_a_task(bag: DagBag) -> None:
    called = {v for dag in bag.dags.values() for task in dag.tasks for v in vendors_of_task(task)}
    assert called == {
        "board", "nppes", "wiza", "apollo", "clay", "twilio", "usps", "addy", "ghl", "instantly", "google_ads", "meta_ads", "ttd", "leadfeeder",
    }  # fmt: skip


def imported(name: str) -> Any:
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def test_every_gate_has_its_suite_and_the_dags_person_can_accept_a_change(bag: DagBag) -> None:
    gates = [task for dag in bag.dags.values() for task in dag.tasks if type(task).__name__ == "GateOperator"]
    assert {gate.table_name for gate in gates} >= {
        "clean.provider_candidate", "clean.provider", "clean.license", "clean.license_match", "clean.practice", "clean.event",
        "enriched.answer", "enriched.contact", "enriched.firmographics", "enriched.provider_360", "segmented.lead",
        "predictions.lead_score",
    }  # fmt: skip
    for gate in gates:
        assert (ROOT / "expectations" / f"{gate.table_name.replace('.', '/')}.py").exists(), gate.task_id
        assert gate.dag.params["accept_drift"] is False, gate.task_id


# "run with `x`", "trigger this DAG with x", "run with x = y", "run with {"x": 1, "y": 2}"
PARAM_NAMED = re.compile(
    r"\b(?:[Rr]un|[Tt]rigger)\b[^.`{]{0,40}?\bwith\s+`?(\{[^}]*\}|[a-z]+(?:_[a-z]+)+\b)", re.DOTALL
)


def params_named(text: str) -> set[str]:
    """Return the names of params that a text tells somebody to run a DAG with."""
    joined = re.sub(r'"\s*\n\s*f?"', "", text)  # a message in several lines is one
    found = [match[1] for match in PARAM_NAMED.finditer(joined)]
    return {name for one in found for name in (re.findall(r'"(\w+)":', one) if one.startswith("{") else [one])}


def messages_of(task: Any) -> str:
    """Return the source of a task's operator and of the hooks that it imports: its messages are in there."""
    path = ROOT / "plugins" / f"{operator_module(task).replace('.', '/')}.py"
    if not path.exists():
        return ""
    source = path.read_text()
    hooks = {"http.transport", *re.findall(r"(?:from|import) hooks\.([\w.]+)", source)}
    return "\n".join(
        [source, *((ROOT / "plugins/hooks" / f"{name.replace('.', '/')}.py").read_text() for name in sorted(hooks))]
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Then run with `outcome_unknown` = `resend`", {"outcome_unknown"}),
        ('or run "\n    "with approved_usd = 3.00', {"approved_usd"}),
        ("trigger this DAG with `accept_drift`: it", {"accept_drift"}),
        ('run with `{"day": "…", "restate_days": 0}`', {"day", "restate_days"}),
        ("A run for an old `as_of` buys nothing", set()),
    ],
)
def test_params_named_when_a_text_says_so_then_finds_them(text: str, names: set[str]) -> None:
    assert params_named(text) == names


@each(FILES)
def test_params_that_a_page_or_a_message_names_are_the_dags_own(bag: DagBag, path: Path) -> None:
    dag = dag_of(bag, path)
    params = set(dag.params)
    assert params_named(dag.doc_md or "") <= params
    for task in dag.tasks:
        assert params_named(messages_of(task)) <= params, task.task_id
        resend = task.partial_kwargs.get("resend_param") if task.is_mapped else getattr(task, "resend_param", None)
        if "twilio_lookup" in operator_module(task):
            assert (resend or "resend_unknown").split()[0] in params, task.task_id


def test_params_that_the_documentation_names_are_of_some_dag(bag: DagBag) -> None:
    params = {name for dag in bag.dags.values() for name in dag.params}
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "include").rglob("*.py")]
    unknown = {path.name: sorted(left) for path in files if (left := params_named(path.read_text()) - params)}
    assert unknown == {}


def test_a_long_dag_shows_groups_whose_tasks_keep_their_names(bag: DagBag) -> None:
    dag = bag.dags["enrich_contacts"]
    children = dag.task_group.children
    assert len(children) <= 12, sorted(children)
    assert all("." not in task.task_id for task in dag.tasks)
