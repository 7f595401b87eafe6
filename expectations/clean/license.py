"""The gate behind clean.license: no edition that was cut, no license twice, books that balance."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, fail_unless_accepted, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

UNBALANCED = """
SELECT SUM(IF(kind = 'in', row_count, 0)) AS rows_in, SUM(IF(kind = 'in', 0, row_count)) AS rows_accounted
FROM ops.balance
WHERE table_name = 'clean.license'
HAVING rows_in != rows_accounted OR rows_in IS NULL
"""

# A license that leaves its list is struck off; a third of a state that leaves is a file cut at a line end.
SHRUNK = """
SELECT l.license_state, l.matched, COALESCE(n.listed, 0) AS listed
FROM (SELECT license_state, COUNT(DISTINCT license_key) AS matched FROM clean.license_match GROUP BY license_state) AS l
LEFT JOIN (
  SELECT b.state, COUNT(DISTINCT b.license_key) AS listed FROM {batch} AS b
  JOIN clean.license_match AS m ON m.license_key = b.license_key
  GROUP BY b.state
) AS n ON n.state = l.license_state
WHERE l.matched > 30 AND COALESCE(n.listed, 0) < 0.7 * l.matched
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for clean.license."""
    return gx.ExpectationSuite(
        name="clean.license",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="license_key", meta=fail("A license that stands there twice would be linked to two people.")
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNBALANCED,
                description="rows in = rows out + filtered",
                meta=fail("A published row that is neither a license nor filtered was lost."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=SHRUNK,
                description="a state lost a third of the licenses that were linked before",
                meta=fail_unless_accepted(
                    "Boards do not strike off a third of a state: the newest file was cut, or keys have changed."
                ),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="status_known",
                value_set=[True],
                mostly=0.98,
                meta=warn("A board uses a status word that include/boards does not declare: declare it."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="number_in_form",
                value_set=[True],
                mostly=0.98,
                meta=warn("A board writes numbers in another form now: look at number_rules in include/boards."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far clean.license may move from its last good run."""
    return (
        row_count(falls=0.2, meta=fail("Boards do not strike off a fifth: an edition was cut, or is missing.")),
        null_shares(
            moves=0.1, meta=warn("A board renamed or emptied a column: look at its declaration in include/boards.")
        ),
        category_share("status_class", moves=0.1, meta=warn("A board uses its status words in another sense now.")),
    )
