"""Settle with a vendor what earlier runs asked and have no answer for, before anything is asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.enrichment.vendor_balance import MIN_CREDITS, Balance
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger, Entry
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import table
from operators.asking import EnrichmentProvider, provider_of
from operators.asking.progress import Progress, fail_on_bad_refs, read_waiting

if TYPE_CHECKING:
    from google.cloud import storage

OUTCOME_UNKNOWN = ("hold", "resend", "drop")
# How long a vendor may work on a call that it took, and charge for it only then. Wiza has the longest queue: 200 reveals
# before each one that is at work, 25 s each on average, and up to 380 s for the last: 5380 s in all.
MAY_WORK_SECONDS = 5400.0


class ReconcileVendorOperator(WarehouseOperator):
    """Bring every open call of a vendor to an end that needs no second payment, or leave it to a person.

    In this order: read by its id what the vendor took; find the id of a call that was cut off in the callbacks that came;
    and where the vendor tells a balance and can be at work on nothing of ours any more: when it has fallen by no more than
    our books say, what is left was not charged, so it is withdrawn and may be asked again. Where it tells none, by what else
    the vendor lets us see (Clay: its callbacks). Else it stays outcome unknown, and its people are not asked anywhere.

    Where the balance has fallen by more than our books say, and no call with an unknown outcome may be why, that is an alert
    (ops.alert, check_name unexplained_credits): once, because the next reading is compared with this one.

    Runs alone: nothing else may be asking the vendor. Returns counts of calls. Raises hooks.http.errors.

    :param as_of: point in time of the run, ISO 8601; an alert stands under its date.
    :param outcome_unknown: what a person decided about calls that stay outcome unknown, young ones too: ``hold`` them; ``resend``, ask
        again, which may pay twice; ``drop``, go on without their answers.
    """

    template_fields: Sequence[str] = ("as_of", "outcome_unknown")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        vendor: str,
        as_of: str,
        outcome_unknown: str = "hold",
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vendor = vendor
        self.as_of = as_of
        self.outcome_unknown = outcome_unknown
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        refuse_future(self.as_of, datetime.now(UTC))
        if self.outcome_unknown not in OUTCOME_UNKNOWN:
            raise ValueError(f"outcome_unknown must be one of {OUTCOME_UNKNOWN}, not {self.outcome_unknown!r}")
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        ledger = CallLedger(bucket, self.vendor, policy().vendors[self.vendor].operation)
        provider = provider_of(self.vendor)
        provider.connect()
        calls = list(ledger.open())
        refs = self._refs(bucket, ledger, provider, calls)
        progress = Progress(len(calls), waiting={key: [ref, 1] for key, ref in refs.items()})
        read_waiting(progress, ledger, provider)
        cut_off = [entry for entry in calls if entry.request_key not in refs]
        done_at = _done_at(cut_off)
        is_quiet = not (progress.waiting or progress.bad_refs) and datetime.now(UTC) >= done_at
        reconciled = self._decide(bucket, ledger, provider, cut_off, is_quiet=is_quiet)
        counts = {
            "open": len(calls),
            "answered": len(refs) - len(progress.waiting) - len(progress.bad_refs),
            "still_open": len(progress.waiting),
            "withdrawn": reconciled,
            "outcome_unknown": len(cut_off) - reconciled,
        }
        self.log.info("Calls of earlier runs at %s: %s", self.vendor, counts)
        if counts["outcome_unknown"]:
            self._tell_outcome_unknown(counts["outcome_unknown"], done_at)
        fail_on_bad_refs(self.vendor, progress)
        return counts

    def _tell_outcome_unknown(self, calls: int, done_at: datetime) -> None:
        if datetime.now(UTC) < done_at:
            self.log.warning(
                "%s calls stay outcome unknown and are held until %s: until then %s may be at work on one of them and charge for it. "
                "A run after that reconciles what it can.",
                calls,
                done_at.isoformat(timespec="seconds"),
                self.vendor,
            )
            return
        self.log.warning(
            "%s calls stay outcome unknown: they may have been charged, and nothing tells their answers. Look them up at %s "
            "(raw.vendor_response, status outcome_unknown), then run with outcome_unknown = resend or drop.",
            calls,
            self.vendor,
        )

    def _refs(
        self, bucket: storage.Bucket, ledger: CallLedger, provider: EnrichmentProvider, calls: list[Entry]
    ) -> dict[str, str]:
        """Call key -> the vendor's id, where it is known or a callback tells it."""
        refs = {entry.request_key: entry.vendor_ref for entry in calls if entry.vendor_ref is not None}
        for entry in calls:
            if entry.request_key in refs:
                continue
            found = provider.find(bucket, entry, set(refs.values()))
            if found is not None:
                self.log.info("Call %s was taken as %s: a callback told", entry.request_key, found)
                ledger.record_started(entry.request_key, found)
                refs[entry.request_key] = found
        return refs

    def _decide(
        self,
        bucket: storage.Bucket,
        ledger: CallLedger,
        provider: EnrichmentProvider,
        cut_off: list[Entry],
        *,
        is_quiet: bool,
    ) -> int:
        """Settle what was cut off, and return how many calls that was.

        is_quiet: the vendor works on nothing of ours, so that what it did not charge it never will.
        """
        balance = Balance(bucket, ledger)
        left = provider.credits_left() if is_quiet else None
        unexplained = balance.unexplained(left)
        if self.outcome_unknown == "drop":
            for entry in cut_off:
                ledger.record_response(entry.request_key, None, status="failed", http_status=None)
        elif self.outcome_unknown == "resend" or (
            cut_off and unexplained is not None and abs(unexplained) < MIN_CREDITS
        ):
            for entry in cut_off:
                self.log.info("Call %s is withdrawn and may be asked again", entry.request_key)
                ledger.withdraw(entry.request_key)
        elif cut_off:
            gone = [entry for entry in cut_off if _done_at([entry]) <= datetime.now(UTC)]
            gone = [entry for entry in gone if provider.was_not_taken(bucket, ledger, entry)]
            for entry in gone:
                self.log.info("Call %s never reached %s and may be asked again", entry.request_key, self.vendor)
                ledger.withdraw(entry.request_key)
            return len(gone)
        if unexplained is not None and unexplained >= MIN_CREDITS:
            self._raise_alert(unexplained, balance)
        balance.write(left)
        return len(cut_off)

    def _raise_alert(self, credits: float, balance: Balance) -> None:
        message = (
            f"{self.vendor}'s balance fell by {credits:g} credits more than raw.vendor_response has since "
            f"{balance.read_at}. Look at the usage page of {self.vendor}: somebody else spends from this account, or a call "
            "was charged whose answer is lost (outcome_unknown = drop or resend)."
        )
        self.log.warning(message)
        run(
            warehouse(self.gcp_conn_id),
            table("ops.alert").sql("raise"),
            {"dag": self.dag_id, "task": self.task_id, "table": "ops-alert"},
            raised_on=datetime.fromisoformat(self.as_of).date(),
            source=self.vendor,
            check_name="unexplained_credits",
            subject=f"balance since {balance.read_at}",
            severity="warning",
            message=message,
        )


def _done_at(cut_off: Sequence[Entry]) -> datetime:
    """When the vendor is certainly done with all that was cut off."""
    asked_at = max((entry.requested_at for entry in cut_off), default=datetime.fromtimestamp(0, UTC))
    return asked_at + timedelta(seconds=MAY_WORK_SECONDS)
