"""What every DAG shares: default arguments, tags, assets and the minute ring of retries."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from airflow.sdk import Asset, ExceptionRetryPolicy, Param, RetryAction, RetryRule

# Not of airflow.sdk itself: its type stub does not have these two yet.
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.quality.pager_message import OF_TIER
from include.warehouse.tables import table
from notifiers.deadline import DeadlineNotifier
from notifiers.pager import PagerNotifier

GCP_CONN_ID = "google_cloud_default"
START_DATE = datetime(2025, 1, 6)
# In templates, the interval of a daily run. `airflow dags trigger` without a logical date makes a run that has none: then the
# day that ends as it starts.
INTERVAL_START = "(data_interval_start | default(dag_run.run_after - macros.timedelta(days=1)))"
INTERVAL_END = "(data_interval_end | default(dag_run.run_after))"


def not_after_now(moment: str) -> str:
    """Return the template expression, as ISO 8601, of ``moment`` or, where that is in the future, of now.

    A run of the day that is still on has an end that has not come: what follows must not work there.
    """
    return f"([{moment}, macros.datetime.now(dag_run.run_after.tzinfo)] | min).isoformat(timespec='seconds')"


# The point in time that an interval DAG hands on.
INTERVAL_AS_OF = f"{{{{ params.as_of or {not_after_now(INTERVAL_END)} }}}}"


class Stage(StrEnum):
    INGEST = "stage:ingest"
    CLEAN = "stage:clean"
    ENRICH = "stage:enrich"
    SEGMENT = "stage:segment"
    ACTIVATE = "stage:activate"
    FEEDBACK = "stage:feedback"
    LEARN = "stage:learn"
    PERSONALIZE = "stage:personalize"
    OPERATE = "stage:operate"


class System(StrEnum):
    BIGQUERY = "system:bigquery"
    NPPES = "system:nppes"
    BOARD = "system:board"
    WIZA = "system:wiza"
    APOLLO = "system:apollo"
    CLAY = "system:clay"
    TWILIO = "system:twilio"
    USPS = "system:usps"
    ADDY = "system:addy"
    GOOGLE_ADS = "system:google_ads"
    META_ADS = "system:meta_ads"
    TTD = "system:ttd"
    LEADFEEDER = "system:leadfeeder"
    GA4 = "system:ga4"
    GHL = "system:ghl"
    INSTANTLY = "system:instantly"
    WEBHOOKS = "system:webhooks"


class Tier(StrEnum):
    """1: page at once, money or law is at stake. 2: mend today. 3: mend this week."""

    ONE = "tier:1"
    TWO = "tier:2"
    THREE = "tier:3"


class Kind(StrEnum):
    """DESIGN: an interval DAG owns a date; a convergent one brings tables to the state that RAW implies."""

    INTERVAL = "kind:interval"
    CONVERGENT = "kind:convergent"


VENDOR_RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[
                "hooks.http.errors.AuthFailed",
                "hooks.http.errors.BadRequest",
                "hooks.http.errors.OutcomeUnknown",
                "hooks.http.errors.OutOfCredits",
                "hooks.http.errors.EndpointNotFound",
                "include.lake.archive.ArchiveConflict",
            ],
            action=RetryAction.FAIL,
            reason="A retry cannot mend a wrong key or host, a refused request, an empty account, a call with an unknown outcome, or an archive that was written into.",
        ),
        RetryRule(
            exception="hooks.http.errors.RateLimited",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=10),
            reason="The vendor's window must pass first.",
        ),
    ]
)

OWNER = "data"
DEFAULT_ARGS = {
    "owner": OWNER,
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": PagerNotifier(),
}


def deadline(*, hours: int, owner: str = OWNER) -> DeadlineAlert:
    """Return the alert of a tier 1 DAG whose run has not ended so many hours after it was queued.

    Experimental in Airflow 3.3. A run that was never made has no deadline: check_freshness sees that.
    """
    callback = SyncCallback(DeadlineNotifier, kwargs={"owner": owner, "severity": str(OF_TIER[Tier.ONE])})
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(hours=hours), callback)


def tags(stage: Stage, tier: Tier, kind: Kind, *systems: System) -> list[str]:
    """Return a DAG's tags, sorted."""
    return sorted([stage, tier, kind, *systems])


def asset(table_name: str) -> Asset:
    """Return the asset of a table that has a definition; its name is ``<dataset>.<table>``, its group the layer, which is the dataset."""
    definition = table(table_name)
    uri = f"bigquery-table://{table_name.replace('.', '/')}"
    return Asset(name=definition.name, uri=uri, group=definition.dataset)


def as_of_param() -> Param:
    """Return the ``as_of`` parameter of a convergent DAG."""
    return Param(
        None,
        type=["null", "string"],
        format="date-time",
        description="Point in time (ISO 8601, UTC) that the run works at; not in the future. Empty: taken from the triggering asset event.",
    )


def gated_params() -> dict[str, Param]:
    """Return the parameters of a convergent DAG with a gate: ``as_of``, and ``accept_drift``, which its GateOperators read."""
    accept_drift = Param(
        False,
        type="boolean",
        description="Let a real change pass that the gates' limits on drift would stop: for this run only, and it becomes the new normal.",
    )
    return {"as_of": as_of_param(), "accept_drift": accept_drift}
