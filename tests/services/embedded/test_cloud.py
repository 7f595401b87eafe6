"""What the emulators have said is stored is there after everything was killed: rows, tables' definitions, objects."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.embedded.cloud import BUCKET, PROJECT, start_lake, start_warehouse
from services.embedded.process import Service

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

pytestmark = pytest.mark.slow


class Both:
    """A lake and a warehouse on one folder, which can be killed and started again."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.start()

    def start(self) -> None:
        self.lake = start_lake(self._state)
        self.warehouse = start_warehouse(self._state, self.lake)

    def kill(self) -> None:
        """End both as a power cut would: no signal that they could answer."""
        for service in (self.warehouse, self.lake):
            os.kill(service.popen.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        for service in self.services:
            service.stop(grace_seconds=0)

    @property
    def services(self) -> list[Service]:
        return [self.warehouse, self.lake]

    def client(self) -> bigquery.Client:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        options = {"api_endpoint": self.warehouse.url}
        return bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=options)

    def bucket(self) -> storage.Bucket:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        options: dict[str, Any] = {"api_endpoint": self.lake.url}
        client = storage.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=options)
        return client.bucket(BUCKET)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path)
    yield both
    both.stop()


def test_data_when_everything_is_killed_and_started_again_then_it_is_all_there_at_the_same_addresses(
    both: Both,
) -> None:
    client = both.client()
    client.create_dataset("shelf")
    client.query_and_wait(
        "CREATE TABLE shelf.book (id INT64 OPTIONS (description = 'number'), day DATE) PARTITION BY day OPTIONS (description = 'books')"
    )
    client.query_and_wait("INSERT INTO shelf.book (id, day) VALUES (1, DATE '2025-11-10'), (2, DATE '2025-11-11')")
    client.query_and_wait("BEGIN TRANSACTION; DELETE FROM shelf.book WHERE id = 1; COMMIT TRANSACTION")
    kept = both.bucket().blob("calls/1")
    kept.upload_from_string("paid", if_generation_match=0)
    urls = [service.url for service in both.services]

    both.kill()
    both.start()

    table = both.client().get_table("shelf.book")
    assert [row["id"] for row in both.client().query_and_wait("SELECT id FROM shelf.book")] == [2]
    assert (table.description, table.time_partitioning.field) == ("books", "day")
    assert table.schema[0].description == "number"
    blob = both.bucket().get_blob("calls/1")
    assert blob is not None
    assert (blob.download_as_bytes(), blob.generation) == (b"paid", kept.generation)
    assert [service.url for service in both.services] == urls
