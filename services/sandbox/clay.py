"""Clay: routines over items or a file, and a table's webhook source, to contracts/clay.yaml.

Two routines of ours are built in the workspace. `function:t_dentist_contact` takes full_name, and company or domain, or city
and state, and fields (of email, linkedin, mobile; the first two unless said), `function:t_practice_company` takes company and domain. A field
that is found costs data credits, one that is not costs none. Out of credits: 402 for a run that starts with none, and
failed items in a run that runs out.
"""

import base64
import binascii
import hmac
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from include.enrichment.callbacks import clay_signature
from services.sandbox.callbacks import Callback, Callbacks
from services.sandbox.clock import Clock, iso
from services.sandbox.contract import Operation, Problem, contract
from services.sandbox.draws import digest, uniform
from services.sandbox.faults import Faults
from services.sandbox.gate import Call, Vendor, vendor_routes
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.plan import Plan
from services.sandbox.views import clay_view, company_view
from services.sandbox.world import World

PREFIX, FILES = "/clay", "/clay-files"
ROWS = "/sources/webhook/"
CONTACT, COMPANY = "function:t_dentist_contact", "function:t_practice_company"
WEBHOOK_ID = "wh_sandbox"
CREDITS = {"email": 4.0, "linkedin": 1.0, "mobile": 10.0, "company": 3.0}
MAX_ROW_BYTES = 102_400
NO_CREDITS = "Insufficient credits"
MESSAGES = {
    401: "Authentication failed",
    402: "Out of credits",
    403: "Forbidden",
    404: "Not found",
    429: "Rate limit exceeded",
}


class Rate:
    """So many requests in a sliding window, with Clay's headers on a refusal."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.window = Window(limit, seconds)

    def has_room(self) -> bool:
        return self.window.has_room()

    def take(self) -> None:
        self.window.take()

    def headers(self, status: int) -> dict[str, str]:
        if status != 429:
            return {}
        told = {"X-RateLimit-Limit": str(self.window.limit), "X-RateLimit-Remaining": str(self.window.remaining())}
        return {"Retry-After": "1", **told}


@dataclass(frozen=True)
class Run:
    """One run. `error`: the terminal state of a batch that failed as a whole, else None. Times are monotonic."""

    id: str
    started: float
    due: float
    items: tuple[dict[str, Any], ...]
    error: dict[str, Any] | None = None

    def finished(self, now: float) -> int:
        share = 1.0 if now >= self.due else (now - self.started) / (self.due - self.started)
        return math.floor(share * len(self.items))


@dataclass
class Clay:
    """One workspace. `files`: uploaded batches by id."""

    plan: Plan
    world: World
    clock: Clock
    ledger: Ledger
    callbacks: Callbacks
    runs: dict[str, Run] = field(default_factory=dict)
    files: dict[str, bytes | None] = field(default_factory=dict)
    rows: int = 0

    async def me(self, call: Call) -> Response:
        user = {"id": "user_sandbox", "name": "Sandbox", "cli_onboarded": True}
        return JSONResponse({"user": user, "workspace": {"id": "ws_sandbox"}})

    async def run(self, call: Call) -> Response:
        items = call.body["items"]
        refusal = self._refusal(call)
        if refusal:
            return refusal
        run = self._start(call, "run", [self._item(call.path["routine_id"], "runRoutine", item) for item in items])
        return JSONResponse({"routine_run_id": run.id, "status": "in_progress"}, 202)

    async def results(self, call: Call) -> Response:
        run = self.runs.get(call.path["routine_run_id"])
        if run is None:
            return error(404, "Run not found")
        now = time.monotonic()
        counts = {"routine_run_id": run.id, "total": len(run.items), "finished": run.finished(now)}
        if now < run.due:
            return JSONResponse({**counts, "status": "in_progress"}, 202)
        start = _offset(call.query.get("cursor", ""))
        if start is None:
            return error(400, "Invalid cursor")
        end = start + int(call.query.get("limit", 20))
        body = {**counts, "status": "complete", "data": list(run.items[start:end])}
        if end < len(run.items):
            body["cursor"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        return JSONResponse(body)

    async def upload_url(self, call: Call) -> Response:
        if call.path["routine_id"] not in (CONTACT, COMPANY):
            return error(404, "Routine not found")
        file_id = f"file_{len(self.files) + 1:06d}"
        self.files[file_id] = None
        return JSONResponse({"file_id": file_id, "upload_url": self._file_url(call.request, file_id, None)})

    async def start_batch(self, call: Call) -> Response:
        content = self.files.get(call.body["file_id"])
        if content is None:
            return error(400, "File not found: upload it first")
        refusal = self._refusal(call)
        if refusal:
            return refusal
        lines, faults = _batch_lines(content)
        if faults:
            told = {"message": "The file has invalid rows", "total_invalid_rows": len(faults), "details": faults[:100]}
            run = self._start(call, "batch", [], {"status": "validation_failed", "error": told})
        else:
            routine = call.path["routine_id"]
            run = self._start(call, "batch", [self._item(routine, "startRoutineRunBatch", line) for line in lines])
        return JSONResponse({"routine_run_id": run.id, "status": "in_progress"}, 202)

    async def batch_results(self, call: Call) -> Response:
        run = self.runs.get(call.path["routine_run_id"])
        if run is None:
            return error(404, "Run not found")
        now = time.monotonic()
        counts = {"routine_run_id": run.id, "total": len(run.items), "finished": run.finished(now)}
        if now < run.due:
            return JSONResponse({**counts, "status": "in_progress"}, 202)
        if run.error:
            return JSONResponse({"routine_run_id": run.id, **run.error})
        url = self._file_url(call.request, run.id, now + self.plan.clay_result_seconds)
        return JSONResponse({**counts, "status": "complete", "result_url": url})

    async def push_row(self, call: Call) -> Response:
        if len(await call.request.body()) > MAX_ROW_BYTES:
            return error(413, "Payload too large")
        if self.rows >= self.plan.clay_rows_for_life:
            return error(400, "This webhook has reached its limit of 50,000 submissions")
        self.rows += 1
        if call.body.get("callback_url"):
            self._call_back(call.body)
        return JSONResponse({"success": True})

    async def upload(self, request: Request) -> Response:
        """The file store's PUT. 403 for a wrong address, as file stores answer."""
        name = request.path_params["name"]
        if name not in self.files or request.query_params.get("sig") != self._signature(name, None):
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403)
        self.files[name] = await request.body()
        return Response(status_code=200)

    async def download(self, request: Request) -> Response:
        """The result file, one item a line. 403 once its minutes are over."""
        name, expires = request.path_params["name"], request.query_params.get("expires", "0")
        is_signed = request.query_params.get("sig") == self._signature(name, expires)
        if name not in self.runs or not is_signed or time.monotonic() > float(expires):
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403)
        lines = "\n".join(json.dumps(item) for item in self.runs[name].items)
        return Response(lines, media_type="application/jsonl")

    def _refusal(self, call: Call) -> Response | None:
        """Why a run is refused before it starts."""
        if call.path["routine_id"] not in (CONTACT, COMPANY):
            return error(404, "Routine not found")
        if call.body.get("webhook_id") not in (None, WEBHOOK_ID):
            return error(400, "Webhook not found")
        return error(402, "") if self.ledger.balances["clay"] < 1 else None

    def _start(
        self, call: Call, kind: str, items: Sequence[dict[str, Any]], failed: dict[str, Any] | None = None
    ) -> Run:
        number = len(self.runs) + 1
        run_id = f"run_{digest(self.plan.seed, 'clay', kind, str(number))[:20]}"
        now = time.monotonic()
        share = uniform(self.plan.seed, "clay seconds", str(number))
        run = Run(run_id, now, now + self.plan.async_seconds * min(5.0, -math.log(share)), tuple(items), failed)
        self.runs[run_id] = run
        if call.body.get("webhook_id") and self.plan.webhook_url:
            event = {"webhookId": WEBHOOK_ID, "createdAt": iso(self.clock.now), "data": {"routine_run_id": run_id}}
            body = json.dumps(event).encode()
            proof = ("X-Clay-Signature", clay_signature(self._keys()[2], body))
            url = self.plan.webhook_url.rstrip("/") + "/webhooks/clay"
            self.callbacks.post(Callback("clay", "routine_run", run.due, url, body, proof))
        return run

    def _item(self, routine: str, operation: str, item: dict[str, Any]) -> dict[str, Any]:
        """The result of one item, charged by what it finds."""
        answer = self._company if routine == COMPANY else self._contact
        try:
            result, found = answer(item["inputs"])
            self._charge(operation, found)
        except ValueError as reason:
            return {"id": item["id"], "status": "failed", "error": {"message": str(reason)}}
        return {"id": item["id"], "status": "complete", "result": result}

    def _contact(self, inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """(outputs, {field found: subject}). ValueError when an input is missing."""
        if not inputs.get("full_name"):
            raise ValueError("Missing required input: full_name")
        fields = inputs.get("fields") or ["email", "linkedin"]
        empty = dict.fromkeys(("work_email", "email_status", "mobile_phone", "linkedin_url", "company_domain"))
        company, domain = inputs.get("company") or "", inputs.get("domain") or ""
        if inputs.get("city") and inputs.get("state") and not company and not domain:
            person = self.world.person_in(inputs["full_name"], inputs["city"], inputs["state"])
        else:
            person = self.world.person_at(inputs["full_name"], company, domain)
        view = clay_view(self.world, person) if person else None
        if person is None or view is None or not view.is_known:
            return empty, {}
        outputs: dict[str, Any] = {**empty, "company_domain": view.domain}
        found: dict[str, str] = {}
        if "email" in fields and view.email:
            status = "valid" if view.confidence >= 0.7 else "catch_all"
            outputs |= {"work_email": view.email, "email_status": status}
            found["email"] = f"{person.npi}:email"
        if "linkedin" in fields and view.linkedin_slug:
            outputs["linkedin_url"] = f"https://www.linkedin.com/in/{view.linkedin_slug}"
            found["linkedin"] = f"{person.npi}:linkedin"
        if "mobile" in fields and view.mobile_phone:
            outputs["mobile_phone"] = view.mobile_phone
            found["mobile"] = f"{person.npi}:mobile"
        return outputs, found

    def _company(self, inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """(outputs, {field found: subject}). ValueError when an input is missing."""
        if not inputs.get("company") and not inputs.get("domain"):
            raise ValueError("Missing required input: company or domain")
        names = ("name", "domain", "employees", "annual_revenue_usd", "founded_year", "linkedin_url", "phone")
        person = self.world.practice_at(inputs.get("domain") or "", inputs.get("company") or "")
        company = company_view(self.world, "clay", person) if person else None
        if company is None:
            return dict.fromkeys(names), {}
        values = (
            company.name,
            company.domain,
            company.employees,
            company.revenue,
            company.founded,
            f"https://www.linkedin.com/company/{company.domain.removesuffix('.example')}",
            company.phone,
        )
        return dict(zip(names, values, strict=True)), {"company": company.domain}

    def _charge(self, operation: str, found: dict[str, str]) -> None:
        if sum(CREDITS[name] for name in found) > self.ledger.balances["clay"]:
            raise ValueError(NO_CREDITS)
        for name, subject in found.items():
            cost = CREDITS[name] * self.plan.clay_usd_per_credit
            self.ledger.charge("clay", operation, subject, CREDITS[name], cost)

    def _call_back(self, row: dict[str, Any]) -> None:
        """What the table's HTTP API column sends when a row is enriched: unsigned, in a body that we wrote ourselves."""
        item = self._item(CONTACT, "pushRowToTable", {"id": "row", "inputs": row})
        answer = {"correlation_id": row.get("correlation_id"), "status": item["status"], **item.get("result", {})}
        due = time.monotonic() + self.plan.async_seconds
        url = str(row["callback_url"])
        self.callbacks.post(Callback("clay", "table_row", due, url, json.dumps(answer).encode()))

    def _file_url(self, request: Request, name: str, expires: float | None) -> str:
        until = None if expires is None else f"{expires:.3f}"
        query = {"sig": self._signature(name, until), **({"expires": until} if until else {})}
        return f"{request.base_url}{FILES[1:]}/{name}.jsonl?{urlencode(query)}"

    def _signature(self, name: str, expires: str | None) -> str:
        return digest(self.plan.seed, "clay file", name, str(expires))

    def _keys(self) -> list[str]:
        return self.plan.keys["clay"].split(":")


def clay_routes(plan: Plan, world: World, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """The public API and the table source below /clay, and the file store below /clay-files."""
    clay = Clay(plan, world, clock, ledger, Callbacks(faults))
    operations = contract("clay.yaml").operations
    api = Rate(plan.clay_per_second * plan.vendor_limit_factor, 1.0)
    rows = Rate(plan.clay_rows_burst * plan.vendor_limit_factor, plan.clay_rows_burst / plan.clay_rows_per_second)
    vendor = Vendor(
        name="clay",
        prefix=PREFIX,
        contract=contract("clay.yaml"),
        is_authorised=_is_authorised(*plan.keys["clay"].split(":")[:2]),
        error=error,
        refuse=_refuse,
        operation_limits={name: rows if name == "pushRowToTable" else api for name in operations},
    )
    handlers = {
        "getPublicApiMe": clay.me,
        "runRoutine": clay.run,
        "getRunResults": clay.results,
        "runRoutineBatchUploadUrl": clay.upload_url,
        "startRoutineRunBatch": clay.start_batch,
        "getRoutineRunBatchResults": clay.batch_results,
        "pushRowToTable": clay.push_row,
    }
    return [
        *vendor_routes(vendor, handlers, ledger, faults),
        Route(FILES + "/{name}.jsonl", clay.upload, methods=["PUT"]),
        Route(FILES + "/{name}.jsonl", clay.download, methods=["GET"]),
    ]


def error(status: int, message: str) -> Response:
    text = MESSAGES[status] if status in (401, 429) or not message else message
    return JSONResponse({"message": text}, status)


def _refuse(operation: Operation, problems: list[Problem]) -> Response:
    return error(400, "; ".join(map(str, problems)))


def _is_authorised(api_key: str, table_token: str) -> Callable[[Request], bool]:
    def check(request: Request) -> bool:
        is_row = request.url.path.startswith(PREFIX + ROWS)
        header, secret = ("x-clay-webhook-auth", table_token) if is_row else ("clay-api-key", api_key)
        return hmac.compare_digest(request.headers.get(header, "").encode(), secret.encode())

    return check


def _offset(cursor: str) -> int | None:
    """The place that a cursor names; 0 for none, None for one that was not ours."""
    try:
        return int(base64.urlsafe_b64decode(cursor.encode())) if cursor else 0
    except (ValueError, binascii.Error):
        return None


def _batch_lines(content: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(items, what is wrong with which line) of a JSONL file."""
    items: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            item = json.loads(line)
        except ValueError:
            faults.append({"line_number": number, "field": "", "message": "is not JSON"})
            continue
        missing = [name for name in ("id", "inputs") if not isinstance(item, dict) or not item.get(name)]
        faults += [{"line_number": number, "field": name, "message": "is required"} for name in missing]
        items.append(item)
    return items, faults
