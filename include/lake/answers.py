"""Answers of vendors' APIs on their way from the lake's archive to Parquet.

An archived answer of several calls is their bodies, byte for byte, one after another with a line end between.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from include.lake.archive import ArchivedFile, archived, newest_archived
from include.lake.json_objects import RepeatedName, distinct
from include.lake.staging import emptied_staging
from include.warehouse.tables import Table

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

    Raises DamagedAnswer where one is not JSON, as when an answer was cut, or where an object has a name twice.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedAnswer(f"{where}: byte {error.start} is not UTF-8. Read the day again.") from None
    found: list[Any] = []
    decoder, at = json.JSONDecoder(object_pairs_hook=distinct), _next_word(text, 0)
    while at < len(text):
        try:
            document, end = decoder.raw_decode(text, at)
        except RepeatedName as error:
            raise DamagedAnswer(
                f"{where}: answer {len(found) + 1}: {error}, and only one can be meant. Its vendor changed it."
            ) from None
        except ValueError as error:
            raise DamagedAnswer(
                f"{where}: answer {len(found) + 1} is not JSON at character {getattr(error, 'pos', at)} of {len(text)}: "
                "it was cut, or a proxy answered. Read the day again."
            ) from None
        found.append(document)
        at = _next_word(text, end)
    return found


def storable(record: Mapping[str, Any], at: str) -> str:
    """Return a record as JSON text with sorted keys, so that the same record is the same text.

    Raises DamagedAnswer naming the field that no table can hold: JSON has ways to write what is no text and no number: half of a surrogate pair, and NaN, which Python's parser takes.
    """
    for path, value in _leaves(record, ""):
        if isinstance(value, float) and not math.isfinite(value):
            raise DamagedAnswer(f"{at}: {path} is {value!r}, not a number. Its vendor changed it.")
        if isinstance(value, str) and not _is_text(value):
            raise DamagedAnswer(
                f"{at}: {path} is {value!r}, which holds half a character (a lone surrogate): it was cut."
            )
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def without_repeats(header: Sequence[str], where: str) -> Sequence[str]:
    """Return the names of a header; raises DamagedAnswer when one is there twice: the last column would win in silence."""
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DamagedAnswer(
            f"{where}: line 1: columns {twice} are there more than once. Export it again, each column once."
        )
    return header


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of everything in a record that holds nothing, and of every name."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{path or 'a field'}'s name", name
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


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
