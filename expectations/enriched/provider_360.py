"""The gate on the wide table that analysts read: each active dentist once, and what it says of contact and score can be true."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

MISSED = """
SELECT p.npi
FROM clean.provider AS p
LEFT JOIN {batch} AS w ON w.npi = p.npi
WHERE p.entity_type = 'individual' AND p.is_active AND w.npi IS NULL
"""

WITHOUT_VENDOR = """
SELECT npi
FROM {batch}
WHERE (email IS NOT NULL AND (email_vendor IS NULL OR email_fetched_at IS NULL)) OR (usable_email AND email IS NULL)
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for enriched.provider_360."""
    has_score = Column("icp_score").is_not_null()
    return gx.ExpectationSuite(
        name="enriched.provider_360",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="npi", meta=fail("A join that doubles a dentist doubles every count that analysts make.")
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=MISSED,
                description="every active dentist is there",
                meta=warn("clean.provider has moved on meanwhile: the next run of enrich_contacts adds who is new."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=WITHOUT_VENDOR,
                description="no e-mail without the vendor and the day that it came from",
                meta=fail(
                    "An address of unknown origin may not be used: who asks where we have it from gets an answer."
                ),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="phone_e164", regex=r"^\+[1-9][0-9]{7,14}$", meta=fail("Diallers take E.164, and nothing else.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="icp_score", min_value=0, max_value=100, meta=fail("The ICP score is a share of 100 points.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="email_confidence", min_value=0.0, max_value=1.0, meta=fail("A confidence, 0 to 1.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="enrichment_usd", min_value=0.0, meta=fail("Money spent is never negative: a load went wrong.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="dentists_at_practice", min_value=1, meta=fail("A dentist's practice has at least that dentist.")
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="practice_size_band",
                row_condition=has_score,
                meta=fail("Score and size come from one lead: one without the other is a broken join."),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="zip5", regex=r"^[0-9]{5}$", meta=warn("Territories are cut by ZIP: this one is in none.")
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far enriched.provider_360 may move from its last good run."""
    return (
        row_count(falls=0.2, meta=fail("A fifth of the active dentists is gone: look at clean.provider.")),
        null_shares(moves=0.25, meta=warn("A join lost its other side, or a vendor a field.")),
        category_share(
            "specialty", moves=0.05, meta=warn("The mix of specialties hardly moves: taxonomies were read wrongly.")
        ),
        category_share(
            "usable_email", moves=0.25, meta=warn("Far more, or far fewer, can be written to than last time.")
        ),
    )
