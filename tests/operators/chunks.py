"""Real people of the sandbox's registry, as chunk objects in the lake, and operators run the way Airflow runs them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.cloud import storage

    from services.embedded.sandbox import Sandbox


def people(sandbox: Sandbox, first: int, count: int) -> list[dict[str, Any]]:
    """Rows of a chunk for real people of the sandbox's world. Each test takes a slice of its own, because
    the sandbox remembers for the whole session who was charged for."""
    named = sorted(_names(sandbox).items())[first : first + count]
    assert len(named) == count
    rows = []
    for npi, name in named:
        practice = sandbox.admin.get(f"truth/{npi}").json()["practice"]["name"]
        first_name, last_name = name.split(" ", 1)
        rows.append(
            {
                "npi": npi, "full_name": name, "first_name": first_name, "last_name": last_name, "company": practice,
                "segment": "solo", "after": None,
            }
        )  # fmt: skip
    return rows


def _names(sandbox: Sandbox) -> dict[str, str]:
    """NPI -> full name of the dentists in the sandbox's oldest file whose name is theirs alone."""
    archive = sorted(sandbox.nppes_dir.glob("*.zip"))[0]
    with zipfile.ZipFile(archive) as zipped:
        member = next(n for n in zipped.namelist() if n.startswith("npidata_pfile") and "fileheader" not in n.lower())
        with zipped.open(member) as raw:
            rows = [row for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")) if row["Entity Type Code"] == "1"]
    first, last = "Provider First Name", "Provider Last Name (Legal Name)"
    counts = Counter(f"{row[first]} {row[last]}" for row in rows)
    return {
        row["NPI"]: name
        for row in rows
        if counts[name := f"{row[first]} {row[last]}"] == 1
        and row["Healthcare Provider Taxonomy Code_1"].startswith("1223")
    }


def spent(sandbox: Sandbox, vendor: str) -> tuple[float, int]:
    """(credits or USD taken so far, purchases of something already bought), by the vendor's own books."""
    line = sandbox.admin.get("ledger").json()["vendors"].get(vendor)
    if line is None:
        return 0.0, 0
    return float(line["credits"] or line["cost_usd"]), int(line["charged_again"])


def chunk(lake: storage.Bucket, rows: list[dict[str, Any]]) -> dict[str, Any]:
    lake.blob("work/test/0001.json").upload_from_string(json.dumps(rows))
    return {"object": "work/test/0001.json", "rows": len(rows), "label": f"0001 of 0001 ({len(rows)})"}
