"""Weekly zips in CMS's form: member names, header members, every value quoted, LF line ends, fixed time stamps."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from include.nppes_layout import NPIDATA_COLUMNS
from services.nppes_sample.rows import Row
from services.nppes_sample.weeks import Week, made_weeks

OTHER_NAME_COLUMNS = (
    "NPI",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
)
_SECOND = "Provider Secondary Practice Location Address"
PRACTICE_LOCATION_COLUMNS = (
    "NPI",
    f"{_SECOND}- Address Line 1",
    f"{_SECOND}-  Address Line 2",  # two blanks: CMS's own spelling
    f"{_SECOND} - City Name",
    f"{_SECOND} - State Name",
    f"{_SECOND} - Postal Code",
    f"{_SECOND} - Country Code (If outside U.S.)",
    f"{_SECOND} - Telephone Number",
    f"{_SECOND} - Telephone Extension",
    "Provider Practice Location Address - Fax Number",
)
ENDPOINT_COLUMNS = (
    "NPI",
    "Endpoint Type",
    "Endpoint Type Description",
    "Endpoint",
    "Affiliation",
    "Endpoint Description",
    "Affiliation Legal Business Name",
    "Use Code",
    "Use Description",
    "Other Use Description",
    "Content Type",
    "Content Description",
    "Other Content Description",
    "Affiliation Address Line One",
    "Affiliation Address Line Two",
    "Affiliation Address City",
    "Affiliation Address State",
    "Affiliation Address Country",
    "Affiliation Address Postal Code",
)
_STAMP = (2025, 11, 17, 6, 0, 0)


def write_weeks(out: Path, seed: int = 7, weeks: int = 2) -> list[Path]:
    """Write `weeks` weekly zips to the folder `out` and return their paths. The same arguments give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    return [_write_week(out, week) for week in made_weeks(seed, weeks)]


def zip_name(week: Week) -> str:
    """Return CMS's name of a week's zip."""
    return f"NPPES_Data_Dissemination_{week.first_day:%m%d%y}_{week.last_day:%m%d%y}_Weekly_V2.zip"


def csv_bytes(columns: tuple[str, ...], rows: Iterable[Row]) -> bytes:
    """Return a CSV as CMS writes it: header, every value quoted, LF. Raises ValueError for an unknown column."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _write_week(out: Path, week: Week) -> Path:
    path = out / zip_name(week)
    members = (
        ("npidata", NPIDATA_COLUMNS, week.npidata),
        ("othername", OTHER_NAME_COLUMNS, week.other_names),
        ("pl", PRACTICE_LOCATION_COLUMNS, week.practice_locations),
        ("endpoint", ENDPOINT_COLUMNS, week.endpoints),
    )
    with zipfile.ZipFile(path, "w") as archive:
        for kind, columns, rows in members:
            stem = f"{kind}_pfile_{week.first_day:%Y%m%d}-{week.last_day:%Y%m%d}"
            _add(archive, f"{stem}.csv", csv_bytes(columns, rows))
            _add(archive, f"{stem}_FileHeader.csv", csv_bytes(columns, ()))
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=_STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)
