"""A gate between two layers: a Great Expectations suite and limits on drift that stop a promotion, refuse rows, or only warn."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowFailException

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.quality.drift import Measure, drift, profile, profile_sql
from include.quality.gate import Outcome, RefusedRow, accepted, outcome, refused_rows, refuses_too_many, stopping
from include.quality.pages import page_object, page_url
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import Table, table

MAXIMUM_BYTES_BILLED = 20 * 1024**3
LABELS = {"task": "gate"}

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import TaskInstanceKey
    from google.cloud import bigquery


class GateFailed(AirflowFailException):
    """A table broke a rule that stops its promotion. The message is the report. Never retried: the same rows break it again."""


class DataDocsLink(BaseOperatorLink):
    """Opens the page of a gate run. Airflow asks for it when the task ends, well or not, and keeps it as an XCom."""

    name = "Data docs"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        table_name = operator.table_name  # type: ignore[attr-defined]  # only GateOperator carries this link
        return page_url(lake_bucket(), page_object(table_name, ti_key.dag_id, ti_key.run_id, ti_key.task_id))


class GateOperator(WarehouseOperator):
    """Check a table with the suite, and the limits on drift, that ``expectations/<dataset>/<table>.py`` declares.

    Of a table that keeps a row set for each ``as_of`` (table.yaml: as_of in its primary key), this run's rows alone are checked.
    Every outcome goes to ops.quality_result, the table's figures to ops.table_profile, a readable page to ``quality/`` in the
    lake. Rows that a ``reject`` rule refuses replace those of ``rejects_for`` in clean.rejected_row. A broken ``fail`` rule
    raises :class:`GateFailed`, so nothing downstream runs.

    :param table_name: checked table, ``<dataset>.<table>``
    :param as_of: the run's point in time, ISO 8601; its day is the partition of ops.quality_result
    :param row_key: column that names a row; needed when the suite has ``reject`` rules
    :param rejects_for: table that the refused rows are kept out of. The checked table must then carry
        source_file_date, source_object and source_line.
    :param accept_drift: "True" lets a change pass that would stop the promotion; by default the DAG's param of this name
    """

    template_fields: Sequence[str] = ("as_of", "accept_drift")
    operator_extra_links = (DataDocsLink(),)

    def __init__(
        self,
        *,
        table_name: str,
        as_of: str,
        row_key: str | None = None,
        rejects_for: str | None = None,
        accept_drift: str = "{{ params.accept_drift }}",
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table_name = table_name
        self.as_of = as_of
        self.row_key = row_key
        self.rejects_for = rejects_for
        self.accept_drift = accept_drift
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        from expectations.check import checked, without_personal_values
        from expectations.page import page

        refuse_future(self.as_of, datetime.now(UTC))
        ti = context["ti"]
        run_key = f"{ti.dag_id}/{ti.run_id}/{ti.task_id}"
        client = warehouse(self.gcp_conn_id)
        target = table(self.table_name)
        rules = importlib.import_module(f"expectations.{self.table_name}")
        rows = rows_of_run(target, self.as_of)

        result = checked(client, self.table_name, rules.suite(), self.row_key, rows)
        refused = refused_rows(result.to_json_dict()["results"], self.row_key) if self.row_key else []
        result = without_personal_values(result, {c.name for c in target.columns if c.pii})
        (row,) = _rows(client, profile_sql(target, rules.drift(), condition_of_run(target, self.as_of) or "TRUE"))
        now = profile(row)
        last_good = table("ops.table_profile").sql("last_good")
        before = [Measure(**row) for row in _rows(client, last_good, table_name=self.table_name, run_key=run_key)]
        outcomes = [outcome(one) for one in result.to_json_dict()["results"]] + drift(rules.drift(), now, before)
        if self.accept_drift == "True":
            outcomes = accepted(outcomes)

        complaint = self._complaint(outcomes, refused, row["row_count"])
        _store_outcomes(client, run_key, self.table_name, self.as_of, outcomes)
        _store_profile(client, run_key, self.table_name, self.as_of, now, is_good=not complaint)
        if self.rejects_for:
            _store_refused(client, self.table_name, self.rejects_for, self.row_key, refused)
        self._write_page(
            page_object(self.table_name, ti.dag_id, ti.run_id, ti.task_id),
            page(result, outcomes, row["row_count"], run_key, self.as_of),
        )
        for item in outcomes:
            self.log.info("%s %s %s", "held  " if item.success else "BROKEN", item.severity, item.sentence())
        if complaint:
            raise GateFailed(complaint)
        return {"rules": len(outcomes), "warnings": sum(not o.success for o in outcomes), "refused": len(refused)}

    def _complaint(self, outcomes: Sequence[Outcome], refused: Sequence[RefusedRow], rows: int) -> str:
        """Return why the promotion must stop, or ''."""
        broken = stopping(outcomes)
        if broken:
            report = "\n".join(f"  - {item.sentence()}" for item in broken)
            real = " If the change is real, run the DAG with accept_drift." if any(o.acceptable for o in broken) else ""
            return (
                f"{self.table_name} broke {len(broken)} rule(s):\n{report}\n"
                "Nobody further down is told of this table. All outcomes: ops.quality_result, and the link Data docs of this task. "
                f"Mend the source or the rule, then clear the task before this one, which writes the table.{real}"
            )
        if refuses_too_many(refused, rows):
            return (
                f"{self.table_name}: {len({row.row_key for row in refused})} of {rows} rows were refused; over 5 % means a damaged "
                "file or a wrong rule, not bad luck. Nothing is promoted. The rows and their reasons: clean.rejected_row. "
                "Mend the source or the rule, then clear the task before this one, which writes the table."
            )
        return ""

    def _write_page(self, object_name: str, text: str) -> None:
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        bucket.blob(object_name).upload_from_string(text, content_type="text/html; charset=utf-8")
        self.log.info("Data docs: %s", page_url(bucket.name, object_name))


def condition_of_run(target: Table, as_of: str) -> str | None:
    """Return the condition for this run's rows, where the table keeps a row set for each ``as_of``."""
    if "as_of" not in target.primary_key:
        return None
    # Great Expectations takes no query parameters: what is written into the statement is a date, and nothing else.
    return f"as_of = TIMESTAMP '{datetime.fromisoformat(as_of).isoformat()}'"


def rows_of_run(target: Table, as_of: str) -> str | None:
    """Return the query of this run's rows, or None where the gate checks the whole table."""
    where = condition_of_run(target, as_of)
    return f"SELECT * FROM {target.name} WHERE {where}" if where else None  # noqa: S608 - a date


def _store_outcomes(
    client: bigquery.Client, run_key: str, table_name: str, as_of: str, outcomes: list[Outcome]
) -> None:
    _rows(
        client,
        table("ops.quality_result").sql("replace_run"),
        run_key=run_key,
        table_name=table_name,
        as_of=as_of,
        outcomes=json.dumps([o.as_row() for o in outcomes]),
    )


def _store_profile(
    client: bigquery.Client, run_key: str, table_name: str, as_of: str, profile: list[Measure], *, is_good: bool
) -> None:
    _rows(
        client,
        table("ops.table_profile").sql("replace_run"),
        run_key=run_key,
        table_name=table_name,
        as_of=as_of,
        good=is_good,
        profile=json.dumps([m.as_row() for m in profile]),
    )


def _store_refused(
    client: bigquery.Client, checked: str, target: str, row_key: str | None, refused: list[RefusedRow]
) -> None:
    from include.warehouse.staged_rows import staged_rows

    columns = [field.name for field in fields(RefusedRow)]
    suffix = checked.replace(".", "_")
    rows = [asdict(row) for row in refused]
    with staged_rows(client, table("clean.rejected_row"), suffix, columns, rows, LABELS) as staged:
        # Identifiers cannot be query parameters; all three come from table definitions, never from data.
        sql = table("clean.rejected_row").sql("replace_refused")
        for slot, name in {"{checked}": checked, "{key}": row_key or "", "{staged}": staged}.items():
            sql = sql.replace(slot, name)
        _rows(client, sql, table_name=target)


def _rows(client: bigquery.Client, sql: str, **parameters: str | bool) -> list[dict[str, Any]]:
    done = run(client, sql, LABELS, MAXIMUM_BYTES_BILLED, **parameters)
    return [dict(row) for row in done]
