"""Clay: routines of our workspace over up to 100 people at once, or over a file; rows pushed into a table.

Contract: https://developers.clay.com (Public API v0) and https://university.clay.com/docs/webhook-integration-guide.

A routine is built by a person in the workspace; its id looks like `function:t_...` or `workflow:...`, and what goes in and
comes out is ours to define (docs/connections.md lists what we expect). A run is asynchronous: 202 while it works. It may
be `complete` and still hold failed items.

Published limits: 100 items a run; 50,000 rows a batch file; a request rate whose number is not published, told by
Retry-After on every 429. Table source: 50,000 submissions for life, even after rows are deleted; 100 KB a row; 10 rows a
second and workspace, burst 20 (a community answer). Cost: actions and data credits of the routine, none for an
enrichment without a result; no answer tells the charge. 402 means that credits or quota are used up.

No idempotency key: a repeated POST runs and charges again, so starting a run is never repeated unless Clay refused it
with 429. A table row returns nothing: its `correlation_id` is how its answer is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
from airflow.sdk import BaseHook

from hooks.http.errors import BadRequest, EndpointNotFound, NotFound, ResponseLost, VendorDown, VendorError
from hooks.http.transport import AsyncTransport, Call, Endpoint, Reply, Transport, endpoint, outcome_of

VENDOR = "clay"
REQUESTS_PER_SECOND = 5.0  # ours: no number is published
ROWS_PER_SECOND = 10.0
MAX_ITEMS = 100  # of one run
MAX_BATCH_ROWS = 50_000
MAX_ROW_BYTES = 102_400
PAGE = 100

RunKind = Literal["run", "run-batch"]


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a run. id: ours, up to 64 characters, comes back with the result. inputs: what the routine takes."""

    id: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that Clay took. Write the id down before anything else: there is no other way to its results."""

    id: str
    kind: RunKind
    reply: Reply


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What came of one item. result: the routine's outputs, None when it failed; error: Clay's words then."""

    id: str
    result: Mapping[str, Any] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Results:
    """A run as it is now.

    status: in_progress, complete, validation_failed or processing_failed; any other value is final, too.
    items: empty until it is complete. error: why a batch as a whole failed. replies: every page or file, as received.
    """

    status: str
    finished: int
    total: int
    items: tuple[ItemResult, ...]
    error: str | None
    replies: tuple[Reply, ...]

    @property
    def is_over(self) -> bool:
        return self.status != "in_progress"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is."""

    user_id: str
    workspace_id: str


class ClayHook(BaseHook):
    """Connection: host `https://api.clay.com/public/v0`, password = API key (header clay-api-key).

    Extra: `requests_per_second`; `contact_routine` and `company_routine`, ids of our routines; `webhook_id` of the
    webhook that `clay webhooks create` made, optional; `table_url` and `table_token` of a table's webhook source,
    optional.
    """

    conn_name_attr = "clay_conn_id"
    default_conn_name = "clay_default"
    conn_type = "http"
    hook_name = "Clay"

    def __init__(self, clay_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.clay_conn_id = clay_conn_id
        self._transport: Transport | None = None
        self._table: Transport | None = None

    def get_conn(self) -> Transport:
        if self._transport is None:
            self._transport = Transport(_endpoint(self.get_connection(self.clay_conn_id)), outcome=_outcome)
        return self._transport

    async def get_async_conn(self) -> AsyncTransport:
        """A transport for polling from the triggerer, where the blocking connection look-up would stop every trigger."""
        return AsyncTransport(_endpoint(await self.aget_connection(self.clay_conn_id)), outcome=_outcome)

    def me(self) -> Account:
        """Whose key it is; free."""
        reply = self._send("me", "GET", "/me")
        user, workspace = (_part(reply.body, name) for name in ("user", "workspace"))
        if "id" not in user or "id" not in workspace:
            raise VendorDown(VENDOR, "me", reply.status, "The body has no user.id and workspace.id.")
        return Account(str(user["id"]), str(workspace["id"]))

    def routine(self, name: Literal["contact", "company"]) -> str:
        """The id of one of our routines, from extra `<name>_routine`."""
        routine = self.get_connection(self.clay_conn_id).extra_dejson.get(f"{name}_routine")
        if not routine:
            raise ValueError(f"connection {self.clay_conn_id}: extra {name}_routine must hold the id of our routine")
        return str(routine)

    def start_run(self, routine_id: str, items: Sequence[Item]) -> Run:
        """Start a routine over 1 to 100 items. Paid, so never repeated while the outcome is unknown.

        Raises OutOfCredits on 402, ResponseLost when it is not known whether it runs, EndpointNotFound when the workspace
        has no such routine.
        """
        if not 1 <= len(items) <= MAX_ITEMS:
            raise ValueError(f"start_run takes 1 to {MAX_ITEMS} items, not {len(items)}: cut the list up")
        body = {"items": [{"id": item.id, "inputs": dict(item.inputs)} for item in items], **self._webhook()}
        reply = self._start("start_run", f"/routines/{_segment(routine_id)}/run", body)
        return Run(_run_id("start_run", reply), "run", reply)

    def upload_batch(self, routine_id: str, items: Sequence[Item]) -> str:
        """Put a file of up to 50,000 items where a batch can take it, and return its id. Free: nothing runs yet."""
        if not 1 <= len(items) <= MAX_BATCH_ROWS:
            raise ValueError(f"a batch takes 1 to {MAX_BATCH_ROWS} items, not {len(items)}: cut the list up")
        reply = self._send("upload_url", "POST", f"/routines/{_segment(routine_id)}/run-batch/upload-url")
        given = reply.body if isinstance(reply.body, Mapping) else {}
        if not given.get("upload_url") or not given.get("file_id"):
            raise VendorDown(VENDOR, "upload_url", reply.status, "The body has no upload_url and file_id.")
        lines = (json.dumps({"id": item.id, "inputs": dict(item.inputs)}, ensure_ascii=False) for item in items)
        self._file("upload", "PUT", str(given["upload_url"]), "\n".join(lines).encode())
        return str(given["file_id"])

    def start_batch(self, routine_id: str, file_id: str) -> Run:
        """Start a routine over an uploaded file. Paid, so never repeated while the outcome is unknown. Raises as start_run does."""
        body = {"file_id": file_id, **self._webhook()}
        reply = self._start("start_batch", f"/routines/{_segment(routine_id)}/run-batch/start", body)
        return Run(_run_id("start_batch", reply), "run-batch", reply)

    def results(self, run_id: str, kind: RunKind = "run") -> Results:
        """Read a run or a batch as it is now; free. A stopped batch says in_progress for ever: poll with a deadline.

        Raises NotFound for an id that Clay does not know.
        """
        return self._batch_results(run_id) if kind == "run-batch" else self._run_results(run_id)

    async def is_over(self, transport: AsyncTransport, run_id: str, kind: RunKind = "run") -> bool:
        """Whether waiting longer is pointless: done, failed, or unknown to Clay. For a trigger."""
        params = {"limit": 1} if kind == "run" else {}  # a batch's results are a file: they have no pages
        call = Call(f"{kind}_results", "GET", _results_path(run_id, kind), repeatable=True, params=params)
        try:
            reply = await transport.send(call)
        except BadRequest:  # an unknown id stays unknown
            return True
        return bool(_state(f"{kind}_results", reply)["status"] != "in_progress")

    def push_row(self, row: Mapping[str, Any]) -> None:
        """Push one row into the table of extra `table_url`. It is never repeated while the outcome is unknown: each row counts for life.

        row: must hold `correlation_id`, by which the answer will be known. Raises ResponseLost when it may have arrived.
        """
        if not row.get("correlation_id"):
            raise ValueError("a row needs a correlation_id: Clay returns no row id, so its answer would be nobody's")
        size = len(json.dumps(row).encode())
        if size > MAX_ROW_BYTES:
            raise ValueError(f"a row may have {MAX_ROW_BYTES} bytes, not {size}: send less in it")
        transport = self._table_conn()
        transport.send(Call("push_row", "POST", self._table_url(), repeatable=False, json=dict(row)))

    def test_connection(self) -> tuple[bool, str]:
        """Ask whose key it is, and whether our routines are named: free."""
        try:
            account = self.me()
            routines = [self.routine("contact"), self.routine("company")]
        except (VendorError, ValueError) as error:
            return False, str(error)
        return True, f"Clay answers for workspace {account.workspace_id}; {len(routines)} routines are named"

    def _run_results(self, run_id: str) -> Results:
        items: list[ItemResult] = []
        replies: list[Reply] = []
        cursor: str | None = None
        while True:
            params = {"limit": PAGE, "cursor": cursor} if cursor else {"limit": PAGE}
            reply = self._send("run_results", "GET", _results_path(run_id, "run"), params=params)
            state = _state("run_results", reply)
            replies.append(reply)
            items += [item for one in _list(state.get("data")) if (item := _item(one)) is not None]
            following = state.get("cursor")
            if not following:
                return _results(state, items, replies)
            if following == cursor:
                raise VendorDown(VENDOR, "run_results", reply.status, "A page names itself as the next one.")
            cursor = str(following)

    def _batch_results(self, run_id: str) -> Results:
        reply = self._send("run-batch_results", "GET", _results_path(run_id, "run-batch"))
        state = _state("run-batch_results", reply)
        if state["status"] != "complete":
            return _results(state, [], [reply])
        file = self._file("download", "GET", str(state.get("result_url")))
        try:
            read = [_item(json.loads(line)) for line in file.content.splitlines() if line.strip()]
            items = [item for item in read if item is not None]
        except ValueError as odd:
            raise VendorDown(VENDOR, "download", file.status, "A line of the result file is not JSON.") from odd
        return _results(state, items, [reply, file])

    def webhook_id(self) -> str:
        """The id of our webhook, from extra `webhook_id`; empty where none was made, and then no run calls back."""
        return str(self.get_connection(self.clay_conn_id).extra_dejson.get("webhook_id") or "")

    def _webhook(self) -> dict[str, str]:
        webhook_id = self.webhook_id()
        return {"webhook_id": webhook_id} if webhook_id else {}

    def _start(self, operation: str, path: str, body: Mapping[str, Any]) -> Reply:
        try:
            return self.get_conn().send(Call(operation, "POST", path, repeatable=False, json=body))
        except NotFound as missing:
            advice = f"The workspace has no such routine: correct extra *_routine of connection {self.clay_conn_id}."
            raise EndpointNotFound(VENDOR, operation, missing.status, advice) from missing

    def _send(self, operation: str, method: str, path: str, params: Mapping[str, Any] | None = None) -> Reply:
        return self.get_conn().send(Call(operation, method, path, repeatable=True, params=params))

    def _file(self, operation: str, method: str, url: str, content: bytes | None = None) -> Reply:
        """Put or get a file at an address that is a key in itself: our own key must not go there."""
        base = _endpoint(self.get_connection(self.clay_conn_id))
        transport = Transport(replace(base, headers={"Accept": "*/*"}), outcome=_file_outcome)
        try:
            return transport.send(Call(operation, method, url, repeatable=True, content=content))
        finally:
            transport.close()

    def _table_conn(self) -> Transport:
        if self._table is None:
            token = self.get_connection(self.clay_conn_id).extra_dejson.get("table_token")
            headers = {"Accept": "application/json", **({"x-clay-webhook-auth": str(token)} if token else {})}
            table = Endpoint(VENDOR, self._table_url(), ROWS_PER_SECOND, headers)
            self._table = Transport(table, outcome=_row_outcome)
        return self._table

    def _table_url(self) -> str:
        url = str(self.get_connection(self.clay_conn_id).extra_dejson.get("table_url") or "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"connection {self.clay_conn_id}: extra table_url must hold the whole URL of the source")
        return url


def _endpoint(connection: Any) -> Endpoint:
    return endpoint(VENDOR, connection, REQUESTS_PER_SECOND, secret_header=("clay-api-key", "{}"))


def _outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """A 5xx to the start of a run leaves it outcome unknown, 503 included: Clay does not say that 503 ran nothing."""
    if response.status_code >= 500 and not call.repeatable:
        return ResponseLost(
            vendor,
            call.operation,
            response.status_code,
            "Clay broke off, and the run may have started: look for it in the workspace. It is not repeated by itself.",
        )
    return outcome_of(vendor, call, response)


def _file_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """A file is no JSON, and an address that lives minutes answers 403 or 404 afterwards: that is no wrong key."""
    if response.is_success:
        return Reply(response.status_code, response.text, None, response.content, response.headers)
    if response.status_code in (403, 404):
        return VendorDown(
            vendor, call.operation, response.status_code, "The file's address has expired. The task asks for a new one."
        )
    return outcome_of(vendor, call, response)


def _row_outcome(vendor: str, call: Call, response: httpx.Response) -> Reply | VendorError:
    """What a table source says when it takes a row is not documented: any 2xx is a yes, whatever its body."""
    if response.is_success:
        return Reply(response.status_code, response.text, None, response.content, response.headers)
    return _outcome(vendor, call, response)


def _segment(routine_id: str) -> str:
    return quote(routine_id, safe=":")


def _results_path(run_id: str, kind: RunKind) -> str:
    return f"/routines/{kind}/{quote(run_id, safe='')}/results"


def _run_id(operation: str, reply: Reply) -> str:
    run_id = reply.body.get("routine_run_id") if isinstance(reply.body, Mapping) else None
    if not run_id:
        raise ResponseLost(VENDOR, operation, reply.status, "The run started and the answer names no routine_run_id.")
    return str(run_id)


def _state(operation: str, reply: Reply) -> Mapping[str, Any]:
    if not isinstance(reply.body, Mapping) or not isinstance(reply.body.get("status"), str):
        raise VendorDown(VENDOR, operation, reply.status, "The body has no `status`.")
    return reply.body


def _results(state: Mapping[str, Any], items: Sequence[ItemResult], replies: Sequence[Reply]) -> Results:
    error = _part(state, "error").get("message")
    finished, total = state.get("finished"), state.get("total")
    return Results(
        status=str(state["status"]),
        finished=finished if isinstance(finished, int) else 0,
        total=total if isinstance(total, int) else 0,
        items=tuple(items),
        error=None if error is None else str(error),
        replies=tuple(replies),
    )


def _item(item: Any) -> ItemResult | None:
    """One item; None for what has no id and is nobody's. The page is kept as received (include/enrichment/vendor_rows.py judges it)."""
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
        return None
    if item.get("status") == "complete":
        return ItemResult(item["id"], _part(item, "result"), None)
    return ItemResult(item["id"], None, str(_part(item, "error").get("message") or item.get("status")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _part(body: Any, name: str) -> Mapping[str, Any]:
    """The object under ``name``, or an empty one."""
    part = body.get(name) if isinstance(body, Mapping) else None
    return part if isinstance(part, Mapping) else {}
