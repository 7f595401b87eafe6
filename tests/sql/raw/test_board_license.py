"""The check before a load: no list that has shrunk overnight takes the place of the one before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery

DAY, BEFORE, AFTER = date(2025, 11, 10), date(2025, 11, 9), date(2025, 11, 11)


def loaded(client: bigquery.Client, day: date, rows: int, source: str = "board_tx") -> None:
    client.query_and_wait(
        "INSERT INTO ops.load_manifest (dataset_table, `partition`, source, source_object, file_name, source_bytes, sha256, "
        f"source_rows, `rows`, rejected_rows) VALUES ('raw.board_license', DATE '{day}', '{source}', 'gs://a/b', 'b', 1, "
        f"'x', {rows}, {rows}, 0)"
    )


def check(client: bigquery.Client, rows: int, share: float = 0.8, whole: int = 1) -> None:
    from google.cloud import bigquery

    parameters = {
        "partition": ("DATE", DAY), "source": ("STRING", "board_tx"), "rows": ("INT64", rows),
        "is_whole": ("INT64", whole), "smallest_share": ("FLOAT64", share),
    }  # fmt: skip
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter(name, *of) for name, of in parameters.items()]
    )
    client.query_and_wait(table("raw.board_license").sql("check_size"), job_config=config)


def test_check_when_the_list_shrank_then_fails_unless_a_person_says_so(bigquery_client: bigquery.Client) -> None:
    loaded(bigquery_client, AFTER, 100)
    loaded(bigquery_client, BEFORE, 100, source="board_nj")
    check(bigquery_client, 1)  # nothing of this board up to this day: nothing to compare with
    loaded(bigquery_client, BEFORE, 10)
    with pytest.raises(Exception, match="far fewer rows than the edition before, which stays loaded"):
        check(bigquery_client, 7)
    check(bigquery_client, 8)
    check(bigquery_client, 7, share=0.7)
    check(bigquery_client, 7, share=0)
    check(bigquery_client, 7, whole=0)


def test_check_when_the_day_is_read_again_then_its_own_earlier_edition_counts(bigquery_client: bigquery.Client) -> None:
    loaded(bigquery_client, BEFORE, 1)
    loaded(bigquery_client, DAY, 10)
    with pytest.raises(Exception, match="far fewer rows"):
        check(bigquery_client, 7)
