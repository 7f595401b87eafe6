"""CMS's files in CMS's form: names, members and header members, every value quoted, LF line ends, fixed time stamps."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from include.nppes.layout import MEMBERS
from services.nppes_sample.rows import FIRST_ENUMERATION, Row
from services.nppes_sample.weeks import Month, Week, made_months, made_weeks
from services.nppes_sample.xlsx import xlsx_bytes

_STAMP = (2025, 11, 17, 6, 0, 0)


def write_weeks(out: Path, seed: int = 7, weeks: int = 2) -> list[Path]:
    """Write `weeks` weekly zips to the folder `out` and return their paths. The same arguments give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    return [_write_data(out / zip_name(week), week.first_day, week) for week in made_weeks(seed, weeks)]


def write_months(out: Path, seed: int = 7, weeks: int = 2) -> list[Path]:
    """Write what CMS publishes monthly of these weeks: the full replacement and the deactivation report. As write_weeks."""
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for month in made_months(made_weeks(seed, weeks)):
        data = out / f"NPPES_Data_Dissemination_{month.published:%B_%Y}_V2.zip"
        report = out / f"NPPES_Deactivated_NPI_Report_{month.published:%m%d%y}_V2.zip"
        paths += [_write_data(data, FIRST_ENUMERATION, month), _write_report(report, month)]
    return paths


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


def _write_data(path: Path, first_day: date, rows: Week | Month) -> Path:
    contents = {
        "npidata": rows.npidata,
        "othername": rows.other_names,
        "pl": rows.practice_locations,
        "endpoint": rows.endpoints,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, layout in MEMBERS.items():
            stem = f"{name}_pfile_{first_day:%Y%m%d}-{rows.last_day:%Y%m%d}"
            _add(archive, f"{stem}.csv", csv_bytes(layout.columns, contents[name]))
            _add(archive, f"{stem}_FileHeader.csv", csv_bytes(layout.columns, ()))
    return path


def _write_report(path: Path, month: Month) -> Path:
    title = [f"NPPES Deactivated Records as of {month.published:%b %d %Y}"]
    cells = [title, ["NPI", "NPPES Deactivation Date"], *map(list, month.deactivated)]
    with zipfile.ZipFile(path, "w") as archive:
        name = f"NPPES Deactivated NPI Report {month.published:%Y%m%d}.xlsx"
        _add(archive, name, xlsx_bytes("DeactivatedNPIs", cells, ["A1:B1"], _STAMP))
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=_STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)
