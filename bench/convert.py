"""``make bench-convert``: from a zip of CMS's shape to Parquet, ours against pyarrow and DuckDB, and exact or it counts for nothing.

``python -m bench.convert [--bytes N] [--rounds N]`` makes the file once (build/bench), runs each contender in a process of
its own, in turn, and takes the best of its rounds. Then it compares every column, line number and refused row with a
plain parse by csv.reader. Prints a table and writes build/bench/convert.json; ends with 1 when something is not exact.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.nppes_file import MEMBER, REAL_SAMPLE, write_zip
from bench.reference import parsed, stored

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
REAL_ROWS = ROOT.parent / "shared" / "data" / REAL_SAMPLE
EMULATORS = ROOT / ".venvs" / "emulators" / "bin" / "python"
DEFAULT_BYTES = 1_050_000_000
CONTENDERS = ("ours", "pyarrow", "duckdb")


@dataclass(frozen=True)
class Run:
    """One conversion by one contender; `peak_bytes` is the most memory that its process had."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Result:
    """What the bench found; speeds in MB of CSV a second, memory in MB, both of a million bytes."""

    bytes: int
    rows: int
    rejected: int
    mb_per_s: float
    pyarrow_mb_per_s: float
    duckdb_mb_per_s: float
    ratio_pyarrow: float
    ratio_duckdb: float
    peak_mb: float
    exact: bool
    differences: list[str]


def run(name: str, zipped: Path, folder: Path) -> Run:
    """Let a contender convert the zip into an empty folder, and return what it took."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if name == "duckdb":
        command = [str(EMULATORS), "-m", "bench.duckdb_copy", str(zipped), MEMBER, str(folder)]
    else:
        command = [sys.executable, "-m", "bench.contenders", name, str(zipped), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    return Run(said["seconds"], said["peak_bytes"])


def differences(zipped: Path, folder: Path) -> tuple[int, int, list[str]]:
    """Return rows and refused rows of our conversion in `folder`, and where it differs from csv.reader's parse."""
    refused = [json.loads(line) for line in (folder / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    ours = stored(sorted(folder.glob("part-*.parquet")), [(r["line"], r["rule"], r["value"]) for r in refused])
    return ours.rows, len(refused), parsed(zipped, MEMBER).differences(ours)


def measured(zipped: Path, rounds: int) -> Result:
    """Run every contender `rounds` times, in turn, and check what ours wrote."""
    best: dict[str, Run] = {}
    for _ in range(rounds):
        for name in reversed(CONTENDERS):
            done = run(name, zipped, BUILD / name)
            print(f"  {name:8} {done.seconds:6.2f} s, peak {done.peak_bytes / 1e6:,.0f} MB", flush=True)
            best[name] = min(done, best.get(name, done), key=lambda item: item.seconds)
    rows, rejected, found = differences(zipped, BUILD / "ours")
    with zipfile.ZipFile(zipped) as archive:
        size = archive.getinfo(MEMBER).file_size
    speed = {name: size / 1e6 / best[name].seconds for name in CONTENDERS}
    return Result(
        bytes=size,
        rows=rows,
        rejected=rejected,
        mb_per_s=round(speed["ours"], 1),
        pyarrow_mb_per_s=round(speed["pyarrow"], 1),
        duckdb_mb_per_s=round(speed["duckdb"], 1),
        ratio_pyarrow=round(speed["ours"] / speed["pyarrow"], 2),
        ratio_duckdb=round(speed["ours"] / speed["duckdb"], 2),
        peak_mb=round(best["ours"].peak_bytes / 1e6),
        exact=not found,
        differences=found,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-convert")
    parser.add_argument("--bytes", type=int, default=DEFAULT_BYTES, help="size of the CSV (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    real = REAL_ROWS if REAL_ROWS.exists() else None
    BUILD.mkdir(parents=True, exist_ok=True)
    zipped = BUILD / f"nppes-{arguments.bytes}{'-real' if real else ''}.zip"
    if not zipped.exists():
        print(f"Writing {zipped.relative_to(ROOT)}", flush=True)
        unfinished = zipped.with_suffix(".part")
        write_zip(unfinished, arguments.bytes, real=real)
        unfinished.rename(zipped)
    result = measured(zipped, arguments.rounds)
    for name in CONTENDERS:
        shutil.rmtree(BUILD / name)
    (BUILD / "convert.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    print(json.dumps(asdict(result), indent=2))
    return 0 if result.exact else 1


if __name__ == "__main__":
    sys.exit(main())
