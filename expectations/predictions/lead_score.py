"""The gate on lead scores: every lead of the point in time once, a probability that is one, from a model of its time."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.quality.drift import Limit, row_count

UNCALIBRATED = """
SELECT person_id, probability, score FROM {batch} WHERE ABS(score - 100 * probability) > 0.0501
"""

OF_TWO_MODELS = """
SELECT COUNT(DISTINCT model_version) AS versions FROM {batch} HAVING COUNT(DISTINCT model_version) > 1
"""

FROM_THE_FUTURE = """
SELECT DISTINCT s.model_version
FROM {batch} AS s
LEFT JOIN ops.model_version AS m ON m.model = 'lead_score' AND m.version = s.model_version
WHERE m.version IS NULL OR m.trained_as_of > s.as_of
"""

# Before the first champion there are no scores, and nobody is missed.
MISSED = """
SELECT f.person_id
FROM features.lead AS f
JOIN (SELECT DISTINCT as_of FROM {batch}) AS scored ON scored.as_of = f.as_of
LEFT JOIN {batch} AS s ON s.person_id = f.person_id AND s.as_of = f.as_of
WHERE s.person_id IS NULL
"""

SAME_FOR_ALL = """
SELECT COUNT(*) AS leads FROM {batch} HAVING COUNT(*) > 50 AND COUNT(DISTINCT score) = 1
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for predictions.lead_score at one ``as_of``."""
    return gx.ExpectationSuite(
        name="predictions.lead_score",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="person_id", meta=fail("A lead with two scores at a time has two ranks in one campaign.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="probability", min_value=0, max_value=1, meta=fail("A probability, or no probability at all.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="score", min_value=0, max_value=100, meta=fail("The CRM grades leads by a score of 0 to 100.")
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="rank_pct",
                min_value=0,
                max_value=1,
                strict_min=True,
                meta=fail("A rank is a share of the leads, above 0 to 1: who is written to first follows from it."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNCALIBRATED,
                description="the score is 100 times the probability",
                meta=fail("Score and probability are one figure in two units: sales reads one, tests the other."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=OF_TWO_MODELS,
                description="one model scored all leads",
                meta=fail("Scores of two models cannot be ranked together."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=FROM_THE_FUTURE,
                description="the model is known, and learned nothing after as_of",
                meta=fail("A model that was trained later has seen the answers: its scores prove nothing."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=MISSED,
                description="every lead with features has a score",
                meta=fail("Leads without a score fall to the end of the campaign without a reason."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=SAME_FOR_ALL,
                description="a model that tells leads apart",
                meta=warn("The same score for all ranks nobody: its features came empty, or it learned nothing."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far the scores of one ``as_of`` may move from those of the last good run."""
    return (
        row_count(
            falls=0.2,
            meta=fail("A fifth of the leads has no score any more: features.lead shrank, or the champion is gone."),
        ),
    )
