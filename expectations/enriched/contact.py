"""Gate on enriched.contact: who may be written to must have an address that can be written to."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column


def suite() -> gx.ExpectationSuite:
    """Return the suite of enriched.contact. Every expectation stops the asset event when it fails."""
    usable = Column("usable_email") == True  # noqa: E712
    return gx.ExpectationSuite(
        name="enriched.contact",
        expectations=[
            gxe.ExpectColumnValuesToNotBeNull(column="npi"),
            gxe.ExpectColumnValuesToBeUnique(column="npi"),
            gxe.ExpectColumnValuesToMatchRegex(column="npi", regex=r"^[12][0-9]{9}$"),
            gxe.ExpectColumnValuesToMatchRegex(column="person_id", regex=r"^p[0-9a-f]{20}$"),
            # Apollo's and others' placeholders, spaces and lists of addresses all fail this.
            gxe.ExpectColumnValuesToMatchRegex(column="email", regex=r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}$"),
            gxe.ExpectColumnValuesToBeInSet(column="email_status", value_set=["valid", "risky"]),
            gxe.ExpectColumnValuesToMatchRegex(column="phone_e164", regex=r"^\+[1-9][0-9]{7,14}$"),
            gxe.ExpectColumnValuesToBeInSet(
                column="phone_line_type",
                value_set=[
                    "mobile",
                    "landline",
                    "fixedVoip",
                    "nonFixedVoip",
                    "tollFree",
                    "personal",
                    "premium",
                    "sharedCost",
                    "uan",
                    "voicemail",
                    "pager",
                    "unknown",
                ],
            ),
            # usable_email is what every later stage trusts.
            gxe.ExpectColumnValuesToNotBeNull(column="email", row_condition=usable),
            gxe.ExpectColumnValuesToBeInSet(
                column="email_status",
                value_set=["valid"],
                row_condition=usable,
            ),
            gxe.ExpectColumnValuesToBeBetween(column="cost_usd", min_value=0.0),
        ],
    )
