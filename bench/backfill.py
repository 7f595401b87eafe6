"""Eight weeks of NPPES through Airflow, in two shuffled orders and once more over themselves: the tables must be equal.

`make bench-backfill` writes build/bench/backfill.json: for each round its order, its seconds, and rows and SHA-256 of
every table; `equal` is true when all rounds agree. Exit code 1 when they do not.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from services.demo.weeks import Week, weeks
from services.embedded.cloud import PROJECT
from services.embedded.graph import Graph
from services.embedded.process import ROOT, emptied, python
from services.embedded.stack import Stack, running_stack

STATE = ROOT / "build" / "backfill"
REPORT = ROOT / "build" / "bench" / "backfill.json"
INGEST = "ingest_nppes_weekly"
TABLES = (
    "raw.nppes_npi",
    "raw.nppes_other_name",
    "raw.nppes_practice_location",
    "raw.nppes_endpoint",
    "clean.provider_version",
    "clean.provider_pending",
    "clean.provider_candidate",
    "clean.provider_history",
    "clean.provider",
    "clean.provider_location",
    "clean.rejected_row",
    "ops.mapped_slice",
    "ops.balance",
    "ops.load_manifest",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-backfill", description=__doc__)
    parser.add_argument("--weeks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7, help="of the shuffles")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    folder = emptied(STATE) / "nppes"
    command: list[str | Path] = [python("services"), "-m", "services.nppes_sample"]
    command += ["--out", folder, "--weeks", str(arguments.weeks)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    with running_stack(STATE, nppes_dir=folder, code_is_edited=False) as stack:
        rounds = measured_rounds(stack, weeks(folder, arguments.weeks), random.Random(arguments.seed))
    equal = all(item["tables"] == rounds[0]["tables"] for item in rounds)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"weeks": arguments.weeks, "equal": equal, "rounds": rounds}, indent=2) + "\n")
    print(f"{'equal' if equal else 'NOT EQUAL'}: {REPORT.relative_to(ROOT)}")
    sys.exit(not equal)


def measured_rounds(stack: Stack, files: list[Week], dice: random.Random) -> list[dict[str, Any]]:
    """Backfill the weeks three times: into empty tables in two orders, then over what is there in a third."""
    graph = Graph(stack, lambda line: None)
    graph.ready(only=("apply_tables", INGEST, "clean_providers"))
    graph.run("apply_tables")
    client = warehouse(stack)
    rounds = []
    for name, empty in (("shuffled", True), ("shuffled otherwise", True), ("again over itself", False)):
        if empty:
            # The gates compare with their last good run, and empty tables have no past.
            emptied_tables = (*TABLES, "ops.table_profile")
            client.query_and_wait("; ".join(f"TRUNCATE TABLE {table}" for table in emptied_tables))
        order = dice.sample(files, len(files))
        started = time.monotonic()
        for week in order:
            graph.start(INGEST, week.interval)
        graph.rest()
        seconds = round(time.monotonic() - started, 1)
        digests = {table: digest(client, table) for table in TABLES}
        days = [str(week.sunday) for week in order]
        rounds.append({"round": name, "order": days, "seconds": seconds, "tables": digests})
        print(f"{name}: {seconds:.0f} s, clean.provider {digests['clean.provider']}", flush=True)
    return rounds


def warehouse(stack: Stack) -> bigquery.Client:
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    address = {"api_endpoint": stack.cloud.warehouse.url}
    return bigquery.Client(project=PROJECT, credentials=credentials, client_options=address)


def digest(client: bigquery.Client, table: str) -> dict[str, Any]:
    """Return rows and SHA-256 of a table's rows, whatever their order."""
    sql = f"""
        SELECT COUNT(*) AS n, TO_HEX(SHA256(COALESCE(STRING_AGG(line, '\\n' ORDER BY line), ''))) AS sha256
        FROM (SELECT TO_JSON_STRING(t) AS line FROM {table} AS t)
    """
    (row,) = client.query_and_wait(sql)
    return {"rows": row["n"], "sha256": row["sha256"]}


if __name__ == "__main__":
    main()
