"""Wiza: e-mail and LinkedIn of one person, found in the background.

Contract: https://docs.wiza.co/api-reference/individual-reveals/start-individual-reveal and
https://docs.wiza.co/using-the-api/credit-deduction-behavior. A reveal is charged when it finds
something, 2 credits for a valid e-mail at level `partial`. Published limit: 5 reveals at once and a queue of 200 times
that, then 429; 15 calls a second is what accounts report. No rate headers, no idempotency key, no listing of reveals.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow.sdk import BaseHook

from hooks.errors import BadRequest, NotFound, OutOfCredits, ResponseLost, VendorDown, VendorError, WrongAddress
from hooks.transport import AsyncTransport, Call, Endpoint, Reply, Transport, endpoint

VENDOR = "wiza"
REQUESTS_PER_SECOND = 15.0

Level = Literal["none", "partial", "phone", "full"]


@dataclass(frozen=True, slots=True)
class Reveal:
    """One reveal as Wiza shows it now. credits: what it cost so far, 0 until it is complete."""

    id: int
    status: str
    is_complete: bool
    credits: float
    reply: Reply


class WizaHook(BaseHook):
    """Connection: host `https://wiza.co/api`, password = API key, extra `requests_per_second`."""

    conn_name_attr = "wiza_conn_id"
    default_conn_name = "wiza_default"
    conn_type = "http"
    hook_name = "Wiza"

    def __init__(self, wiza_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.wiza_conn_id = wiza_conn_id
        self._transport: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            self._transport = Transport(self._endpoint(self.get_connection(self.wiza_conn_id)))
        return self._transport

    async def get_async_conn(self) -> AsyncTransport:
        """A transport for the triggerer, where the blocking connection look-up would stop every trigger."""
        return AsyncTransport(self._endpoint(await self.aget_connection(self.wiza_conn_id)))

    def start_reveal(
        self,
        full_name: str,
        *,
        company: str | None = None,
        domain: str | None = None,
        level: Level = "partial",
        accept_personal: bool = False,
    ) -> Reveal:
        """Ask for one person; the answer comes later under the returned id. Paid, so never repeated in doubt.

        Raises OutOfCredits when the account cannot pay, ResponseLost when the answer did not come back, WrongAddress
        when Wiza has no such path.
        """
        if not company and not domain:
            raise ValueError("start_reveal needs a company or a domain beside the name: pass one of them")
        who = {"full_name": full_name, "company": company, "domain": domain}
        call = Call(
            "start_reveal",
            "POST",
            "/individual_reveals",
            repeatable=False,
            json={
                "individual_reveal": {name: value for name, value in who.items() if value},
                "enrichment_level": level,
                "email_options": {"accept_work": True, "accept_personal": accept_personal},
            },
        )
        try:
            reply = self.get_conn().send(call)
        except NotFound as missing:  # the path names no record, so the path itself is what is not found
            advice = f"There is no such path: correct the host of connection {self.wiza_conn_id}, then clear the task."
            raise WrongAddress(VENDOR, "start_reveal", missing.status, advice) from missing
        return _reveal("start_reveal", reply, ResponseLost)

    def reveal(self, reveal_id: int) -> Reveal:
        """Read one reveal; free.

        Raises OutOfCredits when it failed because nobody could pay for it, NotFound or BadRequest for a bad id.
        """
        return _reveal("get_reveal", self.get_conn().send(_get_reveal(reveal_id)), VendorDown)

    async def reveal_is_complete(self, transport: AsyncTransport, reveal_id: int) -> bool:
        """Whether waiting longer is pointless: found, not found or failed. For the trigger."""
        try:
            return _reveal("get_reveal", await transport.send(_get_reveal(reveal_id)), VendorDown).is_complete
        except (OutOfCredits, BadRequest):  # a bad id stays bad
            return True

    def credits(self) -> dict[str, float]:
        """Balance by kind of credit, for example {"api_credits": 812.0}; an unlimited one is math.inf."""
        reply = self.get_conn().send(Call("get_credits", "GET", "/meta/credits", repeatable=True))
        balances: Mapping[str, Any] = reply.body["credits"]
        return {kind: math.inf if value == "unlimited" else float(value) for kind, value in balances.items()}

    def test_connection(self) -> tuple[bool, str]:
        """Read the credit balance: free, and it needs a good key."""
        try:
            balance = self.credits()
        except VendorError as error:
            return False, str(error)
        return True, f"Wiza answers; API credits left: {balance.get('api_credits', 0.0):g}"

    def _endpoint(self, connection: Any) -> Endpoint:
        return endpoint(VENDOR, connection, REQUESTS_PER_SECOND)


def _get_reveal(reveal_id: int) -> Call:
    return Call("get_reveal", "GET", f"/individual_reveals/{reveal_id}", repeatable=True)


def _reveal(operation: str, reply: Reply, unreadable: type[VendorError]) -> Reveal:
    """Read the envelope. Wiza answers 200 when credits are out: only `fail_error` in the body tells."""
    data = reply.body.get("data") if isinstance(reply.body, Mapping) else None
    if not isinstance(data, Mapping) or not {"id", "status", "is_complete"} <= data.keys():
        raise unreadable(VENDOR, operation, reply.status, "The body has no data.id, status and is_complete.")
    if data.get("fail_error") == "billing_issue":
        raise OutOfCredits(
            VENDOR,
            operation,
            reply.status,
            "billing_issue: no credits left. Top the account up, then clear the task.",
        )
    try:
        charged = ((data.get("credits") or {}).get("api_credits") or {}).get("total") or 0.0
        return Reveal(int(data["id"]), str(data["status"]), bool(data["is_complete"]), float(charged), reply)
    except (AttributeError, TypeError, ValueError) as odd:
        advice = "data.id or data.credits is not of the documented type."
        raise unreadable(VENDOR, operation, reply.status, advice) from odd
