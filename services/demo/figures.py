"""The figures of a demo run, read from the warehouse, the lake and the sandbox's own ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.storage import Client as LakeClient

from include.warehouse.run import run
from include.warehouse.tables import tables
from services.demo.weeks import Week
from services.embedded.stack import PAGES, Stack

# The events that a sales team would call an answer that counts.
POSITIVE = ("meeting_booked", "deal_won", "purchase", "subscription_started")

BALANCE = "SELECT table_name, kind, reason, row_count FROM ops.balance ORDER BY table_name, kind, reason"

SOURCES = """
SELECT source, COUNT(DISTINCT source_object) AS files, SUM(source_rows) AS read_rows, SUM(`rows`) AS loaded_rows, SUM(rejected_rows) AS rejected_rows
FROM ops.load_manifest GROUP BY source ORDER BY source
"""

EVENTS = "SELECT canonical_type, COUNT(*) AS events FROM clean.event GROUP BY canonical_type ORDER BY canonical_type"

VENDORS = """
SELECT vendor, COUNT(*) AS answers, SUM(credits) AS credits, SUM(cost_usd) AS cost_usd, COUNTIF(status = 'outcome_unknown') AS outcome_unknown,
  COUNTIF(cost_usd > 0) - COUNT(DISTINCT IF(cost_usd > 0, CONCAT(operation, person_key, TO_JSON_STRING(request)), NULL)) AS bought_twice
FROM raw.vendor_response GROUP BY vendor ORDER BY vendor
"""

# Who was asked for in each run of enrich_contacts, and who was not, by reason.
ASKING = """
SELECT as_of, MAX(candidates) AS asked_for, ANY_VALUE(not_asked) AS not_asked, SUM(actual_people) AS answers, SUM(actual_usable) AS usable
FROM ops.enrichment_forecast
GROUP BY run_id, as_of ORDER BY as_of, run_id
"""

ACTIVATION = """
SELECT destination, operation, status, COUNT(*) AS sends FROM activation.send
GROUP BY destination, operation, status ORDER BY destination, operation, status
"""

# Members of an audience's treatment arm who may not be contacted, by why.
SUPPRESSED = """
SELECT s.reason, COUNT(DISTINCT m.person_id) AS people
FROM segmented.audience_member AS m
LEFT JOIN enriched.contact AS c ON c.person_id = m.person_id
JOIN clean.suppression AS s
  ON (s.identifier_type = 'person' AND s.identifier_hash = m.person_id)
  OR (s.identifier_type = 'email' AND s.identifier_hash = TO_HEX(SHA256(LOWER(TRIM(c.email)))))
WHERE m.arm = 'treatment'
GROUP BY s.reason ORDER BY s.reason
"""

MODELS = """
SELECT model, version, status, reason, trained_as_of, n_train, n_calibrate, n_test, n_positive, TO_JSON_STRING(metrics) AS metrics, object_path
FROM ops.model_version ORDER BY trained_as_of, version
"""

CONTACTED = """
-- @as_of TIMESTAMP, @file_date DATE
SELECT
  COUNT(*) AS contacted,
  AVG(l.icp_score) AS mean_icp_score,
  AVG(p.score) AS mean_lead_score,
  COUNTIF(p.score IS NOT NULL) AS ranked_by_model,
  COUNTIF(v.source_file_date = @file_date) AS from_this_weeks_file
FROM activation.send AS s
LEFT JOIN segmented.lead AS l ON l.person_id = s.person_id
LEFT JOIN clean.provider AS v ON v.person_id = s.person_id
LEFT JOIN (
  SELECT person_id, score FROM predictions.lead_score WHERE as_of <= @as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
) AS p ON p.person_id = s.person_id
WHERE s.destination = 'instantly' AND s.operation = 'create' AND s.status = 'sent' AND s.as_of = @as_of
"""

# Everybody who could have been chosen in a cycle, as the snapshot of that moment saw them: place by the rule, and whether chosen.
POOL = """
-- @as_of TIMESTAMP
WITH sent AS (
  SELECT person_id, MIN(as_of) AS as_of FROM activation.send
  WHERE destination = 'instantly' AND operation = 'create' AND status = 'sent' GROUP BY person_id
)
SELECT
  l.npi,
  ROW_NUMBER() OVER (ORDER BY f.icp_score DESC, f.person_id) AS place_by_rule,
  IFNULL(s.as_of = @as_of, FALSE) AS chosen
FROM features.lead AS f
JOIN segmented.lead AS l ON l.person_id = f.person_id
JOIN segmented.audience_member AS m ON m.person_id = f.person_id AND m.arm = 'treatment'
LEFT JOIN sent AS s ON s.person_id = f.person_id
WHERE f.as_of = @as_of AND f.email_status = 'valid' AND (s.as_of IS NULL OR s.as_of >= @as_of)
"""

FUNNEL = """
-- @as_of TIMESTAMP, @until TIMESTAMP, @positive ARRAY<STRING>
WITH contacted AS (
  SELECT person_id, MIN(as_of) AS as_of FROM activation.send
  WHERE destination = 'instantly' AND operation = 'create' AND status = 'sent' GROUP BY person_id
),
reached AS (
  SELECT
    c.person_id,
    e.canonical_type,
    e.canonical_type IN UNNEST(@positive) OR e.vendor_event IN ('lead_interested', 'lead_meeting_booked') AS is_positive
  FROM contacted AS c JOIN clean.event AS e ON e.person_id = c.person_id AND e.occurred_at >= c.as_of AND e.occurred_at < @until
  WHERE c.as_of = @as_of
)
SELECT
  COUNT(DISTINCT IF(canonical_type = 'email_sent', person_id, NULL)) AS emailed,
  COUNT(DISTINCT IF(canonical_type = 'email_opened', person_id, NULL)) AS opened,
  COUNT(DISTINCT IF(canonical_type = 'email_clicked', person_id, NULL)) AS clicked,
  COUNT(DISTINCT IF(canonical_type = 'email_replied', person_id, NULL)) AS replied,
  COUNT(DISTINCT IF(is_positive, person_id, NULL)) AS positive,
  COUNT(DISTINCT IF(canonical_type = 'meeting_booked', person_id, NULL)) AS meetings,
  COUNT(DISTINCT IF(canonical_type = 'email_bounced', person_id, NULL)) AS bounced,
  COUNT(DISTINCT IF(canonical_type = 'email_unsubscribed', person_id, NULL)) AS unsubscribed
FROM reached
"""

BLOCKS = """
-- @as_of TIMESTAMP
SELECT content_block_id, COUNT(*) AS contacts FROM activation.send
WHERE destination = 'instantly' AND operation = 'create' AND status = 'sent' AND as_of = @as_of
GROUP BY content_block_id ORDER BY content_block_id
"""


def figures(stack: Stack, cycles: Sequence[Week], seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Return the report's body: sources, layers, balance, asking, vendors, activation, events, models, cycles, pages, seconds."""
    client = bigquery.Client(
        project=stack.cloud.env()["GTM_PROJECT"],
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": stack.cloud.warehouse.url},
    )
    return {
        "sources": {row.pop("source"): row for row in _rows(client, SOURCES)},
        "layers": {row["name"]: row["row_count"] for row in _rows(client, layers())},
        "balance": _balance(client),
        "asking": [_asking(row) for row in _rows(client, ASKING)],
        "vendors": _vendors(client, stack),
        "activation": _activation(client),
        "suppressed_people": {row["reason"]: row["people"] for row in _rows(client, SUPPRESSED)},
        "events": {row["canonical_type"]: row["events"] for row in _rows(client, EVENTS)},
        "models": [_model(row) for row in _rows(client, MODELS)],
        "cycles": [_cycle(client, stack, number, week) for number, week in enumerate(cycles, start=1)],
        "pages": pages(stack.state / PAGES),
        "seconds": seconds,
    }


def pages(path: Path) -> list[dict[str, Any]]:
    """Return what the pager was told, oldest first; nothing where it was told nothing."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def calibration_plot(stack: Stack, model: dict[str, Any]) -> str:
    """Return the SVG of a model's calibration plot, or an empty string where the model has none."""
    lake = LakeClient(
        project=stack.cloud.env()["GTM_PROJECT"],
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": stack.cloud.lake.url},
    ).bucket(stack.cloud.env()["GTM_LAKE_BUCKET"])
    folder = model["object_path"].removeprefix(f"gs://{lake.name}/").rstrip("/")
    try:
        svg: str = lake.blob(f"{folder}/calibration.svg").download_as_text()
    except NotFound:
        return ""
    return svg[svg.index("<svg") :]


def _choice(stack: Stack, pool: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how the choice compares, by the sandbox's truth: the chance of a good answer, whatever the content, of whom we
    chose, of whom the ICP rule alone would have chosen, and of everybody who could have been chosen."""
    chosen = {row["npi"] for row in pool if row["chosen"]}
    by_rule = {row["npi"] for row in pool if row["place_by_rule"] <= len(chosen)}
    with stack.sandbox.admin as admin:
        chance = {row["npi"]: admin.get(f"truth/{row['npi']}").json()["positive_chance_neutral"] for row in pool}

    def mean(npis: set[str]) -> float | None:
        return round(sum(chance[npi] for npi in npis) / len(npis), 4) if npis else None

    return {
        "could_be_chosen": len(pool),
        "also_chosen_by_rule": len(chosen & by_rule),
        "true_chance_chosen": mean(chosen),
        "true_chance_by_rule": mean(by_rule),
        "true_chance_all": mean(set(chance)),
    }


def layers() -> str:
    """Return one question for the rows of every table: a table's name cannot be a parameter, and comes from our own definitions."""
    counts = (f"SELECT '{t.name}' AS name, COUNT(*) AS row_count FROM `{t.name}`" for t in tables())  # noqa: S608
    return f"{' UNION ALL '.join(counts)} ORDER BY name"


def _balance(client: bigquery.Client) -> dict[str, Any]:
    balance: dict[str, Any] = {}
    for row in _rows(client, BALANCE):
        of_table = balance.setdefault(row["table_name"], {"in": 0, "out": 0, "rejected": {}, "filtered": {}})
        if row["kind"] in ("in", "out"):
            of_table[row["kind"]] += row["row_count"]
        else:
            of_table[row["kind"]][row["reason"]] = row["row_count"]
    for counts in balance.values():
        accounted = counts["out"] + sum(counts["rejected"].values()) + sum(counts["filtered"].values())
        counts["balanced"] = counts["in"] == accounted
    return balance


def _asking(row: dict[str, Any]) -> dict[str, Any]:
    reasons: dict[str, int] = json.loads(row.pop("not_asked") or "{}")
    return {**row, "as_of": row["as_of"].isoformat(), "not_asked": reasons}


def _vendors(client: bigquery.Client, stack: Stack) -> dict[str, Any]:
    ours = {row["vendor"]: row for row in _rows(client, VENDORS)}
    theirs = stack.sandbox.admin.get("ledger").json()["vendors"]
    vendors = {}
    for vendor in sorted(set(theirs) - {"nppes"}):
        line = theirs[vendor]
        mine = ours.get(vendor, {})
        vendors[vendor] = {
            "calls": line["calls"],
            "credits": line["credits"],
            "cost": round(mine.get("cost_usd") or 0, 4),
            "credits_in_our_books": mine.get("credits") or 0,
            "bought_twice": mine.get("bought_twice") or 0,
            "outcome_unknown": mine.get("outcome_unknown") or 0,
        }
    return vendors


def _activation(client: bigquery.Client) -> dict[str, Any]:
    names = {"create": "creates", "update": "updates", "skip": "skipped", "suppress": "suppressed"}
    destinations: dict[str, Any] = {}
    for row in _rows(client, ACTIVATION):
        counts = destinations.setdefault(row["destination"], dict.fromkeys([*names.values(), "rejected"], 0))
        counts[names[row["operation"]] if row["status"] == "sent" else "rejected"] += row["sends"]
    return destinations


def _model(row: dict[str, Any]) -> dict[str, Any]:
    metrics = json.loads(row.pop("metrics"))
    challenger = metrics.get("challenger", metrics)
    return {
        **row,
        "trained_as_of": row["trained_as_of"].isoformat(),
        "auc": challenger.get("auc"),
        "brier": challenger.get("brier"),
        "ece": challenger.get("ece"),
        "n": row["n_train"] + row["n_calibrate"] + row["n_test"],
        "metrics": metrics,
    }


def _cycle(client: bigquery.Client, stack: Stack, number: int, week: Week) -> dict[str, Any]:
    contacted = _rows(client, CONTACTED, as_of=week.as_of, file_date=week.sunday)[0]
    funnel = _rows(client, FUNNEL, as_of=week.as_of, until=week.answers_as_of, positive=list(POSITIVE))[0]
    return {
        "cycle": number,
        "as_of": week.as_of.isoformat(),
        "new_file": week.published,
        "ranked_by": "model" if contacted["ranked_by_model"] else "ICP rule (no model yet)",
        **{key: _rounded(value) for key, value in contacted.items()},
        **_choice(stack, _rows(client, POOL, as_of=week.as_of)),
        "content_blocks": {row["content_block_id"]: row["contacts"] for row in _rows(client, BLOCKS, as_of=week.as_of)},
        "funnel": funnel,
        "positive_rate": _rounded(funnel["positive"] / funnel["emailed"]) if funnel["emailed"] else None,
    }


def _rows(client: bigquery.Client, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in run(client, sql, {"task": "report"}, **parameters)]


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
