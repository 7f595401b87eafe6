"""What every MERGE must hold: a change of any column that it writes is seen, NULL included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from include.warehouse.tables import table

SQL = Path(__file__).resolve().parents[2] / "include" / "sql"
# What else tells a change, where not every written column is compared.
OTHER_MEANS = {
    "clean/address/validated.sql": "the key of the vendor's response",
    "clean/license/query.sql": "the hash of the row",
    "clean/suppression/query.sql": "an earlier opt-out wins, a later one changes nothing",
    "enriched/answer/query.sql": "the state of the call, and what the verification of its address says",
    "enriched/firmographics/query.sql": "the key of the vendor's response",
}


def updates() -> dict[str, tuple[str, exp.Update, exp.Paren]]:
    """Return (target, update, condition) of every MERGE that updates on a condition in parentheses, by its file."""
    found = {}
    for file in sorted(SQL.glob("*/*/*.sql")):
        for statement in file.read_text().split(";\n"):
            begin = re.search(r"^MERGE ", statement, re.MULTILINE)
            if not begin or re.search(r"\{stag(ed|ing)\}", statement):  # made by Python, and tested where it is made
                continue
            merge = sqlglot.parse_one(statement[begin.start() :], dialect="bigquery")
            for when in merge.args["whens"].expressions:
                if isinstance(when.args["then"], exp.Update) and isinstance(when.args.get("condition"), exp.Paren):
                    target = f"{merge.this.db}.{merge.this.name}"
                    found[str(file.relative_to(SQL))] = (target, when.args["then"], when.args["condition"])
    return found


UPDATES = updates()


@pytest.mark.parametrize("place", [place for place in UPDATES if place not in OTHER_MEANS])
def test_merge_when_any_written_column_changes_then_it_updates(place: str) -> None:
    target, update, condition = UPDATES[place]
    compared: dict[str, type[exp.Expr]] = {}
    for comparison in condition.this.flatten():
        assert isinstance(comparison, exp.NEQ | exp.NullSafeNEQ), comparison.sql()
        left, right = comparison.this.find(exp.Column), comparison.expression.find(exp.Column)
        assert left.name == right.name and left.table != right.table, comparison.sql()
        compared[left.name] = type(comparison)
    assert compared.keys() == {pair.this.name for pair in update.expressions}
    # NULL != 1 is NULL and no change; ARRAYs are never NULL.
    nullable = {column.name for column in table(target).columns if column.mode == "NULLABLE"}
    assert not {name for name, kind in compared.items() if kind is exp.NEQ} & nullable


def test_other_means_when_named_then_the_file_has_such_a_merge() -> None:
    assert OTHER_MEANS.keys() <= UPDATES.keys()
