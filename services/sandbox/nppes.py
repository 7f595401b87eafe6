"""CMS's download site: the listing page with relative links, and the zips. The folder is read at each request."""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.sandbox.faults import CALL_KINDS, Faults
from services.sandbox.gate import CutResponse, faulty
from services.sandbox.ledger import Ledger
from services.sandbox.registry import sources

PREFIX = "/nppes"


def nppes_routes(folder: Path, ledger: Ledger, faults: Faults) -> list[Route]:
    """GET /nppes/NPI_Files.html and GET /nppes/<name>.zip (Content-Length, ETag, Last-Modified, Range)."""

    async def listing(request: Request) -> Response:
        return _counted("listing", HTMLResponse(_page([source.path.name for source in sources(folder)])))

    async def download(request: Request) -> Response:
        name = request.path_params["name"]
        path = next((source.path for source in sources(folder) if source.path.name == name), None)
        if path is None:
            return _counted("download", PlainTextResponse("404 Not Found\n", 404))
        return _counted("download", FileResponse(path, media_type="application/zip"))

    def _counted(operation: str, response: Response) -> Response:
        fault = faults.take("nppes", operation, CALL_KINDS)
        if fault and fault.kind == "status":
            response = faulty(fault, PlainTextResponse(f"{fault.status}\n", fault.status))
        elif fault and fault.kind == "drop_response":
            response = CutResponse(response)
        ledger.count("nppes", operation, 0 if isinstance(response, CutResponse) else response.status_code)
        return response

    return [Route(PREFIX + "/NPI_Files.html", listing), Route(PREFIX + "/{name}", download)]


def _page(names: list[str]) -> str:
    rows = "\n".join(f'<li><a href="./{escape(name)}">{escape(name.removesuffix(".zip"))}</a></li>' for name in names)
    return f"""<!DOCTYPE html>
<html lang="en"><head><title>NPI Files</title></head>
<body><h1>NPPES Downloadable Files</h1>
<p>Full Replacement Monthly, Weekly Incremental and Monthly Deactivation files, version 2.</p>
<ul>
{rows}
</ul></body></html>
"""
