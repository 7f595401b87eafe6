"""From a platform's answer for one day to a slice of raw.ad_performance that is ready to load."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from include.ad_performance import Rows
from include.answers import archived_answer, staged_prefix, write_part
from include.tables import table

if TYPE_CHECKING:
    from google.cloud import storage

TABLE = "raw.ad_performance"
NOTHING = "no rows: nothing was delivered on this day, or the platform does not have its numbers yet"


def stage_ad_report(
    bucket: storage.Bucket,
    *,
    platform: str,
    day: date,
    content: bytes,
    accounts: Collection[str],
    rows_of: Rows,
    suffix: str,
    content_type: str,
) -> dict[str, Any]:
    """Archive the answer at `raw/<platform>/<day>/report<suffix>`, then write its rows as Parquet.

    Returns what ops.load_manifest and the load need: ``{"day", "source_object", "file_name", "bytes", "sha256", "rows",
    "note", "source_uri"}``. Raises DamagedAnswer, after archiving, when nothing of the answer may be loaded.
    """
    name = f"raw/{platform}/{day}/report{suffix}"
    where = f"gs://{bucket.name}/{name}"
    kept = archived_answer(
        bucket, name, content, content_type=content_type, records=lambda body: rows_of(body, day, accounts, where)
    )
    source_object = f"gs://{bucket.name}/{kept.object}"
    rows = rows_of(content, day, accounts, source_object)
    target = table(TABLE)
    prefix = staged_prefix(target, day, platform)
    count = write_part(bucket, prefix, target, [{**asdict(row), "source_object": source_object} for row in rows])
    return {
        "day": day.isoformat(),
        "source_object": source_object,
        "file_name": kept.file_name,
        "bytes": kept.bytes,
        "sha256": kept.sha256,
        "rows": count,
        "note": "" if count else NOTHING,
        "source_uri": f"gs://{bucket.name}/{prefix}part-*.parquet",
    }
