"""Board licenses and NPIs of one person, found in DuckDB: candidates by block, weights by field, one NPI a license.

Four steps: what can be compared is folded (candidates.sql); pairs that share a number, a name, a telephone or a house
become candidates; each gets its weight (compared.sql, weights.py); a license goes to the NPI that leaves no reasonable
doubt, or to none (decided.sql).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from include.linkage.names import MACROS, nickname_pairs
from include.linkage.numbers import number_macro
from include.linkage.weights import FIELDS, Field, Level

TIERS = {1: "number", 2: "address", 3: "place", 4: "weights"}
# A license number on an organization's NPI, under the name of its authorized official.
OFFICIAL_TIER, OFFICIAL_RULE = 5, "official"
# The least probability that a pair is one person, against all others and against nobody. With the number and a name, being the
# likeliest is enough. Where nothing but weights speaks, more is asked for: they assume that fields are independent.
LEAST = {1: 0.0, 2: 0.9, 3: 0.8, 4: 0.92}
MIN_SHARE = 0.9
# Share of licenses whose holder has an NPI: the prior odds of "nobody". Low on purpose: the retired have none.
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
        former_last_name, line, zip5, address_state, phone_e164, issued_on: one row per license of a person.
    providers: npi, profession, first_name, middle_name, last_name, name_suffix, other_last_name, line, zip5, state,
        phone_e164, enumeration_date, mailing_line, mailing_zip5, mailing_state: one row per individual NPI.
    slots: npi, state, number, slot, profession: one row per license slot ("license 1") or other identifier ("identifier 1")
        that is filled; number as published; profession NULL where the slot does not tell.
    """

    licenses: str
    providers: str
    slots: str


@dataclass(frozen=True)
class Linked:
    """Counts of one linkage. A candidate is a compared pair; officials are pairs of a license and an organization's NPI."""

    licenses: int
    providers: int
    candidates: int
    matches: int
    officials: int = 0


def link(files: Files, rules: Mapping[str, Sequence[str]], to: Path, officials: str | None = None) -> Linked:
    """Write the pairs that are one person to the Parquet file `to`, in the order of license_key, and return the counts.

    Columns: npi, license_key, tier, rule, score (bits), runner_up (bits or NULL), evidence (list of texts). Raises
    duckdb.Error naming the column when a file has not the shape of Files.

    :param rules: state -> patterns of its license numbers (include/boards).
    :param officials: organizations in the shape of Files.providers, each under its official's name; their numbers are in slots, too.
        A license may be on any number of them, beside the NPI of its holder.
    """
    with duckdb.connect(config={"threads": THREADS}) as db:
        weigh(db, files, rules)
        db.execute((FOLDER / "decided.sql").read_text(encoding="utf-8").replace("$coverage", str(COVERAGE)))
        db.execute(_linked())
        found = db.table("linked").to_arrow_table()
        licenses, providers, candidates, matches = (len(db.table(name)) for name in ("l", "p", "candidate", "linked"))
    held = _official(replace(files, providers=officials), rules) if officials else found.slice(0, 0)
    parquet.write_table(
        pa.concat_tables([found, held]).sort_by([("license_key", "ascending"), ("npi", "ascending")]), to
    )
    return Linked(licenses, providers, candidates, matches, held.num_rows)


def _official(files: Files, rules: Mapping[str, Sequence[str]]) -> pa.Table:
    """The licenses whose number stands on an organization's NPI under both names of its official, in the shape of `linked`.

    Nobody competes: one owner's license stands on each of the owner's organizations. So nothing but number and name is taken.
    """
    with duckdb.connect(config={"threads": THREADS}) as db:
        weigh(db, files, rules, only_numbers=True)
        db.execute((FOLDER / "decided.sql").read_text(encoding="utf-8").replace("$coverage", str(COVERAGE)))
        said = f"license number stands on the NPI of an organization whose authorized official has this name (tier {OFFICIAL_TIER})"
        db.execute(f"""
            CREATE TABLE official AS
            SELECT
              npi, license_key, {OFFICIAL_TIER} AS tier, '{OFFICIAL_RULE}' AS rule, round(bits, 2) AS score, NULL::DOUBLE AS runner_up,
              list_prepend('{said}', {_evidence()}) AS evidence
            FROM tiered JOIN l USING (lid) JOIN p USING (pid)
            WHERE has_number AND NOT suffix_conflicts AND ((last_fits AND first_fits) OR is_swapped)
        """)  # noqa: S608 names of our own
        return db.table("official").to_arrow_table()


def weigh(
    db: duckdb.DuckDBPyConnection, files: Files, rules: Mapping[str, Sequence[str]], *, only_numbers: bool = False
) -> None:
    """Make the table `weighed` in `db`: every candidate pair with its level in each field, and its bits.

    :param only_numbers: compare only licenses whose number one of the providers has.
    """
    db.execute(MACROS + STREET_KEY)
    db.execute(number_macro(rules))
    db.read_parquet(files.providers).create_view("providers")
    db.read_parquet(files.slots).create_view("slots")
    licenses = db.read_parquet(files.licenses)
    if only_numbers:
        licenses = licenses.filter("""(state, number_normal) IN (
            SELECT (s.state, number_of(s.state, s.number)) FROM slots AS s JOIN providers AS p ON p.npi = s.npi)""")
    licenses.create_view("licenses")
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
    sure = " OR ".join(f"(tier = {tier} AND probability >= {least})" for tier, least in LEAST.items())
    rule = " ".join(f"WHEN {tier} THEN '{name}'" for tier, name in TIERS.items())
    return f"""
        CREATE TABLE linked AS
        SELECT
          npi, license_key, tier, CASE tier {rule} END AS rule, round(bits, 2) AS score, round(runner_up, 2) AS runner_up,
          {_evidence()} AS evidence
        FROM decided JOIN l USING (lid) JOIN p USING (pid)
        WHERE ({sure}) AND share >= {MIN_SHARE}
    """  # noqa: S608 names and weights of our own


def _evidence() -> str:
    """The expression that says in words what agrees and what does not."""
    words = ", ".join(f"{_cases(f, _words, 'NULL', f'{f.name}_level')}" for f in FIELDS)
    return f"list_filter([{words}], lambda text: text IS NOT NULL)"


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
