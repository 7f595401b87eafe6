"""Rows of one point in time, replaced as a whole: for tables that Python writes and whose key includes ``as_of``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import bigquery

from include.tables import Table


def replace_rows(
    client: bigquery.Client,
    target: Table,
    as_of: str,
    rows: Sequence[Mapping[str, Any]],
    labels: dict[str, str],
    maximum_bytes_billed: int,
) -> int:
    """Make ``rows`` the only rows of ``target`` at ``as_of`` and return their number; an empty list leaves none.

    ``rows`` hold every column of the table but ``as_of``, as JSON values. They go to a staging table first, so that
    readers see all the old rows or all the new ones, and a crash at any point is healed by the rerun.
    """
    columns = ", ".join(column.name for column in target.columns)
    staging = f"{target.dataset}.staging_{target.table_id}_{re.sub('[^0-9]', '', as_of)[:14]}"
    insert = f"INSERT INTO {target.name} ({columns}) SELECT {columns} FROM {staging};" if rows else ""  # noqa: S608 own names
    script = f"BEGIN TRANSACTION; DELETE FROM {target.name} WHERE as_of = @as_of; {insert} COMMIT TRANSACTION;"  # noqa: S608
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("as_of", "TIMESTAMP", as_of)],
        labels=labels,
        maximum_bytes_billed=maximum_bytes_billed,
    )
    try:
        if rows:
            _load(client, target, staging, [{**row, "as_of": as_of} for row in rows], labels)
        client.query(script, job_config=config).result()
    finally:
        client.delete_table(staging, not_found_ok=True)
    return len(rows)


def _load(
    client: bigquery.Client, target: Table, staging: str, rows: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField.from_api_repr(field) for field in target.schema()],
        write_disposition="WRITE_TRUNCATE",
        labels=labels,
    )
    client.load_table_from_json(rows, staging, job_config=config).result()
