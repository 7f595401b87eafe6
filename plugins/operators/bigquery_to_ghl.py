"""Bring contacts in Go High Level to what the warehouse says, one call for each contact that differs.

A contact that people made first costs five calls, once; one whose audience changed costs two more for its tags.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from hooks.ghl import DUPLICATES_ALLOWED, REQUESTS_PER_SECOND, VENDOR, GhlHook
from hooks.http.errors import BadRequest, NotFound, VendorError
from include.activation.ghl import belongs_to, carries, closed_channels, found_body, is_stopped, plan_ghl
from include.activation.results import rejection_body
from include.activation.send import (
    CREATE,
    GATE_FAILED,
    GHL,
    OPT_OUTS_REFUSED,
    SUPPRESS,
    UPDATE,
    Plan,
    Send,
    batches,
    effective_as_of,
    is_too_many,
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
from include.quality.pager_message import error_text
from include.warehouse.tables import table

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)
CHECKED_TOGETHER = 100  # contacts between two looks at the suppression list: about 10 s at GHL's pace
SENDERS = 4  # one alone waits for answers and stays below GHL's pace; the hook's bucket holds all of them to it
NOT_ON_UPDATE = ("companyName",)  # UpdateContactDtoV3 does not know it
ADDRESSES = ("email", "phone")


class BigQueryToGhlOperator(WarehouseOperator):
    """Create, update and silence contacts in GHL; an unchanged contact costs no call.

    Every call is in the call ledger before it is made. GHL's calls are repeatable, so one whose answer was lost is
    simply made again, but a create only where its contact is not found. Returns counts. Raises hooks.http.errors at the first
    vendor failure (what was sent is kept), AirflowFailException when GHL refused an opt-out or too many of the contacts,
    and when the location allows duplicates.

    :param as_of: point in time.
    :param as_of_given: True: a person asked for this as_of; older than the newest send, only opt-outs are done.
        False: it came with an event; the run works at the newest one known, for events overtake each other.
    :param plan_only: a dry run: only log what would be done.
    :param retry_rejected: offer payloads again that GHL refused before.
    """

    ui_color = "#fce8e6"
    template_fields: Sequence[str] = ("as_of", "as_of_given", "plan_only", "retry_rejected")

    def __init__(
        self,
        *,
        as_of: str,
        as_of_given: bool = True,
        plan_only: bool = False,
        retry_rejected: bool = False,
        ghl_conn_id: str = GhlHook.default_conn_name,
        gcp_conn_id: str = GCP_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.as_of_given = as_of_given
        self.plan_only = plan_only
        self.retry_rejected = retry_rejected
        self.ghl_conn_id = ghl_conn_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        refuse_future(self.as_of, datetime.now(UTC))
        store = send_store(self, self.gcp_conn_id, GHL)
        unasked = None if self.plan_only else self.reconcile(store)
        newest = store.newest_as_of()
        as_of = effective_as_of(self.as_of, newest, self.as_of_given)
        plan = self.plan(store, as_of)
        newer: dict[str, str] = {}
        if newest and moment(newest) > moment(as_of):
            self.log.info("Opt-outs only: sends were already made for %s, which is newer than %s.", newest, as_of)
            plan, newer = plan.opt_outs(), {"newer_as_of": newest}
        if (failed := store.failed_gates()) or unasked:
            plan = plan.opt_outs()
        counts = self._counts(plan) | newer
        self.log.info("%s: %s", "Dry run, nothing sent" if self.plan_only else "Plan", counts)
        ended = {} if self.plan_only else self.send(store, plan)
        if unasked:
            raise unasked
        if failed:
            raise AirflowFailException(GATE_FAILED.format(vendor="GHL", tables=", ".join(failed)))
        return counts | ended

    def reconcile(self, store: SendStore) -> VendorError | None:
        """End the calls with an unknown outcome, then load what was answered. Returns why a call stays outcome unknown: GHL could not be asked."""
        entries: list[Entry | None] = []
        unasked: VendorError | None = None
        for entry in store.unloaded():
            try:
                entries.append(self._reconciled(store, entry) if entry.status == "outcome_unknown" else entry)
            except VendorError as error:
                unasked = error
        store.load([entry for entry in entries if entry is not None])
        return unasked

    def _reconciled(self, store: SendStore, entry: Entry) -> Entry | None:
        """The call as answered where it made a contact; else None: it is forgotten and planned again, for a repeat is harmless.

        A contact that was made is held from here on: its person may have opted out, and this run must stop it.
        """
        ledger = store.ledger(entry.operation)
        (send,) = sends_of(entry)
        if send.operation == CREATE:
            for contact in GhlHook(self.ghl_conn_id).iter_same_address(send.payload):
                is_mine = carries(contact, send.person_id)
                _heed(store, contact, send.person_id if is_mine else None)
                if is_mine:
                    ledger.record_response(entry.request_key, found_body(contact["id"]), vendor_ref=contact["id"])
                    return ledger.entry(entry.request_key)
        ledger.withdraw(entry.request_key)
        return None

    def plan(self, store: SendStore, as_of: str) -> Plan:
        """Return what GHL must be told now."""
        rows = store.query(table("activation.send").sql("ghl_contacts"), as_of=moment(as_of))
        connection = GhlHook.get_connection(self.ghl_conn_id)
        field_ids = connection.extra_dejson.get("custom_field_ids", {})
        return plan_ghl(rows, as_of, field_ids, store.refused(), self.retry_rejected)

    def send(self, store: SendStore, plan: Plan) -> dict[str, int]:
        """Make the plan's calls and return how they ended. Opt-outs go first."""
        hook = GhlHook(self.ghl_conn_id)
        opt_outs: Counter[str] = Counter()
        try:
            for send in plan.of(SUPPRESS):
                opt_outs[self._call(store, hook, send)] += 1
            ended = self._others(store, hook, plan)
        except Exception as error:
            if not opt_outs["rejected"]:
                raise
            urgent = OPT_OUTS_REFUSED.format(vendor="GHL", count=opt_outs["rejected"])
            # This text goes to the pager: an error whose own may hold a row's values is named by its class.
            raise AirflowFailException(f"{urgent} Besides, the run broke off: {error_text(error)}") from error
        ended.update(opt_outs)
        self.log.info("Done: %s", dict(ended))
        if opt_outs["rejected"]:
            raise AirflowFailException(OPT_OUTS_REFUSED.format(vendor="GHL", count=opt_outs["rejected"]))
        if is_too_many(ended["rejected"], len(plan.sends)):
            raise AirflowFailException(
                f"GHL refused {ended['rejected']} of {len(plan.sends)} contacts; the others are sent. Reasons are in "
                "activation.rejection: mend them, then run the DAG with retry_rejected."
            )
        return dict(ended)

    def _others(self, store: SendStore, hook: GhlHook, plan: Plan) -> Counter[str]:
        """Make the calls that are no opt-outs and return how they ended."""
        ended: Counter[str] = Counter(sent=0, rejected=0, suppressed_late=0)
        if plan.of(CREATE) and hook.allows_duplicates():
            location = DUPLICATES_ALLOWED.format(location=hook.location_id)
            raise AirflowFailException(f"Only opt-outs were sent to GHL: {location}, then run the DAG again.")
        # Updates first: they free the addresses that went from one person to another.
        for batch in batches(plan.of(UPDATE), CHECKED_TOGETHER) + batches(plan.of(CREATE), CHECKED_TOGETHER):
            blocked = store.suppressed(batch)
            wanted = [send for send in batch if send.person_id not in blocked]
            ended.update(self._calls(store, hook, wanted), suppressed_late=len(batch) - len(wanted))
        return ended

    def _calls(self, store: SendStore, hook: GhlHook, sends: Sequence[Send]) -> Counter[str]:
        """Make the calls of a batch, a few at once, and return how they ended; at the first failure no further one begins."""
        with ThreadPoolExecutor(SENDERS) as pool:
            calls = [pool.submit(self._call, store, hook, send) for send in sends]
            try:
                return Counter(call.result() for call in calls)
            finally:
                for call in calls:
                    call.cancel()

    def _call(self, store: SendStore, hook: GhlHook, send: Send) -> str:
        ledger = store.ledger("create_contact" if send.operation == CREATE else "update_contact")
        if ledger.claim(send.send_id, request_of([send]), send.person_id).state == "has_response":
            return "sent_before"
        try:
            body = _created(store, hook, send) if send.operation == CREATE else _updated(store, hook, send)
        except BadRequest as refusal:
            if send.operation == SUPPRESS and _is_silent(hook, send, refusal):
                ledger.record_response(
                    send.send_id, json.dumps({"remote_id": send.remote_id}), vendor_ref=send.remote_id
                )
                return "sent"
            fields = f" (fields: {', '.join(refusal.fields)})" if refusal.fields else ""
            body = rejection_body(str(refusal.status), f"GHL refused the {send.operation}{fields}")
            ledger.record_response(send.send_id, body, status="failed", http_status=refusal.status)
            return "rejected"
        except VendorError:
            if send.operation != CREATE:  # a create may have made the contact: the next run looks
                ledger.withdraw(send.send_id)  # a repeat is harmless, so the next run may plan it anew
            raise
        ledger.record_response(send.send_id, body, vendor_ref=json.loads(body)["remote_id"])
        return "sent"

    def _counts(self, plan: Plan) -> dict[str, Any]:
        return {
            "creates": len(plan.of(CREATE)),
            "updates": len(plan.of(UPDATE)),
            "suppressed": len(plan.of(SUPPRESS)),
            "unchanged": plan.unchanged,
            "rejected_before": plan.rejected_before,
            **forecast(len(plan.sends), REQUESTS_PER_SECOND),
        }


def _created(store: SendStore, hook: GhlHook, send: Send) -> str:
    """Create the contact, or bring the person's that is there to the same: it keeps the tags that people set and gains ours.

    Returns what the ledger keeps of it. Where another one's contact has the phone, this one is made without it. Raises
    BadRequest where that leaves no address.
    """
    whole = {**send.payload, "tags": send.changes["tags"]}
    tries = [whole]
    if "email" in whole and "phone" in whole:
        tries.append({name: value for name, value in whole.items() if name != "phone"})
    for fields in tries:
        created = hook.create_contact(fields)
        if created.is_new:
            return _done_body(created.contact_id)
        contact = hook.get_contact(created.contact_id)
        if belongs_to(send, contact):
            return _adopted(store, hook, send, contact)
        _heed(store, contact, None)
    taken = tuple(name for name in ADDRESSES if name in whole)
    raise BadRequest(VENDOR, "create_contact", 400, "Another person's contact has the address.", fields=taken)


def _adopted(store: SendStore, hook: GhlHook, send: Send, contact: Mapping[str, Any]) -> str:
    """Bring a contact that was there to what the send says, unless its person opted out. It is held whatever happens.

    Held, an opt-out reaches it. What GHL refused of the rest is for the next run, which knows the contact by its id.
    """
    contact_id = str(contact["id"])
    if _heed(store, contact, send.person_id) & {"all", "email"}:
        return found_body(contact_id)
    try:
        _update(store, hook, contact_id, send)
    except BadRequest as refusal:
        log.warning("Contact %s is held and lacks our fields: %s", contact_id, refusal)
        return found_body(contact_id)
    try:
        _retag(hook, contact_id, send)
    except BadRequest as refusal:
        log.warning("Contact %s has our fields and lacks our tags: %s", contact_id, refusal)
    return _done_body(contact_id)


def _updated(store: SendStore, hook: GhlHook, send: Send) -> str:
    contact_id = str(send.remote_id)
    _update(store, hook, contact_id, send)
    _retag(hook, contact_id, send)
    return _done_body(contact_id)


def _update(store: SendStore, hook: GhlHook, contact_id: str, send: Send) -> None:
    """Give a contact the fields that the send says. Where another contact has its e-mail or phone, each keeps its own."""
    fields = {name: value for name, value in send.payload.items() if name not in NOT_ON_UPDATE}
    try:
        contact = hook.update_contact(contact_id, fields)
    except BadRequest as refusal:
        if refusal.status != 400 or not set(ADDRESSES) & set(fields):
            raise
        contact = hook.update_contact(contact_id, {name: fields[name] for name in fields if name not in ADDRESSES})
    if send.operation != SUPPRESS:  # the answer to a stop shows the stop
        _heed(store, contact, send.person_id, closed_channels(fields))


def _retag(hook: GhlHook, contact_id: str, send: Send) -> None:
    """Add and remove tags of ours one by one: `tags` in an update would replace all that the contact has."""
    if gained := send.changes.get("tags"):
        hook.add_tags(contact_id, gained)
    if lost := send.changes.get("former_tags"):
        hook.remove_tags(contact_id, lost)


def _heed(
    store: SendStore, contact: Mapping[str, Any], person_id: str | None, told: Collection[str] = frozenset()
) -> set[str]:
    """Keep the opt-out that a contact shows, and return the channels that it closes. told: those that we closed ourselves.

    GHL may have sent no webhook of it, as for what people set before we came.
    """
    channels = closed_channels(contact) - set(told)
    if channels:
        store.keep_opt_out(contact, channels, person_id)
    return channels


def _done_body(contact_id: str) -> str:
    return json.dumps({"remote_id": contact_id})


def _is_silent(hook: GhlHook, send: Send, refusal: BadRequest) -> bool:
    """Whether the contact is silent all the same: it is gone, or the refused stop is on it.

    GHL may say with 400, as for a payload it refuses, that a contact is not there.
    """
    if isinstance(refusal, NotFound):
        return True
    try:
        contact = hook.get_contact(str(send.remote_id))
    except BadRequest:  # an id that GHL gave us is refused for no other reason
        return True
    return is_stopped(contact, send.payload)
