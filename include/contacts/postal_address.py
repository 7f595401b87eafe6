"""One published address in the form of USPS Publication 28: delivery line, unit apart, city, state, ZIP.

Published addresses are typed by hand and every tenth one breaks a parser, so there is a ladder: forms that one pattern knows whole
(boxes, routes, military mail, Puerto Rico), then usaddress-scourgify, then usaddress's tags, then upper case and
abbreviations. The rung that held is kept as ``parse_level``. Nothing raises and no address is lost.

Source of the forms: https://pe.usps.com/text/pub28/welcome.htm.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from include.contacts.postal_forms import box_line, island_line
from include.contacts.postal_lines import clean, placed_lines, plain_line, scourgified_line, street_lines, tagged_line
from include.contacts.postal_places import country_code, military_state, state_code, zip_parts

ParseLevel = Literal["pattern", "scourgify", "tagged", "plain", "empty"]
Kind = Literal["street", "po_box", "rural_route", "military", "foreign", "empty"]
BATCH = 2_000  # addresses; below it a second process costs more than it saves
# For all shares together: a million addresses take some three minutes on two cores.
WORKER_SECONDS = 1800.0
ISLANDS = frozenset({"PR"})  # Spanish street words and urbanizations


class Published(NamedTuple):
    """An address as published. Any part may be None or ''. country: code or name; '' reads as the United States."""

    line_1: str | None
    line_2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """The standard form. All text is upper case; a part that is not there is None.

    delivery_line: `100 W MAIN ST`, `PO BOX 12`, `PSC 802 BOX 74`; a foreign one as published, in upper case.
    unit: secondary designator and number, `STE 200`, `BLDG 4 STE 200`, `# 12` where the designator is not told.
    urbanization: of a Puerto Rican address, where it is part of the address's identity: `URB LAS GLADIOLAS`.
    state: two letters in the US, territories (PR, GU, VI, AS, MP) and military mail (AA, AE, AP); else as published.
    zip5, zip4: US only. postal_code: that of a foreign address.
    country: ISO 3166 alpha-2; US for territories and military mail too; None where it cannot be told.
    """

    delivery_line: str | None
    unit: str | None
    urbanization: str | None
    city: str | None
    state: str | None
    zip5: str | None
    zip4: str | None
    postal_code: str | None
    country: str | None
    kind: Kind
    parse_level: ParseLevel


def standard_address(
    line_1: str | None,
    line_2: str | None,
    city: str | None,
    state: str | None,
    postal_code: str | None,
    country: str | None,
) -> PostalAddress:
    """Return the standard form of one published address."""
    at = state_code(state)
    town = clean(city)
    nation = country_code(country, at, postal_code)
    if military_state(at, town):
        nation = "US"
    home = nation in ("US", None)
    zip5, zip4 = zip_parts(postal_code, at) if home else (None, None)

    def built(
        line: str | None, unit: str | None, kind: Kind, level: ParseLevel, urbanization: str | None = None
    ) -> PostalAddress:
        code = None if home else clean(postal_code)
        return PostalAddress(line, unit, urbanization, town, at, zip5, zip4, code, nation, kind, level)

    if not clean(line_1) and not clean(line_2):
        return built(None, None, "empty", "empty")
    if not home:
        return built(clean(line_1) or clean(line_2), clean(line_2) if clean(line_1) else None, "foreign", "plain")
    first, second = street_lines(line_1, line_2)
    boxed = box_line(first, second)
    if boxed is not None:
        return built(boxed.line, boxed.unit, boxed.kind, "pattern")
    if at in ISLANDS:
        island = island_line(*placed_lines(line_1, line_2))
        if island is not None:
            return built(island.line, island.unit, "street", "pattern", island.urbanization)
    found = scourgified_line(first, second, at)
    if found is not None:
        return built(found.line, found.unit, "street", "scourgify")
    tagged = tagged_line(first, second)
    if tagged is not None:
        return built(tagged.line, tagged.unit, "street", "tagged")
    last = plain_line(first, second)
    return built(last.line, last.unit, "street", "plain")


def standard_addresses(rows: Sequence[Published]) -> list[PostalAddress]:
    """Return the standard form of each row, in order; equal rows are parsed once, many rows on all cores.

    About 0.35 ms an address and core. The workers are processes of their own that read and write JSON, not forks: the
    caller may be a task runner with threads and open connections.
    """
    distinct = list(dict.fromkeys(rows))
    workers = min(os.cpu_count() or 1, len(distinct) // BATCH)
    if workers < 2:
        known = {row: standard_address(*row) for row in distinct}
    else:
        shares = [distinct[start::workers] for start in range(workers)]
        known = {}
        for share, answer in zip(shares, _answers(shares), strict=True):
            known.update(zip(share, answer, strict=True))
    return [known[row] for row in rows]


def address_key(published: Published) -> str:
    """Return the key of a published address in clean.address: the same text, the same key.

    In SQL: CONCAT('a', SUBSTR(TO_HEX(SHA256(CONCAT(IFNULL(line_1, ''), '|', …, IFNULL(country, '')))), 1, 20)).
    """
    return _key("a", *published)


def location_key(address: PostalAddress) -> str | None:
    """Return the key of the place, whatever the unit: delivery line (with urbanization) and ZIP; None without both.

    For the mainland this is the formula of clean.provider.practice_id.
    """
    zip_or_code = address.zip5 or address.postal_code
    if not address.delivery_line or not zip_or_code:
        return None
    line = " ".join(part for part in (address.urbanization, address.delivery_line) if part)
    return _key("o", line, zip_or_code)


def standard_key(address: PostalAddress) -> str | None:
    """Return the key under which an address is validated: all that a validator is asked with; None without a line."""
    if not address.delivery_line:
        return None
    asked = (address.delivery_line, address.unit, address.urbanization, address.city, address.state)
    return _key("s", *asked, address.zip5 or address.postal_code, address.country)


def _key(prefix: str, *parts: str | None) -> str:
    text = "|".join(part or "" for part in parts)
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:20]


def _answers(shares: Sequence[Sequence[Published]]) -> list[list[PostalAddress]]:
    command = [sys.executable, "-m", "include.contacts.postal_address"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)  # noqa: S603 - our own module
        for _ in shares
    ]
    try:
        # Each worker reads its whole share before it writes, so writing to one never waits for another.
        for worker, share in zip(started, shares, strict=True):
            assert worker.stdin is not None
            worker.stdin.write(json.dumps(share).encode())
            worker.stdin.close()
            worker.stdin = None
        ends = time.monotonic() + WORKER_SECONDS
        return [_answer(worker, max(0.0, ends - time.monotonic())) for worker in started]
    finally:
        for worker in started:
            worker.kill()
            worker.wait()


def _answer(worker: subprocess.Popen[bytes], seconds: float) -> list[PostalAddress]:
    try:
        written, _ = worker.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as late:
        raise RuntimeError(
            f"a worker of standard_addresses has not ended after {WORKER_SECONDS:.0f} s: the machine is too busy, or an "
            "address keeps a parser busy for ever. Nothing was written; clear the task"
        ) from late
    if worker.returncode != 0:
        raise RuntimeError(
            f"a worker of standard_addresses ended with {worker.returncode}: its error is above in the log"
        )
    return [PostalAddress(**found) for found in json.loads(written)]


if __name__ == "__main__":
    json.dump([asdict(standard_address(*row)) for row in json.load(sys.stdin)], sys.stdout)
