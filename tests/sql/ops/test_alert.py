"""An answer without rows for a day that had some: refused and told, until the vendor finds them or a person accepts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery

DAY = date(2025, 11, 6)


def check(client: bigquery.Client, rows: int, accept_empty: bool = False, source: str = "ttd") -> None:
    from google.cloud import bigquery

    parameters = {
        "partition": ("DATE", DAY), "dataset_table": ("STRING", "raw.ad_performance"), "source": ("STRING", source),
        "rows": ("INT64", rows), "accept_empty": ("BOOL", accept_empty),
    }  # fmt: skip
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter(name, *of) for name, of in parameters.items()]
    )
    client.query_and_wait(table("ops.alert").sql("emptied_slice"), job_config=config)


def alerts(client: bigquery.Client) -> list[tuple[str, str]]:
    rows = client.query_and_wait(
        "SELECT source, message FROM ops.alert WHERE check_name = 'emptied_slice' ORDER BY source"
    )
    return [(row["source"], row["message"]) for row in rows]


def test_check_when_a_day_that_had_rows_comes_back_empty_then_fails_with_an_alert_that_leaves_when_it_is_mended(
    bigquery_client: bigquery.Client,
) -> None:
    check(bigquery_client, 0)  # a day that never had rows may be empty
    bigquery_client.query_and_wait(
        "INSERT INTO ops.load_manifest (dataset_table, `partition`, source, source_object, file_name, source_bytes, sha256, "
        "source_rows, `rows`, rejected_rows) "
        f"SELECT 'raw.ad_performance', DATE '{DAY}', s, 'gs://a/b', 'b', 1, 'x', 24, 24, 0 FROM UNNEST(['ttd', 'meta_ads']) AS s"
    )
    check(bigquery_client, 5)
    assert alerts(bigquery_client) == []
    for source in ("ttd", "meta_ads", "ttd"):  # again: one alert
        with pytest.raises(Exception, match="no rows came for a day that had some"):
            check(bigquery_client, 0, source=source)
    (_, of_ttd) = found = alerts(bigquery_client)
    assert [source for source, _ in found] == ["meta_ads", "ttd"]
    assert of_ttd[1].startswith(
        "ttd answers for 2025-11-06 with no rows, and raw.ad_performance holds 24 of an earlier"
    )
    check(bigquery_client, 3)
    check(bigquery_client, 0, accept_empty=True, source="meta_ads")
    assert alerts(bigquery_client) == []
