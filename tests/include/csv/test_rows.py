"""What becomes of each record: a row, or a refusal that says line, column, value and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.csv.blocks import Block, blocks
from include.csv.layout import Layout, Rule, values_of
from include.csv.rows import Rejected, Rows
from include.lake.zip_member import DamagedFile

SIGNED = Rule("signed", ("amount", "tax"), "No minus.", lambda t: pc.starts_with(values_of(t, ("amount", "tax")), "-"))
KNOWN = Rule("known", ("id",), "Unknown id.", lambda t: pc.equal(values_of(t, ("id",)), "0"))
LAYOUT = Layout(
    name="bill",
    columns=("Id", "Amount", "Tax"),
    bigquery_names=("id", "amount", "tax"),
    key="id",
    positions=lambda header, where: (0, 1, 2),
    rules=(KNOWN, SIGNED),
)
DAY = date(2025, 11, 9)


def read(content: bytes, targets: Sequence[int | None] = (0, 1, 2)) -> tuple[pa.Table, list[Rejected]]:
    *_, block = blocks([[content]], "gs://lake/a.zip#a.csv")
    return Rows(LAYOUT, tuple(targets), "bills", "gs://lake/a.zip#a.csv", DAY).of(block)


def refused(content: bytes) -> list[tuple[int, str, str, str, str]]:
    return [(r.line, r.rule, r.row_key, r.column, r.value) for r in read(content)[1]]


def test_of_when_records_are_good_then_rows_in_the_schema_with_where_they_are_from() -> None:
    table, rejected = read(b'1,2,3\n"2","\n",\n3,,\n')

    assert rejected == []
    assert table.schema == LAYOUT.schema
    origin = {"file_date": DAY, "source": "bills", "source_object": "gs://lake/a.zip#a.csv"}
    assert table.to_pylist() == [
        origin | {"line": 2, "id": "1", "amount": "2", "tax": "3"},
        origin | {"line": 3, "id": "2", "amount": "\n", "tax": None},
        origin | {"line": 5, "id": "3", "amount": None, "tax": None},
    ]


def test_of_when_a_file_has_columns_elsewhere_then_they_go_to_theirs() -> None:
    table, _ = read(b"x,2,1,y\n", (None, 1, 0, None))
    assert table.select(["id", "amount", "tax"]).to_pylist() == [{"id": "1", "amount": "2", "tax": None}]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (b"7,2\n", ("field_count", "7", "", "2")),
        (b"7,2,3,4\n", ("field_count", "7", "", "4")),
        (b"\n", ("field_count", "", "", "0")),
        (b'"7","a" b,3\n', ("malformed", "7", "", "")),
        (b"7,\xe9,3\n", ("encoding", "7", "", "byte 3 of the record, 0xE9")),
        (b"7,-2,3\n", ("signed", "7", "Amount", "-2")),
        (b"7,2,-3\n", ("signed", "7", "Tax", "-3")),
        (b"7,-2,-3\n", ("signed", "7", "Amount", "-2")),
        (b"0,-2,3\n", ("known", "0", "Id", "0")),
    ],
)
def test_of_when_a_record_is_bad_then_refused_with_line_column_and_value(
    record: bytes, said: tuple[str, str, str, str]
) -> None:
    content = b"1,2,3\n" + record + b'"2","\n",\n' + record
    table, rejected = read(content)

    assert refused(content) == [(3, *said), (6, *said)]
    assert [r.record for r in rejected] == [record.decode("utf-8", "replace").rstrip("\n")] * 2
    assert all(r.reason for r in rejected)
    assert table["line"].to_pylist() == [2, 4]
    assert table["id"].to_pylist() == ["1", "2"]


def test_of_when_a_value_is_beyond_ascii_then_kept_and_only_wrong_bytes_are_refused() -> None:
    content = b"".join(f"{n},CAÑON,\n".encode() for n in range(1, 2000)) + b"2000,\xc3(,\n"
    table, _ = read(content)

    assert set(table["amount"].to_pylist()) == {"CAÑON"}
    assert refused(content) == [(2001, "encoding", "2000", "", "byte 6 of the record, 0xC3")]


def test_of_when_every_record_is_refused_then_no_rows() -> None:
    table, rejected = read(b"0,,\n0,,\n")
    assert (table.num_rows, len(rejected), table.schema) == (0, 2, LAYOUT.schema)


def test_of_when_the_file_breaks_off_in_the_last_record_then_error_names_its_line() -> None:
    with pytest.raises(DamagedFile, match=r"a.csv: the file breaks off in line 3. Download it again"):
        read(b"1,2,3\n2,")


def test_of_when_only_the_last_line_end_is_missing_then_the_row_is_kept() -> None:
    table, rejected = read(b"1,2,3\n2,3,4")
    assert (table["id"].to_pylist(), table["line"].to_pylist(), rejected) == (["2"], [3], [])


def test_block_when_asked_for_a_record_then_its_bytes() -> None:
    block: Block = next(blocks([[b"1,2,3\r\n4,5,6\r\n"]], "a"))
    assert (block.text(1), block.bytes_of(0), block.size) == ("4,5,6", b"1,2,3\r\n", 14)
