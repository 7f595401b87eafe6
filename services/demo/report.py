"""The demo's report: ``report.json`` for programs, ``report.html`` for people, and a table for the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.demo.figures import calibration_plot, figures
from services.demo.weeks import Week
from services.embedded.stack import Stack


def write_report(stack: Stack, cycles: Sequence[Week], seconds: dict[str, list[float]], folder: Path) -> str:
    """Write ``report.json`` and ``report.html`` into ``folder`` and return the summary for the terminal."""
    body = figures(stack, cycles, seconds)
    (folder / "report.json").write_text(json.dumps(body, indent=2, default=str) + "\n")
    champions = [m for m in body["models"] if m["status"] == "champion"]
    plot = calibration_plot(stack, champions[-1]) if champions else ""
    (folder / "report.html").write_text(page(body, plot))
    return summary(body)


def page(body: dict[str, Any], plot: str) -> str:
    """Return the HTML page of a report's body; ``plot`` is the champion's calibration plot as SVG."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(**body, plot=plot)


def summary(body: dict[str, Any]) -> str:
    """Return the table that the terminal shows."""
    lines = ["", "source                            files     read   loaded rejected"]
    for name, s in body["sources"].items():
        counts = f"{s['files']:>8,} {s['read_rows']:>8,} {s['loaded_rows']:>8,} {s['rejected_rows']:>8,}"
        lines.append(f"  {name:30} {counts}")
    lines += ["", "layer                              rows"]
    lines += [f"  {name:30} {rows:>8,}" for name, rows in body["layers"].items() if rows]
    lines += ["", "balance                              in      out rejected filtered"]
    for name, b in body["balance"].items():
        mark = "" if b["balanced"] else "  DOES NOT BALANCE"
        rejected, filtered = sum(b["rejected"].values()), sum(b["filtered"].values())
        lines.append(f"  {name:30} {b['in']:>8,} {b['out']:>8,} {rejected:>8,} {filtered:>8,}{mark}")
    lines += ["", "vendor                            calls  credits    cost $  bought twice"]
    for name, v in body["vendors"].items():
        lines.append(f"  {name:30} {v['calls']:>8,} {v['credits']:>8,.0f} {v['cost']:>9,.2f} {v['bought_twice']:>13}")
    lines += ["", "activation                      creates  updates  skipped rejected suppressed"]
    for name, a in body["activation"].items():
        counts = f"{a['creates']:>8,} {a['updates']:>8,} {a['skipped']:>8,} {a['rejected']:>8,} {a['suppressed']:>10,}"
        lines.append(f"  {name:30} {counts}")
    lines += ["", "model                                auc    brier      ece        n"]
    for m in body["models"]:
        numbers = f"{_number(m['auc'])} {_number(m['brier'])} {_number(m['ece'])} {m['n']:>8,}"
        lines.append(f"  {m['model'] + ' ' + m['status']:30} {numbers}")
    lines += ["", "cycle  ranked by                 contacted  answered well  true chance: chosen  by rule  all"]
    for c in body["cycles"]:
        rates = "  ".join(_share(c[f"true_chance_{name}"]) for name in ("chosen", "by_rule", "all"))
        answered = f"{c['funnel']['positive']} ({_share(c['positive_rate']).strip()})"
        lines.append(
            f"  {c['cycle']}    {c['ranked_by']:25} {c['contacted']:>9,}  {answered:>13}               {rates}"
        )
    lines += ["", f"pager: {len(body['pages'])} messages"]
    lines += [f"  {'resolved' if p['is_resolved'] else p['severity']:30} {p['title']}" for p in body["pages"]]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return f"{'-':>8}" if value is None else f"{value:8.4f}"


def _share(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:6.1%}"
