"""A member as Parquet parts: older headers, encodings, progress, and nothing half-written that looks whole."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import IO, Any

import pyarrow.parquet as parquet
import pytest

from include.csv import parquet as csv_parquet
from include.csv.blocks import blocks
from include.csv.layout import Layout
from include.csv.parquet import Converted, Progress, convert
from include.lake.zip_member import DamagedFile


class UnknownHeader(ValueError):
    pass


def positions(header: Sequence[str], where: str) -> Sequence[int | None]:
    known: dict[tuple[str, ...], tuple[int | None, ...]] = {
        ("Id", "Name", "Town"): (0, 1, 2),
        ("Title", "Old", "Id"): (2, 0, None),
    }
    if tuple(header) not in known:
        raise UnknownHeader(f"{where}: {header}")
    return known[tuple(header)]


LAYOUT = Layout("town", ("Id", "Name", "Town"), ("id", "name", "town"), "id", positions)
DAY = date(2025, 11, 9)


@dataclass
class Output:
    closed: dict[str, bytes] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)

    @contextmanager
    def open_part(self, name: str) -> Iterator[IO[bytes]]:
        sink = io.BytesIO()
        try:
            yield sink
        except BaseException:
            self.failed.append(name)
            raise
        self.closed[name] = sink.getvalue()

    def rows(self, name: str) -> list[dict[str, Any]]:
        columns = ["line", "id", "name", "town"]
        rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(self.closed[name]), columns=columns).to_pylist()
        return rows


def zipped(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("town.csv", content)
    return target.getvalue()


def run(
    content: bytes,
    output: Output,
    layout: Layout = LAYOUT,
    open_part: Callable[[str], Any] | None = None,
    **sizes: int,
) -> Converted:
    return convert(
        io.BytesIO(zipped(content)),
        source_name="towns",
        source_object="gs://lake/a.zip",
        file_date=DAY,
        member=lambda names: "town.csv",
        layout=layout,
        open_part=open_part or output.open_part,
        rejects=io.BytesIO(),
        progress=lambda progress: output.progress.append(str(progress)),
        **sizes,
    )


def test_convert_when_the_header_is_todays_then_no_note() -> None:
    output = Output()
    result = run(b"Id,Name,Town\n1,ANA,Austin\n", output)

    assert (result.note, result.rows_in, result.parts) == ("", 1, ["part-00000.parquet"])
    assert output.rows("part-00000.parquet") == [{"line": 2, "id": "1", "name": "ANA", "town": "Austin"}]


def test_convert_when_the_header_is_a_known_older_one_then_mapped_and_noted() -> None:
    output = Output()
    result = run(b"Title,Old,Id\r\nANA,x,1\r\n", output)

    assert result.note == "another header than today's; read: 'Title' as 'Name'; NULL: 'Town'"
    assert output.rows("part-00000.parquet") == [{"line": 2, "id": "1", "name": "ANA", "town": None}]


def test_convert_when_the_header_is_unknown_then_its_error_and_no_part() -> None:
    output = Output()
    with pytest.raises(UnknownHeader, match=r"gs://lake/a.zip#town.csv: \['Id', 'Town'\]"):
        run(b"Id,Town\n1,Austin\n", output)
    assert (output.closed, output.failed) == ({}, [])


def test_convert_when_the_layout_says_latin_1_then_its_letters_are_right() -> None:
    output = Output()
    result = run("Id,Name,Town\n1,Ñ,Besançon\n".encode("latin-1"), output, replace(LAYOUT, encoding="latin-1"))

    assert result.rejected == 0
    assert output.rows("part-00000.parquet") == [{"line": 2, "id": "1", "name": "Ñ", "town": "Besançon"}]


def test_convert_when_there_is_a_byte_order_mark_then_it_is_no_part_of_a_name() -> None:
    assert run(b"\xef\xbb\xbfId,Name,Town\n1,ANA,Austin\n", Output()).rows == 1


def test_convert_when_rows_exceed_groups_and_parts_then_all_are_there_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_parquet, "ROWS_PER_GROUP", 10)
    output = Output()
    content = b"Id,Name,Town\n" + b"".join(b'%d,"A\nB",\n' % n for n in range(100))
    result = run(content, output, block_bytes=50, rows_per_part=40)

    assert result.parts == sorted(output.closed) == [f"part-{n:05d}.parquet" for n in range(3)]
    lines = [row["line"] for name in result.parts for row in output.rows(name)]
    assert lines == list(range(2, 202, 2))
    groups = [parquet.ParquetFile(io.BytesIO(part)).num_row_groups for part in output.closed.values()]
    assert groups[0] == 4


def test_convert_when_rows_end_exactly_with_a_part_then_no_empty_part_follows() -> None:
    output = Output()
    content = b"Id,Name,Town\n" + b"1,ANA,Austin\n" * 4
    assert run(content, output, block_bytes=13, rows_per_part=2).parts == ["part-00000.parquet", "part-00001.parquet"]
    assert [len(output.rows(name)) for name in output.closed] == [2, 2]


def test_convert_when_it_lasts_then_progress_says_bytes_rows_speed_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_parquet, "PROGRESS_SECONDS", 0.0)
    output = Output()
    run(b"Id,Name,Town\n" + b"1,ANA,Austin\n" * 100, output, block_bytes=100)

    assert len(output.progress) > 5
    assert " 100 records, " in output.progress[-1]
    assert output.progress[-1].endswith(" MB/s, 0 s left")


def test_progress_when_written_then_for_people() -> None:
    assert str(Progress(2_500_000_000, 10_000_000_000, 2_100_000, 10.0)) == (
        "2,500 of 10,000 MB, 2,100,000 records, 250 MB/s, 30 s left"
    )
    assert str(Progress(0, 5_000_000, 0, 0.0)) == "0 of 5 MB, 0 records, 0 MB/s, time left unknown"


def test_convert_when_the_file_is_damaged_in_the_middle_then_the_open_part_is_told() -> None:
    output = Output()
    content = b"Id,Name,Town\n" + b"1,ANA,Austin\n" * 10 + b'2,"BEA,Austin'
    with pytest.raises(DamagedFile, match="line 12 opens a quote"):
        run(content, output, block_bytes=13, rows_per_part=8)
    assert list(output.closed) == ["part-00000.parquet"]
    assert output.failed in ([], ["part-00001.parquet"])


def test_convert_when_values_hold_line_feeds_then_rows_in_is_the_lines_without_them() -> None:
    output = Output()
    result = run(b'Id,Name,Town\n1,"A\n\nB",\n2,BEA,"x\n"\n\n3,"C"D,\n4,D,', output, block_bytes=9)

    # Nine lines: the header, three that begin within a value, three rows, a blank one and one with a stray quote.
    assert (result.rows_in, result.continuation_lines, result.rows, result.rejected) == (5, 3, 3, 2)


def test_convert_when_a_record_is_lost_on_the_way_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_but_the_second(*given: Any) -> Iterator[Any]:
        yield from (block for number, block in enumerate(blocks(*given)) if number != 1)

    monkeypatch.setattr(csv_parquet, "blocks", all_but_the_second)
    with pytest.raises(DamagedFile, match="10 lines in, .* 9 rows out and 0 rejected do not balance"):
        run(b"Id,Name,Town\n" + b"1,ANA,Austin\n" * 10, Output(), block_bytes=13)


def test_convert_when_the_lake_fails_then_its_error() -> None:
    @contextmanager
    def full(name: str) -> Iterator[IO[bytes]]:
        raise OSError(f"no room for {name}")
        yield io.BytesIO()

    with pytest.raises(OSError, match="no room for part-00000.parquet"):
        run(b"Id,Name,Town\n" + b"1,ANA,Austin\n" * 100, Output(), open_part=full, block_bytes=50, rows_per_part=3)
