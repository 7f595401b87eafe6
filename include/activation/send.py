"""What we tell a destination about a person: one payload for one person, the plan of a run, and their keys in the ledger.

Pure: no clock, no network. A payload is the JSON object that a vendor gets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from include.lake.call_ledger import Entry

INSTANTLY = "instantly"
GHL = "ghl"
CREATE, UPDATE, SUPPRESS, SKIP = "create", "update", "suppress", "skip"
GATE_FAILED = (
    "Only opt-outs were sent to {vendor}: messages are made of {tables}, and its last gate failed. Mend it "
    "(docs/gates.md), then run the DAG again."
)
OPT_OUTS_REFUSED = (
    "{vendor} refused {count} opt-outs. These persons may still get e-mail: look up their "
    "remote_id in activation.rejection (operation suppress), stop them at {vendor} by hand, then run this DAG again. "
    "It fails until {vendor} accepts them or no longer has them."
)
REJECTED_SHARE, MIN_REJECTED = 0.05, 3  # more refusals than this in one run is a fault of ours, not of the rows


@dataclass(frozen=True)
class Send:
    """One thing to tell one destination about one person. `payload` of a suppression holds nothing about the person."""

    send_id: str
    destination: str
    person_id: str
    operation: str
    payload_hash: str
    payload: dict[str, Any]
    as_of: str
    remote_id: str | None = None
    campaign_id: str | None = None
    audience_id: str | None = None
    content_block_id: str | None = None
    # What goes over the wire where that is not the payload: the changed fields of an update, or tags gained and lost.
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Everything that one run would do, and how many rows it leaves alone for which reason."""

    sends: list[Send]
    unchanged: int = 0
    rejected_before: int = 0
    held_back: int = 0
    campaigns: dict[str, str] = field(default_factory=dict)  # audience_id -> campaign name, of new leads

    def of(self, operation: str) -> list[Send]:
        return [send for send in self.sends if send.operation == operation]

    def opt_outs(self) -> Plan:
        """What of the plan may be done at any time, also for a point in time that is long past."""
        return Plan(self.of(SUPPRESS))


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256 of a payload, the same for the same content in any order."""
    return hashlib.sha256(json_text(payload).encode()).hexdigest()


def new_send(
    destination: str,
    person_id: str,
    operation: str,
    payload: Mapping[str, Any],
    as_of: str,
    attempt: int = 0,
    held_since: datetime | None = None,
    **more: Any,
) -> Send:
    """Return a send; its id is the same whenever the run plans it again.

    :param attempt: earlier refusals of the payload.
    :param held_since: when the destination was told what it holds of the person; None: it holds nothing.
    """
    digest = payload_hash(payload)
    moment = datetime.fromisoformat(as_of).astimezone(UTC).isoformat(timespec="seconds")
    parts = [destination, person_id, operation, digest, moment, str(attempt)]
    if held_since is not None:
        # A value may return to an earlier one at the same as_of. What the destination holds tells the two sends apart, by
        # its moment, for by its hash the fourth of A, B, A, B would be the second. A rerun still finds its own sends: the
        # moment is the ledger's, the same however often it is loaded, and it moves only when an answered call is loaded;
        # from then on the payload is what is held, and is not planned.
        parts.append(held_since.astimezone(UTC).isoformat())
    send_id = hashlib.sha256("|".join(parts).encode()).hexdigest()
    return Send(f"s{send_id[:31]}", destination, person_id, operation, digest, dict(payload), moment, **more)


def batch_key(sends: Sequence[Send]) -> str:
    """The ledger key of one call that carries these sends; one send's key is its own id."""
    if len(sends) == 1:
        return sends[0].send_id
    return "b" + hashlib.sha256("|".join(sorted(send.send_id for send in sends)).encode()).hexdigest()[:31]


def request_of(sends: Sequence[Send]) -> dict[str, Any]:
    """What the call ledger keeps of a call: all that is needed to make rows of it later."""
    return {"sends": [asdict(send) for send in sends]}


def sends_of(entry: Entry) -> list[Send]:
    """The sends of a call in the ledger."""
    return [Send(**item) for item in json.loads(entry.request)["sends"]]


def effective_as_of(as_of: str, newest: str | None, is_given: bool) -> str:
    """The point in time that a run works at: the newest one known, unless a person gave one (is_given)."""
    if is_given or newest is None:
        return as_of
    return max(as_of, newest, key=moment)


def moment(as_of: str) -> datetime:
    """An ISO 8601 point in time as an aware datetime."""
    parsed = datetime.fromisoformat(as_of)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def joined(*plans: Plan) -> Plan:
    """Several plans as one."""
    return Plan(
        [send for plan in plans for send in plan.sends],
        sum(plan.unchanged for plan in plans),
        sum(plan.rejected_before for plan in plans),
        sum(plan.held_back for plan in plans),
        {audience: name for plan in plans for audience, name in plan.campaigns.items()},
    )


def is_too_many(rejected: int, attempted: int) -> bool:
    """Whether so many sends were refused that the run must fail: over 5 %, and not just one or two."""
    return rejected >= MIN_REJECTED and rejected > REJECTED_SHARE * attempted


def batches(sends: Sequence[Send], size: int) -> list[list[Send]]:
    """The sends in order, at most ``size`` to a batch."""
    return [list(sends[start : start + size]) for start in range(0, len(sends), size)]


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
