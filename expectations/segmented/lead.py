"""The gate on leads: who is held out, scored and written to is a dentist once, with a score that can be explained."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

SPECIALTIES = [
    "general", "orthodontics", "pediatric", "prosthodontics", "periodontics", "endodontics", "oral_surgery", "public_health",
    "anesthesiology", "oral_medicine", "orofacial_pain", "oral_pathology", "oral_radiology",
]  # fmt: skip

UNEXPLAINED = """
SELECT person_id, icp_score
FROM {batch}
WHERE icp_score != (SELECT SUM(CAST(REGEXP_EXTRACT(reason, r'[+]([0-9]+)$') AS FLOAT64)) FROM UNNEST(icp_reasons) AS reason)
"""

OF_TWO_RUNS = """
SELECT MIN(as_of) AS oldest, MAX(as_of) AS newest FROM {batch} HAVING MIN(as_of) != MAX(as_of)
"""

UNKNOWN = """
SELECT l.person_id
FROM {batch} AS l
LEFT JOIN clean.provider AS p ON p.npi = l.npi AND p.entity_type = 'individual'
WHERE p.npi IS NULL
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for segmented.lead."""
    return gx.ExpectationSuite(
        name="segmented.lead",
        expectations=[
            gxe.ExpectTableRowCountToBeBetween(
                min_value=1, meta=fail("No lead at all means that CLEAN is empty, not that nobody is worth a call.")
            ),
            gxe.ExpectColumnValuesToBeUnique(
                column="person_id", meta=fail("A person who is a lead twice is drawn twice, and written to twice.")
            ),
            gxe.ExpectColumnValuesToBeUnique(
                column="npi", meta=fail("One NPI is one dentist: two leads of it would split one person's history.")
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="person_id",
                regex=r"^p[0-9a-f]{20}$",
                meta=fail("Holdout, scores and sends join on person_id, and a holdout is for good."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="specialty",
                value_set=SPECIALTIES,
                meta=fail("Points are declared for these specialties only; others are no dentists."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="practice_size_band",
                value_set=["solo", "small", "medium", "large"],
                meta=fail("Audiences and models know these four bands only."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="owner_signal",
                value_set=["sole_proprietor", "authorized_official"],
                meta=fail("Whoever signs is known by these two signals only."),
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="practice_size", min_value=1, meta=fail("A lead works in a practice of at least one: the lead.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="icp_score", min_value=0, max_value=100, meta=fail("The ICP score is a share of 100 points.")
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNEXPLAINED,
                description="the score is the sum of its reasons",
                meta=fail("Sales reads the reasons beside the score: both must say the same."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=OF_TWO_RUNS,
                description="all leads are of one point in time",
                meta=fail("A row of an older run is a dentist whom the newest run did not confirm."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNKNOWN,
                description="a lead is a dentist of clean.provider",
                meta=warn("clean.provider has moved on meanwhile: the next run takes the lead out."),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="segment",
                mostly=0.99,
                meta=warn("Without state and ZIP a lead is in no territory: nobody will call."),
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="years_since_enumeration",
                min_value=0,
                max_value=25,
                meta=warn("NPIs have been given since 2005: an older or a future one is a date that was read wrongly."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far segmented.lead may move from its last good run."""
    return (
        row_count(
            falls=0.2, meta=fail("A fifth of the leads is gone: the campaign would stop for them without a word.")
        ),
        null_shares(moves=0.1, meta=warn("Segment, company or owner are no longer found for many.")),
        category_share("specialty", moves=0.05, meta=warn("Audiences are cut by specialty, and the mix hardly moves.")),
        category_share(
            "practice_size_band", moves=0.05, meta=warn("practice_id changed: practices fell apart or grew together.")
        ),
        category_share("has_email", moves=0.25, meta=warn("Far more, or far fewer, can be written to than last time.")),
    )
