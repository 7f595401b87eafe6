"""DuckDB's way from a zip to Parquet: ``unzip``, then one COPY. Runs in the emulators' environment.

``python -m bench.duckdb_copy <zip> <member> <folder>`` prints one JSON object: seconds, and the process's peak memory (that
of ``unzip`` is far below it). Two threads, every column as text, zstd. Rows with a wrong number of fields are skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from bench.peak import peak_bytes


def main() -> None:
    zipped, member, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    begun = time.perf_counter()
    subprocess.run(["unzip", "-q", "-o", zipped, member, "-d", folder], check=True)
    unzipped = time.perf_counter()
    connection = duckdb.connect(config={"threads": 2})
    source = f"read_csv('{folder / member}', all_varchar = true, header = true, quote = '\"', escape = '\"', ignore_errors = true)"
    connection.execute(
        f"COPY (SELECT * FROM {source}) TO '{folder / 'all.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    )
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "unzip_seconds": unzipped - begun, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
