"""The check behind a load: the right rows, balanced books, and no list that has shrunk overnight."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from include.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery

DAY, BEFORE = date(2025, 11, 10), date(2025, 11, 9)


def load(client: bigquery.Client, rows: int, source: str = "board_tx") -> None:
    columns = "(file_date, source, state, board, source_object, line, status_class, status_known, payload)"
    values = ", ".join(
        f"(DATE '{DAY}', '{source}', 'TX', 'Board', 'gs://a/b', {line}, 'active', TRUE, '{{}}')"
        for line in range(2, rows + 2)
    )
    client.query_and_wait(f"INSERT INTO raw.board_license {columns} VALUES {values}")


def loaded_before(client: bigquery.Client, rows: int, source: str = "board_tx") -> None:
    client.query_and_wait(
        "INSERT INTO ops.load_manifest (dataset_table, `partition`, source, source_object, file_name, source_bytes, sha256, "
        f"source_rows, `rows`, rejected_rows) VALUES ('raw.board_license', DATE '{BEFORE}', '{source}', 'gs://a/b', 'b', 1, "
        f"'x', {rows}, {rows}, 0)"
    )


def check(
    client: bigquery.Client,
    rows: int,
    rejected: int = 0,
    source_rows: int | None = None,
    share: float = 0.8,
    whole: int = 1,
) -> None:
    from google.cloud import bigquery

    parameters = {
        "partition": ("DATE", DAY), "source": ("STRING", "board_tx"), "rows": ("INT64", rows),
        "rejected_rows": ("INT64", rejected), "source_rows": ("INT64", rows + rejected if source_rows is None else source_rows),
        "is_whole": ("INT64", whole), "smallest_share": ("FLOAT64", share),
    }  # fmt: skip
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter(name, *of) for name, of in parameters.items()]
    )
    client.query_and_wait(table("raw.board_license").sql("check_rows"), job_config=config)


def test_check_when_slice_and_books_agree_then_passes_whatever_other_boards_hold(
    bigquery_client: bigquery.Client,
) -> None:
    load(bigquery_client, 4)
    load(bigquery_client, 9, source="board_nj")
    loaded_before(bigquery_client, 100, source="board_nj")
    check(bigquery_client, 4, rejected=1)


def test_check_when_rows_are_missing_or_not_accounted_for_then_fails(bigquery_client: bigquery.Client) -> None:
    load(bigquery_client, 4)
    with pytest.raises(Exception, match="does not hold the rows that were converted"):
        check(bigquery_client, 5)
    with pytest.raises(Exception, match="not rows"):
        check(bigquery_client, 4, source_rows=6)


def test_check_when_the_list_shrank_then_fails_unless_a_person_says_so(bigquery_client: bigquery.Client) -> None:
    load(bigquery_client, 7)
    loaded_before(bigquery_client, 10)
    with pytest.raises(Exception, match="far fewer rows than the edition before"):
        check(bigquery_client, 7)
    check(bigquery_client, 7, share=0.7)
    check(bigquery_client, 7, share=0)
    check(bigquery_client, 7, whole=0)
