"""A gate between two layers: a Great Expectations suite that stops a promotion, refuses rows, or only warns."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from include.gate import Outcome, RefusedRow, outcome, refused_rows, refuses_too_many, stopping
from include.settings import project
from include.tables import table

MAXIMUM_BYTES_BILLED = 20 * 1024**3
LABELS = {"task": "gate"}

if TYPE_CHECKING:
    from airflow.sdk import Context
    from google.cloud import bigquery


class GateFailed(AirflowException):
    """A table broke a rule that stops its promotion. The message is the report."""


class GateOperator(BaseOperator):
    """Check a table with the suite that ``expectations/<dataset>/<table>.py`` builds.

    Every outcome goes to ops.quality_result. Rows that a ``reject`` rule refuses replace those of ``rejects_for`` in
    clean.rejected_row. A broken ``fail`` rule raises :class:`GateFailed`, so nothing downstream runs.

    :param table_name: checked table, ``<dataset>.<table>``
    :param as_of: the run's point in time, ISO 8601; its day is the partition of ops.quality_result
    :param row_key: column that names a row; needed when the suite has ``reject`` rules
    :param rejects_for: table that the refused rows are kept out of. The checked table must then carry
        source_file_date, source_object and source_line.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(
        self,
        *,
        table_name: str,
        as_of: str,
        row_key: str | None = None,
        rejects_for: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table_name = table_name
        self.as_of = as_of
        self.row_key = row_key
        self.rejects_for = rejects_for
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        client = BigQueryHook(gcp_conn_id=self.gcp_conn_id).get_client(project_id=project())
        results = _results(client, self.table_name, self.row_key)
        outcomes = [outcome(result) for result in results]
        ti = context["ti"]
        _store_outcomes(client, f"{ti.dag_id}/{ti.run_id}/{ti.task_id}", self.table_name, self.as_of, outcomes)
        refused = refused_rows(results, self.row_key) if self.row_key else []
        if self.rejects_for:
            _store_refused(client, self.table_name, self.rejects_for, self.row_key, refused)
        for item in outcomes:
            self.log.info("%s %s %s", "held  " if item.success else "BROKEN", item.severity, item.sentence())
        broken = stopping(outcomes)
        if broken:
            report = "\n".join(f"  - {item.sentence()}" for item in broken)
            raise GateFailed(
                f"{self.table_name} broke {len(broken)} rule(s) that stop its promotion:\n{report}\n"
                "The last good table stays served. All outcomes: ops.quality_result. Mend the source or the rule, then clear this task."
            )
        rows = max((item.element_count or 0 for item in outcomes), default=0)
        if refuses_too_many(refused, rows):
            raise GateFailed(
                f"{self.table_name}: {len({row.row_key for row in refused})} of {rows} rows were refused; over 5 % means a damaged "
                "file or a wrong rule, not bad luck. The last good table stays served. The rows and their reasons: "
                "clean.rejected_row. Mend the source or the rule, then clear this task."
            )
        return {"rules": len(outcomes), "warnings": sum(not o.success for o in outcomes), "refused": len(refused)}


def _results(client: bigquery.Client, table_name: str, row_key: str | None) -> list[dict[str, Any]]:
    # Great Expectations would otherwise report each run to its vendor.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    suite = importlib.import_module(f"expectations.{table_name}").suite()
    dataset, table_id = table_name.split(".")
    context = gx.get_context(mode="ephemeral")
    # mypy: the fluent factories take the data source's own fields, of which `kwargs` (of the SQLAlchemy engine) is one.
    source = context.data_sources.add_sql(  # type: ignore[call-arg]
        "warehouse",
        connection_string=f"bigquery://{client.project}?user_supplied_client=True",
        kwargs={"connect_args": {"client": client}},
    )
    batch = source.add_table_asset(table_id, table_name=table_id, schema_name=dataset).add_batch_definition_whole_table(
        "all"
    )
    validation = gx.ValidationDefinition(name=table_name, data=batch, suite=context.suites.add(suite))
    detail: dict[str, Any] = {"result_format": "COMPLETE"}
    if row_key:
        detail["unexpected_index_column_names"] = [row_key]
    run = context.validation_definitions.add(validation).run(result_format=detail)
    results: list[dict[str, Any]] = run.to_json_dict()["results"]
    return results


def _store_outcomes(
    client: bigquery.Client, run_key: str, table_name: str, as_of: str, outcomes: list[Outcome]
) -> None:
    _run(
        client,
        table("ops.quality_result").sql("replace_run"),
        run_key=run_key,
        table_name=table_name,
        as_of=as_of,
        outcomes=json.dumps([o.as_row() for o in outcomes]),
    )


def _store_refused(
    client: bigquery.Client, checked: str, target: str, row_key: str | None, refused: list[RefusedRow]
) -> None:
    from include.staged_rows import staged_rows

    columns = [field.name for field in fields(RefusedRow)]
    suffix = checked.replace(".", "_")
    rows = [asdict(row) for row in refused]
    with staged_rows(client, table("clean.rejected_row"), suffix, columns, rows, LABELS) as staged:
        # Identifiers cannot be query parameters; all three come from table definitions, never from data.
        sql = table("clean.rejected_row").sql("replace_refused")
        for slot, name in {"{checked}": checked, "{key}": row_key or "", "{staged}": staged}.items():
            sql = sql.replace(slot, name)
        _run(client, sql, table_name=target)


def _run(client: bigquery.Client, sql: str, **parameters: str) -> None:
    from google.cloud import bigquery

    values = [bigquery.ScalarQueryParameter(name, "STRING", value) for name, value in parameters.items()]
    client.query_and_wait(
        sql,
        job_config=bigquery.QueryJobConfig(
            query_parameters=values, labels=LABELS, maximum_bytes_billed=MAXIMUM_BYTES_BILLED
        ),
    )
