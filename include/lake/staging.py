"""A folder of the lake in which the rows of one file wait as Parquet to be loaded, what was refused beside them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud import storage

    from include.warehouse.tables import Table

PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class StagingFolder:
    """Scratch space of one table, day and source: `staged/<table>/<day>/<source>/`, which is the prefix."""

    bucket: storage.Bucket
    prefix: str

    @property
    def parts_uri(self) -> str:
        """What a load reads."""
        return f"gs://{self.bucket.name}/{self.prefix}part-*.parquet"

    @property
    def rejects_object(self) -> str:
        return f"{self.prefix}rejected.jsonl"

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Open a part for writing. After an error it is not there."""
        # Parquet's writer flushes between row groups; GCS takes whole chunks only, so flushing is left to the close.
        with self.bucket.blob(self.prefix + name).open("wb", ignore_flush=True, content_type=PARQUET) as sink:
            yield sink

    @contextmanager
    def rejects(self) -> Iterator[IO[bytes]]:
        """Open a file for refused records, one JSON object a line.

        It is stored at the end also after an error, such as too many of them: somebody must be able to look.
        """
        with tempfile.TemporaryFile() as lines:
            try:
                yield lines
            finally:
                kept = self.bucket.blob(self.rejects_object)
                kept.upload_from_file(lines, rewind=True, content_type="application/x-ndjson")


def emptied_staging(bucket: storage.Bucket, target: Table, day: date, source: str) -> StagingFolder:
    """Return the folder of a table, day and source, without what an earlier run left there."""
    folder = StagingFolder(bucket, f"staged/{target.table_id}/{day}/{source}/")
    for old in bucket.list_blobs(prefix=folder.prefix):
        old.delete()
    return folder
