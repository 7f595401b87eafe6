"""Jobs, kept in memory: local-bigquery writes each to its store when it is taken, when it begins and when it is done."""

from __future__ import annotations

from typing import Any

from local_bigquery.jobs import store

KEPT_JOBS = 10_000
jobs: dict[tuple[str, str], Any] = {}


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


def install() -> None:
    """Let local-bigquery keep its jobs here."""
    store.save, store.load, store.list_, store.delete = save, load, list_, delete
