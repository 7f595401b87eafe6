"""Rows of a query, cut into chunk objects in the lake: the claim checks that mapped tasks take."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.settings import lake_bucket
from include.warehouse.parameters import from_text
from include.warehouse.run import run


class BigQueryToChunksOperator(WarehouseOperator):
    """Write each ``chunk_rows`` rows of a query to one JSON object and return where they are.

    Returns ``[{"object": path in the lake bucket, "rows": n, "label": "0001 of 0008 (200)"}, …]``: counts and
    paths, never a row, because XCom must not hold people. A second try of the same run writes the same objects again.

    :param sql: the query; its ORDER BY decides the chunks.
    :param query_params: query parameter name -> value as text, templated; the query's comments declare its type.
    :param folder: where the objects go, under ``work/<dag_id>/<run_id>/``.
    :param max_chunks: more chunks than this is a mistake in a limit, and raises ValueError.
    """

    template_fields: Sequence[str] = ("query_params",)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        sql: str,
        query_params: Mapping[str, str],
        folder: str,
        chunk_rows: int,
        max_chunks: int,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.query_params = dict(query_params)
        self.folder = folder
        self.chunk_rows = chunk_rows
        self.max_chunks = max_chunks
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> list[dict[str, Any]]:
        rows = self._rows()
        chunks = [rows[start : start + self.chunk_rows] for start in range(0, len(rows), self.chunk_rows)]
        if len(chunks) > self.max_chunks:
            raise ValueError(
                f"{len(rows)} rows make {len(chunks)} chunks of {self.chunk_rows}, and {self.max_chunks} is the most: "
                "lower the limit of the query."
            )
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        run = re.sub(r"[^A-Za-z0-9_.-]", "-", str(context["run_id"]))
        written = []
        for number, chunk in enumerate(chunks, start=1):
            path = f"work/{self.dag_id}/{run}/{self.folder}/{number:04d}.json"
            bucket.blob(path).upload_from_string(json.dumps(chunk), content_type="application/json")
            label = f"{number:04d} of {len(chunks):04d} ({len(chunk)})"
            written.append({"object": path, "rows": len(chunk), "label": label})
        self.log.info("%s rows in %s chunks under work/%s/%s/%s", len(rows), len(chunks), self.dag_id, run, self.folder)
        return written

    def _rows(self) -> list[dict[str, Any]]:
        client = warehouse(self.gcp_conn_id)
        labels = {"dag": self.dag_id, "task": self.task_id}
        rows = run(client, self.sql, labels, **from_text(self.sql, self.query_params))
        return [dict(row.items()) for row in rows]
