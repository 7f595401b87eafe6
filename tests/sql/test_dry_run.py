"""The dry run against a real project, here against the embedded warehouse under a project of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from include.warehouse.tables import table
from services.embedded.cloud import Cloud
from tests.sql.dry_run import NotEmpty, dry_run
from tests.sql.statements import Statement

GOOD = Statement("a.sql", 1, "-- @npi STRING\nSELECT npi FROM clean.provider WHERE npi = @npi")
WRONG = Statement("b.sql", 1, "SELECT nippy FROM clean.provider")
STAGED = Statement(
    "c.sql", 1, "INSERT INTO ops.alert SELECT * FROM ops.alert_load_x", {"ops.alert_load_x": table("ops.alert").columns}
)


@pytest.fixture
def empty(cloud: Cloud) -> Iterator[bigquery.Client]:
    client = bigquery.Client("dry-run-project", AnonymousCredentials())
    yield client
    for dataset in client.list_datasets():
        client.delete_dataset(dataset.dataset_id, delete_contents=True)


def test_dry_run_when_a_statement_is_refused_then_its_reason_is_kept_and_everything_is_dropped(
    empty: bigquery.Client,
) -> None:
    good, wrong, staged = dry_run(empty, (GOOD, WRONG, STAGED))
    assert (good.refusal, staged.refusal) == (None, None)
    assert "nippy" in (wrong.refusal or "")
    assert list(empty.list_datasets()) == []


def test_dry_run_when_kept_then_nothing_was_written_and_a_second_run_uses_the_tables(empty: bigquery.Client) -> None:
    dry_run(empty, (STAGED,), keep=True)
    assert [row["n"] for row in empty.query_and_wait("SELECT COUNT(*) AS n FROM ops.alert")] == [0]
    assert [answer.refusal for answer in dry_run(empty, (GOOD,))] == [None]


def test_dry_run_when_the_project_has_data_then_nothing_is_made_or_dropped(empty: bigquery.Client) -> None:
    empty.create_dataset("clean")
    with pytest.raises(NotEmpty, match="clean"):
        dry_run(empty, (GOOD,))
    assert [dataset.dataset_id for dataset in empty.list_datasets()] == ["clean"]
