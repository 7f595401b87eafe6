"""Who is asked for at which vendor next, and what that will come to, before a cent is spent."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.airflow.google import GCSHook, warehouse
from include.airflow.warehouse_operator import WarehouseOperator
from include.as_of import refuse_future
from include.enrichment.answers import load_answers
from include.enrichment.forecast import (
    EnrichmentForecast,
    Route,
    VendorForecast,
    enrichment_forecast,
    require_within_budget,
)
from include.enrichment.rules import MAX_CHUNK_ROWS, MAX_CHUNKS
from include.enrichment.vendor_order import Rates, Tally, best_order, evaluated
from include.enrichment.waterfall import Answered, Policy, next_step, policy, turned
from include.settings import lake_bucket
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

LEARN_DAYS = 365


class PlanEnrichmentOperator(WarehouseOperator):
    """Load what is known, decide each person's next step, and write chunks of people for each vendor.

    Loads the call ledger first, always: nobody is asked for twice because an answer had not been loaded yet. Round 1
    chooses the people, forecasts their whole way through the waterfall, and stores forecast and learned order; it raises
    BudgetExceeded before anything is asked. Later rounds decide the next step of the same people.

    Returns ``{vendor: [{"object", "rows", "label"}, …]}``: counts and paths, never a row.

    :param as_of: the run's point in time, ISO 8601.
    :param round_number: 1 for the first.
    :param max_contacts: most people of a run.
    :param approved_usd: a person's leave to spend so much in this run, whatever the declared budgets say; 0 is none.
    """

    template_fields: Sequence[str] = ("as_of", "max_contacts", "approved_usd")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        as_of: str,
        round_number: int,
        max_contacts: int | str = 0,
        approved_usd: float | str = 0.0,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.round_number = round_number
        self.max_contacts = max_contacts
        self.approved_usd = approved_usd
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        refuse_future(self.as_of, datetime.now(UTC))
        client = warehouse(self.gcp_conn_id)
        bucket = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(lake_bucket())
        rules = policy()
        load_answers(client, bucket, self._labels())
        folder = f"work/{self.dag_id}/{re.sub(r'[^A-Za-z0-9_.-]', '-', str(context['run_id']))}"
        cohort = bucket.blob(f"{folder}/cohort.json")
        if self.round_number == 1:
            chosen = self._chosen(client, rules, str(context["run_id"]))
            cohort.upload_from_string(json.dumps(chosen), content_type="application/json")
            answers = {person["npi"]: _answered(json.loads(person["answers"])) for person in chosen["people"]}
        else:
            chosen = json.loads(cohort.download_as_bytes())
            answers = self._answers(client, [person["npi"] for person in chosen["people"]])
        asked = self._next(chosen, answers, rules)
        return {vendor: self._written(bucket, folder, vendor, rows) for vendor, rows in asked.items()}

    def _chosen(self, client: bigquery.Client, rules: Policy, run_id: str) -> dict[str, Any]:
        """Return {"people": rows of candidates.sql, "orders": {segment: order}} of this run, within the budget."""
        rates = Rates(self._tallies(client), rules.vendors, rules.learned_order.prior_weight)
        limit = int(self.max_contacts)
        # A person of whom the learned order asks nobody any more has no step: so a few more are read than are taken.
        eligible = {
            "as_of": self._now,
            "max_age_days": rules.email.max_age_days,
            "ask_again_days": rules.email.ask_again_days,
            "vendors": len(rules.email.order),
            "taxonomy_prefix": rules.eligible.taxonomy_prefix,
            "min_icp_score": rules.eligible.min_icp_score,
        }
        sql = table("enriched.answer")
        candidates = self._query(client, sql.sql("candidates"), max_people=4 * limit, **eligible)
        reasons = {row["reason"]: row["people"] for row in self._query(client, sql.sql("not_asked"), **eligible)}
        orders = self._orders(client, rules, rates, {row["segment"] for row in candidates}, run_id)
        people: list[dict[str, Any]] = []
        ways: list[tuple[str, frozenset[str], tuple[str, ...]]] = []
        steps: Counter[str] = Counter()
        for row in candidates:
            order = turned(orders[row["segment"]], row["npi"], rules.learned_order.explore_share)
            order = rules.can_be_asked(order, row["company"])
            answers = _answered(json.loads(row["answers"]))
            if len(people) == limit:
                break
            step = next_step(rules.email, order, answers, self._now).reason
            if step == "ask":
                since = self._now - timedelta(days=rules.email.ask_again_days)
                before = frozenset(one.vendor for one in answers if one.asked_at >= since)
                people.append(row)
                ways.append((row["segment"], before, tuple(vendor for vendor in order if vendor not in before)))
            else:
                steps[step if row["company"] or step != "exhausted" else "no_company_and_asked_by_place"] += 1
        reasons["over_max_contacts"] = reasons.pop("candidate", 0) - len(people) - steps.total()
        not_asked = {name: count for name, count in sorted((reasons | steps).items()) if count}
        self._count(client, len(people), not_asked)
        routes = [Route(segment, before, order, count) for (segment, before, order), count in Counter(ways).items()]
        self._forecast(client, enrichment_forecast(routes, rates, rules.vendors, not_asked), rules, run_id)
        return {"people": people, "orders": orders}

    def _count(self, client: bigquery.Client, asked: int, not_asked: Mapping[str, int]) -> None:
        """Bring ops.balance to what became of every row of clean.provider in this plan."""
        (rows,) = self._query(client, table("clean.provider").sql("count"))
        counts = [
            {"kind": "in", "reason": "clean.provider", "row_count": rows["people"]},
            {"kind": "out", "reason": "asked_for", "row_count": asked},
            *({"kind": "filtered", "reason": name, "row_count": count} for name, count in not_asked.items()),
        ]
        self._query(client, table("ops.balance").sql("plan"), rows=json.dumps(counts))

    def _forecast(self, client: bigquery.Client, plan: EnrichmentForecast, rules: Policy, run_id: str) -> None:
        for line in plan.lines():
            self.log.info(line)
        vendors = [
            {
                "candidates": plan.candidates,
                "not_asked": json.dumps(plan.not_asked),
                **{name: getattr(one, name) for name in ("vendor", "people", "calls", "credits", "usd", "usable", "max_usd", "seconds")},  # noqa: E501
            }
            # Also where nobody is asked: the row says why.
            for one in plan.vendors or [VendorForecast(name, *[0.0] * 7) for name in rules.vendors]
        ]  # fmt: skip
        sql = table("ops.enrichment_forecast").sql("replace_run")
        self._query(client, sql, run_id=run_id, as_of=self._now, vendors=json.dumps(vendors))
        (spent,) = self._query(client, table("enriched.answer").sql("spent"), as_of=self._now)
        require_within_budget(plan, rules.budget, float(spent["usd"]), float(self.approved_usd))

    def _orders(
        self, client: bigquery.Client, rules: Policy, rates: Rates, segments: set[str], run_id: str
    ) -> dict[str, tuple[str, ...]]:
        """Return the order of each segment, and show and store what the learned one would save."""
        orders, rows = {}, []
        for segment in sorted(segments):
            fixed = evaluated(rates, segment, rules.email.order)
            learned = best_order(rates, segment, rules.email.order, rules.budget.usd_per_usable)
            self.log.info(
                "%s, on %s answers: fixed order %s costs %.3f USD a usable contact and finds %.0f %%; learned order %s %.3f USD and "
                "%.0f %%%s",
                segment, rates.answers(segment), " ".join(fixed.order), fixed.usd_per_usable, 100 * fixed.usable,
                " ".join(learned.order) or "nobody", learned.usd_per_usable, 100 * learned.usable,
                " (applied)" if rules.learned_order.apply else " (on paper)",
            )  # fmt: skip
            orders[segment] = learned.order if rules.learned_order.apply else fixed.order
            rows.append(
                {
                    "segment": segment, "answers": rates.answers(segment),
                    "fixed_order": ",".join(fixed.order), "fixed_usd": fixed.usd, "fixed_usable": fixed.usable,
                    "learned_order": ",".join(learned.order), "learned_usd": learned.usd, "learned_usable": learned.usable,
                }
            )  # fmt: skip
        sql = table("ops.vendor_order").sql("replace_run")
        applied = rules.learned_order.apply
        self._query(client, sql, run_id=run_id, as_of=self._now, applied=applied, segments=json.dumps(rows))
        return orders

    def _next(
        self, chosen: Mapping[str, Any], answers: Mapping[str, Sequence[Answered]], rules: Policy
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that each vendor is asked about, and say how many people have which next step."""
        asked: dict[str, list[dict[str, Any]]] = {name: [] for name in rules.vendors}
        reasons: Counter[str] = Counter()
        for person in chosen["people"]:
            order = turned(chosen["orders"][person["segment"]], person["npi"], rules.learned_order.explore_share)
            order = rules.can_be_asked(order, person["company"])
            step = next_step(rules.email, order, answers.get(person["npi"], ()), self._now)
            reasons[step.vendor or step.reason] += 1
            if step.vendor is not None:
                names = ("npi", "full_name", "first_name", "last_name", "company", "city", "state", "segment")
                asked[step.vendor].append({**{name: person[name] for name in names}, "after": step.after})
        self.log.info("Round %s: %s", self.round_number, dict(sorted(reasons.items())))
        return asked

    def _written(
        self, bucket: storage.Bucket, folder: str, vendor: str, rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        parts = [rows[start : start + MAX_CHUNK_ROWS] for start in range(0, len(rows), MAX_CHUNK_ROWS)]
        if len(parts) > MAX_CHUNKS:
            raise ValueError(f"{len(rows)} people make {len(parts)} chunks, and {MAX_CHUNKS} is the most: lower max_contacts")  # fmt: skip # noqa: E501
        written = []
        for number, part in enumerate(parts, start=1):
            path = f"{folder}/round-{self.round_number}/{vendor}/{number:04d}.json"
            bucket.blob(path).upload_from_string(json.dumps(part), content_type="application/json")
            label = f"{number:04d} of {len(parts):04d} ({len(part)})"
            written.append({"object": path, "rows": len(part), "label": label})
        return written

    def _answers(self, client: bigquery.Client, npis: list[str]) -> dict[str, list[Answered]]:
        rows = self._query(client, table("enriched.answer").sql("of_people"), npis=npis)
        found: dict[str, list[Answered]] = {npi: [] for npi in npis}
        for row in rows:
            found[row["npi"]] += _answered([row])
        return found

    def _tallies(self, client: bigquery.Client) -> list[Tally]:
        rows = self._query(
            client, table("enriched.answer").sql("tallies"), since=self._now - timedelta(days=LEARN_DAYS)
        )
        known = policy().vendors
        return [
            Tally(
                row["segment"],
                row["vendor"],
                frozenset(name for name in row["vendors_before"].split(",") if name),
                row["asked"],
                row["usable"],
                row["credits"],
            )
            for row in rows
            if row["vendor"] in known
        ]

    @property
    def _now(self) -> datetime:
        return datetime.fromisoformat(self.as_of)

    def _labels(self) -> dict[str, str]:
        return {"dag": self.dag_id, "task": self.task_id}

    def _query(self, client: bigquery.Client, sql: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(row.items()) for row in run(client, sql, self._labels(), **values)]


def _answered(rows: Iterable[Mapping[str, Any]]) -> list[Answered]:
    return [
        Answered(
            row["vendor"],
            row["status"],
            bool(row["usable"]),
            row["asked_at"] if isinstance(row["asked_at"], datetime) else datetime.fromisoformat(row["asked_at"]),
            row["request_key"],
        )
        for row in rows
    ]
