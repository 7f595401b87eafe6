"""The list of decisions says of each page what the page says of itself."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
PAGES = sorted(FOLDER.glob("0*.md"))
HEAD = re.compile(r"# (?P<number>\d+)\. (?P<title>.+)\n\n- Status: (?P<status>.+)\n- Date: (?P<date>.+)\n\n")
STATUS = re.compile(r"proposed|accepted|superseded by (\d+)")
ROW = re.compile(r"^\| \[(\d+)\]\((\S+)\) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)


def head(path: Path) -> re.Match[str]:
    found = HEAD.match(path.read_text(encoding="utf-8"))
    assert found, f"{path.name} must begin with '# <number>. <title>', then '- Status:' and '- Date:'"
    return found


def test_list_when_compared_with_the_pages_has_each_of_them_in_order() -> None:
    rows = [(path.name, *head(path).group("number", "title", "status", "date")) for path in PAGES]
    listed = [
        (name, number, title, status, day)
        for number, name, title, status, day in ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    ]
    assert rows
    assert listed == rows


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_has_its_number_a_known_status_and_a_date(path: Path) -> None:
    found = head(path)
    assert int(path.name[:4]) == int(found["number"])
    assert date.fromisoformat(found["date"])
    status = STATUS.fullmatch(found["status"])
    assert status, f"{path.name}: status {found['status']!r}"
    assert status[1] is None or any(int(page.name[:4]) == int(status[1]) for page in PAGES)
