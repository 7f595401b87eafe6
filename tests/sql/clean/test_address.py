"""Which addresses are asked about, and what validators' answers make of clean.address, in the embedded warehouse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from include.contacts.address_validation import AddressQuestion, addy_verdict, usps_verdict
from include.contacts.checks import ADDY_ADDRESS, USPS_ADDRESS, address_request
from include.contacts.postal_address import Published, address_key, location_key, standard_address, standard_key
from include.warehouse.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_OF = datetime(2025, 11, 10, 6, tzinfo=UTC)
CANADA = Published("123 Queen St W", "", "Toronto", "ON", "M5V 2T6", "CA")
MILITARY = Published("PSC 802 Box 74", "", "APO", "AE", "09499", "US")
ISLAND = Published("URB LAS GLADIOLAS", "150 CALLE A", "San Juan", "PR", "00926", "US")
AUCKLAND = Published("80 Queen Street", "", "Auckland", "", "1010", "NZ")
NAMELESS = Published("SMILE CENTER", "", "Austin", "TX", "78701", "US")
EMPTY = Published("", "", "Austin", "TX", "78701", "US")


def _row(published: Published) -> dict[str, Any]:
    found = standard_address(*published)
    names = ("line_1", "line_2", "city", "state", "postal_code", "country")
    row: dict[str, Any] = {f"published_{name}": value for name, value in zip(names, published, strict=True)}
    for name in found.__slots__:
        row[name] = getattr(found, name)
    keys = {"location_key": location_key(found), "standard_key": standard_key(found)}
    return {**row, **keys, "address_key": address_key(published), "validation_status": "pending"}


def _answer(
    vendor: str, asked: dict[str, Any], body: Any, at: datetime, status: str = "responded", http: int = 200
) -> dict[str, Any]:
    key, request, _ = address_request(USPS_ADDRESS if vendor == "usps" else ADDY_ADDRESS, asked)
    return {
        "vendor": vendor,
        "operation": "address",
        "request_key": f"{key[:20]}{at:%Y%m%d}",
        "status": status,
        "http_status": http,
        "request": json.dumps(request),
        "body": None if body is None else json.dumps(body),
        "credits": 0.0,
        "cost_usd": 0.0,
        "requested_at": at.isoformat(),
        "responded_at": at.isoformat(),
        "requested_date": at.date().isoformat(),
    }


def _load(client: bigquery.Client, name: str, rows: Sequence[dict[str, Any]]) -> None:
    schema = [bigquery.SchemaField(c.name, c.type, c.mode) for c in table(name).columns]
    config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
    client.load_table_from_json(rows, name, job_config=config).result()


def _candidates(client: bigquery.Client, validator: str = "usps", most: int = 100) -> list[dict[str, Any]]:
    parameters = [
        bigquery.ScalarQueryParameter("validator", "STRING", validator),
        bigquery.ScalarQueryParameter("as_of", "TIMESTAMP", AS_OF),
        bigquery.ScalarQueryParameter("max_addresses", "INT64", most),
        bigquery.ScalarQueryParameter("max_age_days", "INT64", 365),
    ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    return [
        dict(row.items()) for row in client.query_and_wait(table("clean.address").sql("candidates"), job_config=config)
    ]


def _promoted(client: bigquery.Client) -> dict[str, dict[str, Any]]:
    client.query_and_wait(table("clean.address").sql("validated"))
    return {row["address_key"]: dict(row.items()) for row in client.query_and_wait("SELECT * FROM clean.address")}


def _usps(line: str, dpv: str, zip5: str = "78701", unit: str | None = None) -> dict[str, Any]:
    address = {
        "streetAddress": line,
        "secondaryAddress": unit,
        "city": "AUSTIN",
        "state": "TX",
        "ZIPCode": zip5,
        "ZIPPlus4": "1234",
    }
    more = {"DPVConfirmation": dpv, "business": "Y", "vacant": "Y" if dpv == "S" else "N"}
    return {"address": address, "additionalInfo": more, "corrections": [{"code": "32", "text": "x"}], "matches": []}


def test_candidates_when_planned_then_each_address_is_one_question_to_the_one_who_knows_its_country(
    bigquery_client: bigquery.Client,
) -> None:
    # A provider with eleven addresses, two of them spellings of one.
    eleven = [Published(f"{n} West Oak Street", "Suite 1", "Austin", "TX", "78701", "US") for n in range(100, 110)]
    eleven.append(Published("100 W. Oak St", "STE 1", "AUSTIN", "Texas", "78701", "US"))
    published = [*eleven, CANADA, MILITARY, ISLAND, AUCKLAND, NAMELESS, EMPTY]
    _load(bigquery_client, "clean.address", [_row(one) for one in published])
    asked = _candidates(bigquery_client)
    assert [row["line"] for row in asked][0] == "100 W OAK ST"  # the most spellings first
    assert {row["line"] for row in asked} == {
        *(f"{n} W OAK ST" for n in range(100, 110)),
        "PSC 802 BOX 74",
        "150 CALLE A",
    }
    assert {row["urbanization"] for row in asked} == {None, "URB LAS GLADIOLAS"}
    assert [row["line"] for row in _candidates(bigquery_client, "addy")] == ["80 QUEEN STREET"]
    assert len(_candidates(bigquery_client, most=3)) == 3

    # Answered a month ago, refused a month ago, answered two years ago: only the old one is asked again, after all new ones.
    month, years = AS_OF - timedelta(days=30), AS_OF - timedelta(days=800)
    answers = [
        _answer("usps", asked[0], _usps("100 W OAK ST", "Y"), month),
        _answer("usps", asked[1], None, month, status="failed", http=400),
        _answer("usps", asked[2], _usps("x", "Y"), years),
    ]
    _load(bigquery_client, "raw.vendor_response", answers)
    again = _candidates(bigquery_client)
    assert len(again) == len(asked) - 2
    assert (again[-1]["line"], again[-1]["after"]) == (asked[2]["line"], answers[2]["request_key"])
    assert address_request(USPS_ADDRESS, again[-1])[0] != address_request(USPS_ADDRESS, asked[2])[0]


def test_promotion_when_answers_come_then_each_verdict_is_the_hooks_and_silence_stays_pending(
    bigquery_client: bigquery.Client,
) -> None:
    oak = {
        dpv: Published(f"{n} W Oak St", "", "Austin", "TX", "78701", "US") for n, dpv in enumerate("YDSNXZ", start=100)
    }
    other = Published("100 West Oak Street", "", "Austin", "TX", "78701", "US")  # another spelling of the first
    silent = Published("999 Elm St", "", "Austin", "TX", "78701", "US")
    published = [*oak.values(), other, silent, CANADA, MILITARY, AUCKLAND, NAMELESS, EMPTY]
    _load(bigquery_client, "clean.address", [_row(one) for one in published])
    asked = {row["line"]: row for validator in ("usps", "addy") for row in _candidates(bigquery_client, validator)}
    bodies: dict[Published, tuple[str, int, Any]] = {
        oak["Y"]: ("usps", 200, _usps("100 W OAK ST", "Y")),
        oak["D"]: ("usps", 200, _usps("101 W OAK ST", "D")),
        oak["S"]: ("usps", 200, _usps("102 W OAK ST", "S", unit="STE 9")),
        oak["N"]: ("usps", 200, _usps("103 W OAK ST", "N")),
        oak["X"]: ("usps", 404, {"error": {"code": "404", "message": "no match", "errors": []}}),
        oak["Z"]: ("usps", 200, _usps("105 W OAK ST", "Y", zip5="78702")),
        AUCKLAND: (
            "addy",
            200,
            {"address": {"displayline": "80 Queen Street", "postcode": "1010", "city": "Auckland"}},
        ),
    }
    answers, expected = [], {}
    for one, (vendor, http, body) in bodies.items():
        row = asked[_row(one)["delivery_line"]]
        question = AddressQuestion(**{name: row[name] for name in AddressQuestion.__slots__})
        read = usps_verdict if vendor == "usps" else addy_verdict
        expected[address_key(one)] = read(question, http, "", body)
        answers.append(_answer(vendor, row, body, AS_OF, http=http))
    # An older answer that says otherwise counts for nothing.
    answers.append(_answer("usps", asked["100 W OAK ST"], _usps("100 W OAK ST", "N"), AS_OF - timedelta(days=400)))
    _load(bigquery_client, "raw.vendor_response", answers)
    found = _promoted(bigquery_client)
    for key, verdict in expected.items():
        row = found[key]
        told = (
            row["validation_status"],
            row["dpv"],
            row["validated_line"],
            row["validated_unit"],
            row["validated_zip5"],
        )
        assert told == (verdict.status, verdict.dpv, verdict.line, verdict.unit, verdict.postal_code)
        assert (row["is_vacant"], row["is_business"], row["validated_city"]) == (
            verdict.is_vacant,
            verdict.is_business,
            verdict.city,
        )
    statuses = [expected[address_key(one)].status for one in bodies]
    assert statuses == [
        "confirmed",
        "missing_unit",
        "wrong_unit",
        "undeliverable",
        "undeliverable",
        "corrected",
        "confirmed",
    ]
    said = {
        one: found[address_key(one)]["validation_status"] for one in (other, silent, CANADA, MILITARY, NAMELESS, EMPTY)
    }
    assert list(said.values()) == ["confirmed", "pending", "unsupported_country", "pending", "not_asked", "not_asked"]
    assert found == _promoted(bigquery_client)  # once more changes nothing
