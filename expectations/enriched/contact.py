"""The gate on what we bought: who may be written to has an address that can be written to."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}$"
LINE_TYPES = [
    "mobile", "landline", "fixedVoip", "nonFixedVoip", "tollFree", "personal", "premium", "sharedCost", "uan",
    "voicemail", "pager", "unknown",
]  # fmt: skip

UNBALANCED = """
SELECT SUM(IF(kind = 'in', row_count, 0)) AS people_in, SUM(IF(kind = 'in', 0, row_count)) AS people_accounted
FROM ops.balance
WHERE table_name = 'enriched.contact'
HAVING people_in != people_accounted
"""

PAID_FOR_NOTHING = """
SELECT npi, credits
FROM {batch}
WHERE credits > 0 AND email IS NULL AND linkedin_url IS NULL
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for enriched.contact."""
    usable = Column("usable_email") == True  # noqa: E712 - builds a condition
    return gx.ExpectationSuite(
        name="enriched.contact",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="npi", meta=fail("NPI is the key: a repeated one would write to a dentist twice.")
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="npi", regex=r"^[12][0-9]{9}$", meta=fail("Not an NPI: the answer cannot be joined to anybody.")
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="person_id", regex=r"^p[0-9a-f]{20}$", meta=fail("Every later layer joins on person_id.")
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="email",
                regex=ADDRESS,
                row_condition=usable,
                meta=fail("One plain address: a list, a name or a space in it bounces, and the fold lets none pass."),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="email",
                regex=ADDRESS,
                meta=warn("The vendor sent something that is no address; nobody writes to it. Tell the vendor."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="email_status",
                value_set=["valid"],
                row_condition=usable,
                meta=fail("usable_email is what every later stage trusts; only a valid address may carry it."),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="email", row_condition=usable, meta=fail("A usable address must be there.")
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="email_status",
                value_set=["valid", "risky"],
                meta=warn(
                    "A vendor's new word is `unknown`: nobody with it is written to. Declare it in waterfall.yaml."
                ),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="phone_e164", regex=r"^\+[1-9][0-9]{7,14}$", meta=fail("The fold lets no other format pass.")
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="phone_line_type", value_set=LINE_TYPES, meta=warn("A line type that Twilio had not published.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="cost_usd", min_value=0.0, meta=fail("Money spent is never negative: a load went wrong.")
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNBALANCED,
                description="people asked for = those with a usable e-mail + those without one, by reason",
                meta=fail("Somebody who was asked for fell out between answer and contact without being counted."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=PAID_FOR_NOTHING,
                description="credits were taken and neither an address nor a profile came",
                meta=warn("No vendor charges for nothing: see raw.vendor_response, and ask for the credits back."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far enriched.contact may move from its last good run."""
    return (
        row_count(falls=0.1, meta=fail("What was bought is kept: answers are missing in raw.vendor_response.")),
        null_shares(moves=0.2, meta=warn("A vendor stopped to send a field, or names it differently.")),
        category_share(
            "usable_email",
            moves=0.2,
            meta=warn("A vendor's words or the verification changed: look before it is spent on."),
        ),
    )
