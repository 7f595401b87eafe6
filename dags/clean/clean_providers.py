"""
# clean_providers

Brings **clean.provider**, **clean.provider_location** and **clean.provider_history** to the state that RAW implies: dental providers that are active
in NPPES, typed, normalized, one row per NPI; where else each of them works; and what was known of each, day by day. The monthly file is the base,
the weekly ones are deltas: the newest row of each NPI counts, and the secondary locations of the newest file that tells of it. A missing week or
month only makes it older.

| | |
|---|---|
| Kind | convergent: a slice of RAW (file date and source) is read once, then the NPIs that it touched are folded anew; no order of arrival matters |
| Runs | when raw.nppes_npi or raw.nppes_deactivation changes |
| Reads | ops.load_manifest (which slices are new or other), raw.nppes_npi, raw.nppes_other_name, raw.nppes_practice_location, raw.nppes_deactivation, clean.license_match |
| Writes | clean.provider_version, ops.mapped_slice, clean.provider_pending (map_slices); clean.address, clean.phone (standardize_contacts); clean.provider_candidate, clean.provider_history_candidate (fold_pending); clean.provider, clean.provider_location, clean.provider_history (promote_provider, apply_board_status); clean.rejected_row, ops.balance, ops.quality_result, ops.table_profile, ops.alert (vanished_npis); the gates' pages under `quality/` in the lake |
| Then | enrich_contacts |

What was known on a day: `SELECT * FROM clean.provider_history WHERE valid_from <= '2025-11-16' AND (valid_to IS NULL OR valid_to > '2025-11-16')`.

## When it fails

* `gate_candidates` (GateFailed): the message lists the broken rules (such as a state that lost a third), or says that too many rows were refused; the task's
  link **Data docs** opens the page with all of them. clean.provider still serves the
  last good state; clean.provider_pending keeps who waits. Look at clean.rejected_row, the newest slices of ops.mapped_slice and
  ops.load_manifest; if the file is bad, load a good one with its ingest DAG, which starts this one again.
* A gate stops for **drift**: fewer rows, or a state with fewer providers, than the last good run had (ops.table_profile). Where
  the change is real, such as a clean-up by CMS, trigger this DAG with `accept_drift`: it passes once, is recorded as a
  warning, and later runs are compared with it. resolve_identity and the DAGs after it may ask the same of their tables.
* `gate_provider` (GateFailed): rows in do not equal rows out + rejected + filtered: `SELECT * FROM ops.balance WHERE table_name LIKE
  'clean.provider%'`; or an NPI has two open rows of history. Downstream has not been told. Have everything mapped and folded again:
  `TRUNCATE TABLE ops.mapped_slice`, then clear from `map_slices`. It costs a full refresh and loses nothing.
* `fold_pending` with "has an address or a telephone without a standard form": clear `standardize_contacts`.
* Anything else (warehouse down): clear the failed task. Every task may run again: `map_slices`, `fold_pending` and `promote_provider` are one
  transaction each, and an NPI stays in clean.provider_pending until its promotion is done.

Providers whose every license is deceased, retired or disciplined by their boards stay in clean.provider with `is_active` FALSE and
`inactive_reason`; ops.balance counts them. Whoever writes clean.license_match runs `apply_board_status` too.

It does not fail for NPIs that vanished from a monthly file without a deactivation: they stay in clean.provider, and
`SELECT * FROM ops.alert WHERE check_name = 'vanished_npis'` has their number and five of them. Many mean a cut file.

A slice is known by its row in ops.load_manifest. Rows of RAW that were changed by hand, without a load, are not seen.

## Backfill

Nothing to backfill here. Re-run the `ingest_nppes_*` DAGs for the dates, in any order; this DAG converges after them.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, asset, gated_params, tags
from include.airflow.promote import promote
from include.nppes.provider_fold import mapping_version
from operators.gate import GateOperator
from operators.standardize_contacts import StandardizeContactsOperator

with DAG(
    dag_id="clean_providers",
    description="Folds NPPES files into one clean row per active dental provider, and its history",
    doc_md=__doc__,
    schedule=asset("raw.nppes_npi") | asset("raw.nppes_deactivation"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=gated_params(),
    tags=tags(Stage.CLEAN, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY, System.NPPES),
) as dag:
    as_of = resolve_as_of()
    mapped = promote("clean.provider_version", task_id="map_slices", params={"mapping": mapping_version()})
    standardized = StandardizeContactsOperator(task_id="standardize_contacts", pool="bigquery")
    folded = promote("clean.provider_candidate", task_id="fold_pending")
    gate_candidates = GateOperator(
        task_id="gate_candidates",
        table_name="clean.provider_candidate",
        as_of=AS_OF,
        row_key="npi",
        rejects_for="clean.provider",
        pool="bigquery",
    )
    promoted = promote("clean.provider")
    board = promote("clean.provider", sql="board", task_id="apply_board_status")
    gate_provider = GateOperator(task_id="gate_provider", table_name="clean.provider", as_of=AS_OF, pool="bigquery")

    alert = promote("ops.alert", sql="vanished_npis", task_id="alert_vanished_npis")

    as_of >> alert
    as_of >> mapped >> standardized >> folded >> gate_candidates >> promoted >> board >> gate_provider
    gate_provider >> announce("clean.provider", as_of)
