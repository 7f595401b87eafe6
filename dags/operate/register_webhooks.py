"""
# register_webhooks

Makes sure that Instantly sends every event to our receiver: one webhook for all events, to `GTM_WEBHOOK_URL`, with
our secret in a header.

| | |
|---|---|
| Kind | convergent: a second run changes nothing |
| Runs | by hand after a deployment, after a new receiver address, and when Instantly switched the webhook off |
| Reads | env `GTM_WEBHOOK_URL` (the receiver's base address); `webhook_secret` in the extra of `instantly_default` |
| Writes | a webhook in the Instantly workspace; nothing in the warehouse |

Go High Level has no such call: its webhook address is set once, by a person, in the marketplace app. docs/webhooks.md
has the steps.

## When it fails

* RuntimeError: `webhook_secret` or `GTM_WEBHOOK_URL` is not set: set it where this environment keeps its connections
  and variables.
* AuthFailed: the API key of `instantly_default` is wrong or lacks the webhooks scope. Webhooks also need a plan that
  has them.
* RuntimeError "is switched off": Instantly disabled the webhook after repeated failures. Mend the receiver, resume
  the webhook in Instantly's settings, then replay what was missed (docs/webhooks.md).

## Backfill

None.
"""

from __future__ import annotations

from airflow.sdk import DAG

from include.airflow.defaults import DEFAULT_ARGS, START_DATE, VENDOR_RETRY, Kind, Stage, System, Tier, tags
from operators.register_instantly_webhook import RegisterInstantlyWebhookOperator

with DAG(
    dag_id="register_webhooks",
    description="Registers our webhook receiver with Instantly",
    doc_md=__doc__,
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=tags(Stage.OPERATE, Tier.TWO, Kind.CONVERGENT, System.INSTANTLY, System.WEBHOOKS),
) as dag:
    RegisterInstantlyWebhookOperator(task_id="register_instantly", pool="instantly", retry_policy=VENDOR_RETRY)
