"""The load step after a send, whatever became of the send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.activation.instantly import added_body
from include.activation.send import CREATE, INSTANTLY, batch_key, new_send, request_of
from include.lake.call_ledger import CallLedger
from operators.load_sends import LoadSendsOperator
from tests.operators.activation import load
from tests.operators.context import context
from tests.sql.segmented.registry import AS_OF, rows

if TYPE_CHECKING:
    from google.cloud import bigquery, storage


def test_execute_when_one_call_is_outcome_unknown_then_the_answered_one_is_loaded_once(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    sends = [new_send(INSTANTLY, f"p{n}", CREATE, {"email": f"{n}@x.example"}, AS_OF) for n in range(4)]
    ledger = CallLedger(lake, INSTANTLY, "add_leads")
    for batch in (sends[:2], sends[2:]):
        ledger.claim(batch_key(batch), request_of(batch))
    answer = {"created_leads": [{"index": 0, "id": "l0"}], "invalid_email_count": 1}
    ledger.record_response(batch_key(sends[:2]), added_body(answer, {}))
    assert load("instantly") == {"sent": 1, "rejected": 1, "calls_outcome_unknown": 1}
    assert load("instantly") == {"sent": 0, "rejected": 0, "calls_outcome_unknown": 1}
    assert load("ghl") == {"sent": 0, "rejected": 0, "calls_outcome_unknown": 0}
    found = rows(bigquery_client, "SELECT person_id, status FROM activation.send ORDER BY person_id")
    assert [tuple(row.values()) for row in found] == [("p0", "sent"), ("p1", "rejected")]


def test_execute_when_dry_run_then_nothing_is_loaded(bigquery_client: bigquery.Client, lake: storage.Bucket) -> None:
    send = new_send(INSTANTLY, "p1", CREATE, {"email": "1@x.example"}, AS_OF)
    ledger = CallLedger(lake, INSTANTLY, "add_leads")
    ledger.claim(send.send_id, request_of([send]))
    ledger.record_response(send.send_id, added_body({"created_leads": [{"index": 0, "id": "l0"}]}, {}))
    with pytest.raises(AirflowSkipException, match="Dry run"):
        LoadSendsOperator(task_id="load_sends", destination="instantly", plan_only=True).execute(context())
    assert rows(bigquery_client, "SELECT * FROM activation.send") == []
