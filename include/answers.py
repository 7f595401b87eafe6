"""Answers of vendors' APIs on their way from the lake's archive to Parquet.

An archived answer of several calls is their bodies, byte for byte, one after another with a line end between.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from include.archive import ArchivedFile, archived, newest_archived
from include.staging import emptied_staging
from include.tables import Table

if TYPE_CHECKING:
    from google.cloud import storage

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "NUMERIC": pa.decimal128(38, 9),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


class DamagedAnswer(ValueError):
    """An answer is not what its vendor documents. Nothing of it is loaded; the message says where and what to do."""


def documents(content: bytes, where: str) -> list[Any]:
    """Return the JSON documents that stand one after another in an archived answer.

    Raises DamagedAnswer where one is not JSON, as when an answer was cut.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedAnswer(f"{where}: byte {error.start} is not UTF-8. Read the day again.") from None
    found: list[Any] = []
    decoder, at = json.JSONDecoder(), _next_word(text, 0)
    while at < len(text):
        try:
            document, end = decoder.raw_decode(text, at)
        except ValueError as error:
            raise DamagedAnswer(
                f"{where}: answer {len(found) + 1} is not JSON at character {getattr(error, 'pos', at)} of {len(text)}: "
                "it was cut, or a proxy answered. Read the day again."
            ) from None
        found.append(document)
        at = _next_word(text, end)
    return found


def canonical(record: Mapping[str, Any]) -> str:
    """Return a record as JSON text with sorted keys, so that the same record is the same text."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def archived_answer(
    bucket: storage.Bucket,
    object_name: str,
    content: bytes,
    *,
    content_type: str,
    records: Callable[[bytes], Any],
) -> ArchivedFile:
    """Archive an answer, or return the newest archived one of the same name if it says the same.

    A vendor's envelope (request ids, cursors) differs in every answer: without this, each look at an unchanged day would
    be a new version.

    :param object_name: `raw/<source>/<day>/<name>`; other records under it are kept as a version beside it.
    :param records: what an answer says, comparable; may raise DamagedAnswer.
    """
    path = PurePosixPath(object_name)
    known = newest_archived(
        bucket, f"{path.with_suffix('')}."
    )  # the dot: `export.csv` is no version of `export (1).csv`
    if known is not None:
        before = bucket.blob(known.object, generation=known.generation).download_as_bytes()
        if before == content or _says(records, before) == _says(records, content) is not None:
            return known
    return archived(bucket, object_name, io.BytesIO(content), file_name=path.name, content_type=content_type)


def staged_answer(
    bucket: storage.Bucket,
    target: Table,
    day: date,
    source: str,
    kept: ArchivedFile,
    rows: Sequence[Mapping[str, Any]],
    nothing: str,
) -> dict[str, Any]:
    """Write what an archived answer says as one Parquet file into the scratch space of its table, day and source.

    Returns what its load and RecordLoadsOperator need: ``{"day", "source_object", "file_name", "bytes", "sha256",
    "rows_in", "rows", "rejected", "note", "source_uri"}``; nothing is rejected, because one wrong record refuses its
    whole answer.

    :param rows: each has every column of the table. No row is one file without rows, so that a load empties its slice.
    :param nothing: the note where there is no row.
    """
    schema = pa.schema([pa.field(c.name, ARROW_TYPES[c.type], nullable=c.mode != "REQUIRED") for c in target.columns])
    folder = emptied_staging(bucket, target, day, source)
    with folder.part("part-00000.parquet") as sink:
        parquet.write_table(pa.Table.from_pylist(list(rows), schema), sink, compression="zstd")
    return {
        "day": day.isoformat(),
        "source_object": f"gs://{bucket.name}/{kept.object}",
        "file_name": kept.file_name,
        "bytes": kept.bytes,
        "sha256": kept.sha256,
        "rows_in": len(rows),
        "rows": len(rows),
        "rejected": 0,
        "note": "" if rows else nothing,
        "source_uri": folder.parts_uri,
    }


def _says(records: Callable[[bytes], Any], content: bytes) -> Any:
    try:
        return records(content)
    except DamagedAnswer:
        return None


def _next_word(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
