"""sodapy, the client that Socrata's pages name for Python, against the boards' data sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from requests.adapters import HTTPAdapter
from requests.exceptions import HTTPError
from sodapy import Socrata

from services.embedded.sandbox import Sandbox

WASHINGTON = "qxh8-f4bd"


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Socrata]:
    domain = f"{sandbox.url.removeprefix('http://')}/boards/wa"
    with Socrata(domain, None, session_adapter={"prefix": "http://", "adapter": HTTPAdapter()}) as made:
        yield made


def test_rows_when_nothing_is_asked_then_a_page_of_them_all(client: Socrata) -> None:
    rows = client.get(WASHINGTON)
    assert len(rows) == int(client.get(WASHINGTON, select="count(*)")[0]["count"]) > 100
    assert all(row["credentialtype"] and ":id" not in row for row in rows)


def test_rows_when_filtered_and_paged_then_those(client: Socrata) -> None:
    active = client.get(WASHINGTON, where="status = 'ACTIVE'", order="credentialnumber")
    assert active and {row["status"] for row in active} == {"ACTIVE"}
    assert client.get(WASHINGTON, status="ACTIVE", order="credentialnumber") == active
    page = client.get(WASHINGTON, where="status = 'ACTIVE'", order="credentialnumber", limit=5, offset=3)
    assert page == active[3:8]
    assert client.get(WASHINGTON, where="status = 'NOBODY'") == []
    assert list(client.get_all(WASHINGTON, limit=50, order="credentialnumber")) == client.get(
        WASHINGTON, order="credentialnumber"
    )


def test_rows_when_the_question_is_wrong_or_not_modeled_then_refused(client: Socrata) -> None:
    with pytest.raises(HTTPError, match="No such column: nobodys"):
        client.get(WASHINGTON, where="nobodys = 'x'")
    with pytest.raises(HTTPError, match="not modeled by the sandbox: .q"):
        client.get(WASHINGTON, q="dentist")
