"""Names as the linkage folds them: odd ones are compared or left out, and none stops the batch."""

from __future__ import annotations

import duckdb
import pytest

from include.linkage.licenses import STREET_KEY
from include.linkage.names import MACROS


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute(MACROS + STREET_KEY)
    return db


@pytest.mark.parametrize(
    ("name", "key", "suffix"),
    [
        ("Sample, 3RD", "SAMPLE", "III"), ("SAMPLE JR, JR", "SAMPLE", "JR"), ("Sample Senior", "SAMPLE", "SR"), ("Sample 4th", "SAMPLE", "IV"),
        ("O'Brien-Núñez", "OBRIENNUNEZ", None), ("JR", "JR", "JR"), ("İSTANBUL", "ISTANBUL", None), ("\u202eabc", "ABC", None),
        ("a" * 100_000, "A" * 100_000, None), ("👩‍⚕️", None, None), (" - ", None, None), ("", None, None), (None, None, None),
    ],
)  # fmt: skip
def test_names_when_odd_empty_or_endless_then_folded_or_null(
    db: duckdb.DuckDBPyConnection, name: str | None, key: str | None, suffix: str | None
) -> None:
    said = db.execute("SELECT key_of(?), suffix_of(?), street_key(?) IS NULL", [name] * 3).fetchone()
    assert said == (key, suffix, key is None)
    compared = db.execute("SELECT keystroke(?, 'OTHERS'), alike(?, 'OTHERS'), alike_street(?, '1 MAIN')", [name] * 3)
    assert not any(compared.fetchone() or ())


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("REDMOND", "REDNOND", "keystroke"), ("SMITH", "SMTIH", "keystroke"), ("EBSON", "GEBSON", "keystroke"),
        ("STEPHENSON", "STEPHNESNO", "alike"), ("ANN", "ANA", None), ("KAREN", "BORIS", None),
    ],
)  # fmt: skip
def test_names_when_mistyped_once_or_more_then_told_apart_from_other_names(
    db: duckdb.DuckDBPyConnection, one: str, other: str, level: str | None
) -> None:
    sql = "SELECT CASE WHEN keystroke(?, ?) THEN 'keystroke' WHEN alike(?, ?) THEN 'alike' END"
    assert db.execute(sql, [one, other] * 2).fetchone() == (level,)
