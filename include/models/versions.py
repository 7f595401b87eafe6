"""Stored model versions: the rows of ops.model_version, and their files in the lake, written once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import PreconditionFailed
from google.cloud import bigquery, storage

from include.warehouse.run import run
from include.warehouse.tables import table


class VersionConflict(Exception):
    """The same inputs gave another model than the one that is stored under their version."""


@dataclass(frozen=True)
class ModelVersion:
    """`object_path`: folder of the files, as gs://bucket/folder/."""

    version: str
    status: str
    object_path: str
    recipe_sha256: str
    trained_as_of: datetime


def known_versions(client: bigquery.Client, model: str, as_of: str, labels: dict[str, str]) -> list[ModelVersion]:
    """Versions of ``model`` trained at or before ``as_of``, newest first."""
    rows = run(client, table("ops.model_version").sql("newest"), labels, model=model, as_of=as_of)
    return [ModelVersion(**dict(row)) for row in rows]


def newest_champion(versions: list[ModelVersion]) -> ModelVersion | None:
    """The champion among ``versions`` (newest first), or None when none was ever published."""
    return next((version for version in versions if version.status == "champion"), None)


def record_version(client: bigquery.Client, values: Mapping[str, Any], labels: dict[str, str]) -> None:
    """Write one row of ops.model_version: ``values`` by column."""
    run(client, table("ops.model_version").sql("record"), labels, **values)


def write_files(bucket: storage.Bucket, folder: str, files: Mapping[str, bytes], record: Collection[str]) -> str:
    """Write each file once under ``folder`` and return the folder as gs://bucket/folder/.

    A file that is there already stays. Raises VersionConflict when one of ``record`` is there with other bytes.
    """
    for name, content in files.items():
        blob = bucket.blob(f"{folder}{name}")
        try:
            blob.upload_from_string(content, if_generation_match=0)
        except PreconditionFailed as error:
            if name in record and blob.download_as_bytes() != content:
                raise VersionConflict(
                    f"gs://{bucket.name}/{folder}{name} holds other bytes than this run made of the same rows. "
                    "Was it trained on another processor architecture? The stored version was left as it is."
                ) from error
    return f"gs://{bucket.name}/{folder}"


def read_files(bucket: storage.Bucket, object_path: str, names: Collection[str]) -> dict[str, bytes]:
    """Return the bytes of the named files of one stored version."""
    folder = object_path.removeprefix(f"gs://{bucket.name}/")
    return {name: bucket.blob(f"{folder}{name}").download_as_bytes() for name in names}
