"""The gate on paid answers: everything that is asked, spent and learned next is read from here."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.enrichment.waterfall import policy
from include.quality.drift import Limit, category_share, null_shares, row_count

NOT_RESPONDED = """
SELECT vendor, operation, request_key FROM {batch} WHERE email IS NOT NULL AND status != 'responded'
"""

MISJUDGED = """
SELECT vendor, operation, request_key
FROM {batch}
WHERE (email IS NULL) != (email_verification IS NULL)
  OR usable_email != COALESCE(email_verification IN ('confirmed', 'accepted'), FALSE)
"""

BOUGHT_TWICE = """
SELECT npi, vendor, operation, DATE(asked_at) AS day
FROM {batch}
WHERE credits > 0
GROUP BY npi, vendor, operation, DATE(asked_at)
HAVING COUNT(*) > 1
"""

ANSWERED_BEFORE_ASKED = """
SELECT vendor, operation, request_key FROM {batch} WHERE responded_at < asked_at
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for enriched.answer."""
    return gx.ExpectationSuite(
        name="enriched.answer",
        expectations=[
            gxe.ExpectCompoundColumnsToBeUnique(
                column_list=["vendor", "operation", "request_key"],
                meta=fail("A paid request that stands there twice is counted twice against the budget."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="vendor", value_set=[*policy().vendors], meta=fail("Nobody else is asked about people.")
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="status",
                value_set=["responded", "failed", "outcome_unknown"],
                meta=fail(
                    "Whom to ask next follows from these three; another one would be asked, and paid for, again."
                ),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="npi", regex=r"^[12][0-9]{9}$", meta=fail("Not an NPI: the answer cannot be joined to anybody.")
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="segment",
                value_set=["solo", "small", "group"],
                meta=fail("The learned order of vendors is per segment, and these are all of them."),
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="credits", min_value=0.0, meta=fail("Credits spent are never negative: a load went wrong.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="cost_usd", min_value=0.0, meta=fail("Money spent is never negative: a load went wrong.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="email_confidence",
                min_value=0.0,
                max_value=1.0,
                meta=fail("A confidence of include/enrichment/waterfall.yaml, 0 to 1."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="email_status",
                value_set=["valid", "risky", "unknown"],
                meta=fail("Each vendor's words become these three; a fourth would be trusted by nobody's rule."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="email_verification",
                value_set=["bounced", "malformed", "role", "confirmed", "accepted", "risky"],
                meta=fail("The one judgement of an address: whoever reads it knows these words."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=MISJUDGED,
                description="an address has a judgement, and only a good one is usable",
                meta=fail("A usable address that nobody verified bounces, and bounces cost us the domain."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=NOT_RESPONDED,
                description="an address comes from an answer",
                meta=fail("A call without an answer brings no address: the fold mixed two calls up."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=BOUGHT_TWICE,
                description="one person, one vendor, one day: one paid answer",
                meta=warn("Bought twice: see the ledger of that vendor, and ask for the credits back."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=ANSWERED_BEFORE_ASKED,
                description="no answer before its question",
                meta=warn("A clock jumped: ages of answers, and with them what is bought again, are wrong."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far enriched.answer may move from its last good run."""
    return (
        row_count(falls=0.05, meta=fail("What was bought is kept: the ledger, or raw.vendor_response, lost answers.")),
        null_shares(moves=0.2, meta=warn("A vendor stopped to send a field, or names it differently.")),
        category_share(
            "status", moves=0.1, meta=warn("More calls fail or hang outcome unknown than before: ask the vendor.")
        ),
        category_share(
            "usable_email", moves=0.2, meta=warn("The vendors find far more, or far fewer, than last time.")
        ),
    )
