"""
# resolve_identity

Says who is who: brings **clean.license** to the newest edition of every board, finds the NPI that each license belongs to, groups
providers into practices with their size and owner, at their own address and at further ones, and lists which identifiers belong to one person alone.

| | |
|---|---|
| Kind | convergent: a fold over RAW and clean.provider; run it twice and nothing changes |
| Runs | when clean.provider or raw.board_license changes |
| Reads | raw.board_license, clean.provider, clean.provider_location, raw.nppes_npi (the row behind each provider), clean.provider_version and clean.address (which unit of a building was known first) |
| Writes | clean.license, clean.license_match, clean.practice, clean.provider_practice, clean.identity, ops.balance, ops.quality_result, ops.table_profile; who of clean.provider is active by what the boards say |
| Then | who reads clean.license_match, clean.practice or clean.identity |

`as_of` only dates the quality results: no table here depends on it.

## When it fails

* `gate_license`, `gate_license_match`, `gate_practice` (GateFailed): the message lists the broken rules; all outcomes are in
  ops.quality_result. The table already holds the new state, but nothing downstream has been told. A license table that shrank by
  a third means a cut file: look at the newest partition of raw.board_license, re-run `ingest_board_licenses` for that day, then
  clear from `promote_license`. The task's link **Data docs** opens the page with all outcomes. Where a shrink is real,
  trigger this DAG with `accept_drift`: limits on drift, and a state that lost a third, are then warnings, once.
* `link_licenses` (duckdb.Error, or the machine ended the process): it holds about half a million rows, some 2 GB of memory. It
  keeps nothing between tries: clear it. A missing column says that an export no longer fits `include/linkage`.
* Anything else (warehouse down): clear the failed task. Every task may run again.

A practice keeps its practice_id when people come and go; when it moves all the same is in docs/adr/0031. Whoever counts people, or wants one
practice a provider, reads clean.provider_practice `WHERE is_primary`.

It does not fail for a status word that nobody declared: the license counts as unknown, and `SELECT status, COUNT(*) FROM
clean.license WHERE NOT status_known GROUP BY status` has the words. Declare them in `include/boards`; the next run mends the rows.

## Backfill

Nothing to backfill here. Re-run `ingest_board_licenses` or `ingest_nppes_*` for the dates, in any order; this DAG converges after them.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.as_of import AS_OF, announce, resolve_as_of
from include.airflow.defaults import DEFAULT_ARGS, START_DATE, Kind, Stage, System, Tier, asset, gated_params, tags
from include.airflow.promote import promote
from include.boards.license_fold import declarations, query
from operators.gate import GateOperator
from operators.link_licenses import LinkLicensesOperator

with DAG(
    dag_id="resolve_identity",
    description="Matches licenses to NPIs, groups providers into practices, links identifiers to persons",
    doc_md=__doc__,
    schedule=asset("clean.provider") | asset("raw.board_license"),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=gated_params(),
    tags=tags(Stage.CLEAN, Tier.TWO, Kind.CONVERGENT, System.BIGQUERY, System.NPPES, System.BOARD),
) as dag:
    as_of = resolve_as_of()
    gates = {
        name: GateOperator(task_id=f"gate_{name}", table_name=f"clean.{name}", as_of=AS_OF, pool="bigquery")
        for name in ("license", "license_match", "practice")
    }
    licenses = promote("clean.license", text=query(), params={"boards": declarations()})
    matches = LinkLicensesOperator(task_id="link_licenses", pool="bigquery")
    members = promote("clean.provider_practice")
    practices = promote("clean.practice")
    identity = promote("clean.identity")

    as_of >> licenses >> gates["license"] >> matches >> gates["license_match"] >> identity
    licenses >> members >> practices >> gates["practice"]
    # It changes who of clean.provider is active and announces nothing: the next run of clean_providers does.
    gates["license_match"] >> promote("clean.provider", sql="board", task_id="apply_board_status")
    gates["license_match"] >> announce("clean.license_match", as_of)
    gates["practice"] >> announce("clean.practice", as_of)
    identity >> announce("clean.identity", as_of)
