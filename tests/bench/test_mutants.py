"""The mutants themselves: each kind of change is made, in its place only, and each is told apart."""

from __future__ import annotations

import textwrap

import pytest

from bench.mutants.mutant import Mutant
from bench.mutants.python_mutants import python_mutants
from bench.mutants.rooms import equivalents, guards
from bench.mutants.sql_mutants import sql_mutants, unchanged


def even(text: str) -> str:
    """Return a text in one line, as a statement is written over several."""
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")").removesuffix(";")


def texts(mutants: list[Mutant]) -> set[str]:
    return {even(text) for mutant in mutants if (text := mutant.text()) is not None}


PYTHON = [
    ("return a and b and c", {"return (a and b)", "return (b and c)", "return (a and c)", "return a or b and c"}),
    ("return a < 5", {"return a <= 5", "return a < 6"}),
    ("return a not in b", {"return a in b"}),
    ("return abs(a)", {"return (a)"}),
    ("send(a)", {"pass"}),
    ("self.log.info('%s', a)", set()),
    ("raise ValueError(a)", {"pass"}),
    ("for a in b: send(a)", {"for a in []: send(a)", "for a in b: pass"}),
    ("if not a: return True", {"if a: return True", "if not a: return False"}),
]


@pytest.mark.parametrize(("line", "expected"), PYTHON, ids=[line for line, _ in PYTHON])
def test_python_mutants_when_a_line_guards_then_each_part_of_it_is_changed(line: str, expected: set[str]) -> None:
    before = "def f(a: int | None, b, c):\n    "
    made = {
        text.removeprefix("def f(a: int | None, b, c): ")
        for text in texts(python_mutants("f.py", before + line + "\n"))
    }
    assert expected <= made
    assert bool(made) == bool(expected)


def test_python_mutants_when_a_constant_is_a_pace_then_it_does_not_grow() -> None:
    made = texts(python_mutants("f.py", "READERS = 8\nREAD_AHEAD_BYTES = 8 * 1024\nHOLDOUT_PERCENT = 10\n"))
    assert {m for m in made if "HOLDOUT_PERCENT = 11" in m} and not {m for m in made if "READERS = 9" in m}
    assert {m for m in made if "READ_AHEAD_BYTES = 8 / 1024" in m} and not {m for m in made if "= 9 *" in m}


SQL = [
    ("SELECT a FROM t WHERE b AND c", {"SELECT a FROM t WHERE b", "SELECT a FROM t WHERE c"}),
    ("SELECT a FROM t WHERE b", {"SELECT a FROM t"}),
    ("SELECT a FROM t WHERE b = 'x'", {"SELECT a FROM t WHERE b <> 'x'", "SELECT a FROM t WHERE b = 'xx'"}),
    ("SELECT 1 AS a UNION ALL SELECT 2", {"SELECT 1 AS a", "SELECT 2"}),
    ("SELECT ARRAY_AGG(a ORDER BY b DESC, c) FROM t", {"SELECT ARRAY_AGG(a ORDER BY b DESC) FROM t", "SELECT ARRAY_AGG(a ORDER BY b ASC, c) FROM t"}),
    ("SELECT COALESCE(a, b) FROM t", {"SELECT COALESCE(a) FROM t"}),
    ("SELECT t.a FROM t LEFT JOIN u ON t.a = u.a", {"SELECT t.a FROM t JOIN u ON t.a = u.a"}),
    ("SELECT DISTINCT a FROM t", {"SELECT a FROM t"}),
    ("SELECT TIMESTAMP_TRUNC(a, MONTH) FROM t", {"SELECT TIMESTAMP_TRUNC(a, DAY) FROM t"}),
    ("SELECT a FROM t WHERE NOT b", {"SELECT a FROM t WHERE b"}),
    ("SELECT a FROM t WHERE a IN (b)", {"SELECT a FROM t WHERE NOT (a IN (b))"}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), SQL, ids=[statement for statement, _ in SQL])
def test_sql_mutants_when_a_statement_guards_then_each_part_of_it_is_changed(
    statement: str, expected: set[str]
) -> None:
    assert expected <= texts(sql_mutants("q.sql", statement + ";\n"))


SCRIPT = textwrap.dedent("""\
    -- Only the newest.
    IF NOT EXISTS (SELECT 1 FROM t WHERE a > @a) THEN
    DELETE FROM t WHERE a = @a;
    END IF;
    BEGIN TRANSACTION;
    INSERT INTO t (a) SELECT a FROM u WHERE b;
    COMMIT TRANSACTION;
    """)


def test_sql_mutants_when_a_file_is_a_script_then_only_the_changed_statement_is_written_anew() -> None:
    made = [text for mutant in sql_mutants("q.sql", SCRIPT) if (text := mutant.text())]
    assert made
    for text in made:
        assert "IF NOT EXISTS (SELECT 1 FROM t WHERE a > @a) THEN\n" in text
        assert "COMMIT TRANSACTION;" in text
        assert ("WHERE a = @a" in even(text)) or "SELECT a FROM u WHERE b;" in text


def test_unchanged_when_a_file_is_a_script_then_every_statement_is_there() -> None:
    assert even(unchanged(SCRIPT)) == even(SCRIPT)


def test_mutants_when_two_lines_are_the_same_then_their_mutants_have_different_keys() -> None:
    mutants = python_mutants("f.py", "if a == b:\n    c()\nif a == b:\n    c()\n")
    keys = [mutant.key for mutant in mutants]
    assert len(keys) == len(set(keys))
    assert {mutant.line for mutant in mutants} == {1, 2, 3, 4}


def test_guards_when_listed_then_every_room_has_files_and_every_test_exists() -> None:
    found = guards()
    assert {guard.room for guard in found} == {
        "operators", "transport", "activation", "ledgers", "expectations", "receiver",
        "suppression", "events", "activation SQL", "enriched SQL", "segmented SQL",
    }  # fmt: skip


@pytest.mark.slow
def test_equivalents_when_declared_then_each_is_a_mutant_of_today() -> None:
    today = {mutant.key for guard in guards() for mutant in guard.mutants()}
    assert not [key for key in equivalents() if key not in today]
