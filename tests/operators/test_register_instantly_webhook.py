from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hooks.http.errors import AuthFailed
from hooks.instantly import InstantlyHook
from operators.register_instantly_webhook import RegisterInstantlyWebhookOperator
from services.embedded.sandbox import INSTANTLY_WEBHOOK_SECRET, Sandbox
from tests.operators.context import context

TARGET = "http://receiver.example/webhooks/instantly"


@pytest.fixture(autouse=True)
def workspace(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstantlyHook]:
    """A workspace without webhooks, and the receiver's address in the environment."""
    monkeypatch.setenv("GTM_WEBHOOK_URL", "http://receiver.example/")
    hook = InstantlyHook()
    for webhook in webhooks(hook):
        hook._send("delete_webhook", "DELETE", f"/api/v2/webhooks/{webhook['id']}", repeatable=True)
    yield hook


def webhooks(hook: InstantlyHook) -> list[dict[str, Any]]:
    return list(hook.iter_webhooks())


def register() -> str:
    return RegisterInstantlyWebhookOperator(task_id="register").execute(context())


def test_execute_when_there_is_none_then_one_for_all_events_with_our_secret(
    workspace: InstantlyHook, capfd: pytest.CaptureFixture[str]
) -> None:
    created = register()
    [webhook] = webhooks(workspace)
    assert (webhook["id"], webhook["target_hook_url"], webhook["event_type"]) == (created, TARGET, "all_events")
    assert webhook["headers"] == {"X-Webhook-Secret": INSTANTLY_WEBHOOK_SECRET}
    log = "".join(capfd.readouterr())
    assert created in log
    assert INSTANTLY_WEBHOOK_SECRET not in log


def test_execute_when_run_again_then_nothing_changes(workspace: InstantlyHook) -> None:
    first = register()
    before = webhooks(workspace)
    assert register() == first
    assert webhooks(workspace) == before


def test_execute_when_other_webhooks_are_there_then_they_do_not_count(workspace: InstantlyHook) -> None:
    workspace.create_webhook("http://other.example/hook", "all_events")
    workspace.create_webhook(TARGET, "email_sent", headers={"X-Webhook-Secret": INSTANTLY_WEBHOOK_SECRET})
    register()
    assert len(webhooks(workspace)) == 3


def test_execute_when_the_secret_changed_then_a_second_webhook_and_the_old_one_is_named(
    workspace: InstantlyHook, capfd: pytest.CaptureFixture[str]
) -> None:
    old = workspace.create_webhook(TARGET, "all_events", headers={"X-Webhook-Secret": "retired"})
    created = register()
    assert {webhook["id"] for webhook in webhooks(workspace)} == {old["id"], created}
    log = "".join(capfd.readouterr())
    assert f"they carry another secret: {old['id']}" in log
    assert "retired" not in log


def test_execute_when_instantly_switched_it_off_then_it_fails_with_what_to_do(
    workspace: InstantlyHook, sandbox: Sandbox
) -> None:
    created = register()
    # status is read-only in the API, so the sandbox is told what to list.
    off = {"items": [{**webhook, "status": -1} for webhook in webhooks(workspace)]}
    fault = {"vendor": "instantly", "operation": "listWebhook", "status": 200, "times": 1, "body": off}
    sandbox.admin.post("faults", json=fault).raise_for_status()
    with pytest.raises(RuntimeError, match=f"{created} is switched off.*mend the receiver.*resume the webhook"):
        register()


def test_execute_when_address_is_not_set_then_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GTM_WEBHOOK_URL")
    with pytest.raises(RuntimeError, match="GTM_WEBHOOK_URL is not set"):
        register()


def test_execute_when_connection_has_no_secret_then_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_INSTANTLY_DEFAULT", '{"conn_type": "http", "host": "http://127.0.0.1", "password": "k"}'
    )
    with pytest.raises(RuntimeError, match="instantly_default: extra has no webhook_secret"):
        register()


def test_execute_when_key_is_wrong_then_auth_failed_and_no_secret_in_the_message(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = (
        '{"conn_type": "http", "host": "%s/instantly", "password": "wrong-key", "extra": {"webhook_secret": "s3cret"}}'
    )
    monkeypatch.setenv("AIRFLOW_CONN_INSTANTLY_DEFAULT", connection % sandbox.url)
    with pytest.raises(AuthFailed) as error:
        register()
    assert "wrong-key" not in str(error.value)
    assert "s3cret" not in str(error.value)
