"""Board licences and NPIs of one person, found in DuckDB: candidates by block, weights by field, one NPI a licence.

Four steps: what can be compared is folded (candidates.sql); pairs that share a number, a name, a telephone or a house
become candidates; each gets its weight (compared.sql, weights.py); a licence goes to the NPI that leaves no reasonable
doubt, or to none (decided.sql).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from include.linkage.names import MACROS, nickname_pairs
from include.linkage.numbers import number_macro
from include.linkage.weights import FIELDS, Field, Level

TIERS = {1: "number", 2: "address", 3: "place", 4: "weights"}
# The least probability that a pair is one person, against all others and against nobody. With the number and a name, being the
# likeliest is enough. Where nothing but weights speaks, more is asked for: they assume that fields are independent.
LEAST = {1: 0.0, 2: 0.9, 3: 0.8, 4: 0.92}
LEAST_SHARE = 0.9
# Share of licences whose holder has an NPI: the prior odds of "nobody". Low on purpose: the retired have none.
COVERAGE = 0.75
THREADS = 2
FOLDER = Path(__file__).parent

# A street as it is compared: house number and name without direction, type and unit, which are written in too many ways.
# A post box is house number 0. NULL without a line.
STREET_KEY = r"""
CREATE OR REPLACE MACRO street_key(line) AS NULLIF(TRIM(regexp_replace(regexp_replace(regexp_replace(
  regexp_replace(folded(line), '^(P O BOX|PO BOX|POST OFFICE BOX|BOX) ', '0 BOX '),
  ' (STE|SUITE|UNIT|APT|APARTMENT|FL|FLOOR|RM|ROOM|BLDG|BUILDING|DEPT|LOT|SPC|NO)( .*)?$', ''),
  ' (STREET|ST|AVENUE|AVE|AV|ROAD|RD|BOULEVARD|BLVD|DRIVE|DR|LANE|LN|PARKWAY|PKWY|HIGHWAY|HWY|COURT|CT|PLACE|PL|CIRCLE|CIR|WAY|TERRACE|TER|TRAIL|TRL|SQUARE|SQ|PLAZA|PLZ)( (N|S|E|W|NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST))?$', ''),
  '^([0-9]+) (N|S|E|W|NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST) ', '\1 ')), '');
CREATE OR REPLACE MACRO alike_street(one, other) AS CASE
  WHEN split_part(one, ' ', 1) = split_part(other, ' ', 1) AND length(split_part(one, ' ', 2)) > 1
  THEN jaro_winkler_similarity(replace(one, ' ', ''), replace(other, ' ', '')) > 0.92 ELSE FALSE END
"""


@dataclass(frozen=True)
class Files:
    """Parquet files of one linkage.

    licenses: license_key, state, profession, number_normal, number_shared, first_name, middle_name, last_name, name_suffix,
        former_last_name, line, zip5, address_state, phone_e164, issued_on: one row per licence of a person.
    providers: npi, profession, first_name, middle_name, last_name, name_suffix, other_last_name, line, zip5, state,
        phone_e164, enumeration_date, mailing_line, mailing_zip5, mailing_state: one row per individual NPI.
    slots: npi, state, number, slot, profession: one row per licence slot ("licence 1") or other identifier ("identifier 1")
        that is filled; number as published; profession NULL where the slot does not tell.
    """

    licenses: str
    providers: str
    slots: str


@dataclass(frozen=True)
class Linked:
    """Counts of one linkage. A candidate is a compared pair."""

    licenses: int
    providers: int
    candidates: int
    matches: int


def link(files: Files, rules: Mapping[str, Sequence[str]], to: Path) -> Linked:
    """Write the pairs that are one person to the Parquet file `to`, in the order of license_key, and return the counts.

    Columns: npi, license_key, tier, rule, score (bits), runner_up (bits or NULL), evidence (list of texts). Raises
    duckdb.Error naming the column when a file has not the shape of Files.

    :param rules: state -> patterns of its licence numbers (include/boards).
    """
    with duckdb.connect(config={"threads": THREADS}) as db:
        weigh(db, files, rules)
        db.execute((FOLDER / "decided.sql").read_text(encoding="utf-8").replace("$coverage", str(COVERAGE)))
        db.execute(_linked())
        db.table("linked").order("license_key").write_parquet(str(to))
        counts = [db.table(name).aggregate("count(*)").fetchone() for name in ("l", "p", "candidate", "linked")]
    return Linked(*(int(row[0]) for row in counts if row))


def weigh(db: duckdb.DuckDBPyConnection, files: Files, rules: Mapping[str, Sequence[str]]) -> None:
    """Make the table `weighed` in `db`: every candidate pair with its level in each field, and its bits."""
    db.execute(MACROS + STREET_KEY)
    db.execute(number_macro(rules))
    db.read_parquet(files.licenses).create_view("licenses")
    db.read_parquet(files.providers).create_view("providers")
    db.read_parquet(files.slots).create_view("slots")
    ones, others = zip(*sorted(nickname_pairs()), strict=True)
    db.register("nickname", pa.table({"one": ones, "other": others}))
    for name in ("candidates", "compared"):
        db.execute((FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
    db.execute(_weighed())


def _weighed() -> str:
    """The statement that gives each pair its level and bits in every field; all of it comes from weights.py."""
    levels = ", ".join(f"{_cases(f, _name, 'NULL')} AS {f.name}_level" for f in FIELDS)
    bits = ", ".join(f"{_cases(f, _bits, '0')} AS {f.name}_bits" for f in FIELDS)
    total = " + ".join(f"{f.name}_bits" for f in FIELDS)
    return f"CREATE TABLE weighed AS SELECT *, {total} AS bits FROM (SELECT *, {levels}, {bits} FROM compared)"  # noqa: S608


def _linked() -> str:
    """The statement that keeps what is sure enough, and says why."""
    words = ", ".join(f"{_cases(f, _words, 'NULL', f'{f.name}_level')}" for f in FIELDS)
    sure = " OR ".join(f"(tier = {tier} AND probability >= {least})" for tier, least in LEAST.items())
    rule = " ".join(f"WHEN {tier} THEN '{name}'" for tier, name in TIERS.items())
    return f"""
        CREATE TABLE linked AS
        SELECT
          npi, license_key, tier, CASE tier {rule} END AS rule, round(bits, 2) AS score, round(runner_up, 2) AS runner_up,
          list_filter([{words}], lambda text: text IS NOT NULL) AS evidence
        FROM decided JOIN l USING (lid) JOIN p USING (pid)
        WHERE ({sure}) AND share >= {LEAST_SHARE}
    """  # noqa: S608 names and weights of our own


def _cases(field: Field, value: Callable[[Field, Level], str], otherwise: str, level: str = "") -> str:
    """A CASE over the levels of a field: by what holds, or with `level` by the level that was found before."""
    whens = (f"WHEN {f"{level} = '{x.name}'" if level else x.when} THEN {value(field, x)}" for x in field.levels)
    return f"CASE {' '.join(whens)} ELSE {otherwise} END"


def _name(_: Field, level: Level) -> str:
    return f"'{level.name}'"


def _bits(_: Field, level: Level) -> str:
    return f"log2({level.m} / ({level.u}))"


def _words(field: Field, level: Level) -> str:
    said = level.words.replace("'", "''")
    return f"printf('{said} (%+.1f)', {field.name}_bits)"
