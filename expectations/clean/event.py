"""The gate behind clean.event: each happening once, in our words, and every row of raw.event accounted for."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, warn
from include.quality.drift import Limit, category_share, null_shares, row_count

CANONICAL_TYPES = [
    "email_sent", "email_opened", "email_clicked", "email_replied", "email_auto_replied", "email_bounced", "email_unsubscribed",
    "lead_status_changed", "meeting_booked", "meeting_status_changed", "contact_created", "consent_changed", "deal_created",
    "deal_stage_changed", "deal_won", "deal_lost", "purchase", "subscription_started", "sms_replied", "sms_opted_out", "sender_health",
]  # fmt: skip

UNBALANCED = """
SELECT SUM(IF(kind = 'in', row_count, 0)) AS rows_in, SUM(IF(kind = 'in', 0, row_count)) AS rows_accounted
FROM ops.balance
WHERE table_name = 'clean.event'
HAVING rows_in != rows_accounted OR rows_in IS NULL
"""

CHANGED_SINCE = """
SELECT counted.rows_out, stored.rows_now
FROM (SELECT COALESCE(SUM(row_count), 0) AS rows_out FROM ops.balance WHERE table_name = 'clean.event' AND kind = 'out') AS counted
CROSS JOIN (SELECT COUNT(*) AS rows_now FROM {batch}) AS stored
WHERE counted.rows_out != stored.rows_now
"""

# Two days: a date has no hour, and a sender's clock no zone that we know of.
OUT_OF_TIME = """
SELECT event_id, occurred_at
FROM {batch}
WHERE occurred_at >= TIMESTAMP(DATE_ADD(received_date, INTERVAL 2 DAY)) OR occurred_at < TIMESTAMP '2015-01-01'
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for clean.event."""
    return gx.ExpectationSuite(
        name="clean.event",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="event_id",
                meta=fail(
                    "An event that is there twice counts twice: two promotions ran at once. Run clean_events alone."
                ),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=UNBALANCED,
                description="rows in = events + rejected + filtered",
                meta=fail(
                    "A row of raw.event that is neither event, rejected nor filtered was lost: an opt-out, perhaps."
                ),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=CHANGED_SINCE,
                description="clean.event holds what its promotion counted",
                meta=fail("Something else writes to clean.event: find it, then run clean_events again."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="canonical_type",
                value_set=CANONICAL_TYPES,
                meta=fail("Suppression, features and reports know these types only; another one is read by nobody."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="sender",
                value_set=["ghl", "instantly"],
                meta=fail("Nobody else sends us what happened to leads."),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="person_id",
                regex=r"^p[0-9a-f]{20}$",
                meta=fail("Whom an event is about is what opt-outs and models join on."),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="email_hash",
                regex=r"^[0-9a-f]{64}$",
                meta=fail("A SHA-256, so that no address leaves raw.event."),
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=OUT_OF_TIME,
                description="nothing happened two days after it was told, or before 2015",
                meta=warn(
                    "A sender's clock is wrong, or its time was read in the wrong unit; models would learn from the future."
                ),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="person_id",
                mostly=0.8,
                meta=warn("Events of nobody teach nothing: contact ids or addresses no longer match ours."),
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="step",
                min_value=1,
                meta=warn("Steps of a sequence count from 1: Instantly changed its meaning."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far clean.event may move from its last good run."""
    return (
        row_count(falls=0.1, meta=fail("What happened does not unhappen: a partition of raw.event was emptied.")),
        null_shares(moves=0.2, meta=warn("A sender stopped to send a field, or names it differently.")),
        category_share(
            "canonical_type", moves=0.2, meta=warn("A type fell silent or floods us: look at the sender's webhooks.")
        ),
    )
