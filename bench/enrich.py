"""``make bench-enrich``: how close to the published limits we ask, what each policy costs, and what a killed run costs.

Against the sandbox. Writes build/bench/enrich.json:

limit_share         share of the tightest published limit that is used while work remains (Apollo's 1000 a minute and Wiza's
                    15 a second; the smaller of the two)
unforced_429        answers 429 in that
rows_lost           people without an answer after a storm of 429s and a second try
credits_ours/_vendor  after `kills` kills -9, each followed by a new run: our books, and the vendors'
credits_undisturbed what a run without kills is charged
cost_*              USD for one usable contact: declared order, learned order (learned on one half of the people and judged on
                    the other), and asking every vendor about everybody
usable_rate(_interval)  usable contacts of raw rows by segment, with its 95 % interval

Ends with 1 when something was lost or paid twice.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.enrich_policies import buy_everything, learned_orders, replayed, wilson
from bench.enrich_world import IN_A_HURRY, PUBLISHED, World, load_providers, registry, with_truth, world
from bench.waterfall_run import let_time_pass
from hooks.http.errors import RateLimited
from include.enrichment.asking import Question, calls
from include.enrichment.vendor_rows import vendor_rows
from include.enrichment.waterfall import policy
from include.lake.call_ledger import CallLedger
from operators.ask_vendor import AskingRound
from operators.asking import provider_of
from operators.asking.progress import Progress
from operators.asking.provider import Answer, EnrichmentProvider
from services.embedded.process import ROOT, emptied

STATE = ROOT / "build" / "bench" / "enrich"
REPORT = ROOT / "build" / "bench" / "enrich.json"
AS_OF = "2025-11-10T06:00:00+00:00"
HURRY = 30


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-enrich", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000, help="contacts of the comparison of policies")
    parser.add_argument("--killed-people", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=55, help="moments; the last ones may come when all is bought")
    parser.add_argument(
        "--weeks", type=int, default=32, help="of the generated registry; a name that two people have is left out"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the moments of the kills")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    people = registry(emptied(STATE) / "nppes", arguments.weeks)
    if len(people) < arguments.people:
        parser.error(f"the registry of {arguments.weeks} weeks has {len(people)} people: ask for more --weeks")
    report: dict[str, Any] = {"people_in_registry": len(people)}
    with world(STATE / "limits", STATE / "nppes", PUBLISHED, 1) as made:
        report |= limits(made, with_truth(made, people[:600]))
    with world(STATE / "policies", STATE / "nppes", IN_A_HURRY, HURRY) as made:
        report |= policies(with_truth(made, people[: arguments.people]))
    chosen = people[: arguments.killed_people]
    report |= killed(chosen, arguments.kills, random.Random(arguments.seed))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    same = report["credits_ours"] == report["credits_vendor"] == report["credits_undisturbed"]
    wrong = ("rows_lost", "unforced_429", "people_outcome_unknown", "charged_again")
    sys.exit(not same or any(report[name] for name in wrong))


class Noting:
    """An provider that notes when each call goes out."""

    def __init__(self, provider: EnrichmentProvider) -> None:
        self._provider = provider
        self.vendor, self.in_flight = provider.vendor, provider.in_flight
        self.at: list[float] = []

    def start(self, questions: Sequence[Question], purpose: dict[str, str]) -> str | Answer:
        self.at.append(time.monotonic())
        return self._provider.start(questions, purpose)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


def limits(made: World, people: list[dict[str, Any]]) -> dict[str, Any]:
    """Ask at published limits, and then through a storm of 429s."""
    shares = {}
    for vendor, count in (("apollo", 400), ("wiza", 600)):
        asked = people[:count] * (10 if vendor == "apollo" else 1)  # ten people a call
        ledger = CallLedger(made.lake, vendor, f"limits_{vendor}")
        planned = calls(vendor, [{**person, "after": str(n // count)} for n, person in enumerate(asked)])
        noting = Noting(provider_of(vendor))
        AskingRound(noting, ledger, Progress(len(asked)), "limits").ask(planned)
        published = 1000 / 60 if vendor == "apollo" else 15.0
        # Work remains until the last call goes out: n calls take n - 1 intervals.
        shares[vendor] = (len(planned) - 1) / (max(noting.at) - min(noting.at)) / published
    unforced = made.refused()
    storm = people[400:600]
    ledger = CallLedger(made.lake, "apollo", policy().vendors["apollo"].operation)
    for _ in range(3):
        made.sandbox.admin.post(
            "faults", json={"vendor": "apollo", "status": 429, "times": 4, "headers": {"retry-after": "1"}}
        )
    for _ in range(5):  # as the task's retries do
        try:
            AskingRound(provider_of("apollo"), ledger, Progress(len(storm)), "storm").ask(calls("apollo", storm))
            break
        except RateLimited:
            continue
    rows = {
        row["person_key"] for entry in ledger.entries() for row in vendor_rows(entry) if row["status"] == "responded"
    }
    lost = len({person["npi"] for person in storm} - rows)
    return {"limit_share": round(min(shares.values()), 4), "limit_shares": {k: round(v, 4) for k, v in shares.items()},
            "unforced_429": unforced, "rows_lost": lost}  # fmt: skip


def policies(people: list[dict[str, Any]]) -> dict[str, Any]:
    """What one usable contact costs by each policy; the learned order is judged on people that it was not learned on."""
    answers = buy_everything(people)
    rules = policy()
    learn, judge = people[0::2], people[1::2]
    orders = learned_orders(learn, answers)
    segments = sorted({person["segment"] for person in judge})
    fixed = dict.fromkeys(segments, rules.email.order)
    fixed_usd, fixed_usable, fixed_true = replayed(judge, answers, fixed)
    learned_usd, learned_usable, learned_true = replayed(judge, answers, orders)
    everyone_usd = sum(
        rules.vendors[vendor].usd(one.credits) for person in judge for vendor, one in answers[person["npi"]].items()
    )
    rates, intervals = {}, {}
    for segment in segments:
        of = [person for person in judge if person["segment"] == segment]
        usable = replayed(of, answers, fixed)[1]
        rates[segment], intervals[segment] = round(usable / len(of), 4), wilson(usable, len(of))
    return {
        "contacts": len(people),
        "judged_on": len(judge),
        "cost_fixed": round(fixed_usd / fixed_usable, 4),
        "cost_learned": round(learned_usd / learned_usable, 4),
        "cost_everyone": round(everyone_usd / fixed_usable, 4),
        "fixed_order": list(rules.email.order),
        "learned_orders": {name: list(order) for name, order in orders.items()},
        "usable": {"fixed": fixed_usable, "learned": learned_usable},
        "truly_theirs": {
            "fixed": round(fixed_true / fixed_usable, 4),
            "learned": round(learned_true / learned_usable, 4),
        },
        "usable_rate": rates,
        "usable_rate_interval": intervals,
    }


def killed(people: list[dict[str, Any]], kills: int, dice: random.Random) -> dict[str, Any]:
    """Run once undisturbed, and once killed again and again; each rerun is a new run.

    A rerun comes within seconds, so it holds what was cut off. The last runs come when the vendors are done with all of it.
    """
    with world(STATE / "undisturbed", STATE / "nppes", IN_A_HURRY, HURRY) as made:
        load_providers(made, with_truth(made, people))
        whole = _run("undisturbed", len(people))
        _wait_for_asking("undisturbed", whole)
        began = time.monotonic()
        whole.wait()
        seconds = time.monotonic() - began
        undisturbed = made.charged()
    with world(STATE / "killed", STATE / "nppes", IN_A_HURRY, HURRY) as made:
        load_providers(made, with_truth(made, people))
        hit = 0
        # The moments lie anywhere in a whole run from its first question on; each run goes on from where the one before it was killed.
        moments = sorted(dice.uniform(0.0, seconds) for _ in range(kills))
        for number, pause in enumerate(late - early for early, late in pairwise([0.0, *moments])):
            process = _run(f"kill-{number}", len(people))
            _wait_for_asking(f"kill-{number}", process)
            try:
                process.wait(timeout=pause)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                hit += 1
        time.sleep(3.0)  # the sandbox works on its last calls, and callbacks are on their way
        for name, vendor in policy().vendors.items():
            let_time_pass(made.lake, CallLedger(made.lake, name, vendor.operation))
        for number in range(2):
            _run(f"last-{number}", len(people)).wait()
        theirs = made.charged()
        sql = "SELECT COALESCE(SUM(credits), 0) AS credits, COUNTIF(status = 'outcome_unknown') AS outcome_unknown FROM raw.vendor_response"
        (ours,) = made.client.query_and_wait(sql)
        again = made.sandbox.admin.get("ledger").json()["vendors"]
    return {
        "kills": hit,
        "runs_that_ended_before_their_kill": kills - hit,
        "killed_people": len(people),
        "seconds_undisturbed": round(seconds, 1),
        "credits_undisturbed": round(sum(undisturbed.values()), 3),
        "credits_vendor": round(sum(theirs.values()), 3),
        "credits_ours": round(float(ours["credits"]), 3),
        "people_outcome_unknown": int(ours["outcome_unknown"]),
        "charged_again": sum(again[name]["charged_again"] for name in PUBLISHED if name in again),
        "credits_by_vendor": {"undisturbed": undisturbed, "killed": theirs},
    }


def _run(run_id: str, contacts: int) -> subprocess.Popen[bytes]:
    conf = json.dumps({"as_of": AS_OF, "max_contacts": contacts})
    log = _log(run_id).open("wb")
    command = [sys.executable, "-m", "bench.waterfall_run", run_id, conf]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=Path(ROOT))


def _wait_for_asking(run_id: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a run has planned its first round: a kill before that hits nothing that costs."""
    while process.poll() is None and "Round 1:" not in _log(run_id).read_text(errors="replace"):
        time.sleep(0.02)


def _log(run_id: str) -> Path:
    return STATE / f"{run_id}.log"


if __name__ == "__main__":
    main()
