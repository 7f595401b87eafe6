"""Bring one day of GA4's export into its partition of raw.ga4_events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.marketing.ga4 import (
    SETTLED_DAYS,
    SOURCE,
    TABLE,
    EmptiedExport,
    ExportContractError,
    NotLinked,
    drift,
    export_table,
    fingerprint,
    loaded_rows,
    published_rows,
    replace_day,
)
from include.settings import ga4_dataset
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery


class Ga4ExportToBigQueryOperator(WarehouseOperator):
    """Replace the day's partition with what GA4's export table holds now, if that is something else; then write the manifest.

    A day without a table changes nothing: GA4 publishes up to 72 hours late, and the next runs look again. Run it again:
    the same partition and manifest row. Returns the day, the outcome (loaded, restated, unchanged or not published) and
    the rows before and after. Raises NotLinked, ExportContractError with every column that is missing or of another
    type, or EmptiedExport; columns that GA4 added are left out with a warning.

    :param day: the day of the export table, ISO date.
    :param run_day: the day on which the run looks, ISO date; tells late from lost.
    :param accept_empty: "True" to let an export table without rows empty a partition that has some.
    """

    template_fields: Sequence[str] = ("day", "run_day", "accept_empty")
    ui_color = "#e8f0fe"
    outcome = ""  # for the task's name in the grid

    def __init__(
        self,
        *,
        day: str,
        run_day: str,
        accept_empty: str = "False",
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.run_day = run_day
        self.accept_empty = accept_empty
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        client = warehouse(self.gcp_conn_id)
        day = date.fromisoformat(self.day)
        export = _export(client, ga4_dataset(), day)
        done = self._load(client, day, export) if export else self._missing(day)
        self.outcome = done["outcome"]
        return done

    def _load(self, client: bigquery.Client, day: date, export: bigquery.Table) -> dict[str, Any]:
        name = f"{export.dataset_id}.{export.table_id}"
        schema = [field.to_api_repr() for field in export.schema]
        found = drift(schema)
        if found.refused:
            raise ExportContractError(
                f"{name} is not what raw.ga4_events expects, and nothing of it was loaded:\n  "
                + "\n  ".join(found.refused)
                + "\nIf Google changed its export, change include/sql/raw/ga4_events/table.yaml and migrate the table."
            )
        if found.added:
            self.log.warning("%s has columns that are not loaded, until table.yaml has them: %s", name, found.added)
        rows = published_rows(name, schema)
        published = self._one(client, fingerprint(rows))
        before = self._one(client, fingerprint(loaded_rows()), day=day)
        if before["row_count"] and not published["row_count"] and self.accept_empty != "True":
            raise EmptiedExport(
                f"{name} is empty, and {TABLE} holds {before['row_count']} rows of {day}, which were kept: nobody else has them. Look "
                "at GA4's BigQuery link and at who may write to the dataset. If the day is really empty, run again with accept_empty."
            )
        after = before
        if published != before:
            self._run(client, replace_day(rows), day=day)
            # What the partition holds, not what was read before: Google may have rewritten its table in between.
            after = self._one(client, fingerprint(loaded_rows()), day=day)
        outcome = "unchanged" if after == before else "restated" if before["row_count"] else "loaded"
        self.log.info(
            "%s: %s, %d rows before and %d now (%s)",
            name, outcome, before["row_count"], after["row_count"], after["sha256"][:12],
        )  # fmt: skip
        self._record(client, day, export, after, found.added)
        return {"day": self.day, "outcome": outcome, "rows_before": before["row_count"], "rows": after["row_count"]}

    def _missing(self, day: date) -> dict[str, Any]:
        age = (date.fromisoformat(self.run_day) - day).days
        if age <= SETTLED_DAYS:
            self.log.info("%s is not published yet; GA4 takes up to 72 hours. The next runs look again.", day)
        else:
            self.log.warning(
                "%s was not published in 72 hours. Look at GA4's BigQuery link: over a million events a day it is paused, "
                "and a day is never exported later. check_freshness raises the alarm.", day,
            )  # fmt: skip
        return {"day": self.day, "outcome": "not published", "rows_before": None, "rows": None}

    def _record(
        self, client: bigquery.Client, day: date, export: bigquery.Table, held: dict[str, Any], added: Sequence[str]
    ) -> None:
        notes = ["The export table is empty."] if not held["row_count"] else []
        notes += [f"Not loaded, because GA4 added them: {', '.join(added)}."] if added else []
        self._run(
            client,
            table("ops.load_manifest").sql("replace"),
            dataset_table=TABLE,
            partition=day,
            source=SOURCE,
            source_object=f"bigquery-table://{export.dataset_id}/{export.table_id}",
            file_name=export.table_id,
            source_bytes=export.num_bytes or 0,
            sha256=held["sha256"],
            source_rows=held["row_count"],
            rows=held["row_count"],
            rejected_rows=0,
            note=" ".join(notes),
        )

    def _one(self, client: bigquery.Client, sql: str, **parameters: Any) -> dict[str, Any]:
        (row,) = self._run(client, sql, **parameters)
        return dict(row)

    def _run(self, client: bigquery.Client, sql: str, **parameters: Any) -> Any:
        labels = {"dag": self.dag_id, "task": self.task_id, "table": TABLE.replace(".", "-")}
        return run(client, sql, labels, **parameters)


def _export(client: bigquery.Client, dataset: str, day: date) -> bigquery.Table | None:
    """Return the day's export table, or None while there is none; raise NotLinked when the dataset is not there."""
    from google.api_core.exceptions import NotFound

    try:
        return client.get_table(export_table(dataset, day))
    except NotFound:
        pass
    try:
        client.get_dataset(dataset)
    except NotFound as error:
        raise NotLinked(
            f"There is no dataset {dataset} in {client.project}. Link the GA4 property to this project (Admin, BigQuery "
            "links), or correct GTM_GA4_DATASET; without GA4, pause ingest_ga4."
        ) from error
    return None
