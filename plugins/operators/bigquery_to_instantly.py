"""Bring Instantly's campaigns to what the warehouse says: new leads up to the week's room, changes, and opt-outs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from hooks.http.errors import BadRequest, NotFound, ResponseLost, VendorError
from hooks.instantly import REQUESTS_PER_SECOND, InstantlyHook
from include.activation.block_list import keep_blocked, unblocked
from include.activation.content_blocks import ContentBlock, content_block
from include.activation.instantly import (
    absent,
    added_body,
    campaign_of,
    content_differs,
    iso_week,
    plan_known_leads,
    plan_new_leads,
    reconciled_body,
    remaining,
    with_campaign,
)
from include.activation.results import rejection_body, results
from include.activation.send import (
    CREATE,
    GATE_FAILED,
    INSTANTLY,
    OPT_OUTS_REFUSED,
    SUPPRESS,
    UPDATE,
    Plan,
    Send,
    batch_key,
    batches,
    effective_as_of,
    is_too_many,
    joined,
    moment,
    request_of,
    sends_of,
)
from include.activation.send_store import SendStore, forecast
from include.airflow.defaults import GCP_CONN_ID
from include.airflow.sends import send_store
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.lake.call_ledger import Entry
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context

BLOCKS_PER_STEP = 200  # so many addresses are put on the block list, read back and recorded at a time
LEADS_PER_CALL = 100  # far below Instantly's 1000: what one lost answer puts outcome unknown
DRAFT, COMPLETED = 0, 3
SENDING = (1, 4)  # active, running subsequences
# In any other status a person (2) or Instantly itself (below zero) stopped it, and only a person may start it again.
STOPPED = {2: "paused", -99: "stopped: account suspended", -1: "stopped: accounts unhealthy", -2: "stopped: bounces"}


NOT_BLOCKED = (
    "{count} suppressed addresses do not stand on Instantly's block list, and Instantly may e-mail whoever is added by hand. "
    "Everything else is done. Look them up in activation.block_list (status refused), put them on the list at Instantly by "
    "hand, then run this DAG again: it reads the list, and fails until they stand on it."
)


class BigQueryToInstantlyOperator(WarehouseOperator):
    """Block suppressed addresses, delete suppressed leads, change known ones, then add new ones to their audience's campaign.

    Each suppressed address goes on Instantly's block list first, also one that it has no lead of: a deleted lead is
    forgotten, and the next import would mail it again. The list is read back, address by address (activation.block_list).
    Every call is in the call ledger before it is made. Adding leads is not repeatable: a lost answer is reconciled by
    asking Instantly which of the addresses it holds, before anything else is planned. Returns counts. Raises
    hooks.http.errors at the first vendor failure (what was sent is kept), ResponseLost at the end when answers were lost,
    AirflowFailException when an opt-out or too many leads were refused, or when a campaign that should get leads is
    paused.

    :param as_of: point in time.
    :param as_of_given: True: a person asked for this as_of; older than the newest send, only opt-outs are done.
        False: it came with an event; the run works at the newest one known, for events overtake each other.
    :param max_new_leads: new leads in one ISO week of the point in time worked at, over all runs.
    :param plan_only: a dry run: only log what would be done.
    :param retry_rejected: offer payloads again that Instantly refused before.
    """

    ui_color = "#e8eaf6"
    template_fields: Sequence[str] = ("as_of", "as_of_given", "max_new_leads", "plan_only", "retry_rejected")

    def __init__(
        self,
        *,
        as_of: str,
        as_of_given: bool = True,
        max_new_leads: int,
        plan_only: bool = False,
        retry_rejected: bool = False,
        instantly_conn_id: str = InstantlyHook.default_conn_name,
        gcp_conn_id: str = GCP_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.as_of_given = as_of_given
        self.max_new_leads = max_new_leads
        self.plan_only = plan_only
        self.retry_rejected = retry_rejected
        self.instantly_conn_id = instantly_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        refuse_future(self.as_of, datetime.now(UTC))
        store = send_store(self, self.gcp_conn_id, INSTANTLY)
        hook = InstantlyHook(self.instantly_conn_id)
        if not self.plan_only:
            self.reconcile(store, hook)
        newest = store.newest_as_of()
        as_of = effective_as_of(self.as_of, newest, self.as_of_given)
        plan = self.plan(store, hook, as_of)
        newer: dict[str, str] = {}
        if newest and moment(newest) > moment(as_of):
            self.log.info("Opt-outs only: sends were already made for %s, which is newer than %s.", newest, as_of)
            plan, newer = plan.opt_outs(), {"newer_as_of": newest}
        if failed := store.failed_gates():
            plan = plan.opt_outs()
        to_block = unblocked(store)
        counts = self._counts(plan) | newer | {"to_block": len(to_block)}
        self.log.info("%s: %s", "Dry run, nothing sent" if self.plan_only else "Plan", counts)
        ended = {} if self.plan_only else self.send(store, hook, plan, self.block(store, hook, to_block))
        if failed:
            raise AirflowFailException(GATE_FAILED.format(vendor="Instantly", tables=", ".join(failed)))
        return counts | ended

    def reconcile(self, store: SendStore, hook: InstantlyHook) -> None:
        """Find out what calls with an unknown outcome did, so that nothing is sent twice; then load what was answered."""
        entries = store.unloaded()
        settled = [self._reconciled(store, hook, entry) for entry in entries if entry.status == "outcome_unknown"]
        answered = [entry for entry in entries if entry.status != "outcome_unknown"]
        store.load([*answered, *(entry for entry in settled if entry is not None)])

    def _reconciled(self, store: SendStore, hook: InstantlyHook, entry: Entry) -> Entry | None:
        """A call with an unknown outcome with the answer that it must have had; None when it was not made, and so may be planned."""
        ledger, sends = store.ledger(entry.operation), sends_of(entry)
        # Changing and deleting are harmless to repeat. Adding is looked up, address by address.
        found = _held(hook, sends) if entry.operation == "add_leads" else {}
        self.log.info(
            "Call %s outcome unknown: Instantly holds %d of %d leads.", entry.request_key, len(found), len(sends)
        )
        if not found:
            ledger.withdraw(entry.request_key)
            return None
        ids = {email: lead["id"] for email, lead in found.items()}
        ledger.record_response(entry.request_key, reconciled_body(sends, ids))
        return ledger.entry(entry.request_key)

    def plan(self, store: SendStore, hook: InstantlyHook, as_of: str) -> Plan:
        """Return what Instantly must be told now; asks Instantly (reads only) which leads it has e-mailed."""
        at, refused = moment(as_of), store.refused()
        monday, sunday = iso_week(as_of)
        room = remaining(self.max_new_leads, store.new_in_week(monday, sunday))
        new = store.query(table("activation.send").sql("instantly_new"), as_of=at, capacity=room)
        known = store.query(table("activation.send").sql("instantly_known"), as_of=at)
        blocks = _blocks([*new, *known])
        contacted = _contacted(hook, [row for row in known if content_differs(row, blocks)])
        return joined(
            plan_known_leads(known, blocks, as_of, contacted, refused, self.retry_rejected),
            plan_new_leads(new, blocks, as_of, room, refused, self.retry_rejected),
        )

    def block(self, store: SendStore, hook: InstantlyHook, addresses: Sequence[str]) -> int:
        """Put addresses on the block list and record what it shows; return how many do not stand on it."""
        refused = 0
        for start in range(0, len(addresses), BLOCKS_PER_STEP):
            part = addresses[start : start + BLOCKS_PER_STEP]
            held = hook.ensure_blocked(part)
            keep_blocked(store, part, held)
            refused += len(part) - len(held)
        return refused

    def send(self, store: SendStore, hook: InstantlyHook, plan: Plan, not_blocked: int = 0) -> dict[str, int]:
        """Make the plan's calls and return how the sends ended. Opt-outs go first.

        not_blocked: suppressed addresses that Instantly's block list does not take; the run fails after all else is done.
        """
        ended: Counter[str] = Counter(sent=0, rejected=0, suppressed_late=0, outcome_unknown=0)
        opt_outs = Counter(self._one(store, hook, send, "delete_lead") for send in plan.of(SUPPRESS))
        ended.update(opt_outs)
        stopped: list[str] = []
        for batch in batches(plan.of(UPDATE), LEADS_PER_CALL):
            for send in self._allowed(store, batch, ended):
                ended[self._one(store, hook, send, "patch_lead")] += 1
        for audience_id, name in sorted(plan.campaigns.items()):
            leads = [send for send in plan.of(CREATE) if send.audience_id == audience_id]
            if not leads:
                continue
            campaign = _started_campaign(hook, name)
            if campaign["status"] not in SENDING:
                status = STOPPED.get(campaign["status"], f"in status {campaign['status']}")
                stopped.append(f"'{name}' is {status} ({len(leads)} leads wait)")
                continue
            for batch in batches(with_campaign(leads, campaign["id"]), LEADS_PER_CALL):
                ended.update(self._add(store, hook, self._allowed(store, batch, ended)))
        self.log.info("Done: %s", dict(ended))
        self._judge(ended, opt_outs["rejected"], len(plan.sends), stopped, not_blocked)
        return dict(ended)

    def _judge(
        self, ended: Counter[str], opt_outs_refused: int, attempted: int, stopped: Sequence[str], not_blocked: int
    ) -> None:
        if ended["outcome_unknown"]:
            raise ResponseLost(
                INSTANTLY,
                "add_leads",
                None,
                f"{ended['outcome_unknown']} leads are outcome unknown; the next try asks Instantly first.",
            )
        if opt_outs_refused:
            raise AirflowFailException(OPT_OUTS_REFUSED.format(vendor="Instantly", count=opt_outs_refused))
        if not_blocked:
            raise AirflowFailException(NOT_BLOCKED.format(count=not_blocked))
        if is_too_many(ended["rejected"], attempted):
            raise AirflowFailException(
                f"Instantly refused {ended['rejected']} of {attempted} sends; the others are done. Reasons are in "
                "activation.rejection: mend them, then run the DAG with retry_rejected."
            )
        if stopped:
            raise AirflowFailException(
                f"No leads were added to a campaign that does not run: {'; '.join(stopped)}. Everything else is done, "
                "opt-outs too. Resume the campaign at Instantly, or end the audience's membership, then run the DAG again."
            )

    def _allowed(self, store: SendStore, batch: Sequence[Send], ended: Counter[str]) -> list[Send]:
        """The sends whose person and address are not suppressed at this very moment."""
        blocked = store.suppressed(batch)
        ended["suppressed_late"] += sum(send.person_id in blocked for send in batch)
        return [send for send in batch if send.person_id not in blocked]

    def _add(self, store: SendStore, hook: InstantlyHook, sends: Sequence[Send]) -> Mapping[str, int]:
        if not sends:
            return {}
        ledger, key = store.ledger("add_leads"), batch_key(sends)
        state = ledger.claim(key, request_of(sends)).state
        if state != "new":
            return {"sent_before" if state == "has_response" else "outcome_unknown": len(sends)}
        try:
            answer = hook.add_leads(str(sends[0].campaign_id), [send.payload for send in sends])
        except ResponseLost as lost:
            self.log.warning("%s", lost)
            return {"outcome_unknown": len(sends)}
        except BadRequest:
            # A refusal is not believed before a look: a lead that was made must be held, or no opt-out would reach it.
            if not (made := _held(hook, sends)):
                ledger.withdraw(key)
                raise
            ledger.record_response(key, reconciled_body(sends, {email: lead["id"] for email, lead in made.items()}))
            raise
        except VendorError:
            ledger.withdraw(key)  # refused, or never sent
            raise
        missing = absent(sends, answer)
        found = {email: lead["id"] for email, lead in _held(hook, missing).items()} if missing else {}
        ledger.record_response(key, added_body(answer, found))
        entry = ledger.entry(key)
        return Counter(row["status"] for row in results(entry)) if entry else {}

    def _one(self, store: SendStore, hook: InstantlyHook, send: Send, operation: str) -> str:
        ledger = store.ledger(operation)
        if ledger.claim(send.send_id, request_of([send]), send.person_id).state == "has_response":
            return "sent_before"
        try:
            if operation == "delete_lead":
                _delete(hook, str(send.remote_id))
            else:
                hook.patch_lead(str(send.remote_id), send.changes)
        except BadRequest as refusal:
            if operation == "delete_lead" and _is_gone(hook, str(send.remote_id)):
                ledger.record_response(send.send_id, json.dumps({"remote_id": send.remote_id}))
                return "sent"  # refused, and gone all the same
            body = rejection_body(str(refusal.status), f"Instantly refused the {send.operation}")
            ledger.record_response(send.send_id, body, status="failed", http_status=refusal.status)
            return "rejected"
        except VendorError:
            ledger.withdraw(send.send_id)  # a repeat is harmless, so the next run may plan it anew
            raise
        ledger.record_response(send.send_id, json.dumps({"remote_id": send.remote_id}), vendor_ref=send.remote_id)
        return "sent"

    def _counts(self, plan: Plan) -> dict[str, Any]:
        creates, others = plan.of(CREATE), len(plan.sends) - len(plan.of(CREATE))
        calls = others + -(-len(creates) // LEADS_PER_CALL)
        return {
            "creates": len(creates),
            "updates": len(plan.of(UPDATE)),
            "suppressed": len(plan.of(SUPPRESS)),
            "unchanged": plan.unchanged,
            "rejected_before": plan.rejected_before,
            "held_back": plan.held_back,
            **forecast(calls, REQUESTS_PER_SECOND),
        }


def _blocks(rows: Iterable[Mapping[str, Any]]) -> dict[str, ContentBlock]:
    ids = {row["content_block_id"] for row in rows if row["content_block_id"]}
    return {block_id: content_block(block_id) for block_id in ids}


def _started_campaign(hook: InstantlyHook, name: str) -> dict[str, Any]:
    """The campaign of this name, made if need be, and started unless somebody stopped it."""
    known = next((campaign for campaign in hook.iter_campaigns(name) if campaign["name"] == name), None)
    campaign = known or hook.create_campaign(campaign_of(name))
    if campaign["status"] in (DRAFT, COMPLETED):
        return hook.activate_campaign(campaign["id"])
    return campaign


def _held(hook: InstantlyHook, sends: Sequence[Send]) -> dict[str, dict[str, Any]]:
    """The leads that Instantly holds for these sends, by e-mail address."""
    emails = [send.payload["email"] for send in sends]
    try:
        return {lead["email"].lower(): lead for lead in hook.iter_leads(contacts=emails)}
    except BadRequest:
        # One malformed address spoils the question for all: ask one by one; nobody holds an address that is refused.
        if len(sends) == 1:
            return {}
        return {email: lead for send in sends for email, lead in _held(hook, [send]).items()}


def _contacted(hook: InstantlyHook, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Persons whose lead was e-mailed at least once, as Instantly says."""
    person_of = {row["remote_id"]: row["person_id"] for row in rows}
    ids = sorted(person_of)
    asked = [ids[start : start + LEADS_PER_CALL] for start in range(0, len(ids), LEADS_PER_CALL)]
    leads = [lead for part in asked for lead in hook.iter_leads(ids=part)]
    return frozenset(person_of[lead["id"]] for lead in leads if lead.get("timestamp_last_contact"))


def _delete(hook: InstantlyHook, lead_id: str) -> None:
    """Take a lead out of its campaign; gone already is what we wanted."""
    try:
        hook.delete_lead(lead_id)
    except NotFound:
        return


def _is_gone(hook: InstantlyHook, lead_id: str) -> bool:
    """Whether Instantly no longer has a lead whose deletion it refused. Where it cannot say, the refusal stands."""
    try:
        return not list(hook.iter_leads(ids=[lead_id]))
    except BadRequest:
        return False
