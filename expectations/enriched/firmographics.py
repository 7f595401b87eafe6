"""The gate on companies: one per practice, from an answer that we have, and not a mailbox provider."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.enrichment.waterfall import policy
from include.quality.drift import Limit, null_shares, row_count

MAILBOXES = ["gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "aol.com", "icloud.com", "comcast.net", "msn.com"]

WITHOUT_ANSWER = """
SELECT f.practice_id
FROM {batch} AS f
LEFT JOIN enriched.answer AS a ON a.vendor = f.vendor AND a.request_key = f.response_key AND a.status = 'responded'
WHERE a.request_key IS NULL
"""

FOUNDED_LATER = """
SELECT practice_id, founded_year FROM {batch} WHERE founded_year > EXTRACT(YEAR FROM fetched_at) OR founded_year < 1800
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for enriched.firmographics."""
    return gx.ExpectationSuite(
        name="enriched.firmographics",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="practice_id", meta=fail("One company per practice: two would double each row that joins it.")
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="vendor", value_set=[*policy().vendors], meta=fail("Nobody else was asked.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="people_agreeing",
                min_value=1,
                meta=fail("A domain is the practice's because somebody there has it."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=WITHOUT_ANSWER,
                description="a company comes from an answer",
                meta=fail("Without its answer nobody can say who claimed it, or correct it."),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="domain",
                regex=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$",
                meta=warn("Not a web domain: ad platforms and visits match nothing with it. Tell the vendor."),
            ),
            gxe.ExpectColumnValuesToNotBeInSet(
                column="domain",
                value_set=MAILBOXES,
                meta=warn("A mailbox provider is nobody's practice: every visit from it would count as theirs."),
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="employees",
                min_value=1,
                max_value=20000,
                meta=warn("No dental group has so many, or so few: a namesake's figures."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=FOUNDED_LATER,
                description="founded before it was asked about, after 1800",
                meta=warn("The vendor sent something that is no year."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far enriched.firmographics may move from its last good run."""
    return (
        row_count(
            falls=0.2, meta=fail("What was bought is kept: practices changed their ids, or answers are missing.")
        ),
        null_shares(moves=0.2, meta=warn("A vendor stopped to send a field, or names it differently.")),
    )
