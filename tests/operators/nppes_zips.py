"""Small NPPES zips, and a site on loopback that lists and serves a folder of them as CMS does."""

from __future__ import annotations

import functools
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from include.nppes.layout import NPIDATA_COLUMNS
from services.nppes_sample.files import csv_bytes

NAME = "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip"
MONDAY, SUNDAY = "2025-11-03", "2025-11-09"
MEMBER = "npidata_pfile_20251103-20251109.csv"
ANA = {"NPI": "2551230990", "Entity Type Code": "1", "Provider First Name": "ANA"}
CLINIC = {"NPI": "1104829191", "Entity Type Code": "2", "Employer Identification Number (EIN)": "<UNAVAIL>"}
DAMAGED = {"NPI": "2551230991", "Entity Type Code": "1", "Provider First Name": "BEA"}


def week_zip(*rows: dict[str, str], member: str = MEMBER) -> bytes:
    """Return a weekly zip with these rows of npidata."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(member, (2025, 11, 10, 0, 0, 0)), csv_bytes(NPIDATA_COLUMNS, rows))
    return target.getvalue()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve `folder`, with a listing page of the zips in it, and yield the base address."""
    publish(folder)
    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def publish(folder: Path, **contents: bytes) -> None:
    """Write zips (name without .zip -> bytes) and bring the listing page up to date."""
    for name, content in contents.items():
        (folder / f"{name}.zip").write_bytes(content)
    links = "".join(f'<a href="./{path.name}">{path.name}</a>\n' for path in sorted(folder.glob("*.zip")))
    (folder / "NPI_Files.html").write_text(f"<html>{links}</html>")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
