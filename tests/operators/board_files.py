"""Made-up files in the boards' exact forms, and a site that serves them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl

from include.boards.sources import board_source

TX_COLUMNS = board_source("TX").columns
NJ_COLUMNS = board_source("NJ").columns
ADA = {"REC_TYPE": "Licensed Dentist", "LIC_NBR": "4711", "LIC_STA_DESC": "Active", "LIC_ORIG_DTE": "02/28/2001",
       "LIC_EXPR_DTE": "", "FIRST_NME": "ADA", "LAST_NME": "ABBOT", "ADDRESS1": '1 "OAK" ST, STE 2'}  # fmt: skip
BEN = {**ADA, "LIC_NBR": "4712", "LIC_STA_DESC": "Deceased", "FIRST_NME": "BEN", "LIC_EXPR_DTE": "12/31/2019"}
CARA = {"full_name": "CARA DIAZ", "first_name": "CARA", "last_name": "DIAZ", "license_type_name": "Dentist",
        "license_no": "22DI00004711", "issue_date": "28/02/2001", "license_status_name": "Active"}  # fmt: skip


def tx_line(row: Mapping[str, str], columns: Sequence[str] = TX_COLUMNS) -> str:
    return ",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in columns) + "\n"


def tx_file(*rows: Mapping[str, str], columns: Sequence[str] = TX_COLUMNS) -> bytes:
    """Texas: everything quoted, LF."""
    return (
        tx_line({name: name for name in columns}, columns) + "".join(tx_line(row, columns) for row in rows)
    ).encode()


def nj_file(*rows: Mapping[str, str]) -> bytes:
    """New Jersey: pipes, no quotes, an empty last column."""
    lines = [dict(zip(NJ_COLUMNS, NJ_COLUMNS, strict=True)), *rows]
    return "".join("|".join(line.get(name, "") for name in NJ_COLUMNS) + "|\n" for line in lines).encode()


def wa_row(number: int, **fields: str) -> dict[str, str]:
    """A row of Washington's data set, with its row id."""
    row = {":id": f"row-{number:04d}", "credentialnumber": f"DE6000{number:04d}", "lastname": "Abbot", "firstname": "Ada",
           "credentialtype": "Dentist License", "status": "ACTIVE", "firstissuedate": "20010228",
           "expirationdate": "20261231", "actiontaken": "No"}  # fmt: skip
    return {**row, **fields}


def nc_page(number: str, status: str = "Good Standing") -> str:
    """North Carolina's answer to a look-up."""
    return (
        "<html><body><span class=headline>search results</span><table><tr><td><table><tr><td colspan=2><b>DENTISTS</b></td>"
        "</tr><tr><td nowrap><b> Dr. Ada Abbot</b></td>"
        f"<td nowrap><b>License # : </b>&nbsp;{number} (Licensed Dentist)</td></tr><tr><td><b>City : </b>&nbsp;CARY</td>"
        "<td><b>License Issued : &nbsp;</b>&nbsp;6/5/1998</td></tr><tr><td><b>State :</b>&nbsp;NC</td>"
        "<td><b>Expiration : </b>&nbsp;3/31/2026</td></tr><tr><td><b>Board Action : </b>&nbsp;N</td>"
        f"<td><b>Status : &nbsp;<font color=red>{status}</font></b></td></tr><tr><td><b>Anesthesia: </b>&nbsp;N</td>"
        "<td><b>Sedation: </b>&nbsp;Y</td></tr></table></td></tr></table></body></html>"
    )


NC_NOBODY = (
    "<html><body><span class=headline>search results</span><table><tr><td>DENTISTS</td></tr></table></body></html>"
)


type Reply = bytes | int | tuple[int, Mapping[str, str], bytes]


@dataclass
class Site:
    """A board's site.

    `pages`: path -> body, status, or (status, headers, body); or what gives one from the request's query.
    `seen` and `headers`: method, path and body of each request, and its headers; robots.txt is not counted.
    """

    url: str = ""
    pages: dict[str, Reply | Callable[[Mapping[str, str]], Reply]] = field(default_factory=dict)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.seen]


@contextmanager
def serving_site() -> Iterator[Site]:
    """Serve a Site: 404 for what it has no page for."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            path, _, query = self.path.partition("?")
            if path != "/robots.txt":
                site.seen.append((self.command, self.path, body))
                site.headers.append({name.lower(): value for name, value in self.headers.items()})
            page = site.pages.get(path, 404)
            reply = page(dict(parse_qsl(query))) if callable(page) else page
            status, headers, content = (
                reply
                if isinstance(reply, tuple)
                else (200, {}, reply)
                if isinstance(reply, bytes)
                else (reply, {}, b"")
            )
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), "Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def connection(url: str, **more: object) -> str:
    """A board's connection, in Airflow's JSON form, without a pause between requests."""
    return json.dumps({"conn_type": "http", "host": url, "extra": {"requests_per_second": 1000}, **more})
