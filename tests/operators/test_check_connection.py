"""Every vendor's connection against the sandbox: checked without a credit, and named when it is wrong."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from operators.check_connection import HOOKS, CheckConnectionOperator, ConnectionBroken
from tests.operators.context import context

if TYPE_CHECKING:
    from services.embedded.sandbox import Sandbox


def check(conn_id: str) -> str:
    return CheckConnectionOperator(task_id="check", conn_id=conn_id).execute(context())


def test_check_when_every_vendor_answers_then_each_says_so_and_nothing_is_spent(sandbox: Sandbox) -> None:
    def spent() -> float:
        return sum(float(vendor["cost_usd"]) for vendor in sandbox.admin.get("ledger").json()["vendors"].values())

    before = spent()
    for conn_id in HOOKS:
        assert check(conn_id)
    assert spent() == before


def test_check_when_a_key_is_wrong_then_the_connection_is_named_and_the_key_is_not(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = json.loads(os.environ["AIRFLOW_CONN_CLAY_DEFAULT"]) | {"password": "wrong-key-1"}
    monkeypatch.setenv("AIRFLOW_CONN_CLAY_DEFAULT", json.dumps(wrong))
    with pytest.raises(ConnectionBroken, match="clay_default: clay me: HTTP 401") as raised:
        check("clay_default")
    assert "wrong-key-1" not in str(raised.value)


def test_hooks_when_listed_then_each_vendor_with_a_test_is_there() -> None:
    hooks = Path(__file__).resolve().parents[2] / "plugins" / "hooks"
    testable = {path.stem for path in hooks.glob("*.py") if re.search(r"def test_connection", path.read_text())}
    assert {path.split(".")[1] for path in HOOKS.values()} == testable - {"board"}
