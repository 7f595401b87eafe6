"""docs/dags.md and docs/tables.md say what the DAGs and the table definitions say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.docs.pages import ROOT, STAGES, dags_page, parsed_dags, tables_page, writers_of


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    return parsed_dags()


def test_page_of_the_dags_when_made_anew_is_the_same(dags: dict[str, Any]) -> None:
    assert (ROOT / "docs" / "dags.md").read_text(encoding="utf-8") == dags_page(dags), "run `make docs` and commit"


def test_page_of_the_tables_when_made_anew_is_the_same(dags: dict[str, Any]) -> None:
    made = tables_page(writers_of(dags))
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == made, "run `make docs` and commit"


def test_page_of_the_dags_has_a_row_for_every_dag(dags: dict[str, Any]) -> None:
    page = dags_page(dags)
    assert [dag_id for dag_id in dags if page.count(f"[`{dag_id}`]") != 1] == []
    assert {f"stage:{stage}" for stage in STAGES} >= {
        tag for dag in dags.values() for tag in dag.tags if "stage:" in tag
    }
