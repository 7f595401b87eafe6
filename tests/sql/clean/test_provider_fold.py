"""The same CLEAN, whatever the order in which files came, came again or went, and wherever a run was killed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from include.contacts.postal_address import Published
from include.contacts.standard import address_rows, phone_rows
from include.nppes.provider_fold import mapping_version
from include.warehouse.tables import table
from services.embedded.process import ROOT, python
from tests.sql.clean.raw_rows import DENTIST, deactivated, dentist, location

pytestmark = pytest.mark.slow

NPIS = tuple(f"200000{n:04}" for n in range(5))
SCRIPTS = {
    "map": ("clean.provider_version", "query"),
    "fold": ("clean.provider_candidate", "query"),
    "promote": ("clean.provider", "query"),
    "board": ("clean.provider", "board"),
    "place": ("clean.provider_practice", "query"),
}
RUN = tuple(["run", name] for name in ("map", "fold", "promote", "board"))
PLACE = ["run", "place"]
COMPARED = (
    "clean.provider_version", "clean.provider_candidate", "clean.provider", "clean.provider_location", "clean.provider_history",
    "clean.provider_practice", "clean.provider_pending", "ops.mapped_slice", "ops.balance",
)  # fmt: skip
TABLES = (
    *COMPARED, "raw.nppes_npi", "raw.nppes_other_name", "raw.nppes_practice_location", "raw.nppes_deactivation",
    "clean.provider_history_candidate", "clean.address", "clean.phone", "clean.rejected_row", "clean.license_match", "ops.load_manifest",
)  # fmt: skip
# (day, source): two files end on one day, and a report is older than the last files.
FILES = (
    ("2025-11-02", "nppes_weekly"), ("2025-11-09", "nppes_weekly"), ("2025-11-09", "nppes_monthly"),
    ("2025-11-10", "nppes_deactivation"), ("2025-11-16", "nppes_weekly"), ("2025-12-08", "nppes_deactivation"),
)  # fmt: skip
PRACTICE = "provider_first_line_business_practice_location_address"
LINES = (DENTIST[PRACTICE], "5 Oak Avenue")
WORLDS, SHUFFLES = 2, 3


def row(npi: str, dice: Random) -> dict[str, Any] | None:
    """Return what a file says of an NPI: a dentist, another one, somebody else, nothing but the end of it, or nothing."""
    both = {"npi_deactivation_date": "11/05/2025", "npi_reactivation_date": "11/07/2025"}
    return dice.choice(
        [
            dentist(npi),
            dentist(npi, provider_last_name_legal_name=dice.choice(["CANINE", "IVORY"])),
            dentist(npi, **{PRACTICE: LINES[1]}),
            dentist(npi, healthcare_provider_taxonomy_code_1="207Q00000X"),
            dentist(npi, entity_type_code="2", provider_organization_name_legal_business_name="IVORY PC"),
            dentist(npi, **both),
            deactivated(npi, dice.choice(["11/03/2025", "11/06/2025"])),
            None,
        ]
    )


def slice_of(day: str, source: str, dice: Random) -> dict[str, Any]:
    """Return one file's rows for each table, with its line of the manifest."""
    if source == "nppes_deactivation":
        listed = [npi for npi in NPIS if dice.random() < 0.3]
        main, rows = "raw.nppes_deactivation", [{"npi": n, "nppes_deactivation_date": "11/07/2025"} for n in listed]
    else:
        main, rows = "raw.nppes_npi", [told for npi in NPIS if (told := row(npi, dice))]
    names = [{"npi": npi, "provider_other_organization_name": dice.choice(["Smile", "<UNAVAIL>"]),
              "provider_other_organization_name_type_code": dice.choice(["3", "4"])}
             for npi in NPIS if dice.random() < 0.3]  # fmt: skip
    tables: dict[str, list[dict[str, Any]]] = {main: rows}
    if source != "nppes_deactivation":
        tables["raw.nppes_other_name"] = names
        tables["raw.nppes_practice_location"] = [
            location(npi, line) for npi in NPIS for line in dice.choice([(), (), LINES[:1], LINES, LINES + LINES])
        ]
    of_file = {"file_date": day, "source": source, "source_object": f"gs://lake/{day}/{source}.zip"}
    for name, told in tables.items():
        tables[name] = [{**item, **of_file, "line": line} for line, item in enumerate(told, start=2)]
    text = json.dumps(tables)
    manifest = [
        {"dataset_table": name, "partition": day, "source": source, "source_object": of_file["source_object"],
         "file_name": "f", "source_bytes": len(text), "sha256": text, "source_rows": len(told), "rows": len(told),
         "rejected_rows": 0}
        for name, told in tables.items()
    ]  # fmt: skip
    return {"file_date": day, "source": source, "tables": {**tables, "ops.load_manifest": manifest}}


def shuffled(dice: Random, slices: int) -> list[list[Any]]:
    """Return steps that end with every true slice loaded and a whole run; slices from `slices` on are the wrong versions."""
    order = [*range(slices), *dice.choices(range(slices), k=2)]
    dice.shuffle(order)
    steps: list[list[Any]] = []
    for number in order:
        if dice.random() < 0.3:
            steps.append(["load", number + slices])
        else:
            steps.append([dice.choice(["load", "load", "unload"]), number])
        done = dice.randrange(len(RUN) + 2)
        steps += RUN[:done]
        if done < len(RUN) and dice.random() < 0.7:
            steps.append(["crash", RUN[done][1], dice.randrange(1, 60)])
    last = [["load", number] for number in range(slices)]
    dice.shuffle(last)
    return [*steps, PLACE, *last, *RUN, PLACE]


def given() -> dict[str, list[dict[str, Any]]]:
    where = "provider_business_practice_location_address_"
    rest = [DENTIST[where + part] for part in ("city_name", "state_name", "postal_code", "country_code_if_outside_u_s")]
    second = DENTIST["provider_second_line_business_practice_location_address"]
    return {
        "clean.address": address_rows([Published(line, second, *rest) for line in LINES]),
        "clean.phone": phone_rows([(DENTIST[f"{where}telephone_number"], "US")]),
        "clean.license_match": [
            {"npi": NPIS[0], "license_key": "l1", "license_state": "TX", "profession": "dentist", "tier": 1, "rule": "number",
             "score": 9.0, "evidence": [], "status_class": "deceased"}
        ],
    }  # fmt: skip


def test_clean_provider_when_files_come_in_any_order_again_wrong_and_with_crashes_then_all_tables_are_the_same(
    tmp_path: Path,
) -> None:
    scenarios, starts = [], []
    for seed in range(WORLDS):
        dice = Random(seed)
        slices = [slice_of(*file, dice) for file in (*FILES, *FILES)]
        starts.append(len(scenarios))
        at_once = [["load", number] for number in range(len(FILES))] + [*RUN, PLACE]
        scenarios.append({"slices": slices, "steps": at_once})
        scenarios += [{"slices": slices, "steps": shuffled(dice, len(FILES))} for _ in range(SHUFFLES)]
    request = {
        "tables": {name: [[c.name, c.type, c.mode] for c in table(name).columns] for name in TABLES},
        "scripts": {name: table(where).sql(sql) for name, (where, sql) in SCRIPTS.items()},
        "parameters": {"mapping": mapping_version()},
        "given": given(),
        "scenarios": scenarios,
        "compared": COMPARED,
    }
    home = {"HOME": str(tmp_path)}
    subprocess.run([python("emulators"), ROOT / "services/embedded/install_extensions.py"], env=home, check=True)
    done = subprocess.run(
        [python("emulators"), Path(__file__).with_name("fold_replay.py")],
        input=json.dumps(request), capture_output=True, text=True, env=home, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout)
    for number, answer in enumerate(answers):
        expected = answers[max(start for start in starts if start <= number)]
        for name in COMPARED:
            assert answer[name] == expected[name], f"{name}, scenario {number}: {scenarios[number]['steps']}"
    served = {name: sum(len(answers[start][name]) for start in starts) for name in COMPARED}
    assert served["clean.provider"] and served["clean.provider_location"] and not served["clean.provider_pending"]
    assert served["clean.provider_practice"] > served["clean.provider"]
    assert served["clean.provider_history"] > served["clean.provider"]
