"""What a conversion must give, found the slow way: csv.reader, one row after the other, in one thread.

Nothing of include/csv is used here. A column's checksum is the SHA-256 over its values in the order of the file,
each followed by a zero byte; an empty value and NULL are the same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from include.nppes.layout import NPIDATA_BIGQUERY_NAMES
from include.nppes.publication import npi_is_valid

ROWS_AT_ONCE = 10_000
_ZIP_CODE = NPIDATA_BIGQUERY_NAMES.index("provider_business_practice_location_address_postal_code")
_FLOAT = re.compile(r"[0-9]+\.0")


@dataclass(frozen=True)
class Content:
    """`rejected` has line, rule and value of each refused record, by line; `checksums` are by column, `line` too."""

    rows: int
    rejected: list[tuple[int, str, str]]
    checksums: dict[str, str]

    def differences(self, other: Content) -> list[str]:
        """Return what of another content is not the same; empty when they are equal."""
        found = [f"rows: {self.rows} and {other.rows}"] if self.rows != other.rows else []
        if self.rejected != other.rejected:
            odd = sorted(set(self.rejected) ^ set(other.rejected))
            found.append(f"rejects: {len(self.rejected)} and {len(other.rejected)}, first difference {odd[:1]}")
        columns = [name for name, checksum in self.checksums.items() if other.checksums.get(name) != checksum]
        return found + [f"column {name}" for name in columns]


def parsed(path: Path, member: str) -> Content:
    """Return what the CSV member of a zip holds by RFC 4180, and which of its rows are damaged."""
    names = ("line", *NPIDATA_BIGQUERY_NAMES)
    digests = {name: hashlib.sha256() for name in names}
    rows, rejected = 0, []
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        reader = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""), strict=True)
        width = len(next(reader))
        done = False
        while not done:
            good = []
            line = reader.line_num
            for row in islice(reader, ROWS_AT_ONCE):
                fault = _fault(row, width)
                if fault:
                    rejected.append((line + 1, *fault))
                else:
                    good.append((str(line + 1), *row))
                line = reader.line_num
            done = not good
            rows += len(good)
            for name, column in zip(names, zip(*good, strict=True), strict=False):
                digests[name].update(("\0".join(column) + "\0").encode())
    return Content(rows, rejected, {name: digest.hexdigest() for name, digest in digests.items()})


def _fault(row: Sequence[str], width: int) -> tuple[str, str] | None:
    if len(row) != width:
        return "field_count", str(len(row))
    if not npi_is_valid(row[0]):
        return "npi_check_digit", row[0]
    if _FLOAT.fullmatch(row[_ZIP_CODE]):
        return "number_as_float", row[_ZIP_CODE]
    return None


def stored(parts: Sequence[Path], rejected: list[tuple[int, str, str]]) -> Content:
    """Return what Parquet parts hold, by line, whatever rows each of them has."""
    files = [parquet.ParquetFile(part) for part in parts]
    lines = np.concatenate([file.read(["line"])["line"].to_numpy() for file in files])
    order = np.argsort(lines)
    checksums = {"line": _checksum(pa.array(lines[order]).cast(pa.string()))}
    for names in batched(NPIDATA_BIGQUERY_NAMES, 30, strict=False):
        table = pa.concat_tables([file.read(list(names)) for file in files]).take(order)
        checksums |= {name: _checksum(table[name].combine_chunks()) for name in names}
    return Content(len(lines), rejected, checksums)


def _checksum(values: pa.Array) -> str:
    texts = pc.fill_null(values, "")
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(texts)], texts), "\0")[0].as_buffer()
    digest = hashlib.sha256(joined)
    digest.update(b"\0" if len(texts) else b"")
    return digest.hexdigest()
