"""The gate after the promotion: CLEAN is whole, and every RAW row is accounted for."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail

UNBALANCED = """
SELECT SUM(IF(kind = 'in', row_count, 0)) AS rows_in, SUM(IF(kind = 'in', 0, row_count)) AS rows_accounted
FROM ops.balance
WHERE table_name = 'clean.provider'
HAVING rows_in != rows_accounted OR rows_in IS NULL
"""

REJECTED_SHARE = """
SELECT rejected, total
FROM (SELECT COUNT(DISTINCT row_key) AS rejected FROM clean.rejected_row WHERE table_name = 'clean.provider')
CROSS JOIN (SELECT COUNT(*) AS total FROM clean.provider_candidate)
WHERE rejected > 0.05 * total
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
                unexpected_rows_query=REJECTED_SHARE,
                description="at most 5 % of the candidates are rejected",
                meta=fail("So many refused rows mean a damaged file or a wrong rule, not bad luck."),
            ),
        ],
    )
