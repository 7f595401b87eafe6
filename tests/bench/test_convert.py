"""The bench's gate, on a file of 2 MB: our conversion equals csv.reader's parse, and a difference is found."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contenders import ours
from bench.convert import REAL_ROWS, differences
from bench.nppes_file import MEMBER, write_zip
from bench.reference import parsed

SIZE = 2_000_000


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "nppes.zip"
    write_zip(path, SIZE, seeds=1, rows_a_seed=800, real=REAL_ROWS if REAL_ROWS.exists() else None)
    return path


def test_write_zip_when_written_then_it_has_what_makes_parsing_hard(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        content = archive.read(MEMBER)
    assert SIZE <= len(content) < 4 * SIZE
    assert content.count(b"\nATTN: BILLING") > 5
    assert content.count(b'""OLD"" MILL, ') > 2
    assert 0.9 < content.count(b'""') / content.count(b",") < 1


def test_differences_when_ours_is_exact_then_none(zipped: Path, tmp_path: Path) -> None:
    ours(zipped, tmp_path)
    rows, rejected, found = differences(zipped, tmp_path)

    assert found == []
    assert rows > 1000
    assert rejected >= 3


def test_differences_when_a_value_a_row_or_a_refusal_is_wrong_then_named(zipped: Path) -> None:
    right = parsed(zipped, MEMBER)
    line, rule, _ = right.rejected[0]
    wrong = replace(
        right,
        rows=right.rows - 1,
        rejected=right.rejected[1:],
        checksums=right.checksums | {"certification_date": "0"},
    )
    rows, refusals, column = right.differences(wrong)

    assert rows == f"rows: {right.rows} and {right.rows - 1}"
    assert f"({line}, {rule!r}" in refusals
    assert column == "column certification_date"
    assert json.dumps(right.differences(right)) == "[]"
