"""The linkage on people whom nobody here made up: Febrl's first set, with the thresholds that the bench asks for."""

from __future__ import annotations

from pathlib import Path

from bench import febrl
from bench.clean import truthful
from include.linkage.licenses import link


def test_link_when_febrl_mistyped_swapped_and_dropped_fields_then_19_of_20_are_found_and_nobody_else(
    tmp_path: Path,
) -> None:
    link(febrl.write("febrl1", tmp_path), febrl.RULES, tmp_path / "found.parquet")
    precision, recall = truthful(tmp_path / "found.parquet", tmp_path / "truth.parquet")
    assert precision >= febrl.MIN_PRECISION and recall >= febrl.MIN_RECALL
