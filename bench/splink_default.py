"""Splink on the same people: its own comparisons, its own estimates, nothing tuned but the threshold that the caller picks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from include.linkage.licenses import STREET_KEY, Files
from include.linkage.names import MACROS
from include.linkage.numbers import number_macro

# The same folding as ours, so that what is compared is the linkage and not the cleaning. One number a person: Splink compares columns.
TABLES = """
CREATE TABLE left_side AS
SELECT license_key AS unique_id, folded(first_name) AS first_name, key_of(last_name) AS last_name, folded(middle_name) AS middle_name,
  state || ' ' || number_normal AS number, street_key(line) AS street, zip5, coalesce(address_state, state) AS state, phone_e164 AS phone
FROM licenses;
CREATE TABLE right_side AS
SELECT npi AS unique_id, folded(first_name) AS first_name, key_of(last_name) AS last_name, folded(middle_name) AS middle_name,
  (SELECT min(s.state || ' ' || number_of(s.state, s.number)) FROM slots AS s WHERE s.npi = p.npi) AS number,
  street_key(line) AS street, zip5, state, phone_e164 AS phone
FROM providers AS p;
"""


def linked_by_splink(files: Files, rules: Mapping[str, Sequence[str]], to: Path, threshold: float) -> None:
    """Write (license_key, npi) pairs to the Parquet file `to`: the best NPI of each license, at this probability or more."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    db = duckdb.connect(config={"threads": 2})
    db.execute(MACROS + STREET_KEY)
    db.execute(number_macro(rules))
    for name in ("licenses", "providers", "slots"):
        db.read_parquet(getattr(files, name)).create_view(name)
    db.execute(TABLES)
    api: Any = DuckDBAPI(db)
    blocks = [block_on("number"), block_on("last_name", "first_name"), block_on("street", "zip5"), block_on("phone")]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.ForenameSurnameComparison("first_name", "last_name"),
            cl.ExactMatch("middle_name"),
            cl.LevenshteinAtThresholds("number", [1]),
            cl.ExactMatch("street"),
            cl.ExactMatch("zip5"),
            cl.ExactMatch("state"),
            cl.ExactMatch("phone"),
        ],
        blocking_rules_to_generate_predictions=blocks,  # type: ignore[arg-type]
    )
    sides = [api.register(f"{side}_side", dataset_display_name=side) for side in ("left", "right")]
    linker = Linker(sides, settings)
    linker.training.estimate_probability_two_random_records_match([block_on("number")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=2_000_000)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("number"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("last_name", "first_name"))
    found = linker.inference.predict(threshold_match_probability=threshold).physical_name
    db.execute(
        f"COPY (SELECT unique_id_l AS license_key, unique_id_r AS npi FROM {found} "
        "QUALIFY row_number() OVER (PARTITION BY unique_id_l ORDER BY match_weight DESC, unique_id_r) = 1) "
        f"TO '{to}' (FORMAT parquet)"
    )
