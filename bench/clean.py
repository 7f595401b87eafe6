"""``make bench-clean``: is CLEAN true, and is it fast.

The linkage of board licenses with NPIs on a generated registry of known truth (bench/registry.py), Splink beside it on the same
files, Febrl's sets; then the fold of clean.provider (bench/clean_fold.py). Writes build/bench/clean.json and ends with 1 when
precision, recall or time is short of what the issue asks for. The thresholds were set on seed 7; the bench judges on another.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from bench import clean_fold, febrl
from bench.registry import registry, rules
from bench.splink_default import linked_by_splink
from include.linkage.licenses import Files, link

BUILD = Path(__file__).parents[1] / "build" / "bench"
SEED = 2026
SPLINK_THRESHOLD = 0.95
MIN_PRECISION, MIN_RECALL, MAX_SECONDS = 0.999, 0.97, 60


def written(people: int, folder: Path, seed: int = SEED) -> Files:
    """Write a registry into `folder` and return its files; truth.parquet lies beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    registry(people, seed).write(folder)
    return Files(*(str(folder / f"{name}.parquet") for name in ("licenses", "providers", "slots")))


def truthful(found: Path, truth: Path) -> tuple[float, float]:
    """Return (precision, recall) of the pairs in `found` against those in `truth`."""
    counts = duckdb.sql(f"""
        SELECT (SELECT count(*) FROM '{found}'), (SELECT count(*) FROM '{truth}'),
          (SELECT count(*) FROM '{found}' JOIN '{truth}' USING (license_key, npi))
    """).fetchone()
    if not counts or not counts[0] or not counts[1]:
        raise ValueError(f"{found.name}: nothing was found, or nothing is true; the files do not belong together.")
    return round(counts[2] / counts[0], 5), round(counts[2] / counts[1], 5)


def measured(people: int) -> dict[str, Any]:
    """Link a registry of `people` with ours and with Splink, then Febrl's sets."""
    folder = BUILD / f"registry-{people}"
    files, truth = written(people, folder), folder / "truth.parquet"
    result: dict[str, Any] = {"people": people, "seed": SEED}
    start = time.perf_counter()
    counts = link(files, rules(), folder / "ours.parquet")
    seconds = round(time.perf_counter() - start, 1)
    result["precision"], result["recall"] = truthful(folder / "ours.parquet", truth)
    result |= {
        "seconds_200k": seconds,
        "licenses": counts.licenses,
        "candidates": counts.candidates,
        "matches": counts.matches,
    }
    print(json.dumps(result), flush=True)
    start = time.perf_counter()
    linked_by_splink(files, rules(), folder / "splink.parquet", SPLINK_THRESHOLD)
    result["splink_seconds"] = round(time.perf_counter() - start, 1)
    result["splink_precision"], result["splink_recall"] = truthful(folder / "splink.parquet", truth)
    result["febrl"] = {name: on_febrl(name, folder / name) for name in febrl.SETS}
    print(json.dumps(result["febrl"]), flush=True)
    return result


def on_febrl(name: str, folder: Path) -> dict[str, Any]:
    """Link one of Febrl's sets with ours and with Splink, and return precision and recall of both, each with its interval."""
    result: dict[str, Any] = {}
    found = folder / "ours.parquet"
    link(febrl.write(name, folder), febrl.RULES, found)
    result["ours"] = with_intervals(found, folder / "truth.parquet")
    linked_by_splink(
        febrl.write(name, folder, one_board=True), febrl.RULES, folder / "splink.parquet", SPLINK_THRESHOLD
    )
    result["splink"] = with_intervals(folder / "splink.parquet", folder / "truth.parquet")
    return result


def with_intervals(found: Path, truth: Path) -> dict[str, Any]:
    """Return precision and recall of the pairs in `found`, each as (share, low, high) with Wilson's 95 % interval."""
    counts = [duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchone() for path in (found, truth)]
    pairs, true = (int(row[0]) for row in counts if row)
    precision, recall = truthful(found, truth)
    return {
        "precision": (precision, *wilson(round(precision * pairs), pairs)),
        "recall": (recall, *wilson(round(recall * true), true)),
    }


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    z = 1.96
    middle, width = hits + z * z / 2, z * (hits * (of - hits) / of + z * z / 4) ** 0.5
    return round((middle - width) / (of + z * z), 4), round((middle + width) / (of + z * z), 4)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-clean")
    parser.add_argument("--people", type=int, default=200_000)
    arguments = parser.parse_args()
    result = measured(arguments.people) | clean_fold.measured()
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "clean.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    holds = result["precision"] >= MIN_PRECISION and result["recall"] >= MIN_RECALL
    for judged in (result["febrl"][name]["ours"] for name in ("febrl1", "febrl2", "febrl4")):
        holds &= judged["precision"][0] >= febrl.MIN_PRECISION and judged["recall"][0] >= febrl.MIN_RECALL
    return 0 if holds and result["seconds_200k"] <= MAX_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
