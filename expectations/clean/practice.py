"""The gate behind practices: nobody works nowhere, and a size has the signals that it claims."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

UNBALANCED = """
SELECT SUM(IF(kind = 'in', row_count, 0)) AS rows_in, SUM(IF(kind = 'in', 0, row_count)) AS rows_accounted
FROM ops.balance
WHERE table_name = 'clean.provider_practice'
HAVING rows_in != rows_accounted OR rows_in IS NULL
"""

TORN = """
SELECT npi FROM clean.provider_practice WHERE is_primary GROUP BY npi HAVING COUNT(*) > 1
"""

HOMELESS = """
SELECT m.practice_id
FROM clean.provider_practice AS m
LEFT JOIN {batch} AS p ON p.practice_id = m.practice_id
WHERE p.practice_id IS NULL
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for clean.practice."""
    return gx.ExpectationSuite(
        name="clean.practice",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="practice_id", meta=fail("practice_id is the key of clean.practice.")
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNBALANCED,
                description="providers and secondary locations in = rows out + those without a location or at the same practice",
                meta=fail("A provider that works nowhere was lost, or one is twice at the same practice."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=TORN,
                description="an NPI has one practice of its own",
                meta=fail("Whoever joins the practice of a provider would get the provider twice."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=HOMELESS,
                description="a provider works at a practice that does not exist",
                meta=fail("The two tables come from one fold: they must name the same practices."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="size_class",
                value_set=["solo", "small_group", "large_group", "dso"],
                meta=fail("Segments know these four sizes only."),
            ),
            gxe.ExpectColumnValuesToNotMatchRegex(
                column="size_class",
                regex="^dso$",
                mostly=0.6,
                meta=warn("Two practices in five that belong to a DSO is a rule that ties too much together."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far clean.practice may move from its last good run."""
    return (
        row_count(falls=0.2, meta=fail("Practices do not close in a week: a rule ties too many addresses together.")),
        null_shares(moves=0.1, meta=warn("Names, numbers or addresses of practices are no longer found.")),
        category_share(
            "size_class", moves=0.05, meta=warn("Sizes follow from who works where: a rule or a column changed.")
        ),
    )
