"""Rows of one point in time, replaced as a whole: for tables that Python writes and whose key includes ``as_of``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import bigquery

from include.warehouse.run import run
from include.warehouse.staged_rows import staged_rows
from include.warehouse.tables import Table

# One statement: readers see the old rows or the new ones, and a run of another as_of is not in its way.
REPLACE = """
-- @as_of TIMESTAMP
MERGE {target} AS kept
USING {staged} AS staged
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.as_of = @as_of THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ({columns}) VALUES ({columns})
"""


def replace_rows(
    client: bigquery.Client,
    target: Table,
    as_of: str,
    rows: Sequence[Mapping[str, Any]],
    labels: dict[str, str],
) -> int:
    """Make ``rows`` the only rows of ``target`` at ``as_of`` and return their number; an empty list leaves none.

    ``rows`` hold every column of the table but ``as_of``, as JSON values. They go to a staging table first, so that
    readers see all the old rows or all the new ones, and a crash at any point is healed by the rerun.
    """
    columns = [column.name for column in target.columns]
    suffix = re.sub("[^0-9]", "", as_of)[:14]
    with staged_rows(client, target, suffix, columns, [{**row, "as_of": as_of} for row in rows], labels) as staged:
        run(client, replacement(target, staged), labels, as_of=as_of)
    return len(rows)


def replacement(target: Table, staged: str) -> str:
    """Return the statement that makes the staged rows the only ones of ``target`` at @as_of."""
    return REPLACE.format(target=target.name, staged=staged, columns=", ".join(c.name for c in target.columns))
