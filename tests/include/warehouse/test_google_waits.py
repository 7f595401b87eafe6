"""What is said while a service does not answer, and how the wait ends. The services are sockets of the test's own."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from include.warehouse.google_waits import NoAnswer, ServiceAway, WaitingAdapter, log_waits, logged_each

SOON = timedelta(milliseconds=300)


class Scripted(BaseHTTPRequestHandler):
    """Answers with the server's statuses, one after the other, and then with 200; each after the server's pause."""

    def do_GET(self) -> None:
        time.sleep(self.server.pause)  # type: ignore[attr-defined]
        statuses = self.server.statuses  # type: ignore[attr-defined]
        self.send_response(statuses.pop(0) if statuses else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def service(*statuses: int, pause: float = 0.0) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.statuses, server.pause = list(statuses), pause  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def nobody() -> str:
    """The address of a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def session(**limits: timedelta) -> requests.Session:
    made = requests.Session()
    log_waits(made, "BigQuery", **limits)
    return made


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="include.warehouse.google_waits")
    return caplog


def test_send_when_nobody_listens_then_names_service_time_and_deadline_and_lets_the_client_try_again(
    nobody: str, said: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NoAnswer, match=r"BigQuery at 127.0.0.1:\d+ \(GET /jobs/1\) does not answer"):
        session().get(f"{nobody}/jobs/1?secret=yes")
    (line,) = said.messages
    assert "since " in line and "until " in line and "UTC at the latest" in line
    assert "secret" not in line
    # Both clients take it for an error that a second try may mend.
    assert issubclass(NoAnswer, requests.exceptions.ConnectionError)


@pytest.mark.timeout(60)
@pytest.mark.slow
def test_clients_when_the_service_stays_away_then_end_at_the_deadline_with_its_name(
    nobody: str, said: pytest.LogCaptureFixture
) -> None:
    options = {"api_endpoint": nobody}
    warehouse = bigquery.Client("p", AnonymousCredentials(), client_options=options)
    lake = storage.Client("p", AnonymousCredentials(), client_options=options)
    log_waits(warehouse._http, "BigQuery", patience=timedelta(seconds=2))
    log_waits(lake._http, "Cloud Storage", patience=timedelta(seconds=2))
    began = time.monotonic()
    with pytest.raises(ServiceAway, match=r"BigQuery at .* since .*, and its 2 s are over"):
        warehouse.query_and_wait("SELECT 1")
    with pytest.raises(ServiceAway, match="Cloud Storage at .* its 2 s are over"):
        lake.bucket("lake").blob("a/somebody").download_as_bytes()
    assert time.monotonic() - began < 30
    assert len(said.messages) >= 4
    assert not [line for line in said.messages if "somebody" in line]


def test_send_when_the_certificate_is_wrong_then_is_no_outage(
    monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> requests.Response:
        raise requests.exceptions.SSLError("self-signed certificate")

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", refuse)
    with pytest.raises(requests.exceptions.SSLError, match="self-signed"):
        session().get("https://127.0.0.1:1/")
    assert said.messages == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_send_when_the_service_answers_that_it_cannot_then_counts_as_away(
    status: int, said: pytest.LogCaptureFixture
) -> None:
    with service(status, status) as url:
        patient, over = session(), session(patience=timedelta(0))
        assert patient.get(url).status_code == status
        assert f"does not answer (HTTP {status})" in said.messages[0]
        with pytest.raises(ServiceAway, match=f"HTTP {status}"):
            over.get(url)


def test_send_when_the_service_came_back_then_the_next_outage_has_a_deadline_of_its_own(nobody: str) -> None:
    with service(503) as url:
        client = session(patience=SOON)
        client.get(url)
        time.sleep(SOON.total_seconds())
        assert client.get(url).status_code == 200
        with pytest.raises(NoAnswer):
            client.get(nobody)


def test_send_when_the_last_failure_is_long_ago_then_its_time_does_not_count(
    nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.warehouse.google_waits.FORGET_AFTER", timedelta(milliseconds=100))
    client = session(patience=SOON)
    for _ in range(2):
        with pytest.raises(NoAnswer):
            client.get(nobody)
        time.sleep(SOON.total_seconds() + 0.1)


def test_send_when_an_answer_takes_long_then_says_so_again_and_again(said: pytest.LogCaptureFixture) -> None:
    with service(pause=0.8) as url:
        assert session(every=timedelta(milliseconds=200)).get(url).status_code == 200
    assert 2 <= len(said.messages) <= 4
    assert all(line.startswith("Waiting for BigQuery at 127.0.0.1") and ", until " in line for line in said.messages)


@pytest.mark.timeout(30)
def test_send_when_no_answer_ever_comes_then_ends_at_the_limit_of_one_answer(said: pytest.LogCaptureFixture) -> None:
    with service(pause=10) as url, pytest.raises(ServiceAway, match=r"does not answer \(ReadTimeout\)"):
        session(answer_within=SOON, patience=SOON).get(url, timeout=None)


def test_send_when_the_caller_gives_a_limit_then_that_one_holds() -> None:
    with service(pause=2) as url, pytest.raises(NoAnswer, match="ReadTimeout"):
        session().get(url, timeout=0.2)


def test_send_when_a_job_is_asked_for_over_and_over_then_says_that_it_still_runs(
    said: pytest.LogCaptureFixture,
) -> None:
    with service() as url:
        client = session(every=timedelta(milliseconds=100))
        for _ in range(4):
            client.get(f"{url}/bigquery/v2/projects/p/jobs/job-7")
            time.sleep(0.11)
        client.get(f"{url}/bigquery/v2/projects/p/jobs/job-8")
        client.get(f"{url}/storage/v1/b/lake")
    assert len(said.messages) == 3
    assert all("jobs/job-7) since " in line and "execution_timeout" in line for line in said.messages)


def test_logged_each_when_the_block_ends_then_says_nothing_more(said: pytest.LogCaptureFixture) -> None:
    with logged_each(timedelta(milliseconds=50), lambda: "waiting"):
        time.sleep(0.12)
    count = len(said.messages)
    time.sleep(0.15)
    assert count >= 1
    assert len(said.messages) == count


def test_adapter_when_made_then_waits_no_longer_than_a_task_may_run() -> None:
    from include.airflow.defaults import DEFAULT_ARGS

    adapter = WaitingAdapter("BigQuery")
    assert adapter._patience + adapter._answer_within < DEFAULT_ARGS["execution_timeout"]  # type: ignore[operator]
    assert adapter._every <= timedelta(minutes=1)
