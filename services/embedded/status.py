"""``make status``: each process, its port, since when, whether it is well; the DAGs; the addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx

from services.embedded.airflow_api import COMPONENTS, AirflowApi, silent_components
from services.embedded.cloud import BUCKET, PROJECT
from services.embedded.process import StartError, loopback_client
from services.embedded.readiness import parsed
from services.embedded.record import Process, Record

# Where each process says that it is well; Airflow's others are known by their heartbeat.
HEALTH = {
    "fake-gcs-server": f"/storage/v1/b/{BUCKET}",
    "local-bigquery": f"/bigquery/v2/projects/{PROJECT}/datasets",
    "sandbox": "/healthz",
    "webhook-receiver": "/healthz",
    "api-server": "/api/v2/monitor/health",
}
ANSWERS_WITHIN_SECONDS = 10


def process_lines(record: Record) -> tuple[list[str], bool]:
    """Return a line for each process, and whether all are well."""
    silent = silent_components(record.airflow) if record.airflow else []
    lines, all_well = [], True
    for process in (record.supervisor, *record.processes):
        fault = _fault(process, silent)
        if process.name in record.given_up:
            fault = f"dead; it ended again and again and was given up. Its log: {process.log}"
        restarts = record.restarts.get(process.name, 0)
        times = f" (started again {restarts} times)" if restarts else ""
        since = datetime.fromtimestamp(process.started, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        lines.append(
            f"  {process.name:18} {process.port or '':>6} {process.pid:>8}  since {since}  {fault or 'well'}{times}"
        )
        all_well = all_well and not fault
    return lines, all_well


def dag_lines(record: Record) -> list[str]:
    """Return what Airflow knows of the DAGs."""
    api = AirflowApi(record.airflow, record.password)
    files, dags = parsed(api), api.dags()
    paused = [dag["dag_id"] for dag in dags if dag["is_paused"]]
    active = [f"{run['dag_id']} ({run['state']})" for run in api.active_runs()]
    lines = [f"  {files}, {len(paused)} paused{': ' + ', '.join(paused) if paused else ''}"]
    lines += [f"  does not import: {file}" for file in files.errors]
    if files.missing:
        lines.append(f"  not parsed yet: {', '.join(files.missing)}")
    lines.append(f"  at work: {', '.join(active) or 'none'}")
    return lines


def report(state: Path, record: Record) -> tuple[str, bool]:
    """Return the page that `make status` prints, and whether everything is well."""
    lines, well = process_lines(record)
    phase = "is up" if record.ready else "is starting"
    if not record.supervisor.is_alive():
        phase = "has lost its supervisor: `make down` ends what is left, `make up` starts it again with its data"
    parts = [f"The stack of {state} {phase}.", *lines]
    if record.faults:
        parts += ["Failed while it came up", *record.faults]
        well = False
    if record.airflow:
        try:
            parts += ["DAGs", *dag_lines(record)]
        except StartError as error:
            parts.append(f"  Airflow does not answer: {error}")
            well = False
    return "\n".join([*parts, "Addresses", *address_lines(record.addresses)]), well


def address_lines(addresses: dict[str, str]) -> list[str]:
    return [f"  {name:28} {address}" for name, address in addresses.items()]


def _fault(process: Process, silent: list[str]) -> str:
    """Return what is wrong with a process; '' when nothing is."""
    if not process.is_alive():
        return f"dead; its log: {process.log}"
    if process.name in COMPONENTS.values():
        return "no heartbeat" if process.name in silent else ""
    path = HEALTH.get(process.name)
    silence = _silence(process, path) if path else ""
    return f"{silence}; its log: {process.log}" if silence else ""


def _silence(process: Process, path: str) -> str:
    """Return how a process fails to answer; '' when it answers."""
    try:
        with loopback_client(f"http://127.0.0.1:{process.port}", timeout=ANSWERS_WITHIN_SECONDS) as client:
            answer = client.get(path)
    except httpx.TransportError as error:
        return f"does not answer ({type(error).__name__})"
    return "" if answer.is_success else f"answers {answer.status_code}"
