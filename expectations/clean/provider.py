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
        ],
    )
