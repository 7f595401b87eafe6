"""The report's page and table: what the pager was told is in both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.demo.figures import pages
from services.demo.report import page, summary

NOTHING: dict[str, Any] = {
    "sources": {}, "layers": {}, "balance": {}, "asking": [], "vendors": {}, "activation": {}, "suppressed_people": {},
    "events": {}, "models": [], "cycles": [], "seconds": {},
}  # fmt: skip


def test_report_when_the_pager_was_told_then_each_message_is_there_and_harmless_as_html(tmp_path: Path) -> None:
    told = [
        {
            "severity": "critical",
            "is_resolved": False,
            "title": "d.t failed",
            "facts": {"Error": "A<B"},
            "advice": "Clear it.",
        },
        {"severity": "error", "is_resolved": True, "title": "freshness: ga4", "facts": {}, "advice": ""},
    ]
    path = tmp_path / "pages.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in told))
    body = {**NOTHING, "pages": pages(path)}
    html, table = page(body, ""), summary(body)
    assert "d.t failed<br>A&lt;B" in html and "Clear it." in html
    assert "pager: 2 messages" in table and "critical                       d.t failed" in table
    assert "resolved                       freshness: ga4" in table


def test_report_when_the_pager_was_told_nothing_then_it_says_so(tmp_path: Path) -> None:
    body = {**NOTHING, "pages": pages(tmp_path / "none")}
    assert "Nothing: no task failed for good" in page(body, "")
    assert "pager: 0 messages" in summary(body)
