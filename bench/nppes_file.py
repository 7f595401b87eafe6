"""A zip with the shape of CMS's monthly file, as large as wanted: made-up rows, and real ones where they are at hand.

330 columns, every value quoted, nine fields of ten empty; some values hold a line feed, a doubled quote or a letter
beyond ASCII, and a few rows are damaged. Within a row group no two made-up rows are the same, and every copy of a row
has an NPI of its own. The same arguments give the same rows.
"""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from include.nppes.layout import NPIDATA_COLUMNS
from include.nppes.publication import npi_check_digit
from services.nppes_sample.files import csv_bytes
from services.nppes_sample.rows import Row
from services.nppes_sample.weeks import made_weeks

MEMBER = "npidata_pfile_20050523-20251109.csv"
REAL_SAMPLE = "nppes/npidata_pfile_first1000_2025-04_v2_restored.csv.gz"
PIECE_ROWS = 5000
DAMAGED_ONE_IN = 20_000
_MAILING_LINE = "Provider First Line Business Mailing Address"
_MAILING_CITY = "Provider Business Mailing Address City Name"
_PRACTICE_ZIP = "Provider Business Practice Location Address Postal Code"


@dataclass(frozen=True)
class Base:
    """Rows to be repeated: of each what follows its NPI; `bad` are those whose check digit is made wrong."""

    header: bytes
    tails: list[bytes]
    bad: frozenset[int]
    real: list[bytes]


def write_zip(path: Path, size: int, seeds: int = 10, rows_a_seed: int | None = None, real: Path | None = None) -> int:
    """Write a zip whose main member has at least `size` bytes, and return how many rows it has, damaged ones too.

    :param seeds: how many populations of made-up rows are put one after the other before they repeat.
    :param rows_a_seed: how many rows of each are taken; None: all, some 6,000.
    :param real: a gzipped CSV in the V2 layout, whose rows are put among the others as they are.
    """
    base = _base(seeds, rows_a_seed, real)
    rows = written = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(MEMBER, (2025, 11, 10, 6, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as member:
            written += member.write(base.header)
            for lines in _pieces(base):
                written += member.write(b"\n".join(lines) + b"\n")
                rows += len(lines)
                if written >= size:
                    break
        archive.writestr(MEMBER.replace(".csv", "_fileheader.csv"), base.header)
    return rows


def _base(seeds: int, rows_a_seed: int | None, real: Path | None) -> Base:
    tails: list[bytes] = []
    bad = set()
    header = csv_bytes(NPIDATA_COLUMNS, [])
    for seed in range(seeds):
        rng = Random(f"bench {seed}")
        for row in made_weeks(seed, 1)[0].npidata[:rows_a_seed]:
            number = len(tails)
            # The first three rows and a few others are damaged, each in one of three ways.
            damage = number if number < 3 else rng.randrange(DAMAGED_ONE_IN)
            if damage == 0:
                bad.add(number)
            tail = _tail(row | {_PRACTICE_ZIP: "688482168.0"} if damage == 2 else _unusual(rng, row))
            tails.append(tail[: tail.rindex(b",")] if damage == 1 else tail)
    return Base(header, tails, frozenset(bad), _real_rows(real) if real else [])


def _unusual(rng: Random, row: Row) -> Row:
    chance = rng.random()
    if chance < 0.01:
        return row | {_MAILING_LINE: row.get(_MAILING_LINE, "") + "\nATTN: BILLING"}
    if chance < 0.015:
        return row | {_MAILING_LINE: f'THE "OLD" MILL, {row.get(_MAILING_LINE, "")}'}
    if chance < 0.0155:
        return row | {_MAILING_CITY: "CAÑON CITY"}
    return row


def _tail(row: Row) -> bytes:
    """Return a row as CMS writes it, from the comma after its NPI, without the line end."""
    values = [row.get(column, "") for column in NPIDATA_COLUMNS]
    return "".join(f',"{value.replace('"', '""')}"' for value in values[1:]).encode()


def _real_rows(path: Path) -> list[bytes]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = [dict(zip(NPIDATA_COLUMNS, row, strict=True)) for row in list(csv.reader(lines))[1:]]
    return [f'"{row["NPI"]}"'.encode() + _tail(row) for row in rows]


def _pieces(base: Base) -> Iterator[list[bytes]]:
    """Yield rows without line ends, for ever: all made-up ones with new NPIs, then the real ones, and again."""
    number = 0
    while True:
        for at in range(0, len(base.tails), PIECE_ROWS):
            piece = base.tails[at : at + PIECE_ROWS]
            yield [_npi(number + place, at + place in base.bad) + tail for place, tail in enumerate(piece)]
            number += len(piece)
        if base.real:
            yield base.real


def _npi(number: int, is_bad: bool) -> bytes:
    first_nine = f"2{number:08d}"
    digit = int(npi_check_digit(first_nine))
    return f'"{first_nine}{(digit + 1) % 10 if is_bad else digit}"'.encode()
