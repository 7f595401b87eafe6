"""The page that a person reads: what a gate said and why, then each rule as Great Expectations shows it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.render.components import RenderedSectionContent, RenderedTableContent
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from include.quality.gate import Outcome

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

HEADER = ["", "Severity", "Rule", "Column", "Found", "Why the rule exists"]


def page(
    result: ExpectationSuiteValidationResult, outcomes: Sequence[Outcome], rows: int, run_key: str, as_of: str
) -> str:
    """Return a gate run as HTML.

    :param result: without personal values.
    :param outcomes: of the rules and of drift.
    :param rows: how many were checked.
    """
    result.meta["run_id"] = RunIdentifier(run_name=run_key, run_time=datetime.fromisoformat(as_of))
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    document.sections.insert(1, _verdict(outcomes, rows))
    return str(DefaultJinjaPageView().render(document, show_how_to_buttons=False))


def _verdict(outcomes: Sequence[Outcome], rows: int) -> RenderedSectionContent:
    lines = [
        ["held" if o.success else "BROKEN", o.severity, o.expectation, o.column_name, html.escape(o.found()), o.reason]
        for o in sorted(outcomes, key=lambda o: (o.success, o.severity, o.expectation))
    ]
    table = RenderedTableContent(
        table=lines,
        header=f"What the gate found in {rows} rows, and why it asks",
        header_row=HEADER,
        styling={"body": {"classes": ["table", "table-sm"]}},
    )
    return RenderedSectionContent(content_blocks=[table], section_name="The gate")
