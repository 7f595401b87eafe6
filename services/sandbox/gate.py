"""The gate in front of every vendor operation: fault, key, limits, contract, and only then the work.

Also the one place that counts calls in the ledger, so that refused calls are counted too.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from services.sandbox.contract import METHODS, Contract, Operation, Problem
from services.sandbox.faults import CALL_KINDS, Fault, Faults
from services.sandbox.ledger import Ledger
from services.sandbox.limits import Window
from services.sandbox.modeled import VendorModel, given_names, is_among, vendor_model


@dataclass(frozen=True)
class Call:
    """A request that passed the gate. `body` is the parsed JSON, or the fields of a form; None when there was none."""

    path: Mapping[str, str]
    query: QueryParams
    body: Any
    request: Request


Handler = Callable[[Call], Awaitable[Response]]
Handlers = Mapping[str, Handler]


class OperationLimits(Protocol):
    """Limits of one operation alone. `headers` are set on its answers but 401 and 403."""

    def has_room(self) -> bool: ...

    def take(self) -> None: ...

    def headers(self, status: int) -> dict[str, str]: ...


def no_headers() -> dict[str, str]:
    return {}


def of_address(operation: Operation, request: Request, document: Any) -> tuple[QueryParams, Any]:
    """The usual way to read parameters: they stand in the address, and the body is the body."""
    return request.query_params, document


@dataclass
class Vendor:
    """How one vendor admits and refuses. `error(status, message)` answers in that vendor's own error shape."""

    name: str
    prefix: str
    contract: Contract
    is_authorised: Callable[[Request], bool]
    error: Callable[[int, str], Response]
    refuse: Callable[[Operation, list[Problem]], Response]
    windows: list[Window] = field(default_factory=list)
    max_in_flight: int = 1_000_000
    headers: Callable[[], dict[str, str]] = no_headers
    operation_limits: Mapping[str, "OperationLimits"] = field(default_factory=dict)
    # Some vendors read the parameters of an operation out of a body, too: what is then parameter, and what is left of the body.
    parameters: Callable[[Operation, Request, Any], tuple[QueryParams, Any]] = of_address
    takes_trailing_slash: bool = False
    in_flight: int = 0


def vendor_routes(vendor: Vendor, handlers: Handlers, ledger: Ledger, faults: Faults) -> list[Route]:
    """One route per operation of the contract, and last a catch-all that answers 404 as the vendor would."""
    missing = set(vendor.contract.operations) ^ set(handlers)
    if missing:
        raise ValueError(f"{vendor.name}: contract and handlers differ in {sorted(missing)}")
    model = vendor_model(vendor.name)
    routes = [
        Route(
            vendor.prefix + operation.path + ending,
            _endpoint(vendor, model, operation, handlers[operation.id], ledger, faults),
            methods=[operation.method],
        )
        for operation in vendor.contract.operations.values()
        for ending in (("", "/") if vendor.takes_trailing_slash else ("",))
    ]

    async def nowhere(request: Request) -> Response:
        ledger.count(vendor.name, "unknown", 404)
        return vendor.error(404, f"Cannot {request.method} {request.url.path.removeprefix(vendor.prefix)}")

    return [*routes, Route(vendor.prefix + "/{rest:path}", nowhere, methods=[method.upper() for method in METHODS])]


def _endpoint(
    vendor: Vendor, model: VendorModel, operation: Operation, handler: Handler, ledger: Ledger, faults: Faults
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        fault = faults.take(vendor.name, operation.id, CALL_KINDS)
        if fault and fault.kind == "status":
            return faulty(fault, vendor.error(fault.status, "ordered by the test"))
        vendor.in_flight += 1
        try:
            if fault and fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            response = await _admitted(vendor, model, operation, handler, request)
        finally:
            vendor.in_flight -= 1
        if fault and fault.kind == "false_refusal" and response.status_code < 400:
            return faulty(fault, vendor.error(fault.status, "ordered by the test"))
        return CutResponse(response) if fault and fault.kind == "drop_response" else response

    async def counted(request: Request) -> Response:
        response = await answer(request)
        ledger.count(vendor.name, operation.id, 0 if isinstance(response, CutResponse) else response.status_code)
        limits = vendor.operation_limits.get(operation.id)
        own = limits.headers(response.status_code) if limits and response.status_code not in (401, 403) else {}
        for name, value in {**vendor.headers(), **own}.items():
            response.headers.setdefault(name, value)
        return response

    return counted


async def _admitted(
    vendor: Vendor, model: VendorModel, operation: Operation, handler: Handler, request: Request
) -> Response:
    if not vendor.is_authorised(request):
        return vendor.error(401, "")
    if vendor.in_flight > vendor.max_in_flight or not all(window.has_room() for window in vendor.windows):
        return vendor.error(429, "")
    limits = vendor.operation_limits.get(operation.id)
    if limits and not limits.has_room():
        return vendor.error(429, operation.path.removeprefix("/"))
    for window in vendor.windows:
        window.take()
    if limits:
        limits.take()
    body = await request.body()
    try:
        query, document = vendor.parameters(operation, request, _parsed(request, body))
    except ValueError as error:
        return vendor.refuse(operation, [Problem("body", "", f"is not JSON: {error}")])
    problems = operation.problems(request.path_params, query, request.headers, body)
    if problems:
        return vendor.refuse(operation, problems)
    read = model.operations[operation.id]
    unread = read.unread(given_names(query, request.headers, operation.declared, document))
    unknown = [name for name in unread if name.startswith("body/") and not is_among(name, operation.declared)]
    if unknown and model.unknown == "refuse":
        fields = [name.removeprefix("body/") for name in unknown]
        return vendor.refuse(operation, [Problem("body", name, f"property {name} should not exist") for name in fields])
    if unread:
        return vendor.error(501, f"not modeled by the sandbox: {', '.join(unread)} of {operation.id} (docs/sandbox.md)")
    return await handler(Call(request.path_params, query, document, request))


def _parsed(request: Request, body: bytes) -> Any:
    """The fields of a form, or the JSON of a body; None without a body. ValueError where it is no JSON."""
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return dict(parse_qsl(body.decode()))
    return json.loads(body) if body else None


def faulty(fault: Fault, usual: Response) -> Response:
    """The answer that a status fault asks for: its own body and headers, or else the vendor's usual error."""
    if fault.body is None:
        usual.headers.update(fault.headers)
        return usual
    if isinstance(fault.body, str):
        return Response(fault.body, fault.status, fault.headers, media_type="text/plain")
    return JSONResponse(fault.body, fault.status, fault.headers)


class CutResponse(Response):
    """Does the work and starts the answer, then cuts the connection in the middle of the body."""

    def __init__(self, whole: Response) -> None:
        super().__init__(status_code=whole.status_code)
        self.whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_cut = False

        async def half(message: Message) -> None:
            nonlocal is_cut
            if message["type"] == "http.response.start":
                await send(message)
            elif not is_cut:
                is_cut = True
                body = message.get("body", b"")
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})

        await self.whole(scope, receive, half)


def bearer(request: Request) -> str:
    """The bearer token of a request; empty when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
