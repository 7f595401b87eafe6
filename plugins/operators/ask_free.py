"""Ask each row of a chunk once, where a call costs nothing: claim, call, record. Used by the validating operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hooks.http.errors import BadRequest, VendorError
from include.enrichment.rules import PaidOperation, too_many_refused
from include.lake.call_ledger import CallLedger


@dataclass(frozen=True, slots=True)
class FreeCall:
    """One request. ask: makes the call and returns (HTTP status, body as received)."""

    key: str
    request: Mapping[str, Any]
    ask: Callable[[], tuple[int, str]]


def ask_each(operation: PaidOperation, calls: Sequence[FreeCall], ledger: CallLedger) -> dict[str, int]:
    """Make each call that has no answer yet, record what comes, and return the counts.

    A claim without an answer is a call of a task that died: it is made again, since it costs nothing. A refused row is kept as
    failed; more than 5 % of them stop the chunk with BadRequest. Any other error withdraws the claim and goes up: the
    next try asks.
    """
    counts = {"had": 0, "answered": 0, "refused": 0}
    for call in calls:
        claim = ledger.claim(call.key, call.request)
        if claim.state == "has_response":
            counts["had"] += 1
            continue
        try:
            status, body = call.ask()
        except BadRequest as refused:
            ledger.record_response(call.key, None, status="failed", http_status=refused.status)
            counts["refused"] += 1
            if too_many_refused(counts["refused"], len(calls)):
                raise BadRequest(
                    operation.vendor,
                    operation.name,
                    refused.status,
                    f"{counts['refused']} of {len(calls)} rows were refused, so it is not about rows; the others were not "
                    f"asked. The last one: {refused.advice}",
                ) from refused
            continue
        except VendorError:
            ledger.withdraw(call.key)
            raise
        ledger.record_response(call.key, body, http_status=status)
        counts["answered"] += 1
    return counts
