"""The check after a load: the partition holds what was converted, and every record is accounted for."""

from __future__ import annotations

from datetime import date

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from include.tables import table

WEEK = date(2025, 11, 9)


def check(client: bigquery.Client, source_rows: int, rows: int, rejected_rows: int) -> None:
    client.query_and_wait(
        "INSERT INTO raw.nppes_npi (file_date, source, source_object, line, npi) VALUES "
        "(DATE '2025-11-09', 'nppes_weekly', 'a', 2, '2551230990'), "
        "(DATE '2025-11-16', 'nppes_weekly', 'b', 2, '2551230990')"
    )
    counts = {"source_rows": source_rows, "rows": rows, "rejected_rows": rejected_rows}
    parameters = [
        bigquery.ScalarQueryParameter("partition", "DATE", WEEK),
        *(bigquery.ScalarQueryParameter(name, "INT64", count) for name, count in counts.items()),
    ]
    sql = table("raw.nppes_npi").sql("check_rows")
    client.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=parameters))


def test_check_rows_when_counts_agree_then_passes(bigquery_client: bigquery.Client) -> None:
    check(bigquery_client, source_rows=3, rows=1, rejected_rows=2)


def test_check_rows_when_the_partition_lacks_rows_then_fails_and_says_what_to_do(
    bigquery_client: bigquery.Client,
) -> None:
    with pytest.raises(GoogleAPICallError, match="clear convert_npidata and run again"):
        check(bigquery_client, source_rows=4, rows=2, rejected_rows=2)


def test_check_rows_when_records_are_unaccounted_for_then_fails(bigquery_client: bigquery.Client) -> None:
    with pytest.raises(GoogleAPICallError, match=r"not rows \+ rejected rows"):
        check(bigquery_client, source_rows=4, rows=1, rejected_rows=2)
