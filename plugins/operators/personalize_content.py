"""Choose a content block for everyone who is to be contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from include.activation.content_blocks import catalog
from include.activation.content_policy import Person, chosen
from include.airflow.defaults import GCP_CONN_ID
from include.airflow.google import warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.warehouse.as_of_rows import replace_rows
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context


class PersonalizeContentOperator(WarehouseOperator):
    """Replace predictions.creative at `as_of`: one approved block for each audience member of the treatment arm.

    Reads the newest lead score known at `as_of`. Returns {rows}.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(self, *, as_of: str, gcp_conn_id: str = GCP_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        refuse_future(self.as_of, datetime.now(UTC))
        client = warehouse(self.gcp_conn_id)
        labels = {"dag": self.dag_id, "task": self.task_id, "table": "predictions-creative"}
        target = table("predictions.creative")
        members = run(client, target.sql("members"), labels, as_of=self.as_of)
        rows = [_row(member) for member in members]
        count = replace_rows(client, target, self.as_of, rows, labels)
        self.log.info("%d people have a content block as of %s", count, self.as_of)
        return {"rows": count}


def _row(member: bigquery.table.Row) -> dict[str, Any]:
    person = Person(member["person_id"], member["practice_size_band"], member["rank_pct"])
    choice = chosen(person, catalog())
    scores = {"score": member["score"], "model_version": member["model_version"]}
    return {"person_id": person.person_id, **asdict(choice), **scores}
