"""The state boards' sites, each below /boards/<state>: files, forms, Socrata data sets and a look-up, with robots.txt.

They answer what the real ones answer: ETag and Last-Modified, 304 for what is known, 400 for a question that a data set
cannot take, a sign-in page for who has no session, and forms that want their hidden fields back.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from services.sandbox import soda
from services.sandbox.board_formats import DATA_SETS, FILES, digits, nc_page, published
from services.sandbox.board_forms import BoardForms, file_in, page_in, rows_in
from services.sandbox.board_licensees import Licensee, licensees
from services.sandbox.clock import Clock
from services.sandbox.faults import CALL_KINDS, Faults
from services.sandbox.gate import CutResponse, faulty
from services.sandbox.ledger import Ledger
from services.sandbox.world import Person, World

PREFIX = "/boards"
ROBOTS = "User-agent: *\nDisallow: /boards/tx/private/\nDisallow: /__sandbox__/\n"
FORM_BOARDS = {"nj": ("Verification_Bulk", "Dentistry"), "ma": ("mylicenseverification", "DENTISTRY")}
DATA_SET_IDS = {"wa": "qxh8-f4bd", "il": "pzzh-kp68", "ct": "ngch-56tr", "co": "7s5z-vewr"}
CA_SHARE = "oss6hf8jys2bmgxqd2gdz7w4oepm2il9"
FORM_STEPS = ("Search.aspx", "SearchResults.aspx", "Confirmation.aspx", "PrefDetails.aspx")


class Boards:
    """The boards' lists, made once a day of world time and state of the registry."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self.forms = BoardForms()
        self._registry: Mapping[str, Person] = {}
        self._made: dict[tuple[str, date], list[Licensee]] = {}

    def people(self, state: str) -> list[Licensee]:
        registry, key = self._world.people(), (state, self._clock.now.date())
        if registry is not self._registry:
            self._registry, self._made = registry, {}
        if key not in self._made:
            self._made[key] = licensees(self._world, *key)
        return self._made[key]

    def file(self, state: str) -> bytes:
        return file_in(self.forms.of(state), state, FILES[state](self.people(state)))

    def modified(self) -> str:
        day = self._clock.now.date()
        return format_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC), usegmt=True)


def board_routes(world: World, clock: Clock, ledger: Ledger, faults: Faults) -> list[Route]:
    """GET /robots.txt, and each board's site below /boards/<state>. Faults: vendor board_<state>."""
    boards = Boards(world, clock)

    def counted(state: str, operation: str, answer: Callable[[], Response]) -> Response:
        vendor = f"board_{state}"
        fault = faults.take(vendor, operation, CALL_KINDS)
        if fault and fault.kind == "status":
            response = faulty(fault, PlainTextResponse(f"{fault.status}\n", fault.status))
        else:
            response = answer()
        if fault and fault.kind == "drop_response":
            response = CutResponse(response)
        ledger.count(vendor, operation, 0 if isinstance(response, CutResponse) else response.status_code)
        return response

    def file(request: Request, state: str, media_type: str) -> Response:
        return counted(state, "file", lambda: _versioned(request, boards, boards.file(state.upper()), media_type))

    async def robots(request: Request) -> Response:
        fault = faults.take("boards", "robots", CALL_KINDS)
        return faulty(fault, PlainTextResponse("", fault.status)) if fault else PlainTextResponse(ROBOTS)

    async def tx(request: Request) -> Response:
        return file(request, "tx", "text/csv")

    async def fl(request: Request) -> Response:
        if "session=" not in request.headers.get("cookie", ""):
            return counted("fl", "file", lambda: RedirectResponse(f"{PREFIX}/fl/SignIn", 302))
        if request.query_params.get("fileName") != "LIC_701-P.txt":
            return counted("fl", "file", lambda: PlainTextResponse("404\n", 404))
        return file(request, "fl", "application/octet-stream")

    async def fl_sign_in(request: Request) -> Response:
        return HTMLResponse("<!DOCTYPE html><html><head><title>Sign in</title></head><body>…</body></html>")

    async def ca_folder(request: Request) -> Response:
        item = f'"typedID":"f_{_file_id(boards)}","type":"file","id":1,"date":1,"name":"DentalBoard_Data00.xls"'
        other = '"typedID":"f_1","type":"file","id":2,"date":1,"name":"DentalBoard_Counts.csv"'
        page = f"<!DOCTYPE html><html><script>Box.postStreamData = {{items:[{{{other}}},{{{item}}}]}};</script></html>"
        return counted("ca", "folder", lambda: HTMLResponse(page))

    async def ca_file(request: Request) -> Response:
        if request.query_params.get("file_id") != f"f_{_file_id(boards)}":
            return counted("ca", "file", lambda: PlainTextResponse("404\n", 404))
        return file(request, "ca", "application/vnd.ms-excel")

    async def rows(request: Request) -> Response:
        state = request.path_params["state"]
        if DATA_SET_IDS.get(state) != request.path_params["id"]:
            return JSONResponse({"code": "dataset.missing", "error": True, "message": "Not found"}, 404)
        return counted(state, "rows", lambda: _rows(request, boards, state))

    async def form(request: Request) -> Response:
        state, page = request.path_params["state"], request.path_params["page"]
        if page not in FORM_STEPS or FORM_BOARDS.get(state, ("",))[0] != request.path_params["folder"]:
            return PlainTextResponse("404\n", 404)
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        return counted(state, page.removesuffix(".aspx"), lambda: _form(request, boards, state, page, given))

    async def nc(request: Request) -> Response:
        asked = parse_qs((await request.body()).decode()).get("license", [""])[0]
        number = str(int(asked) - 100_000) if re.fullmatch(r"1\d{5}", asked) else ""
        who = next((who for who in boards.people("NC") if digits(who).lstrip("0") == number), None)
        return counted("nc", "look_up", lambda: HTMLResponse(page_in(boards.forms.of("NC"), nc_page(who))))

    async def forms(request: Request) -> Response:
        """GET: the form of each board. PUT {"seed": 417}: another one for each, or {"forms": {"MA": 1}}; 0 is its own."""
        if request.method == "PUT":
            try:
                given = json.loads(await request.body())
                if "seed" in given:
                    boards.forms.draw(int(given["seed"]))
                boards.forms.choose({str(state): int(number) for state, number in given.get("forms", {}).items()})
            except (AttributeError, TypeError, ValueError) as reason:
                return JSONResponse({"error": f'send {{"seed": 417}} or {{"forms": {{"MA": 1}}}}: {reason}'}, 400)
        return JSONResponse({"forms": boards.forms.as_dict()})

    return [
        Route("/robots.txt", robots),
        Route("/__sandbox__/board-forms", forms, methods=["GET", "PUT"]),
        Route(PREFIX + "/tx/lib/csv/Dentist.csv", tx),
        Route(PREFIX + "/fl/LicensureData", fl),
        Route(PREFIX + "/fl/SignIn", fl_sign_in),
        Route(PREFIX + f"/ca/s/{CA_SHARE}/folder/{{folder}}", ca_folder),
        Route(PREFIX + "/ca/index.php", ca_file),
        Route(PREFIX + "/{state}/resource/{id}.json", rows),
        Route(PREFIX + "/nc/NCBDESearch/searchresult.asp", nc, methods=["POST"]),
        Route(PREFIX + "/{state}/{folder}/{page}", form, methods=["GET", "POST"]),
    ]


def _versioned(request: Request, boards: Boards, content: bytes, media_type: str) -> Response:
    """The content with its validators, or 304 when the client has it."""
    etag = f'"{_digest(content)}"'
    headers = {"ETag": etag, "Last-Modified": boards.modified()}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def _rows(request: Request, boards: Boards, state: str) -> Response:
    rows = DATA_SETS[state.upper()](boards.people(state.upper()))
    with_ids = [
        {":id": f"row-{_digest(f'{state} {number}'.encode())[:4]}-{number:06d}", **row}
        for number, row in enumerate(rows)
    ]
    try:
        found = soda.answer(with_ids, request.query_params)
    except soda.Refused as refusal:
        body = {"code": refusal.code, "error": True, "message": str(refusal)}
        return JSONResponse(body, refusal.status)
    # A count has no columns that a board could write in another way.
    is_count = bool(found) and ":id" not in found[0]
    page = found if is_count else rows_in(boards.forms.of(state.upper()), state.upper(), found)
    return _versioned(request, boards, published(page), "application/json;charset=utf-8")


def _form(request: Request, boards: Boards, state: str, page: str, given: Mapping[str, str]) -> Response:
    """The four pages of the verification software: search, results, confirmation, preferences; then the file."""
    step = FORM_STEPS.index(page)
    if request.method == "GET":
        return HTMLResponse(_form_page(state, page) if not step else _moved())
    if given.get("__VIEWSTATE") != f"{state}-{page}":
        return PlainTextResponse("Validation of viewstate MAC failed.\n", 500)
    profession = FORM_BOARDS[state][1]
    wanted = (
        {
            "t_web_lookup__profession_name": profession,
            "t_web_lookup__license_type_name": "Dentist",
            "sch_button": "Search",
        },
        {"btnBulkDownLoad": "Download File"},
        {"btnContinue": "Continue"},
        {"filetype": "delimitedtext", "sch_button": "Download"},
    )[step]
    if any(given.get(name) != value for name, value in wanted.items()):
        return HTMLResponse(_form_page(state, page))
    if step + 1 < len(FORM_STEPS):
        return HTMLResponse(_form_page(state, FORM_STEPS[step + 1]))
    content = boards.file(state.upper())
    return Response(content, headers={"Content-Disposition": "attachment; filename=Data.txt"}, media_type="text/plain")


def _form_page(state: str, page: str) -> str:
    fields = {
        "Search.aspx": '<select name="t_web_lookup__profession_name"><option value="">All</option>'
        f'<option value="{FORM_BOARDS[state][1]}">{FORM_BOARDS[state][1]}</option></select>'
        '<select name="t_web_lookup__license_type_name"><option value="">All</option>'
        '<option value="Dentist">Dentist</option><option value="Dental Hygienist">Dental Hygienist</option></select>'
        '<input type="text" name="t_web_lookup__last_name"/><input type="submit" name="sch_button" value="Search"/>',
        "SearchResults.aspx": '<input type="submit" name="btnBulkDownLoad" value="Download File"/>',
        "Confirmation.aspx": '<input type="submit" name="btnContinue" value="Continue"/>',
        "PrefDetails.aspx": '<input type="radio" name="filetype" value="delimitedtext"/>'
        '<input type="submit" name="sch_button" value="Download"/>',
    }[page]
    return (
        "<!DOCTYPE html><html><head><title>License Verification</title></head><body>"
        f'<form name="TheForm" method="post" action="./{page}"><input type="hidden" name="__VIEWSTATE" '
        f'value="{state}-{page}"/>{fields}</form></body></html>'
    )


def _moved() -> str:
    return "<!DOCTYPE html><html><head><title>Session expired</title></head><body>Start again.</body></html>"


def _file_id(boards: Boards) -> str:
    """A shared folder gives a file another id each month."""
    return str(2_000_000_000_000 + int(_digest(boards.modified()[8:16].encode())[:6], 16))


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
