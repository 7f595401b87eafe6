"""A spreadsheet as CMS's report writer makes it: one sheet, shared strings, a title over both columns."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default ContentType="application/vnd.openxmlformats-package.relationships+xml" Extension="rels"/>'
    '<Default ContentType="application/xml" Extension="xml"/>'
    + "".join(
        f'<Override PartName="/xl/{part}.xml" '
        f'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"/>'
        for part, kind in (
            ("workbook", "sheet.main"),
            ("sharedStrings", "sharedStrings"),
            ("worksheets/sheet1", "worksheet"),
        )
    )
    + "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Target="xl/workbook.xml" Type="{_OFFICE}/officeDocument"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Target="sharedStrings.xml" Type="{_OFFICE}/sharedStrings"/>'
    f'<Relationship Id="rId3" Target="worksheets/sheet1.xml" Type="{_OFFICE}/worksheet"/></Relationships>',
}


def xlsx_bytes(
    sheet: str, rows: Sequence[Sequence[str | int | None]], merged: Sequence[str], stamp: tuple[int, ...]
) -> bytes:
    """Return the spreadsheet. The same arguments give the same bytes.

    :param rows: text becomes a text cell, a number a number cell, None no cell.
    :param merged: ranges such as `A1:B1`.
    :param stamp: time stamp of the parts: year, month, day, hour, minute, second.
    """
    texts: dict[str, int] = {}
    body = "".join(
        f'<row r="{number}">{"".join(_cell(number, at, value, texts) for at, value in enumerate(cells))}</row>'
        for number, cells in enumerate(rows, start=1)
    )
    ranges = "".join(f'<mergeCell ref="{cells}"/>' for cells in merged)
    merges = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    parts = _PARTS | {
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}" uniqueCount="{len(texts)}">{strings}</sst>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(sheet)}" r:id="rId3" sheetId="1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><dimension ref="A1:B{len(rows)}"/>'
        f"<sheetData>{body}</sheetData>{merges}</worksheet>",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, date_time=stamp)  # type: ignore[arg-type]
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, _HEAD + content)
    return target.getvalue()


def _cell(row: int, column: int, value: str | int | None, texts: dict[str, int]) -> str:
    if value is None:
        return ""
    where = f"{chr(ord('A') + column)}{row}"
    if isinstance(value, int):
        return f'<c r="{where}"><v>{value}</v></c>'
    return f'<c r="{where}" t="s"><v>{texts.setdefault(value, len(texts))}</v></c>'
