"""From a platform's answer for one day to a slice of raw.ad_performance that is ready to load."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from include.lake.answers import archived_answer, staged_answer
from include.marketing.ad_performance import Rows, google_ads_rows, meta_ads_rows, ttd_rows
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import storage

TABLE = "raw.ad_performance"
NOTHING = "no rows: nothing was delivered on this day, or the platform does not have its numbers yet"


@dataclass(frozen=True)
class Report:
    """The form of a platform's report: what reads its rows, and how its file is named."""

    rows_of: Rows
    suffix: str
    content_type: str


REPORTS: Mapping[str, Report] = {
    "google_ads": Report(google_ads_rows, ".json", "application/json"),
    "meta_ads": Report(meta_ads_rows, ".json", "application/json"),
    "ttd": Report(ttd_rows, ".csv", "text/csv"),
}


def stage_ad_report(
    bucket: storage.Bucket, *, platform: str, day: date, content: bytes, accounts: Collection[str]
) -> dict[str, Any]:
    """Archive the answer at `raw/<platform>/<day>/report<suffix>`, then write its rows as Parquet.

    Returns what staged_answer returns. Raises DamagedAnswer, after archiving, when nothing of the answer may be loaded.
    """
    report = REPORTS[platform]
    name = f"raw/{platform}/{day}/report{report.suffix}"

    def rows(body: bytes, where: str) -> Any:
        return report.rows_of(body, day, accounts, where)

    kept = archived_answer(
        bucket,
        name,
        content,
        content_type=report.content_type,
        records=lambda body: rows(body, f"gs://{bucket.name}/{name}"),
    )
    source_object = f"gs://{bucket.name}/{kept.object}"
    loaded = [{**asdict(row), "source_object": source_object} for row in rows(content, source_object)]
    return staged_answer(bucket, table(TABLE), day, platform, kept, loaded, NOTHING)
