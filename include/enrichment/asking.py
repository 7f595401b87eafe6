"""What a vendor is asked about people, and how the questions are put together into calls and named."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.enrichment.rules import request_key
from include.enrichment.vendors import vendor_of
from include.enrichment.waterfall import policy


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one person. key: the same for the same question, so that it is never bought twice."""

    key: str
    npi: str
    segment: str
    asked: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VendorCall:
    """One call, about one person or many, under one key in the call ledger."""

    key: str
    questions: tuple[Question, ...]

    def request(self, is_about_many: bool) -> dict[str, Any]:
        """What the ledger keeps of it (include/enrichment/vendor_rows.py reads it)."""
        if not is_about_many:
            return dict(self.questions[0].asked)
        people = [{"key": q.key, "npi": q.npi, "segment": q.segment, "asked": dict(q.asked)} for q in self.questions]
        return {"people": people}


def question(vendor: str, row: Mapping[str, Any]) -> Question:
    """Return what is asked about one row of a chunk: npi, full_name, first_name, last_name, company, segment, after; city
    and state where there is no company."""
    inputs = vendor_of(vendor).asked
    if inputs is None:
        raise ValueError(f"{vendor} sells no contacts: take it out of include/enrichment/waterfall.yaml")
    asked = inputs(row)
    key = request_key(policy().vendors[vendor].paid(), str(row["npi"]), asked, row["after"])
    return Question(key, str(row["npi"]), str(row["segment"]), asked)


def calls(vendor: str, rows: Sequence[Mapping[str, Any]]) -> list[VendorCall]:
    """Return the calls that ask about these rows, in their order. The same rows make the same calls."""
    questions = [question(vendor, row) for row in rows]
    size = policy().vendors[vendor].people_per_call
    if size == 1:
        return [VendorCall(one.key, (one,)) for one in questions]
    parts = [questions[start : start + size] for start in range(0, len(questions), size)]
    return [VendorCall(_joint_key([one.key for one in part]), tuple(part)) for part in parts]


def follow_up(call: VendorCall, left_out: Collection[str]) -> VendorCall | None:
    """Return the call for those of an answered call, by key, whom the vendor left out; None where it left out nobody.

    Its key is made of the call's: the same people may be left out again.
    """
    questions = tuple(one for one in call.questions if one.key in left_out)
    return VendorCall(_joint_key([call.key, *(one.key for one in questions)]), questions) if questions else None


def is_about_many(vendor: str) -> bool:
    return policy().vendors[vendor].people_per_call > 1


def _joint_key(keys: Sequence[str]) -> str:
    return hashlib.sha256("|".join(keys).encode()).hexdigest()[:32]
