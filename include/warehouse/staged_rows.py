"""Rows that Python holds, as a table for one statement: a query's parameters and text end at 10 MB, a load job's rows do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from google.cloud import bigquery

from include.warehouse.tables import Table


@contextmanager
def staged_rows(
    client: bigquery.Client,
    target: Table,
    suffix: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
) -> Iterator[str]:
    """Load the rows into a table beside `target`, yield its name as dataset.table, and drop it at the end.

    What a killed task leaves behind is overwritten by its rerun.

    :param suffix: what nobody else stages for `target` at the same time; letters, digits and underscores.
    :param columns: those of the target that the rows have; none of them is required here.
    :param rows: JSON values by column. No row is a table without rows.
    """
    name = f"{target.name}_load_{suffix}"
    known = {field["name"]: field for field in target.schema()}
    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField.from_api_repr({**known[column], "mode": "NULLABLE"}) for column in columns],
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        labels=dict(labels),
    )
    try:
        client.load_table_from_json([dict(row) for row in rows], name, job_config=config).result()
        yield name
    finally:
        client.delete_table(name, not_found_ok=True)
