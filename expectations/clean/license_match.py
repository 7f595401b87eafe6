"""The gate behind the linkage: a license has one individual's NPI, and nobody collects licenses of one state."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, row_count

UNBALANCED = """
SELECT SUM(IF(kind = 'in', row_count, 0)) AS rows_in, SUM(IF(kind = 'in', 0, row_count)) AS rows_accounted
FROM ops.balance
WHERE table_name = 'clean.license_match'
HAVING rows_in != rows_accounted OR rows_in IS NULL
"""

TWO_HOLDERS = """
SELECT license_key, COUNT(*) AS npis
FROM {batch}
WHERE rule != 'official'
GROUP BY license_key
HAVING COUNT(*) > 1
"""

# An individual's NPI under rule official, or an organization's under another one: the two kinds were mixed up.
WRONG_KIND = """
SELECT m.npi, m.license_key, m.rule, p.entity_type
FROM {batch} AS m JOIN clean.provider AS p ON p.npi = m.npi
WHERE (m.rule = 'official') != (p.entity_type = 'organization') OR (m.rule = 'official') != (m.tier = 5)
"""

MERGED = """
SELECT npi, license_state, profession, COUNT(*) AS licenses
FROM {batch}
GROUP BY npi, license_state, profession
HAVING COUNT(*) > 3
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for clean.license_match."""
    return gx.ExpectationSuite(
        name="clean.license_match",
        expectations=[
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=TWO_HOLDERS,
                description="a license has one individual's NPI at most",
                meta=fail("A license of two NPIs makes one dentist of two people."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=WRONG_KIND,
                description="rule official is for organizations, and for them only",
                meta=fail("An organization that counts as a dentist, or a dentist as an organization."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNBALANCED,
                description="licenses = matches + licenses without an NPI",
                meta=fail("A license that is neither matched nor counted was lost between warehouse and linkage."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=MERGED,
                description="one NPI with more than three licenses of a state and profession",
                meta=warn("Renewals and faculty licenses explain two or three; more are people who were merged."),
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="score", min_value=0, mostly=0.999, meta=warn("A match with negative evidence is a wrong rule.")
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far clean.license_match may move from its last good run."""
    return (
        row_count(falls=0.2, meta=fail("Evidence does not vanish: a column that the linkage compares came empty.")),
        category_share("tier", moves=0.1, meta=warn("Matches move to other tiers when what is compared changes.")),
    )
