"""`python -m services.nppes_sample --out DIR [--seed 7] [--weeks 2]`: write sample zips under CMS's names."""

from __future__ import annotations

import argparse
from pathlib import Path

from services.nppes_sample.files import write_months, write_weeks


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.nppes_sample", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the zips to; made when missing")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same bytes (default 7)")
    parser.add_argument("--weeks", type=int, default=2, help="how many weeks from 3 November 2025 (default 2)")
    arguments = parser.parse_args()
    for write in (write_weeks, write_months):
        for path in write(arguments.out, arguments.seed, arguments.weeks):
            print(path)


if __name__ == "__main__":
    main()
