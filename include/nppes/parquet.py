"""The CSV members of an NPPES zip, as layouts that include/csv/parquet.py converts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from include.csv.layout import Layout
from include.lake.zip_member import DamagedFile
from include.nppes.layout import MEMBERS, column_positions
from include.nppes.publication import data_member
from include.nppes.rules import RULES

LAYOUTS: dict[str, Layout] = {
    name: Layout(
        name=name,
        columns=member.columns,
        bigquery_names=member.bigquery_names,
        key="npi",
        positions=partial(column_positions, member),
        rules=RULES[name],
    )
    for name, member in MEMBERS.items()
}


def member_of_day(name: str, day: date, where: str) -> Callable[[Sequence[str]], str]:
    """Return what chooses the member of this name, npidata for instance, that covers the days up to `day`.

    It raises WrongMembers when there is not exactly one, and DamagedFile when it ends on another day.

    :param where: the zip, for the message.
    """

    def choose(members: Sequence[str]) -> str:
        found = data_member(members, name, where)
        if found.last_day != day:
            raise DamagedFile(
                f"{where}: {found.name} ends on {found.last_day}, expected {day}. The zip holds another period than "
                "its name says: look at the publisher's page, and download it again."
            )
        return found.name

    return choose
