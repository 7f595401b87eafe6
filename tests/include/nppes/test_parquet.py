"""The converter: exact rows, lines and NULLs; every kind of damage named; memory bounded by the block."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from include.csv.parquet import Converted, Rejected, convert
from include.lake.zip_member import DamagedFile
from include.nppes.layout import MEMBERS, NPIDATA_COLUMNS, HeaderContractError
from include.nppes.parquet import LAYOUTS, member_of_day
from include.nppes.publication import WrongMembers
from services.nppes_sample.files import csv_bytes

SCHEMA = LAYOUTS["npidata"].schema
MEMBER = "npidata_pfile_20251103-20251109.csv"
SUNDAY = date(2025, 11, 9)
OBJECT = "gs://lake/raw/nppes/2025-11-09/a.zip"
DENTIST = {"NPI": "2551230990", "Entity Type Code": "1", "Provider First Name": "ANA"}
CLINIC = {"NPI": "1104829191", "Entity Type Code": "2", "Parent Organization TIN": "<UNAVAIL>"}
GONE = {"NPI": "1386647378", "NPI Deactivation Date": "11/04/2025"}
LINE = b'"2551230990","1"' + b',""' * 328 + b"\n"


@dataclass
class Output:
    result: Converted
    parts: dict[str, bytes]
    rejected: list[Rejected]

    @property
    def table(self) -> pa.Table:
        tables = [parquet.read_table(io.BytesIO(part)) for part in self.parts.values()]
        return pa.concat_tables(tables).sort_by("line")


def zipped(content: bytes, member: str = MEMBER) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
        archive.writestr(member.replace(".csv", "_FileHeader.csv"), csv_bytes(NPIDATA_COLUMNS, []))
    return target.getvalue()


def converted(source: bytes, block_bytes: int = 1 << 20, rows_per_part: int = 1000, member: str = "npidata") -> Output:
    parts: dict[str, bytes] = {}
    rejects = io.BytesIO()

    @contextmanager
    def open_part(name: str) -> Iterator[IO[bytes]]:
        sink = io.BytesIO()
        yield sink
        parts[name] = sink.getvalue()

    result = convert(
        io.BytesIO(source),
        source_name="nppes_weekly",
        source_object=OBJECT,
        file_date=SUNDAY,
        member=member_of_day(member, SUNDAY, OBJECT),
        layout=LAYOUTS[member],
        open_part=open_part,
        rejects=rejects,
        block_bytes=block_bytes,
        rows_per_part=rows_per_part,
    )
    rejects.seek(0)
    return Output(result, parts, [Rejected(**json.loads(line)) for line in rejects])


def csv_of(*lines: bytes) -> bytes:
    return csv_bytes(NPIDATA_COLUMNS, []) + b"".join(lines)


def test_convert_when_rows_are_good_then_published_values_with_their_lines() -> None:
    output = converted(zipped(csv_bytes(NPIDATA_COLUMNS, [DENTIST, CLINIC, GONE])))
    rows = output.table.to_pylist()

    assert output.table.schema == SCHEMA
    assert [(row["npi"], row["line"]) for row in rows] == [("2551230990", 2), ("1104829191", 3), ("1386647378", 4)]
    assert {row["source_object"] for row in rows} == {f"{OBJECT}#{MEMBER}"}
    assert {row["file_date"] for row in rows} == {SUNDAY}
    assert rows[1]["parent_organization_tin"] == "<UNAVAIL>"
    assert rows[2]["entity_type_code"] is None
    assert sum(value is not None for value in rows[2].values()) == 6
    assert (output.result.rows_in, output.result.rows, output.result.rejected) == (3, 3, 0)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_convert_when_a_value_holds_a_newline_then_value_and_later_lines_are_exact(line_end: bytes) -> None:
    content = csv_bytes(NPIDATA_COLUMNS, [DENTIST | {"Provider First Name": "AN\nA, B"}, CLINIC])
    content = content.replace(b"\n", line_end).replace(b"AN\r\nA", b"AN\nA")
    rows = converted(zipped(content)).table.to_pylist()

    assert rows[0]["provider_first_name"] == "AN\nA, B"
    assert [row["line"] for row in rows] == [2, 4]
    assert rows[1]["certification_date"] is None


def test_convert_when_a_row_has_a_field_too_many_or_too_few_then_rejected_with_its_line() -> None:
    short, long = LINE.replace(b',""\n', b"\n"), LINE.replace(b"\n", b',""\n')
    output = converted(zipped(csv_of(LINE, short, LINE, long, LINE)))

    assert [(r.line, r.rule, r.value, r.row_key) for r in output.rejected] == [
        (3, "field_count", "329", "2551230990"),
        (5, "field_count", "331", "2551230990"),
    ]
    assert output.rejected[0].record.encode() + b"\n" == short
    assert "329 fields instead of 330" in output.rejected[0].reason
    assert output.table["line"].to_pylist() == [2, 4, 6]
    assert (output.result.rows_in, output.result.rows, output.result.rejected) == (5, 3, 2)


def test_convert_when_check_digit_is_wrong_then_rejected_and_kept_with_its_record() -> None:
    bad = LINE.replace(b"2551230990", b"2551230991")
    output = converted(zipped(csv_of(LINE, bad)))

    assert [(r.line, r.rule, r.value) for r in output.rejected] == [(3, "npi_check_digit", "2551230991")]
    assert output.rejected[0].record.encode() + b"\n" == bad
    assert output.result.rejected_by_rule == {"npi_check_digit": 1}
    assert output.table.num_rows == 1


def test_convert_when_codes_became_floats_then_rejected() -> None:
    output = converted(zipped(csv_of(LINE, LINE.replace(b'"1"', b'"1.0"'))))
    assert [(r.line, r.rule, r.value) for r in output.rejected] == [(3, "entity_type", "1.0")]


def test_convert_when_a_line_is_blank_then_rejected() -> None:
    output = converted(zipped(csv_of(LINE, b"\n", LINE)))
    assert [(r.line, r.rule, r.value) for r in output.rejected] == [(3, "field_count", "0")]
    assert output.table["line"].to_pylist() == [2, 4]


def test_convert_when_most_rows_are_bad_then_the_whole_file_is_refused() -> None:
    bad = LINE.replace(b"2551230990", b"2551230991")
    with pytest.raises(
        DamagedFile,
        match=r"11 of 12 records are refused \(\{'npi_check_digit': 11\}\); the first: line 3, NPI: '2551230991'\.",
    ):
        converted(zipped(csv_of(LINE, bad * 11)))


def test_convert_when_only_a_header_then_one_part_without_rows() -> None:
    output = converted(zipped(csv_of()))

    assert list(output.parts) == ["part-00000.parquet"]
    assert output.table.schema == SCHEMA
    assert (output.table.num_rows, output.result.rows_in, output.rejected) == (0, 0, [])


def test_convert_when_the_member_has_no_bytes_then_error_not_an_empty_week() -> None:
    with pytest.raises(DamagedFile, match="not even a header"):
        converted(zipped(b""))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (NPIDATA_COLUMNS[:41] + NPIDATA_COLUMNS[42:], r"329 columns.*Missing: 'Provider Sex Code' \(column 42\)"),
        ((*NPIDATA_COLUMNS, "Provider Mood"), r"331 columns.*Extra: 'Provider Mood' \(column 331\)"),
    ],
)
def test_convert_when_header_has_a_column_too_few_or_too_many_then_error_names_it(
    header: tuple[str, ...], message: str
) -> None:
    with pytest.raises(HeaderContractError, match=message):
        converted(zipped(csv_bytes(header, [])))


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_convert_when_the_zip_is_truncated_then_error_says_so(kept: float) -> None:
    whole = zipped(csv_of(LINE * 2000))
    with pytest.raises(DamagedFile, match=f"{OBJECT}: the zip is truncated or damaged"):
        converted(whole[: int(len(whole) * kept)])


def test_convert_when_a_byte_inside_the_member_flipped_then_error_says_so() -> None:
    whole = bytearray(zipped(csv_of(*(LINE.replace(b'"1"', b'"1","%d"' % n, 1)[:-4] + b"\n" for n in range(500)))))
    whole[len(whole) // 3] ^= 0xFF
    with pytest.raises((DamagedFile, HeaderContractError)):
        converted(bytes(whole))


def test_convert_when_html_was_saved_as_zip_then_error_shows_its_beginning() -> None:
    with pytest.raises(DamagedFile, match="not a zip. It begins with b'<!DOCTYPE html>"):
        converted(b"<!DOCTYPE html><html><body>Access Denied</body></html>")


def test_convert_when_the_zip_has_no_bytes_then_error() -> None:
    with pytest.raises(DamagedFile, match="not a zip"):
        converted(b"")


def test_convert_when_the_zip_holds_no_or_two_npidata_then_error() -> None:
    with pytest.raises(WrongMembers, match="no member"):
        converted(zipped(csv_of(LINE), member="pl_pfile_20251103-20251109.csv"))
    two = io.BytesIO(zipped(csv_of(LINE)))
    with zipfile.ZipFile(two, "a") as archive:
        archive.writestr("npidata_pfile_20251110-20251116.csv", csv_of(LINE))
    with pytest.raises(WrongMembers, match="2 members"):
        converted(two.getvalue())


def test_convert_when_the_member_is_of_another_week_then_error() -> None:
    with pytest.raises(DamagedFile, match="ends on 2025-11-16, expected 2025-11-09"):
        converted(zipped(csv_of(LINE), member="npidata_pfile_20251110-20251116.csv"))


def test_convert_when_the_csv_breaks_off_inside_a_quote_then_error_names_the_line() -> None:
    with pytest.raises(DamagedFile, match="line 4 opens a quote that is never closed"):
        converted(zipped(csv_of(LINE, LINE, b'"2551230990","1')))


def test_convert_when_the_csv_breaks_off_between_fields_then_error_names_the_line() -> None:
    with pytest.raises(DamagedFile, match="breaks off in line 3"):
        converted(zipped(csv_of(LINE, b'"2551230990","1",')))


def test_convert_when_the_last_line_end_is_missing_but_the_row_is_whole_then_loaded() -> None:
    assert converted(zipped(csv_of(LINE, LINE[:-1]))).table["line"].to_pylist() == [2, 3]


@pytest.mark.parametrize("name", sorted(MEMBERS))
@pytest.mark.parametrize(
    "damage", [(b'"2551230990"', b'"25"51230990"'), (b'"2551230990"', b'"2551230990'), (b'""\n', b'"\n')]
)
def test_convert_when_quotes_are_stray_in_two_rows_then_these_alone_are_refused(
    name: str, damage: tuple[bytes, bytes]
) -> None:
    """Two stray quotes, an even number, once swallowed every row between them, and the books were equal."""
    row = csv_bytes(MEMBERS[name].columns, [{"NPI": "2551230990"}]).split(b"\n", 1)[1]
    stray = row.replace(*damage)
    assert stray != row
    lines = [row] * 9 + [stray] + [row] * 9 + [stray] + [row] * 10
    content = csv_bytes(MEMBERS[name].columns, []) + b"".join(lines)
    output = converted(zipped(content, MEMBER.replace("npidata", name)), member=name)

    assert [(r.line, r.rule) for r in output.rejected] == [(11, "malformed"), (21, "malformed")]
    assert output.table["line"].to_pylist() == [line for line in range(2, 32) if line not in (11, 21)]
    assert (output.result.rows_in, output.result.rows, output.result.rejected) == (30, 28, 2)


def test_convert_when_lines_end_as_on_old_macs_then_refused_and_said() -> None:
    with pytest.raises(DamagedFile, match=f"{MEMBER}: line 1 holds a carriage return: .*old Macs.*get the file again"):
        converted(zipped(csv_of(LINE * 5000).replace(b"\n", b"\r")))


def test_convert_when_the_header_names_a_column_twice_then_refused_by_name() -> None:
    with pytest.raises(HeaderContractError, match="Repeated: 'Provider First Name'"):
        converted(zipped(csv_bytes((*NPIDATA_COLUMNS, "Provider First Name"), [])))
    with pytest.raises(HeaderContractError, match=r"Missing: 'Certification Date' .*Repeated: 'Provider First Name'"):
        converted(zipped(csv_bytes((*NPIDATA_COLUMNS[:-1], "Provider First Name"), [])))


def test_convert_when_a_stray_quote_is_far_from_the_end_then_found_within_bounded_memory() -> None:
    stray = LINE.replace(b'"1"', b'"1')
    output = converted(zipped(csv_of(LINE, stray, LINE * 3000)), block_bytes=64 * 1024)
    assert [(r.line, r.rule, r.record) for r in output.rejected] == [(3, "malformed", stray.decode().rstrip())]
    assert output.result.rows == 3001


def test_convert_when_bytes_are_not_utf8_then_their_row_is_rejected_with_its_line() -> None:
    output = converted(zipped(csv_of(LINE, LINE.replace(b'""', b'"\xc9MILE"', 1), LINE)))

    assert [(r.line, r.rule, r.row_key, r.value) for r in output.rejected] == [
        (3, "encoding", "2551230990", "byte 19 of the record, 0xC9")
    ]
    assert output.table["line"].to_pylist() == [2, 4]


@pytest.mark.parametrize("block_bytes", [700, 1333, 4096, 1 << 20])
def test_convert_when_blocks_differ_then_rows_lines_and_rejects_do_not(block_bytes: int) -> None:
    two_lines = csv_bytes(NPIDATA_COLUMNS, [DENTIST | {"Provider First Name": 'A\n\nB "C"'}]).split(b"\n", 1)[1]
    bad = LINE.replace(b"2551230990", b"2551230991")
    output = converted(zipped(csv_of(*[LINE, two_lines, bad, b"\n"] * 5)), block_bytes=block_bytes)

    assert output.table["line"].to_pylist() == [line + 6 * n for n in range(5) for line in (2, 3)]
    assert [r.line for r in output.rejected] == [line + 6 * n for n in range(5) for line in (6, 7)]
    assert set(output.table["provider_first_name"].to_pylist()) == {None, 'A\n\nB "C"'}


def test_convert_when_rows_exceed_a_part_then_parts_follow_and_nothing_is_lost() -> None:
    output = converted(zipped(csv_of(LINE * 50)), block_bytes=10_000, rows_per_part=20)

    assert sorted(output.parts) == output.result.parts
    assert len(output.parts) > 2
    assert output.table["line"].to_pylist() == list(range(2, 52))


def test_convert_when_run_again_then_the_same_bytes() -> None:
    source = zipped(csv_of(LINE * 50))
    assert converted(source).parts == converted(source).parts


def test_convert_when_the_file_is_large_then_memory_is_bounded_by_the_block() -> None:
    source = zipped(csv_of(LINE * 20_000))

    @contextmanager
    def discard(name: str) -> Iterator[IO[bytes]]:
        with Path(os.devnull).open("wb") as sink:
            yield sink

    pool_before = pa.total_allocated_bytes()
    peaks = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            peaks.append(pa.total_allocated_bytes() - pool_before)
            return super().read(size)

    tracemalloc.start()
    try:
        convert(
            Watched(source),
            source_name="nppes_weekly",
            source_object=OBJECT,
            file_date=SUNDAY,
            member=member_of_day("npidata", SUNDAY, OBJECT),
            layout=LAYOUTS["npidata"],
            open_part=discard,
            rejects=io.BytesIO(),
            block_bytes=256 * 1024,
        )
        python_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = 20_000 * len(LINE)
    assert size > 19_000_000
    assert python_peak < 6_000_000
    assert max(peaks) < 10_000_000
