"""Bring one day of an ad platform into the lake: the answer into the archive, its rows as Parquet into scratch space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow.sdk import BaseOperator

from hooks.google_ads import GoogleAdsHook
from hooks.meta_ads import MetaAdsHook
from hooks.ttd import TtdHook
from include.airflow.google import GCSHook
from include.settings import lake_bucket

HOOKS: Mapping[str, Any] = {"google_ads": GoogleAdsHook, "meta_ads": MetaAdsHook, "ttd": TtdHook}


class AdReportToParquetOperator(BaseOperator):
    """Archive what a platform answers for a day at `raw/<platform>/<day>/`, and write its rows to
    `staged/ad_performance/<day>/<platform>/`. It runs in the platform's pool.

    Run it again: a day whose numbers have not changed gives the same object and the same rows; a restated one, a new
    version beside the old. Returns what stage_ad_report returns. Raises DamagedAnswer when nothing may be loaded.

    :param platform: google_ads, meta_ads or ttd; its connection is `<platform>_default`.
    :param day: ISO date.
    """

    template_fields: Sequence[str] = ("day",)
    ui_color = "#e6f4ea"

    def __init__(self, *, platform: str, day: str, gcp_conn_id: str = "google_cloud_default", **kwargs: Any) -> None:
        super().__init__(pool=platform, **kwargs)
        self.platform = platform
        self.day = day
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from include.marketing.ad_stage import stage_ad_report

        day = date.fromisoformat(self.day)
        hook = HOOKS[self.platform]()
        staged = stage_ad_report(
            GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket()),
            platform=self.platform,
            day=day,
            content=hook.report(day),
            accounts=hook.accounts(),
        )
        self.log.info("%s of %s: %d rows from %s", self.platform, day, staged["rows"], staged["source_object"])
        return staged
