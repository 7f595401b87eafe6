"""The short ring of retries, and what each answer means, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from airflow.sdk import Connection

from hooks.http import transport
from hooks.http.errors import (
    AuthFailed,
    BadRequest,
    EndpointNotFound,
    NotFound,
    OutOfCredits,
    RateLimited,
    ResponseLost,
    VendorDown,
    VendorError,
)
from hooks.http.transport import (
    AsyncTransport,
    Call,
    Endpoint,
    Reply,
    Transport,
    endpoint,
    outcome_of,
    seconds_asked_for,
)
from tests.hooks.scripted_server import CUT, Answer, scripted

READ = Call("get_thing", "GET", "/things/1", repeatable=True)
BUY = Call("buy_thing", "POST", "/things", repeatable=False, json={"email": "ada@example.test"})


def _endpoint(url: str) -> Endpoint:
    return Endpoint("acme", url, 1e6, {"Authorization": "Bearer top-secret"})


def _transport(url: str, slept: list[float] | None = None) -> Transport:
    return Transport(_endpoint(url), sleep=(slept if slept is not None else []).append)


@pytest.mark.parametrize("call", [READ, BUY], ids=["repeatable", "paid"])
@pytest.mark.parametrize("status", [429, 503])
def test_send_when_refused_for_now_then_tries_again(call: Call, status: int) -> None:
    with scripted(Answer(status), Answer(status), Answer(200, '{"ok": 1}')) as server:
        assert _transport(server.url).send(call).body == {"ok": 1}
    assert len(server.seen) == 3


def test_send_when_429_lasts_then_raises_rate_limited_after_four_tries() -> None:
    with scripted(Answer(429, headers={"Retry-After": "2"})) as server:
        slept: list[float] = []
        with pytest.raises(RateLimited) as raised:
            _transport(server.url, slept).send(READ)
    assert len(server.seen) == 4
    assert raised.value.retry_after == 2.0
    pauses = [seconds for seconds in slept if seconds > 0.001]  # the rest is pacing
    assert len(pauses) == 3
    assert all(2.0 <= seconds <= 3.0 for seconds in pauses)


def test_send_when_the_vendor_asks_for_minutes_then_leaves_it_to_the_task() -> None:
    with scripted(Answer(429, headers={"Retry-After": "600"})) as server, pytest.raises(RateLimited) as raised:
        _transport(server.url).send(READ)
    assert len(server.seen) == 1
    assert raised.value.retry_after == 600.0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequest),
        (401, AuthFailed),
        (402, OutOfCredits),
        (403, AuthFailed),
        (404, NotFound),
        (422, BadRequest),
        (301, EndpointNotFound),
        (405, EndpointNotFound),
    ],
)
def test_send_when_refused_for_good_then_raises_at_once(status: int, error: type[VendorError]) -> None:
    with scripted(Answer(status)) as server, pytest.raises(error) as raised:
        _transport(server.url).send(READ)
    assert len(server.seen) == 1
    assert (raised.value.vendor, raised.value.operation, raised.value.status) == ("acme", "get_thing", status)


def test_send_when_a_record_is_not_there_then_not_found_but_not_for_an_unknown_path() -> None:
    with scripted(Answer(404, '{"message": "Lead not found"}')) as server, pytest.raises(NotFound):
        _transport(server.url).send(READ)
    for body in ('{"message": "Cannot GET /things/1"}', '"gone"', "<html>Not Found</html>"):
        with scripted(Answer(404, body)) as server, pytest.raises(EndpointNotFound, match="correct the host"):
            _transport(server.url).send(READ)


def test_send_when_a_read_is_cut_then_tries_again() -> None:
    with scripted(CUT, Answer(200, '{"ok": 1}')) as server:
        assert _transport(server.url).send(READ).body == {"ok": 1}
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "answer", [CUT, Answer(408), Answer(500), Answer(502), Answer(504), Answer(200, "<html>")], ids=str
)
def test_send_when_the_answer_to_a_paid_call_is_lost_then_never_repeats_it(answer: Answer | str) -> None:
    with scripted(answer) as server, pytest.raises(ResponseLost):
        _transport(server.url).send(BUY)
    assert len(server.seen) == 1


def test_send_when_the_body_cannot_be_unpacked_then_a_read_is_down_and_a_paid_call_outcome_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE", 0.0)
    damaged = Answer(200, "no gzip", {"Content-Encoding": "gzip"})
    for call, error, asked in ((READ, VendorDown, 4), (BUY, ResponseLost, 1)):
        with scripted(damaged) as server, pytest.raises(error, match="DecodingError"):
            _transport(server.url).send(call)
        assert len(server.seen) == asked


def test_send_when_a_paid_call_times_out_then_never_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ResponseLost, match="ReadTimeout"):
            _transport(url).send(BUY)


def test_send_when_nobody_listens_then_even_a_paid_call_is_down_and_not_outcome_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    slept: list[float] = []
    with pytest.raises(VendorDown, match="ConnectError"):
        _transport(url, slept).send(BUY)
    assert len(slept) == 4 + 3  # a paced turn before each of four tries, a pause between them


def test_send_when_the_request_cannot_be_written_then_a_paid_call_is_down_and_not_outcome_unknown() -> None:
    with scripted(Answer(200)) as server:
        pasted = Endpoint("acme", server.url, 1e6, {"Authorization": "Bearer top-secret\n"})
        for endpoint_, kind in ((pasted, "LocalProtocolError"), (_endpoint("htp://acme.test"), "UnsupportedProtocol")):
            with pytest.raises(VendorDown, match=kind) as raised:
                Transport(endpoint_, sleep=[0.0].append).send(BUY)
            assert "top-secret" not in str(raised.value)
    assert server.seen == []


def test_send_when_the_proxy_refuses_then_a_paid_call_is_down_and_not_outcome_unknown() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError("407", request=request)

    with pytest.raises(VendorDown, match="ProxyError"):
        Transport(_endpoint("http://acme.test"), http=httpx.MockTransport(refuse), sleep=[0.0].append).send(BUY)


def test_send_async_when_refused_for_now_then_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE", 0.01)

    async def ask(url: str) -> object:
        client = AsyncTransport(_endpoint(url))
        try:
            return (await client.send(READ)).body
        finally:
            await client.aclose()

    with scripted(Answer(503), CUT, Answer(200, '{"ok": 1}')) as server:
        assert asyncio.run(ask(server.url)) == {"ok": 1}
    assert len(server.seen) == 3


def test_errors_and_logs_when_refused_then_hold_neither_secret_nor_person(caplog: pytest.LogCaptureFixture) -> None:
    body = '{"message": ["email ada@example.test is not an email"], "statusCode": 422}'
    with (
        caplog.at_level(logging.DEBUG),
        scripted(Answer(422, body)) as server,
        pytest.raises(BadRequest) as raised,
    ):
        _transport(server.url).send(BUY)
    assert raised.value.fields == ("email",)
    assert "It complains about: email." in str(raised.value)
    for text in (str(raised.value), repr(_endpoint("http://x")), caplog.text):
        assert "ada@" not in text
        assert "top-secret" not in text


def test_logs_when_a_call_succeeds_then_do_not_show_its_url(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), scripted(Answer(200)) as server:
        _transport(server.url).send(Call("lookup", "GET", "/v2/PhoneNumbers/+15125550100", repeatable=True))
    assert "5125550100" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
        ({"x-ratelimit-interval-milliseconds": "10000", "x-ratelimit-remaining": "0"}, 10.0),
        ({"x-ratelimit-interval-milliseconds": "10000", "x-ratelimit-daily-remaining": "0"}, 3600.0),
        ({"x-ratelimit-daily-remaining": ""}, None),
    ],
)
def test_seconds_asked_for_when_429_then_reads_what_the_vendor_sends(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert seconds_asked_for(headers) == seconds


def test_seconds_asked_for_when_a_date_then_counts_from_now() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    asked = seconds_asked_for({"retry-after": at})
    assert asked is not None
    assert 17.0 < asked <= 20.0


def test_endpoint_when_the_secret_is_missing_then_names_the_connection() -> None:
    connection = Connection(conn_id="acme_default", conn_type="http", host="https://acme.test")
    with pytest.raises(AuthFailed, match="acme_default has no password"):
        endpoint("acme", connection, 5.0)


def test_endpoint_when_the_plan_allows_another_rate_then_the_extra_wins() -> None:
    connection = Connection(
        conn_id="acme_default",
        conn_type="http",
        host="https://acme.test/api/",
        password="k",
        extra='{"requests_per_second": 2.5}',
    )
    found = endpoint("acme", connection, 5.0)
    assert (found.base_url, found.requests_per_second) == ("https://acme.test/api", 2.5)
    assert found.headers["Authorization"] == "Bearer k"


@pytest.mark.parametrize("secret", ["top-secret\n", " top-secret", "top\tsecret", "top-s\u00e9cret"])
@pytest.mark.parametrize("basic", [False, True])
def test_endpoint_when_the_secret_was_pasted_badly_then_names_the_connection_and_not_the_secret(
    secret: str, basic: bool
) -> None:
    connection = Connection(
        conn_id="acme_default", conn_type="http", host="https://acme.test", login="me", password=secret
    )
    with pytest.raises(AuthFailed, match="password of connection acme_default holds a blank") as raised:
        endpoint("acme", connection, 5.0, basic=basic)
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize("host", ["htp://acme.test", "https://acme .test", "https://acme.test\n"])
def test_endpoint_when_the_host_is_no_url_then_names_the_connection(host: str) -> None:
    connection = Connection(conn_id="acme_default", conn_type="http", host=host, password="k")
    with pytest.raises(ValueError, match="host of connection acme_default is no http"):
        endpoint("acme", connection, 5.0)


def test_send_when_the_vendor_speaks_in_its_own_words_then_outcome_reads_them() -> None:
    def outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
        if response.status_code == 400 and "slow down" in response.text:
            return RateLimited(vendor, call.operation, 400, "Slow down.")
        return outcome_of(vendor, call, response)

    with scripted(Answer(400, '{"error": "slow down"}'), Answer(200, '{"ok": 1}')) as server:
        talk = Transport(_endpoint(server.url), sleep=[].append, outcome=outcome)
        assert talk.send(READ).body == {"ok": 1}
    assert len(server.seen) == 2


def test_send_when_a_form_is_given_then_it_is_the_body_and_the_answer_keeps_its_bytes() -> None:
    with scripted(Answer(200, ' {"name": "Caf\u00e9"}\n')) as server:
        reply = _transport(server.url).send(Call("get_token", "POST", f"{server.url}/token", True, form={"a": "b c"}))
    assert server.bodies == ["a=b+c"]
    assert server.headers[0]["content-type"] == "application/x-www-form-urlencoded"
    assert reply.content == ' {"name": "Caf\u00e9"}\n'.encode()


def test_endpoint_when_the_vendor_wants_another_header_then_the_secret_is_there_only() -> None:
    connection = Connection(conn_id="acme_default", conn_type="http", host="https://acme.example", password="k")
    made = endpoint("acme", connection, 5.0, secret_header=("Authorization", "Token token={}"))
    assert made.headers["Authorization"] == "Token token=k"
    assert "Authorization" not in endpoint("acme", connection, 5.0, secret_header=("TTD-Auth", "{}")).headers


def test_send_when_the_connection_was_idle_then_the_call_goes_out_on_a_new_one() -> None:
    connections: set[tuple[str, int]] = set()

    class Kept(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connections.add(self.client_address)
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = _transport(f"http://127.0.0.1:{server.server_port}")
        client.send(READ)
        client.send(READ)
        assert len(connections) == 1
        time.sleep(2.2)
        client.send(READ)
        assert len(connections) == 2
        client.close()
        server.shutdown()
