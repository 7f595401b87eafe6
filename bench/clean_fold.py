"""What a refresh of clean.provider costs: 300 k dental providers from RAW, then a weekly file of 0.4 %, in the embedded warehouse.

``python -m bench.clean_fold [--providers N]`` prints the figures; ``make bench-clean`` puts them into its report. Timed are the
statements and the operator that dags/clean/clean_providers.py runs, without Airflow and without the gate, which reads whole tables
each time: map_slices, standardize_contacts, fold_pending, promote_provider, apply_board_status. RAW is loaded beforehand.

rows_read counts the rows whose content the steps take in: RAW rows of the slices that are mapped, versions of the NPIs that are
folded, candidates that are promoted. Scans of a key column alone, to find those rows, are not in it: BigQuery and DuckDB have no index,
so they pass over npi and file_date of every version, and over npi of every provider, at each run (key_rows_scanned).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from bench.backfill import digest
from include.nppes.provider_fold import mapping_version
from include.nppes.publication import npi_check_digit
from include.warehouse.tables import Table, table, tables
from operators.standardize_contacts import StandardizeContactsOperator
from services.embedded.cloud import BUCKET, PROJECT, running_cloud
from services.embedded.process import ROOT, emptied
from services.nppes_sample.places import CITIES
from services.nppes_sample.words import FIRST_NAMES_F, FIRST_NAMES_M, LAST_NAMES, STREETS

STATE = ROOT / "build" / "bench" / "clean_fold"
PROVIDERS, DELTA = 300_000, 0.004
BASE, WEEK = ("2025-11-09", "nppes_monthly"), ("2025-11-16", "nppes_weekly")
PER_ADDRESS = 2.5  # providers at one published address, and as many telephones
COMPARED = (
    "clean.provider_version",
    "clean.provider",
    "clean.provider_location",
    "clean.provider_history",
    "ops.mapped_slice",
    "ops.balance",
)
AT = "provider_business_practice_location_address_"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.clean_fold", description=__doc__)
    parser.add_argument("--providers", type=int, default=PROVIDERS)
    print(json.dumps(measured(parser.parse_args().providers), indent=2))


def measured(providers: int = PROVIDERS) -> dict[str, Any]:
    """Return seconds_300k, delta_cost_ratio, delta_rows_ratio, permutations_equal, and what they are made of.

    delta_cost_ratio is seconds of the weekly run over seconds of the full one; idle_seconds is a run with nothing to do, which is
    the emulator's own price of the statements (it translates each anew).
    """
    with running_warehouse() as client:
        full = load(client, *BASE, made(providers, Random(7)))
        seconds, rows = refreshed(client)
        delta = load(client, *WEEK, changed(providers, Random(11)))
        delta_seconds, delta_rows = refreshed(client)
        idle_seconds, _ = refreshed(client)
        (served,) = client.query_and_wait("SELECT COUNT(*) AS n FROM clean.provider")
        equal = permutations_equal(client)
    return {
        "providers": served["n"],
        "seconds_300k": round(sum(seconds.values()), 1),
        "seconds_by_step": {name: round(value, 1) for name, value in seconds.items()},
        "delta_seconds": round(sum(delta_seconds.values()), 2),
        "delta_seconds_by_step": {name: round(value, 2) for name, value in delta_seconds.items()},
        "idle_seconds": round(sum(idle_seconds.values()), 2),
        "delta_cost_ratio": round(sum(delta_seconds.values()) / sum(seconds.values()), 4),
        "rows_read": rows,
        "delta_rows_read": delta_rows,
        "delta_rows_ratio": round(delta_rows / rows, 4),
        "key_rows_scanned": 3 * (full + delta) + 3 * served["n"],
        "permutations_equal": equal,
    }


@contextmanager
def running_warehouse() -> Iterator[bigquery.Client]:
    """Run an embedded cloud with every table of RAW, CLEAN and OPS created; point Google's clients at it."""
    with running_cloud(emptied(STATE)) as cloud:
        os.environ.update(cloud.env())
        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        client = bigquery.Client(project=PROJECT, credentials=credentials)
        for dataset in ("raw", "clean", "ops"):
            client.create_dataset(dataset)
        for defined in touched():
            client.create_table(bigquery.Table.from_api_repr(defined.resource(PROJECT)))
        yield client


def touched() -> list[Table]:
    names = ("raw.nppes_npi", "raw.nppes_other_name", "raw.nppes_practice_location", "raw.nppes_deactivation")
    return [t for t in tables() if t.name in names or t.dataset in ("clean", "ops")]


def refreshed(client: bigquery.Client) -> tuple[dict[str, float], int]:
    """Do what clean_providers does; return the seconds of each step and the rows that they took in."""
    standardize = StandardizeContactsOperator(task_id="standardize_contacts")
    steps: dict[str, Callable[[], object]] = {
        "map_slices": lambda: run(client, table("clean.provider_version").sql(), mapping=("STRING", mapping_version())),
        "standardize_contacts": lambda: standardize.execute({}),
        "fold_pending": lambda: run(client, table("clean.provider_candidate").sql()),
        "promote_provider": lambda: run(client, table("clean.provider").sql()),
        "apply_board_status": lambda: run(client, table("clean.provider").sql("board")),
    }
    seconds, rows = {}, mapped_rows(client)
    for name, step in steps.items():
        started = time.monotonic()
        step()
        seconds[name] = time.monotonic() - started
        print(f"  {name}: {seconds[name]:.2f} s", flush=True)
        if name == "fold_pending":
            rows += folded_rows(client)
    return seconds, rows


def mapped_rows(client: bigquery.Client) -> int:
    """Return the rows of the slices that the next run will map."""
    sql = """
        SELECT IFNULL(SUM(m.`rows`), 0) AS n FROM ops.load_manifest AS m
        LEFT JOIN ops.mapped_slice AS s ON s.file_date = m.`partition` AND s.source = m.source WHERE s.source IS NULL
    """
    (row,) = client.query_and_wait(sql)
    return int(row["n"])


def folded_rows(client: bigquery.Client) -> int:
    """Return the versions of pending NPIs and their candidates."""
    sql = """
        SELECT
          (SELECT COUNT(*) FROM clean.provider_version WHERE npi IN (SELECT npi FROM clean.provider_pending))
          + (SELECT COUNT(*) FROM clean.provider_candidate WHERE npi IN (SELECT npi FROM clean.provider_pending)) AS n
    """
    (row,) = client.query_and_wait(sql)
    return int(row["n"])


def permutations_equal(client: bigquery.Client, providers: int = 2_000) -> bool:
    """Whether base and week end in the same tables in both orders, with one loaded twice, and a run after each or after both."""
    files = {BASE: made(providers, Random(3)), WEEK: changed(providers, Random(5), share=0.2)}
    found = []
    for order, always in (((BASE, WEEK), True), ((WEEK, BASE, WEEK), True), ((WEEK, BASE), False)):
        client.query_and_wait(
            "; ".join(f"TRUNCATE TABLE {t.name}" for t in touched() if t.name.startswith(("raw", "clean", "ops")))
        )
        for number, slice_ in enumerate(order, start=1):
            load(client, *slice_, files[slice_])
            if always or number == len(order):
                refreshed(client)
        found.append([digest(client, name) for name in COMPARED])
    return all(item == found[0] for item in found)


def load(client: bigquery.Client, day: str, source: str, rows: list[dict[str, str]]) -> int:
    """Put rows of the main file into RAW through the lake, as one slice with its line of the manifest; return how many."""
    of_file = {"file_date": day, "source": source, "source_object": f"gs://{BUCKET}/{source}_{day}.zip#npidata.csv"}
    told_of = {name for row in rows for name in row}
    columns: dict[str, pa.Array] = {}
    for column in table("raw.nppes_npi").columns:
        if column.name == "line":
            columns["line"] = pa.array(range(2, len(rows) + 2), pa.int64())
        elif column.name == "file_date":
            columns["file_date"] = pa.array([day] * len(rows)).cast(pa.date32())
        elif column.name in of_file:
            columns[column.name] = pa.array([of_file[column.name]] * len(rows), pa.string())
        elif column.name in told_of:
            columns[column.name] = pa.array([row.get(column.name) or None for row in rows], pa.string())
        else:
            columns[column.name] = pa.nulls(len(rows), pa.string())
    parquet = io.BytesIO()
    pq.write_table(pa.table(columns), parquet)
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    lake = storage.Client(project=PROJECT, credentials=credentials).bucket(BUCKET)
    blob = lake.blob(f"bench/{source}_{day}.parquet")
    blob.upload_from_string(parquet.getvalue())
    client.query_and_wait(f"DELETE FROM raw.nppes_npi WHERE file_date = DATE '{day}' AND source = '{source}'")
    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField.from_api_repr(field) for field in table("raw.nppes_npi").schema()],
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    client.load_table_from_uri(f"gs://{BUCKET}/{blob.name}", "raw.nppes_npi", job_config=config).result()
    told = {
        "dataset_table": ("STRING", "raw.nppes_npi"),
        "partition": ("DATE", day),
        "source": ("STRING", source),
        "source_object": ("STRING", of_file["source_object"]),
        "file_name": ("STRING", f"{source}_{day}.zip"),
        "source_bytes": ("INT64", len(parquet.getvalue())),
        "sha256": ("STRING", hashlib.sha256(parquet.getvalue()).hexdigest()),
        "source_rows": ("INT64", len(rows)),
        "rows": ("INT64", len(rows)),
        "rejected_rows": ("INT64", 0),
        "note": ("STRING", ""),
    }
    run(client, table("ops.load_manifest").sql("replace"), **told)
    return len(rows)


def run(client: bigquery.Client, sql: str, **parameters: tuple[str, Any]) -> None:
    given = [bigquery.ScalarQueryParameter(name, *value) for name, value in parameters.items()]
    client.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=given))


def made(providers: int, dice: Random) -> list[dict[str, str]]:
    """Return made-up rows of that many dental providers, a fifth of them organizations, and a tenth more of other professions."""
    places = [place(number, dice) for number in range(max(1, int(providers / PER_ADDRESS)))]
    rows = [row(number, dice.choice(places), dice) for number in range(providers)]
    others = [row(number, dice.choice(places), dice) for number in range(providers, providers + providers // 10)]
    return rows + [other | {"healthcare_provider_taxonomy_code_1": "207Q00000X"} for other in others]


def changed(providers: int, dice: Random, share: float = DELTA) -> list[dict[str, str]]:
    """Return a week's rows: that share of the providers, spread over all, each moved to a new place, and a few deactivated."""
    rows = []
    for number in dice.sample(range(providers), int(providers * share)):
        moved = row(number, place(providers + number, dice), dice)
        bare = {"npi": moved["npi"], "npi_deactivation_date": "11/12/2025"}
        rows.append(bare if dice.random() < 0.05 else moved)
    return rows


def place(number: int, dice: Random) -> dict[str, str]:
    city = dice.choice(CITIES)
    line = f"{number % 9000 + 100} {dice.choice(STREETS)} {dice.choice(('Street', 'Avenue', 'Blvd.', 'ROAD'))}"
    return {
        "provider_first_line_business_practice_location_address": line,
        "provider_second_line_business_practice_location_address": dice.choice(("", f"Suite {dice.randrange(1, 400)}", f"STE {dice.randrange(1, 400)}")),
        f"{AT}city_name": city.name.upper(),
        f"{AT}state_name": city.state,
        f"{AT}postal_code": f"{dice.choice(city.zips)}{dice.randrange(1000, 9999)}",
        f"{AT}country_code_if_outside_u_s": "US",
        f"{AT}telephone_number": f"{dice.choice(city.area_codes)}{dice.randrange(2_000_000, 9_999_999)}",
    }  # fmt: skip


def row(number: int, at: dict[str, str], dice: Random) -> dict[str, str]:
    body = f"2{number:08}"
    shared = {
        "npi": f"{body}{npi_check_digit(body)}",
        "provider_enumeration_date": "05/23/2007",
        "last_update_date": "07/08/2025",
        "healthcare_provider_taxonomy_code_1": dice.choice(("122300000X", "1223G0001X", "124Q00000X", "1223X0400X")),
        "healthcare_provider_primary_taxonomy_switch_1": "Y",
        "provider_license_number_1": str(10_000 + number % 89_999),
        "provider_license_number_state_code_1": at[f"{AT}state_name"],
        **at,
    }
    if number % 5 == 0:
        name = f"{dice.choice(LAST_NAMES)} Family Dental"
        return shared | {"entity_type_code": "2", "provider_organization_name_legal_business_name": name}
    person = {
        "provider_first_name": dice.choice(FIRST_NAMES_F + FIRST_NAMES_M),
        "provider_last_name_legal_name": dice.choice(LAST_NAMES),
    }
    return (
        shared
        | person
        | {
            "entity_type_code": "1",
            "provider_credential_text": "D.D.S.",
            "provider_sex_code": "F",
            "is_sole_proprietor": "N",
        }
    )


if __name__ == "__main__":
    main()
