"""Jobs, kept in memory: local-bigquery writes each to its store when it is taken, when it begins and when it is done.

And what a job says of CREATE TABLE AS: BigQuery names the new table as the job's destination, which clients ask for its rows, and gives
no rows back.
"""

from __future__ import annotations

from typing import Any

from local_bigquery.api import jobs as answers
from local_bigquery.jobs import store

KEPT_JOBS = 10_000
MAKES_A_TABLE = "CREATE_TABLE_AS_SELECT"
jobs: dict[tuple[str, str], Any] = {}
asked_results = answers.results


def save(job: Any) -> Any:
    """Keep a job; of more than KEPT_JOBS the oldest is forgotten."""
    key = (job.jobReference.projectId, job.jobReference.jobId)
    jobs[key] = job
    while len(jobs) > KEPT_JOBS:
        jobs.pop(next(iter(jobs)))
    return job


def load(project_id: str, job_id: str) -> Any | None:
    """Return a job by its id."""
    return jobs.get((project_id, job_id))


def list_(
    project_id: str,
    states: list[str] | None = None,
    parent_job_id: str | None = None,
    min_creation_time: int | None = None,
    max_creation_time: int | None = None,
) -> list[Any]:
    """Return the jobs that fit, newest first."""
    fitting = [
        (-made, job_id, job)
        for (of, job_id), job in list(jobs.items())
        if of == project_id
        and job.statistics.parentJobId == parent_job_id
        and (not states or job.status.state in states)
        for made in [int(job.statistics.creationTime)]
        if (min_creation_time or made) <= made <= (max_creation_time or made)
    ]
    return [job for *_, job in sorted(fitting, key=lambda entry: entry[:2])]


def delete(project_id: str, job_id: str) -> None:
    """Forget a job and its children."""
    for key, job in list(jobs.items()):
        if key[0] == project_id and job_id in (key[1], job.statistics.parentJobId):
            jobs.pop(key, None)


def destination_of(statistics: Any, destination: Any | None) -> Any | None:
    """Return the table that a query's job wrote to: where its rows went, or the table that it made."""
    return statistics.ddlTargetTable if statistics.statementType == MAKES_A_TABLE else destination


def results(job: Any, *rest: Any) -> Any:
    """Return a finished query's answer, as local-bigquery does; a table that was made is no answer."""
    statistics = job.statistics.query
    if statistics and statistics.statementType == MAKES_A_TABLE:
        configuration = job.configuration
        without = configuration.replace(query=configuration.query.without("destinationTable"))
        job = job.replace(configuration=without)
    return asked_results(job, *rest)


def install() -> None:
    """Let local-bigquery keep its jobs here, and answer from them."""
    answers.results = results
    store.save, store.load, store.list_, store.delete = save, load, list_, delete
