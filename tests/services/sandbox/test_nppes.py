"""The download site: listing, bytes, ranges, and a download that breaks off."""

from pathlib import Path

import httpx
import pytest
from registry_files import MEMBER_1, MEMBER_2, WEEK_1, WEEK_2, dentists, write_zip
from sandbox_runs import TestClient, in_process, running_process

from services.sandbox.plan import Plan


def test_listing_when_a_zip_appears_then_its_relative_link_is_there(tmp_path: Path) -> None:
    client = in_process(Plan(tmp_path))
    assert "./" not in client.get("/nppes/NPI_Files.html").text
    write_zip(tmp_path, WEEK_1, MEMBER_1, dentists(5))
    (tmp_path / "notes.txt").write_text("not for CMS")
    page = client.get("/nppes/NPI_Files.html").text
    assert f'href="./{WEEK_1}"' in page
    assert "notes.txt" not in page
    write_zip(tmp_path, WEEK_2, MEMBER_2, dentists(5))
    assert f'href="./{WEEK_2}"' in client.get("/nppes/NPI_Files.html").text


def test_download_when_whole_then_same_bytes_with_length_and_validators(client: TestClient, nppes_dir: Path) -> None:
    reply = client.get(f"/nppes/{WEEK_1}")
    wanted = (nppes_dir / WEEK_1).read_bytes()
    assert reply.content == wanted
    assert reply.headers["content-length"] == str(len(wanted))
    assert reply.headers["etag"]
    assert reply.headers["last-modified"].endswith("GMT")
    assert reply.headers["accept-ranges"] == "bytes"


def test_download_when_a_range_is_asked_then_206_with_that_part(client: TestClient, nppes_dir: Path) -> None:
    reply = client.get(f"/nppes/{WEEK_1}", headers={"Range": "bytes=100-199"})
    assert reply.status_code == 206
    assert reply.content == (nppes_dir / WEEK_1).read_bytes()[100:200]


@pytest.mark.parametrize("name", ["missing.zip", "..%2Fsecret.zip", "NPI_Files.htm"])
def test_download_when_name_is_not_in_the_folder_then_404(client: TestClient, name: str) -> None:
    assert client.get(f"/nppes/{name}").status_code == 404


def test_download_when_the_connection_is_cut_then_the_client_sees_it(nppes_dir: Path) -> None:
    with running_process(nppes_dir) as client:
        client.post("/__sandbox__/faults", json={"vendor": "nppes", "operation": "download", "kind": "drop_response"})
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"/nppes/{WEEK_1}")
        assert client.get(f"/nppes/{WEEK_1}").content == (nppes_dir / WEEK_1).read_bytes()
