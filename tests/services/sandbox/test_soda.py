"""SoQL: what a question picks, and what is refused as wrong or as not modeled."""

import pytest

from services.sandbox.soda import Refused, answer

ROWS = [
    {":id": "row-1", "name": "Ada", "city": "Austin", "middle": "B"},
    {":id": "row-2", "name": "Ben", "city": "Boise", "middle": ""},
    {":id": "row-3", "name": "Cy O'Neil", "city": "Austin"},
]


def names(**asked: str) -> list[object]:
    return [row["name"] for row in answer(ROWS, {f"${name}": value for name, value in asked.items()})]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("city = 'Austin'", ["Ada", "Cy O'Neil"]),
        ("city != 'Austin'", ["Ben"]),
        ("name > 'Ada' and name <= 'Ben'", ["Ben"]),
        ("name = 'Ada' or name = 'Ben' and city = 'Austin'", ["Ada"]),
        ("(name = 'Ada' or name = 'Ben') AND NOT city = 'Boise'", ["Ada"]),
        ("name in ('Ada', 'Cy O''Neil')", ["Ada", "Cy O'Neil"]),
        ("name not in ('Ada')", ["Ben", "Cy O'Neil"]),
        ("name like '%e%'", ["Ben", "Cy O'Neil"]),
        ("name between 'B' and 'C'", ["Ben"]),
        ("middle is null", ["Ben", "Cy O'Neil"]),
        ("middle is not null", ["Ada"]),
        ("middle != 'B'", []),
        ("name = 'nobody'", []),
    ],
)
def test_where_when_asked_then_the_rows_that_it_holds_for(where: str, expected: list[str]) -> None:
    assert names(where=where) == expected


def test_question_when_without_where_then_every_row_without_its_id() -> None:
    assert answer(ROWS, {}) == [{name: value for name, value in row.items() if name != ":id"} for row in ROWS]


def test_question_when_ordered_and_paged_then_that_page() -> None:
    assert names(order="city DESC, name desc") == ["Ben", "Cy O'Neil", "Ada"]
    assert names(order="name", limit="1", offset="1") == ["Ben"]
    assert answer(ROWS, {"$select": ":id, city", "$limit": "1"}) == [{":id": "row-1", "city": "Austin"}]
    assert answer(ROWS, {"$select": "count(*) as n", "$where": "city = 'Austin'"}) == [{"n": "2"}]
    assert [row["name"] for row in answer(ROWS, {"city": "Boise"})] == ["Ben"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"$where": "town = 'Austin'"}, 400, "no-such-column"),
        ({"$where": "city ="}, 400, "string expected"),
        ({"$where": "city = 'Austin' name"}, 400, "unexpected 'name'"),
        ({"$where": "city = 5"}, 400, "Type mismatch"),
        ({"$limit": "-1"}, 400, "whole number"),
        ({"$page": "1"}, 400, "Unrecognized"),
        ({"$where": "upper(city) = 'AUSTIN'"}, 501, "not modeled by the sandbox: $where: the function upper"),
        ({"$select": "city, count(name)"}, 501, "not modeled"),
        ({"$order": "upper(city)"}, 501, "not modeled"),
        ({"$group": "city"}, 501, "not modeled by the sandbox: $group"),
        ({"$select": ":created_at"}, 501, "not modeled by the sandbox: the system column :created_at"),
    ],
)
def test_question_when_it_cannot_be_answered_then_refused(asked: dict[str, str], status: int, said: str) -> None:
    with pytest.raises(Refused, match=said.replace("$", r"\$")) as refusal:
        answer(ROWS, asked)
    assert refusal.value.status == status
