"""Rows of one point in time, replaced as a whole: for tables that Python writes and whose key includes ``as_of``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import bigquery

from include.staged_rows import staged_rows
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
    columns = [column.name for column in target.columns]
    names = ", ".join(columns)
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("as_of", "TIMESTAMP", as_of)],
        labels=labels,
        maximum_bytes_billed=maximum_bytes_billed,
    )
    suffix = re.sub("[^0-9]", "", as_of)[:14]
    with staged_rows(client, target, suffix, columns, [{**row, "as_of": as_of} for row in rows], labels) as staged:
        insert = f"INSERT INTO {target.name} ({names}) SELECT {names} FROM {staged};"  # noqa: S608 own names
        script = f"BEGIN TRANSACTION; DELETE FROM {target.name} WHERE as_of = @as_of; {insert} COMMIT TRANSACTION;"  # noqa: S608
        client.query(script, job_config=config).result()
    return len(rows)
