"""What agreement and disagreement are worth: Fellegi and Sunter's weights, log2(m / u) bits for each field and level.

m: how often two records of ONE person stand in this level. u: how often records of TWO people do. u is taken from the data
wherever a value has a frequency (a rare name says more than a common one); m is declared, each with its reason, because
there is no labeled set of US dentists to learn it from. Only the order of size matters: halving any m moves a score by 1 bit,
and what is accepted stands 6 bits or more above its rival.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One outcome of comparing a field.

    :param when: DuckDB condition over the columns of a compared pair; the first level that holds counts.
    :param m: share of true pairs in this level.
    :param u: share of false pairs, as a DuckDB expression.
    :param words: what it says as evidence.
    :param why: where m comes from.
    """

    name: str
    when: str
    m: float
    u: str
    words: str
    why: str


@dataclass(frozen=True)
class Field:
    """One compared field. A pair in none of its levels has nothing to compare there, and gets 0 bits."""

    name: str
    levels: tuple[Level, ...]


FIELDS = (
    Field(
        "number",
        (
            Level("slot", "number_slot", 0.85, "number_holders / providers", "license number stands in NPPES",
                  "about one dentist in seven leaves the slot empty or fills in another state's"),
            Level("identifier", "number_identifier", 0.03, "number_holders / providers",
                  "license number stands among the other identifiers in NPPES", "a habit from before the slots existed"),
            Level("near", "number_near", 0.02, "0.004", "a license number in NPPES is one keystroke away",
                  "one number in fifty to eighty has a typing error"),
            Level("other", "number_other", 0.04, "0.75", "NPPES has another number of this state",
                  "errors, renewals under a new number, a colleague's number"),
        ),
    ),
    Field(
        "last",
        (
            Level("same", "last_same", 0.90, "last_share", "same last name", "most names never change"),
            Level("former", "last_former", 0.04, "2 * last_share", "last name is a former or other name",
                  "half of the brides change; CMS and some boards keep the former name"),
            Level("part", "last_part", 0.015, "4 * last_share", "last name is part of a double name",
                  "double names are cut at either half"),
            Level("near", "last_near", 0.02, "0.0008", "last name is a keystroke away", "typing errors, 1 % a side"),
            Level("crossed", "last_crossed", 0.04, "last_crossed_share", "last name stands in the place of the first name",
                  "both names cross at once in two records of a thousand: each gets the root of that"),
            Level("alike", "last_alike", 0.005, "0.002", "last name is a few keystrokes away", "typing errors on both sides"),
            Level("different", "last_told", 0.02, "0.99", "last names differ", "a marriage that only one side knows of"),
        ),
    ),
    Field(
        "first",
        (
            Level("same", "first_same", 0.86, "first_share", "same first name", "most give their full first name twice"),
            Level("nickname", "first_nickname", 0.05, "4 * first_share", "first name is a nickname of the other",
                  "one in twenty is registered under a short form once"),
            Level("middle", "first_is_middle", 0.02, "2 * first_share", "first name is the other's middle name",
                  "people who go by their middle name"),
            Level("initial", "first_initial", 0.02, "0.07", "first name is only an initial, the same", "old board rows"),
            Level("near", "first_near", 0.03, "0.004", "first name is a keystroke or an ending away",
                  "typing errors, and short forms that no list knows"),
            Level("crossed", "first_crossed", 0.04, "first_crossed_share", "first name stands in the place of the last name",
                  "as for the last name"),
            Level("alike", "first_alike", 0.005, "0.01", "first name is a few keystrokes away", "typing errors on both sides"),
            Level("different", "first_told", 0.015, "0.91", "first names differ", "unlisted nicknames and errors"),
        ),
    ),
    Field(
        "middle",
        (
            Level("same", "middle_same", 0.45, "middle_share", "same middle name", "half of those who give it give it in full"),
            Level("initial", "middle_initial", 0.45, "0.07", "same middle initial", "the other half give a letter"),
            Level("conflict", "middle_conflict", 0.06, "0.9", "middle names differ", "a maiden name as middle name, errors"),
        ),
    ),
    Field(
        "suffix",
        (
            Level("same", "suffix_same", 0.6, "0.02", "same name suffix", "written by most who have one"),
            Level("conflict", "suffix_conflict", 0.0002, "0.5", "name suffixes contradict each other",
                  "nobody is Jr and Sr; only errors get here"),
            Level("one", "suffix_one", 0.4, "0.98", "only one side has a name suffix", "often left out"),
        ),
    ),
    Field(
        "address",
        (
            Level("same", "street_same", 0.55, "street_share", "same street address",
                  "boards publish homes and former offices as well"),
            Level("near", "street_near", 0.04, "street_share", "same house, street or ZIP code with a typing error",
                  "typing errors, and types of street that stand in one word with the name"),
            Level("zip5", "zip5_same", 0.12, "zip5_share", "same ZIP code", "another office in town, or a home nearby"),
            Level("zip3", "zip3_same", 0.15, "zip3_share", "same ZIP3 area", "a move or a home within the area"),
            Level("state", "state_same", 0.14, "state_share", "same state", "a move within the state"),
            Level("elsewhere", "state_other", 0.08, "1 - state_share", "another state", "licenses are kept after a move"),
        ),
    ),
    Field(
        "phone",
        (
            Level("same", "phone_same", 0.5, "phone_share", "same telephone number", "offices keep their number for years"),
            Level("different", "phone_other", 0.5, "0.999", "telephone numbers differ", "mobiles, second offices"),
        ),
    ),
    Field(
        "start",
        (
            Level("together", "started_together", 0.55, "0.06", "license and NPI were given within a year",
                  "most who began after 2006 took their NPI for the first claim"),
            Level("near", "started_near", 0.22, "0.2", "license and NPI were given within four years", "training, a late first claim"),
            Level("apart", "started_apart", 0.23, "0.74", "license and NPI were given years apart", "second licenses, late NPIs"),
            Level("old", "old_hand", 0.75, "0.45", "license is older than NPIs, NPI of the first years", "NPIs began in 2005"),
            Level("late", "old_hand_late", 0.25, "0.55", "license is older than NPIs, NPI a late one", "those who did not bill"),
        ),
    ),
    Field(
        "profession",
        (
            Level("same", "profession_same", 0.99, "0.7", "same profession", "slots seldom lie about it"),
            Level("different", "TRUE", 0.005, "0.3", "another profession", "hygienists who became dentists"),
        ),
    ),
)  # fmt: skip
