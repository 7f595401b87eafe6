"""A site's robots.txt as RFC 9309 reads it: the group that names us, else the one for all, and in it the longest rule that fits.

The standard library's reader takes the first rule that fits, knows neither * nor $, and overlooks a group behind a byte
order mark: it allows what a site forbids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

EVERYBODY = "*"


@dataclass(frozen=True)
class Robots:
    """What a site asks of one reader.

    :param rules: (pattern of a path, whether it is allowed).
    :param crawl_delay: seconds between two requests; 0.0 where the site says nothing. No part of the RFC, but widely meant.
    """

    rules: tuple[tuple[str, bool], ...]
    crawl_delay: float

    def allows(self, path: str) -> bool:
        """Tell whether a path, with its query, may be read. Of two rules of one length the one that allows counts."""
        fitting = [(len(rule), is_allowed) for rule, is_allowed in self.rules if _pattern(rule).match(unquote(path))]
        return max(fitting, default=(0, True))[1]


def robots(text: str, agent: str) -> Robots:
    """Return what a robots.txt asks of `agent`, the first word of its User-Agent."""
    lines = _lines_for(text)
    asked = lines.get(agent.lower(), lines.get(EVERYBODY, []))
    rules = tuple((value, name == "allow") for name, value in asked if name != "crawl-delay" and value)
    delays = [float(value) for name, value in asked if name == "crawl-delay" and re.fullmatch(r"\d+(\.\d+)?", value)]
    return Robots(rules, max(delays, default=0.0))


def _lines_for(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return agent -> (name, value) of its lines; groups of the same agent are one."""
    found: dict[str, list[tuple[str, str]]] = {}
    agents: list[str] = []
    is_head = False
    for line in text.removeprefix("\ufeff").splitlines():
        name, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        name = name.lower()
        if name == "user-agent":
            agents = [*(agents if is_head else []), value.partition("/")[0].lower()]
            found.setdefault(agents[-1], [])
            is_head = True
        elif name in ("allow", "disallow", "crawl-delay"):
            is_head = False
            for agent in agents:
                found[agent].append((name, value))
    return found


def _pattern(rule: str) -> re.Pattern[str]:
    end = "$" if rule.endswith("$") else ""
    return re.compile(".*".join(map(re.escape, unquote(rule.removesuffix("$")).split("*"))) + end, re.DOTALL)
