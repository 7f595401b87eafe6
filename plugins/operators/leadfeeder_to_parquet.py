"""Bring one day of Leadfeeder's visits into the lake: the answers into the archive, the rows as Parquet into scratch space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Any

from airflow.sdk import BaseOperator

from hooks.leadfeeder import VENDOR, LeadfeederHook
from include.airflow.google import GCSHook
from include.settings import lake_bucket
from include.warehouse.tables import table

TABLE = "raw.company_visit"
NOTHING = "no visits: nobody was recognized on this day, or not yet"


class LeadfeederToParquetOperator(BaseOperator):
    """Archive a day's leads and visits at `raw/leadfeeder/<day>/`, and write the visits, each with its company, to
    `staged/company_visit/<day>/leadfeeder/`.

    Run it again: a day that has not changed gives the same objects and the same rows. Returns what
    staged_answer returns. Raises DamagedAnswer when nothing may be loaded.

    :param day: ISO date.
    """

    template_fields: Sequence[str] = ("day",)
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        day: str,
        leadfeeder_conn_id: str = LeadfeederHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.leadfeeder_conn_id = leadfeeder_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.lake.answers import archived_answer, staged_answer
        from include.marketing.site_visits import leadfeeder_items, leadfeeder_visits

        day = date.fromisoformat(self.day)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        hook = LeadfeederHook(self.leadfeeder_conn_id)
        content, kept = {}, {}
        for kind in ("leads", "visits"):
            name = f"raw/{VENDOR}/{day}/{kind}.json"
            content[kind] = hook.pages(kind, day)
            kept[kind] = archived_answer(
                bucket,
                name,
                content[kind],
                content_type="application/json",
                records=partial(leadfeeder_items, where=name),
            )
        source_object = f"gs://{bucket.name}/{kept['visits'].object}"
        visits = leadfeeder_visits(content["leads"], content["visits"], day, source_object)
        rows = [{**asdict(visit), "source_object": source_object} for visit in visits]
        self.log.info("%s of %s: %d visits from %s", VENDOR, day, len(rows), source_object)
        return staged_answer(bucket, table(TABLE), day, VENDOR, kept["visits"], rows, NOTHING)
