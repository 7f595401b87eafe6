"""The one-by-one look-up of a board: the next license numbers of the day's budget, each asked for once."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import IO, TYPE_CHECKING

from include.boards.answers import next_numbers, write_answers
from include.boards.rows import licensee
from include.boards.sources import BoardSource, LookupFetch
from include.lake.archive import newest_archived
from include.lake.zip_member import members
from include.warehouse.run import run
from include.warehouse.tables import table

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

TABLE = "raw.board_license"

log = logging.getLogger(__name__)


class NothingToAsk(Exception):
    """NPPES knows no license number of the state."""


def write_looked_up(
    into: IO[bytes],
    look_up: Callable[[str], bytes],
    source: BoardSource,
    fetch: LookupFetch,
    bucket: storage.Bucket,
    client: bigquery.Client,
    day: date,
) -> None:
    """Write the answers for the next numbers that NPPES knows in the state, as a zip of pages named by number.

    It goes on behind the last number of the newest earlier archive, and begins again at the end. Each page is kept in the
    lake as it comes, so a task that was cut goes on where it stopped. Raises PageChanged at the first page that is not
    the one we know, and NothingToAsk when NPPES knows no number.

    look_up: asks the board for the page of a number.
    """
    numbers = _numbers(client, source, fetch)
    if not numbers:
        raise NothingToAsk(f"{source.name}: raw.nppes_npi holds no license number of {source.state} to ask for.")
    asked = next_numbers(numbers, _last_asked(bucket, source, day), fetch.budget)
    write_answers(into, _pages(asked, look_up, source, fetch, bucket, day))


def forget_pages(bucket: storage.Bucket, source: BoardSource, day: date) -> None:
    """Delete the day's single pages once they are archived together, so that who asks for the day again asks the board."""
    for blob in bucket.list_blobs(prefix=_folder(source, day)):
        blob.delete()


def _numbers(client: bigquery.Client, source: BoardSource, fetch: LookupFetch) -> list[str]:
    labels = {"table": TABLE.replace(".", "-")}
    rows = run(client, table(TABLE).sql("lookup_numbers"), labels, state=source.state)
    return sorted(row["number"] for row in rows if re.fullmatch(fetch.number_pattern, row["number"]))


def _last_asked(bucket: storage.Bucket, source: BoardSource, day: date) -> str:
    days = {blob.name.split("/")[2] for blob in bucket.list_blobs(prefix=f"raw/{source.name}/")}
    earlier = max((name for name in days if name < day.isoformat()), default=None)
    newest = newest_archived(bucket, f"raw/{source.name}/{earlier}/") if earlier else None
    if newest is None:
        return ""
    with bucket.blob(newest.object, generation=newest.generation).open("rb") as kept:
        names = [name for name, _ in members(kept, newest.object)]
    return names[-1].removesuffix(".html") if names else ""


def _pages(
    numbers: list[str],
    look_up: Callable[[str], bytes],
    source: BoardSource,
    fetch: LookupFetch,
    bucket: storage.Bucket,
    day: date,
) -> Iterator[tuple[str, bytes]]:
    folder = _folder(source, day)
    known = {blob.name.removeprefix(folder) for blob in bucket.list_blobs(prefix=folder)}
    log.info("%s: %d numbers to ask for, %d of them answered before", source.name, len(numbers), len(known))
    for number in numbers:
        name = f"{number}.html"
        blob = bucket.blob(folder + name)
        if name in known:
            page = blob.download_as_bytes()
        else:
            page = look_up(number)
            licensee(page, source, fetch, number)  # a page that has changed ends the run before more are asked for
            blob.upload_from_string(page, content_type="text/html")
        yield name, page


def _folder(source: BoardSource, day: date) -> str:
    return f"staged/board_pages/{source.name}/{day}/"
