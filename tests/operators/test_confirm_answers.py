"""What was bought must be in the tables before anybody is told, whatever the tasks of a run say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.enrichment.ledger_load import load_ledger
from include.enrichment.rules import LOOKUP
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger
from include.warehouse.tables import table
from operators.confirm_answers import AnswersNotLoaded, ConfirmAnswersOperator
from operators.load_vendor_answers import load_answers

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

LABELS = {"dag": "test", "task": "load"}
BODY = '{"data": {"email": "ada@bright.test", "email_status": "valid"}}'


def _confirm(run_id: str = "run-1") -> dict[str, int]:
    return ConfirmAnswersOperator(task_id="fail_if_any_failed").execute({"run_id": run_id})


def _buy(ledger: CallLedger, key: str, npi: str, body: str = BODY, run_id: str = "run-1") -> None:
    ledger.claim(key, {"full_name": "Ada Molar", "phone_number": "+15125550100"}, npi, {"run_id": run_id})
    ledger.record_response(key, body, credits=2.0, cost_usd=0.1)


def _fold(client: bigquery.Client, lake: storage.Bucket) -> None:
    """What the DAG does between the last call and the confirmation."""
    from google.cloud import bigquery

    load_answers(client, lake, LABELS)
    email = policy().email
    values: dict[str, tuple[str, Any]] = {
        "as_of": ("TIMESTAMP", "2025-11-10T06:00:00+00:00"), "email_order": ("STRING", ",".join(email.order)),
        "phone_order": ("STRING", "wiza,registry"), "linkedin_order": ("STRING", "wiza"),
        "max_age_days": ("INT64", email.max_age_days), "stale_after_days": ("INT64", email.stale_after_days),
    }  # fmt: skip
    given = [bigquery.ScalarQueryParameter(name, *of) for name, of in values.items()]
    config = bigquery.QueryJobConfig(query_parameters=given)
    client.query_and_wait(table("enriched.contact").sql(), job_config=config)


def test_confirm_when_a_cleared_task_bought_after_the_load_then_fails_and_says_what_is_missing(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    ledger = CallLedger(lake, "wiza", "individual_reveal")
    _buy(ledger, "a", "2000000001")
    _fold(bigquery_client, lake)
    assert _confirm() == {"answers": 1}
    # `clear only failed tasks`: the ask runs again and buys, and everything behind it is green since before
    _buy(ledger, "b", "2000000002")
    with pytest.raises(
        AnswersNotLoaded, match=r"1 of wiza individual_reveal in raw\.vendor_response \(the first: b\)"
    ) as told:
        _confirm()
    assert "Clear load_answers and load_lookups" in str(told.value)
    # loaded, and not folded: the contacts that would be announced lack it
    load_ledger(bigquery_client, lake, "wiza", "individual_reveal", LABELS)
    with pytest.raises(AnswersNotLoaded, match=r"1 in enriched\.answer; 1 in enriched\.contact"):
        _confirm()
    load_answers(bigquery_client, lake, LABELS)
    with pytest.raises(AnswersNotLoaded, match=r"missing: 1 in enriched\.contact"):
        _confirm()
    _fold(bigquery_client, lake)
    assert _confirm() == {"answers": 2}


def test_confirm_when_a_known_person_was_asked_for_again_then_an_older_fold_is_not_enough(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    _buy(CallLedger(lake, "wiza", "individual_reveal"), "a", "2000000001")
    _fold(bigquery_client, lake)
    _buy(CallLedger(lake, "wiza", "individual_reveal"), "b", "2000000001")
    load_answers(bigquery_client, lake, LABELS)
    with pytest.raises(AnswersNotLoaded, match=r"missing: 1 in enriched\.contact"):
        _confirm()


def test_confirm_when_calls_have_no_answer_or_left_everybody_out_then_nothing_is_missing(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    CallLedger(lake, "wiza", "individual_reveal").claim("open", {}, "2000000001")
    clay = CallLedger(lake, "clay", "contact_routine")
    asked = {"full_name": "Ada Molar", "company": "Bright"}
    clay.claim("unpaid", {"people": [{"key": "p", "npi": "2000000001", "segment": "solo", "asked": asked}]})
    items = '[{"data": [{"id": "p", "status": "failed", "error": {"message": "Out of credits"}}]}]'
    clay.record_response("unpaid", items)
    _fold(bigquery_client, lake)
    assert _confirm() == {"answers": 1}


def test_confirm_when_numbers_were_looked_up_then_those_of_this_run_must_be_loaded(
    bigquery_client: bigquery.Client, lake: storage.Bucket
) -> None:
    ledger = CallLedger(lake, LOOKUP.vendor, LOOKUP.name)
    _buy(ledger, "ours", "2000000001", '{"valid": true}')
    _buy(ledger, "theirs", "2000000002", '{"valid": true}', run_id="of validate_contacts")
    with pytest.raises(AnswersNotLoaded, match="1 of twilio line_type_intelligence .*the first: ours"):
        _confirm()
    assert _confirm("run-2") == {"answers": 2}
    load_ledger(bigquery_client, lake, LOOKUP.vendor, LOOKUP.name, LABELS)
    assert _confirm() == {"answers": 2}
