"""`python -m services.sandbox.ga4_export --day 2025-11-10`: writes a day's GA4 export table, as Google would.

Google, not the pipeline, fills `analytics_<property id>.events_YYYYMMDD`. For the embedded and the compose stack this program does:
it asks the sandbox for the rows that the day has at the world's time, and loads them over BigQuery's REST API. Run it again after
the world's clock has moved, and the table is restated, for 72 hours.
"""

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import httpx

SCHEMA = Path(__file__).parent / "contracts" / "exports" / "ga4-events.schema.json"
BOUNDARY = "ga4-export"


class ExportFailed(RuntimeError):
    """The sandbox or the warehouse refused; the message holds its answer."""


def publish(sandbox: str, warehouse: str, project: str, dataset: str, day: date) -> int | None:
    """Write the day's table and return its rows; None while the day is not published.

    :param sandbox: the sandbox's base address.
    :param warehouse: the base address of BigQuery's REST API.
    """
    with httpx.Client(timeout=120, trust_env=False) as client:
        asked = client.get(f"{sandbox}/__sandbox__/ga4_export", params={"day": day.isoformat()})
        if asked.status_code == httpx.codes.NOT_FOUND:
            return None
        body = {"datasetReference": {"projectId": project, "datasetId": dataset}, "location": "US"}
        made = client.post(f"{warehouse}/bigquery/v2/projects/{project}/datasets", json=body)
        if asked.is_error or (made.is_error and made.status_code != httpx.codes.CONFLICT):
            raise ExportFailed((asked if asked.is_error else made).text)
        loaded = client.post(
            f"{warehouse}/upload/bigquery/v2/projects/{project}/jobs",
            params={"uploadType": "multipart"},
            headers={"content-type": f"multipart/related; boundary={BOUNDARY}"},
            content=_parts(_job(project, dataset, day), asked.content),
        )
        job = loaded.json()
        while not loaded.is_error and job["status"]["state"] != "DONE":
            job_id = job["jobReference"]["jobId"]
            job = client.get(f"{warehouse}/bigquery/v2/projects/{project}/jobs/{job_id}").json()
    if loaded.is_error or "errorResult" in job["status"]:
        raise ExportFailed(f"events_{day:%Y%m%d}: {loaded.text if loaded.is_error else job['status']}")
    return int(job["statistics"]["load"]["outputRows"])


def _job(project: str, dataset: str, day: date) -> dict[str, Any]:
    return {
        "configuration": {
            "load": {
                "destinationTable": {"projectId": project, "datasetId": dataset, "tableId": f"events_{day:%Y%m%d}"},
                "schema": {"fields": json.loads(SCHEMA.read_text(encoding="utf-8"))},
                "sourceFormat": "NEWLINE_DELIMITED_JSON",
                "writeDisposition": "WRITE_TRUNCATE",
            }
        }
    }


def _parts(job: dict[str, Any], rows: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\ncontent-type: application/json\r\n\r\n{json.dumps(job)}\r\n--{BOUNDARY}\r\n"
    return head.encode() + b"content-type: application/octet-stream\r\n\r\n" + rows + f"\r\n--{BOUNDARY}--\r\n".encode()


def main(arguments: list[str]) -> int:
    """Writes one day. Exit code 1 and one line when it is not published yet or something refused it."""
    parser = argparse.ArgumentParser(prog="python -m services.sandbox.ga4_export", description=__doc__)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--sandbox", default="http://127.0.0.1:8100")
    parser.add_argument("--warehouse", default=os.environ.get("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9050"))
    parser.add_argument("--project", default=os.environ.get("GTM_PROJECT", "dental-gtm-local"))
    parser.add_argument("--dataset", default=os.environ.get("GTM_GA4_DATASET", "analytics_250000001"))
    asked = parser.parse_args(arguments)
    try:
        rows = publish(asked.sandbox, asked.warehouse, asked.project, asked.dataset, asked.day)
    except (ExportFailed, httpx.HTTPError) as error:
        print(f"ga4_export: {error}", file=sys.stderr)
        return 1
    if rows is None:
        print(f"ga4_export: {asked.day} is not published yet at the sandbox's time", file=sys.stderr)
        return 1
    print(f"{asked.dataset}.events_{asked.day:%Y%m%d}: {rows} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
