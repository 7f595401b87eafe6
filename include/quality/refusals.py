"""When so many records of a file are refused that nothing of it can be believed."""

from __future__ import annotations

from collections import Counter

from include.lake.zip_member import DamagedFile

MAX_REJECTED_SHARE = 0.01
ALWAYS_TOLERATED = 10


def check_refused(where: str, records: int, by_rule: Counter[str], first: str) -> None:
    """Raise DamagedFile when more than ten of a file's records, and more than one in a hundred, are refused.

    :param first: place and value of the first one, for the message.
    """
    refused = by_rule.total()
    if refused > max(ALWAYS_TOLERATED, MAX_REJECTED_SHARE * records):
        raise DamagedFile(
            f"{where}: {refused} of {records} records are refused ({dict(by_rule)}); the first: {first}. So many are no accident: "
            "look at rejected.jsonl beside the staged parts and at what is published, and get the file again."
        )
