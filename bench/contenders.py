"""Ways from a zip to Parquet with all 330 columns as text, each in a process of its own.

``python -m bench.contenders <ours|pyarrow> <zip> <folder>`` prints one JSON object: seconds from the first line of work, with
whatever is loaded or compiled on first use, and the process's peak memory. The third one, DuckDB, is
bench/duckdb_copy.py: it lives in another environment. All read a local file, write local files, and compress with zstd
at the library's default level. None but ours gives line numbers, sources and refused rows.
"""

from __future__ import annotations

import json
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from bench.nppes_file import MEMBER
from bench.peak import peak_bytes
from include.csv.parquet import Progress, convert
from include.nppes.layout import NPIDATA_BIGQUERY_NAMES
from include.nppes.parquet import LAYOUTS

PYARROW_BLOCK_BYTES = 8 * 1024**2


def ours(zipped: Path, folder: Path) -> None:
    """What the DAG runs, with files in place of GCS objects."""

    def show(progress: Progress) -> None:
        print(progress, file=sys.stderr)

    with zipped.open("rb") as source, (folder / "rejected.jsonl").open("wb") as rejects:
        convert(
            source,
            source_name="nppes_monthly",
            source_object=f"gs://lake/raw/nppes/2025-11-09/{zipped.name}",
            file_date=date(2025, 11, 9),
            member=lambda names: next(name for name in names if name == MEMBER),
            layout=LAYOUTS["npidata"],
            open_part=lambda name: (folder / name).open("wb"),
            rejects=rejects,
            progress=show,
        )


def plain_pyarrow(zipped: Path, folder: Path) -> None:
    """open_csv with its threads, on the member as zipfile inflates it; each batch becomes a row group.

    Batches of 8 MiB: with pyarrow's default of 1 MiB the row groups have 800 rows and all takes twice as long. Rows with
    a wrong number of fields are skipped, as they otherwise end the run.
    """
    with zipfile.ZipFile(zipped) as archive, archive.open(MEMBER) as stream:
        reader = arrow_csv.open_csv(
            stream,
            arrow_csv.ReadOptions(block_size=PYARROW_BLOCK_BYTES, column_names=NPIDATA_BIGQUERY_NAMES, skip_rows=1),
            arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda _: "skip"),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(NPIDATA_BIGQUERY_NAMES, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        with parquet.ParquetWriter(folder / "all.parquet", reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {"ours": ours, "pyarrow": plain_pyarrow}


def main() -> None:
    name, zipped, folder = sys.argv[1:]
    begun = time.perf_counter()
    CONTENDERS[name](Path(zipped), Path(folder))
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
