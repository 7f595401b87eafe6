"""The gate after the promotion: CLEAN is whole, and every RAW row is accounted for."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

UNBALANCED = """
SELECT t.table_name, SUM(IF(b.kind = 'in', b.row_count, 0)) AS rows_in, SUM(IF(b.kind = 'in', 0, b.row_count)) AS rows_accounted
FROM (
  SELECT 'clean.provider_version' AS table_name UNION ALL SELECT 'clean.provider' UNION ALL SELECT 'clean.provider_location'
) AS t
LEFT JOIN ops.balance AS b ON b.table_name = t.table_name
GROUP BY t.table_name
HAVING rows_in != rows_accounted OR COUNT(b.kind) = 0
"""

FORKED = """
SELECT npi, COUNT(*) AS open_rows FROM clean.provider_history WHERE valid_to IS NULL GROUP BY npi HAVING COUNT(*) > 1
"""

UNKNOWN = """
SELECT p.npi
FROM clean.provider AS p
LEFT JOIN clean.provider_history AS h ON h.npi = p.npi AND h.valid_to IS NULL AND h.status = 'active' AND h.row_hash = p.row_hash
WHERE h.npi IS NULL
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for clean.provider."""
    return gx.ExpectationSuite(
        name="clean.provider",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(column="npi", meta=fail("NPI is the key of clean.provider.")),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNBALANCED,
                description="rows in = rows out + rejected + filtered",
                meta=fail("A row that is neither out, rejected nor filtered was lost, or counted twice."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=FORKED,
                description="an NPI has one open row of history",
                meta=fail("Two open rows are two answers to what is known of a provider today."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNKNOWN,
                description="what is served is the open row of history",
                meta=fail(
                    "Table and history are promoted together: where they differ, one of them was written by hand."
                ),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far clean.provider may move from its last good run."""
    return (
        row_count(
            falls=0.2, meta=fail("A fifth of the dentists that we serve is gone: look at clean.rejected_row first.")
        ),
        null_shares(moves=0.1, meta=warn("A column that CMS fills came empty, or the other way round.")),
        category_share(
            "is_active", moves=0.05, meta=warn("Many were struck off at once: a board's status words changed.")
        ),
    )
