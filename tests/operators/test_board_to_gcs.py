"""The archive of the boards: once a day, nothing without news, by hand where a machine cannot, and never in a backfill."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from hooks.http.errors import VendorDown
from include.boards.pages import PageChanged
from include.boards.sources import board_sources
from include.lake.zip_member import members
from operators.board_to_gcs import BoardToGcsOperator, FileOfAnotherDay
from tests.operators.board_files import (
    ADA,
    BEN,
    CARA,
    NC_NOBODY,
    Site,
    connection,
    nc_page,
    nj_file,
    serving_site,
    tx_file,
)
from tests.operators.context import context

if TYPE_CHECKING:
    from google.cloud import bigquery, storage

FILE = "/boards/lib/csv/Dentist.csv"
LOOK_UP = "/boards/NCBDESearch/searchresult.asp"
MONDAY, TUESDAY, WEDNESDAY = "2025-11-10", "2025-11-11", "2025-11-12"
OBJECT = f"raw/board_tx/{MONDAY}/Dentist.csv"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with serving_site() as running:
        for source in board_sources():
            monkeypatch.setenv(f"AIRFLOW_CONN_{source.conn_id.upper()}", connection(f"{running.url}/boards"))
        running.pages[FILE] = edition(tx_file(ADA), '"v1"')
        yield running


def edition(
    content: bytes, etag: str, modified: str = "Mon, 10 Nov 2025 06:00:00 GMT"
) -> tuple[int, dict[str, str], bytes]:
    return 200, {"ETag": etag, "Last-Modified": modified}, content


def archive(state: str = "TX", day: str = MONDAY, **arguments: str) -> dict[str, Any]:
    return BoardToGcsOperator(task_id="archive_file", state=state, file_date=day, **arguments).execute(context())


def objects(lake: storage.Bucket, prefix: str = "raw/") -> dict[str, bytes]:
    return {blob.name: blob.download_as_bytes() for blob in lake.list_blobs(prefix=prefix)}


def test_archive_when_new_then_the_bytes_and_what_the_site_said_of_them(site: Site, lake: storage.Bucket) -> None:
    archived = archive()
    assert objects(lake) == {OBJECT: tx_file(ADA)}
    assert (archived["object"], archived["file_name"], archived["bytes"]) == (OBJECT, "Dentist.csv", len(tx_file(ADA)))
    assert (archived["state"], archived["source"], archived["is_whole"]) == ("TX", "board_tx", 1)
    assert archived["generation"] == lake.get_blob(OBJECT).generation
    assert lake.get_blob(OBJECT).metadata["etag"] == '"v1"'


def test_archive_when_the_day_is_archived_then_the_site_is_not_asked_again(site: Site, lake: storage.Bucket) -> None:
    first = archive()
    site.pages[FILE] = edition(tx_file(ADA, BEN), '"v2"')
    assert archive() == first
    assert len(site.paths()) == 1


def test_archive_when_asked_to_refetch_then_other_bytes_are_kept_beside(site: Site, lake: storage.Bucket) -> None:
    archive()
    site.pages[FILE] = edition(tx_file(ADA, BEN), '"v2"')
    second = archive(refetch="True")
    assert second["object"] != OBJECT
    assert objects(lake) == {OBJECT: tx_file(ADA), second["object"]: tx_file(ADA, BEN)}
    assert archive() == second
    assert "if-none-match" not in site.headers[1]


def test_archive_when_the_site_has_nothing_new_then_skipped_and_no_object(site: Site, lake: storage.Bucket) -> None:
    archive()
    site.pages[FILE] = 304
    with pytest.raises(AirflowSkipException, match=f"board_tx: nothing new since {OBJECT}"):
        archive(day=TUESDAY)
    assert site.headers[1]["if-none-match"] == '"v1"'
    assert list(objects(lake)) == [OBJECT]


def test_archive_when_the_same_bytes_come_without_validators_then_skipped(site: Site, lake: storage.Bucket) -> None:
    site.pages[FILE] = tx_file(ADA)
    archive()
    with pytest.raises(AirflowSkipException, match="nothing new"):
        archive(day=TUESDAY)
    site.pages[FILE] = tx_file(ADA, BEN)
    assert archive(day=WEDNESDAY)["object"] == f"raw/board_tx/{WEDNESDAY}/Dentist.csv"


def test_archive_when_a_backfill_finds_nothing_archived_then_skipped_and_the_site_is_not_asked(
    site: Site, lake: storage.Bucket
) -> None:
    with pytest.raises(AirflowSkipException, match=f"nothing is archived for {MONDAY}.*delivered/board_tx/{MONDAY}/"):
        archive(ask_site="False")
    assert site.seen == []
    archived = archive()
    assert archive(ask_site="False") == archived


def test_archive_when_the_sites_file_is_of_a_later_time_then_refused(site: Site, lake: storage.Bucket) -> None:
    site.pages[FILE] = edition(tx_file(ADA), '"v9"', "Mon, 01 Dec 2025 06:00:00 GMT")
    with pytest.raises(FileOfAnotherDay, match=f"the file is of 2025-12-01, and {MONDAY} is asked for"):
        archive()
    assert objects(lake) == {}


def test_archive_when_a_later_day_is_archived_then_an_older_one_is_not_filled_with_todays_file(
    site: Site, lake: storage.Bucket
) -> None:
    site.pages[FILE] = tx_file(ADA)  # no Last-Modified: the site does not say of when it is
    archive(day=TUESDAY)
    site.pages[FILE] = tx_file(ADA, BEN)
    with pytest.raises(FileOfAnotherDay, match=f"{TUESDAY} is archived already.*not of {MONDAY}"):
        archive(day=MONDAY)
    assert list(objects(lake)) == [f"raw/board_tx/{TUESDAY}/Dentist.csv"]


def test_archive_when_a_person_delivered_the_file_then_it_is_taken_and_the_site_not_asked(
    site: Site, lake: storage.Bucket
) -> None:
    lake.blob(f"delivered/board_nj/{MONDAY}/Data (3).txt").upload_from_string(nj_file(CARA))
    archived = archive("NJ", ask_site="False")
    assert (archived["object"], archived["file_name"]) == (f"raw/board_nj/{MONDAY}/Data.txt", "Data (3).txt")
    assert objects(lake) == {archived["object"]: nj_file(CARA)}
    assert site.seen == []


def test_archive_when_a_file_is_delivered_for_an_archived_day_then_it_takes_the_place_of_the_archived_one(
    site: Site, lake: storage.Bucket
) -> None:
    site.pages[FILE] = edition(tx_file(ADA, BEN)[:-20], '"v1"')  # cut: its conversion is refused
    archive()
    lake.blob(f"delivered/board_tx/{MONDAY}/Dentist.csv").upload_from_string(tx_file(ADA, BEN))
    delivered = archive()
    assert lake.blob(delivered["object"]).download_as_bytes() == tx_file(ADA, BEN)
    assert len(objects(lake)) == 2
    assert archive() == delivered
    lake.blob(f"delivered/board_tx/{MONDAY}/Dentist.csv").delete()
    assert archive() == delivered


def test_archive_when_the_folder_was_made_in_the_console_then_its_empty_object_is_no_file(
    site: Site, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The emulator keeps objects as files, and has none whose name ends in a slash.
    folder, listed = f"delivered/board_tx/{MONDAY}/", type(lake).list_blobs

    def with_folder(bucket: storage.Bucket, *, prefix: str) -> list[storage.Blob]:
        return [*listed(bucket, prefix=prefix), *([bucket.blob(folder)] if prefix == folder else [])]

    monkeypatch.setattr(type(lake), "list_blobs", with_folder)
    lake.blob(f"{folder}Dentist.csv").upload_from_string(tx_file(BEN))
    assert lake.blob(archive()["object"]).download_as_bytes() == tx_file(BEN)
    lake.blob(f"{folder}Dentist.csv").delete()
    assert archive(day=MONDAY)["file_name"] == "Dentist.csv"


def test_archive_when_two_files_were_delivered_then_error_names_both(site: Site, lake: storage.Bucket) -> None:
    for name in ("a.txt", "b.txt"):
        lake.blob(f"delivered/board_nj/{MONDAY}/{name}").upload_from_string(b"x")
    with pytest.raises(ValueError, match="a.txt.*b.txt.*leave exactly one file"):
        archive("NJ")


def test_archive_when_the_site_is_down_then_vendor_down_and_nothing_half(
    site: Site, lake: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    site.pages[FILE] = 503
    with pytest.raises(VendorDown):
        archive()
    assert objects(lake, "") == {}


@pytest.fixture
def numbers(bigquery_client: bigquery.Client) -> None:
    """Five numbers in NPPES: three of the board's form in North Carolina."""
    row = {"file_date": MONDAY, "source": "nppes_weekly", "source_object": "gs://a/b#c", "line": 2, "npi": "2000000002",
           "healthcare_provider_taxonomy_code_1": "1223G0001X", "provider_license_number_state_code_1": "NC"}  # fmt: skip
    rows = [{**row, "line": line, "provider_license_number_1": number}
            for line, number in enumerate(("4713", "4711", "RN 12", "4712", "4711"))]  # fmt: skip
    elsewhere = {**row, "line": 9, "provider_license_number_1": "4799", "provider_license_number_state_code_1": "GA"}
    bigquery_client.load_table_from_json([*rows, elsewhere], "raw.nppes_npi", job_config=_append()).result()


def _append() -> Any:
    from google.cloud import bigquery

    from include.warehouse.tables import table

    schema = [bigquery.SchemaField.from_api_repr(field) for field in table("raw.nppes_npi").schema()]
    return bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")


def looked_up(lake: storage.Bucket, name: str) -> list[str]:
    return [page for page, _ in members(io.BytesIO(lake.blob(name).download_as_bytes()), name)]


def test_look_up_when_the_budget_is_small_then_the_next_run_goes_on_behind(
    site: Site, lake: storage.Bucket, numbers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    north_carolina = next(source for source in board_sources() if source.state == "NC")
    monkeypatch.setitem(north_carolina.fetch.__dict__, "budget", 2)
    site.pages[LOOK_UP] = nc_page("4711").encode()

    first = archive("NC")
    assert (first["is_whole"], looked_up(lake, first["object"])) == (0, ["4711.html", "4712.html"])
    second = archive("NC", TUESDAY)
    assert looked_up(lake, second["object"]) == ["4713.html", "4711.html"]
    assert len(site.seen) == 4
    assert archive("NC") == first
    assert len(site.seen) == 4


def test_look_up_when_asked_to_refetch_then_the_days_numbers_are_asked_again(
    site: Site, lake: storage.Bucket, numbers: None
) -> None:
    site.pages[LOOK_UP] = nc_page("4711").encode()
    first = archive("NC")
    site.pages[LOOK_UP] = nc_page("4711", "Suspended").encode()
    second = archive("NC", refetch="True")
    assert (second["object"] != first["object"], len(site.seen)) == (True, 6)
    assert (
        looked_up(lake, second["object"]) == looked_up(lake, first["object"]) == ["4711.html", "4712.html", "4713.html"]
    )
    assert archive("NC") == second


def test_look_up_when_cut_in_the_middle_then_the_rerun_asks_only_for_the_rest(
    site: Site, lake: storage.Bucket, numbers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.http.transport.FIRST_PAUSE", 0.0)
    site.pages[LOOK_UP] = lambda _: nc_page("4711").encode() if len(site.seen) < 3 else 503
    with pytest.raises(VendorDown):
        archive("NC")
    assert objects(lake) == {}
    asked = len(site.seen)
    site.pages[LOOK_UP] = NC_NOBODY.encode()
    assert looked_up(lake, archive("NC")["object"]) == ["4711.html", "4712.html", "4713.html"]
    assert [body[-6:] for _, _, body in site.seen[asked:]] == ["104713"]


def test_look_up_when_the_page_has_changed_then_stopped_at_the_first(
    site: Site, lake: storage.Bucket, numbers: None
) -> None:
    site.pages[LOOK_UP] = b"<html>Please prove that you are human</html>"
    with pytest.raises(PageChanged, match="board_nc, number 4711: 'search results' does not stand on the page"):
        archive("NC")
    assert len(site.seen) == 1
    assert objects(lake, "") == {}


def test_look_up_when_nppes_knows_no_number_then_skipped(
    site: Site, lake: storage.Bucket, bigquery_client: bigquery.Client
) -> None:
    with pytest.raises(AirflowSkipException, match="holds no license number of NC"):
        archive("NC")
    assert site.seen == []
