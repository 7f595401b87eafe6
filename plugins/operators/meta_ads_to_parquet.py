"""Bring one day of Meta's ads into the lake: the answer into the archive, its rows as Parquet into scratch space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import BaseOperator

from hooks.meta_ads import VENDOR, MetaAdsHook
from include.settings import lake_bucket


class MetaAdsToParquetOperator(BaseOperator):
    """Archive the insights pages of Meta for a day at `raw/meta_ads/<day>/`, and write its rows to `staged/ad_performance/<day>/meta_ads/`.

    Run it again: a day whose numbers have not changed gives the same object and the same rows; a restated one, a new
    version beside the old. Returns what stage_ad_report returns. Raises DamagedAnswer when nothing may be loaded.

    :param day: ISO date.
    """

    template_fields: Sequence[str] = ("day",)
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        day: str,
        meta_ads_conn_id: str = MetaAdsHook.default_conn_name,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.meta_ads_conn_id = meta_ads_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.ad_performance import meta_ads_rows
        from include.ad_stage import stage_ad_report

        day = date.fromisoformat(self.day)
        hook = MetaAdsHook(self.meta_ads_conn_id)
        staged = stage_ad_report(
            GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket()),
            platform=VENDOR,
            day=day,
            content=hook.report(day),
            accounts=hook.accounts(),
            rows_of=meta_ads_rows,
            suffix=".json",
            content_type="application/json",
        )
        self.log.info("%s of %s: %d rows from %s", VENDOR, day, staged["rows"], staged["source_object"])
        return staged
