"""What the platforms say, as rows: exact money, each row once, and a refusal that names place and column."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from include.lake.answers import DamagedAnswer
from include.marketing.ad_performance import TTD_COLUMNS, google_ads_rows, meta_ads_rows, ttd_rows

DAY = date(2025, 11, 9)
WHERE = "gs://lake/raw/x/2025-11-09/report.json"


def google_row(ad: str | None = "301", **metrics: Any) -> dict[str, Any]:
    values = {"impressions": "1000", "clicks": "12", "costMicros": "12345678", "conversions": 0.5, **metrics}
    row: dict[str, Any] = {
        "customer": {"resourceName": "customers/111", "id": "111", "currencyCode": "USD"},
        "campaign": {"resourceName": "customers/111/campaigns/201", "id": "201", "name": "Dental specialists | TX"},
        "segments": {"date": "2025-11-09"},
        "metrics": values,
    }
    if ad:
        row |= {"adGroup": {"id": "251"}, "adGroupAd": {"ad": {"id": ad}}}
    return row


def google(*answers: list[dict[str, Any]]) -> bytes:
    """Answers of searchStream: each an array of one batch, as the hook joins them."""
    batches = [[{"results": rows, "fieldMask": "x", "requestId": f"r{n}"}] for n, rows in enumerate(answers)]
    return b"\n".join(json.dumps(batch, indent=2).encode() for batch in batches)


def meta_row(**changes: Any) -> dict[str, Any]:
    row = {
        "account_id": "222", "account_currency": "USD", "campaign_id": "401", "campaign_name": "Dental specialists | TX",
        "adset_id": "451", "ad_id": "501", "date_start": "2025-11-09", "date_stop": "2025-11-09",
        "impressions": "800", "clicks": "9", "spend": "10.10",
    }  # fmt: skip
    return {name: value for name, value in {**row, **changes}.items() if value is not None}


def meta(*pages: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps({"data": rows, "paging": {"cursors": {"after": str(n)}}}).encode()
                      for n, rows in enumerate(pages))  # fmt: skip


TTD_ROW = {
    "Date": "2025-11-09T00:00:00", "Advertiser ID": "adv1", "Campaign ID": "c1", "Campaign": "Dental specialists | TX",
    "Ad Group ID": "g1", "Creative ID": "k1", "Impressions": "5000", "Clicks": "3",
    "Advertiser Cost (Adv Currency)": "21.123456789123", "Advertiser Currency Code": "USD",
    "All Last Click + View Conversions": "2",
}  # fmt: skip


def ttd(*rows: dict[str, str], columns: tuple[str, ...] = TTD_COLUMNS) -> bytes:
    lines = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows)]
    return "\r\n".join([*lines, ""]).encode()


def test_google_rows_when_money_is_in_micros_then_it_is_exact() -> None:
    (row,) = google_ads_rows(google([google_row()]), DAY, {"111"}, WHERE)
    assert row.spend == Decimal("12.345678")
    assert (row.impressions, row.clicks, row.conversions, row.currency) == (1000, 12, 0.5, "USD")
    assert row.key == ("111", "201", "251", "301")
    many = google([google_row(str(n), costMicros="100000") for n in range(3)])
    assert sum(row.spend for row in google_ads_rows(many, DAY, {"111"}, WHERE)) == Decimal("0.3")


def test_rows_when_cost_was_given_back_then_it_is_negative() -> None:
    rows = [
        *google_ads_rows(google([google_row(costMicros="-250000")]), DAY, {"111"}, WHERE),
        *meta_ads_rows(meta([meta_row(spend="-0.25")]), DAY, {"222"}, WHERE),
        *ttd_rows(ttd(TTD_ROW | {"Advertiser Cost (Adv Currency)": "-0.25"}), DAY, {"adv1"}, WHERE),
    ]
    assert [row.spend for row in rows] == [Decimal("-0.25")] * 3


def test_google_rows_when_a_campaign_has_no_ads_then_its_own_row_counts_and_no_campaign_counts_twice() -> None:
    of_campaign, max_campaign = google_row(None), google_row(None)
    max_campaign["campaign"] = {"id": "299", "name": "Performance Max | FL"}
    rows = google_ads_rows(google([google_row()], [of_campaign, max_campaign]), DAY, {"111"}, WHERE)
    assert [row.key for row in rows] == [("111", "201", "251", "301"), ("111", "299", "", "")]


def test_google_rows_when_nothing_was_delivered_then_none() -> None:
    assert google_ads_rows(b"[]\n" + google([]), DAY, {"111"}, WHERE) == []
    assert meta_ads_rows(meta([]), DAY, {"222"}, WHERE) == []
    assert ttd_rows(ttd(), DAY, {"adv1"}, WHERE) == ttd_rows(b"", DAY, {"adv1"}, WHERE) == []


def test_rows_when_the_order_of_the_answer_changes_then_the_same_rows() -> None:
    one, two = google_row("1"), google_row("2")
    first = google_ads_rows(google([one, two]), DAY, {"111"}, WHERE)
    assert google_ads_rows(google([two, one]), DAY, {"111"}, WHERE) == first


def test_meta_rows_when_read_then_leads_are_the_conversions_and_no_action_is_none() -> None:
    actions = [
        {"action_type": "lead", "value": "3"},
        {"action_type": "offsite_conversion.fb_pixel_lead", "value": "3"},
        {"action_type": "link_click", "value": "9"},
    ]
    rows = meta_ads_rows(meta([meta_row(actions=actions)], [meta_row(ad_id="502")]), DAY, {"222"}, WHERE)
    assert [(row.creative_id, row.conversions, row.spend) for row in rows] == [
        ("501", 3.0, Decimal("10.1")),
        ("502", 0.0, Decimal("10.1")),
    ]
    assert json.loads(rows[0].payload)["actions"] == actions


def test_meta_rows_when_a_page_came_twice_then_each_row_is_one() -> None:
    page = [meta_row(ad_id=str(n)) for n in range(3)]
    assert len(meta_ads_rows(meta(page, page), DAY, {"222"}, WHERE)) == 3


def test_meta_rows_when_one_ad_has_two_values_then_refused() -> None:
    with pytest.raises(DamagedAnswer, match=r"two rows with other numbers \(spend 10\.10.* and 11"):
        meta_ads_rows(meta([meta_row()], [meta_row(spend="11")]), DAY, {"222"}, WHERE)


def test_ttd_rows_when_the_file_ends_in_a_blank_line_then_it_is_no_row() -> None:
    assert len(ttd_rows(ttd(TTD_ROW) + b"\r\n", DAY, {"adv1"}, WHERE)) == 1


def test_ttd_rows_when_read_then_money_is_rounded_at_the_ninth_decimal_and_extra_columns_stay_in_the_payload() -> None:
    columns = (*TTD_COLUMNS, "Device Type")
    (row,) = ttd_rows(b"\xef\xbb\xbf" + ttd(TTD_ROW | {"Device Type": "PC"}, columns=columns), DAY, {"adv1"}, WHERE)
    assert row.spend == Decimal("21.123456789")
    assert (row.day, row.conversions, row.campaign_name) == (DAY, 2.0, "Dental specialists | TX")
    assert json.loads(row.payload)["Device Type"] == "PC"


def without(item: dict[str, Any], *path: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(item))
    node = copy
    for name in path[:-1]:
        node = node[name]
    del node[path[-1]]
    return copy


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (google([without(google_row(), "metrics", "costMicros")]), r"answer 1, row 1: has no metrics.costMicros; where costMicros should be, there is \['clicks', 'conversions', 'impressions'\]"),
        (google([], [google_row(), google_row(clicks="1.5")]), r"answer 2, row 2: metrics.clicks is '1.5', not a whole number"),
        (google([google_row(impressions=-1)]), "metrics.impressions is -1"),
        (google([google_row(impressions="9" * 19)]), "metrics.impressions is '9999999999999999999', not a whole number .* 18 digits"),
        (google([google_row(costMicros="-" + "9" * 40)]), "metrics.costMicros is '-9999.*18 digits"),
        (google([google_row(conversions=1e300)]), r"metrics.conversions is 1e\+300, not a number below"),
        (google([google_row(conversions=float("inf"))]), "metrics.conversions is inf, not a number"),
        (google([google_row() | {"odd": [{"x": "a\ud83d"}]}]), r"answer 1, row 1: odd\[1\].x is 'a.*half a character"),
        (google([google_row() | {"odd": float("nan")}]), "answer 1, row 1: odd is nan, not a number"),
        (b'[{"results": [{"a": 1, "a": 2}]}]', r"answer 1: an object has the names \['a'\] more than once"),
        (google([google_row(costMicros="1.5")]), "metrics.costMicros is '1.5', not a whole number"),
        (google([google_row(conversions="many")]), "metrics.conversions is 'many', not a number"),
        (google([google_row(conversions=float("nan"))]), "not a number"),
        (google([google_row() | {"segments": {"date": "2025-11-08"}}]), "a row of 2025-11-08 in the answer for 2025-11-09"),
        (google([google_row() | {"customer": {"id": "9", "currencyCode": "USD"}}]), r"account 9, which was not asked for \(111\)"),
        (google([google_row() | {"customer": {"id": "111", "currencyCode": "$"}}]), "customer.currencyCode is '\\$'"),
        (google([google_row()])[:-20], r"answer 1 is not JSON at character \d+ of \d+: it was cut"),
        (b'{"error": {}}', "answer 1 is no list of batches"),
        (b'[{"results": []}, {"error": {"code": 503}}]', "answer 1, batch 2: has no results but an error: Google broke off"),
        (b'[[1]]', "answer 1, batch 1: is no object"),
        (b'[{"results": [null]}]', "answer 1, row 1: is no object"),
        (b"<html>busy</html>", "answer 1 is not JSON at character 0"),
        (b'["\xff"]', "byte 2 is not UTF-8"),
    ],
)  # fmt: skip
def test_google_rows_when_the_answer_is_damaged_then_the_place_is_named(content: bytes, said: str) -> None:
    with pytest.raises(DamagedAnswer, match=said) as refused:
        google_ads_rows(content, DAY, {"111"}, WHERE)
    assert str(refused.value).startswith(WHERE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (meta([meta_row(spend=None, spend_usd="1")]), "page 1, row 1: has no spend"),
        (meta([], [meta_row(spend=10.1)]), "page 2, row 1: spend is 10.1, a float"),
        (meta([meta_row(date_stop="2025-11-10")]), "is not one day: time_increment was ignored"),
        (meta([meta_row(campaign_name="")]), "campaign_name is '', not a text"),
        (b'{"rows": []}', "page 1: has no list 'data'"),
        (b'{"data": [null]}', "page 1, row 1: is no object"),
        (meta([meta_row(actions=[None])]), "page 1, row 1: actions is .*, not a list of objects"),
        (meta([meta_row(spend="1e40")]), "page 1, row 1: spend is '1e40', not a number below"),
    ],
)
def test_meta_rows_when_the_answer_is_damaged_then_the_place_is_named(content: bytes, said: str) -> None:
    with pytest.raises(DamagedAnswer, match=said):
        meta_ads_rows(content, DAY, {"222"}, WHERE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ttd(TTD_ROW, columns=tuple(c.replace("Clicks", "Click Count") for c in TTD_COLUMNS)), r"line 1: missing columns \['Clicks'\]; the file has \['Date'.*'Click Count'"),
        (ttd(TTD_ROW, TTD_ROW | {"Impressions": "1,000"}), "line 3: Impressions is '1,000', not a whole number"),
        (ttd(TTD_ROW | {"Advertiser Cost (Adv Currency)": "12,50"}), "is '12,50', not a number"),
        (ttd(TTD_ROW | {"Impressions": "9" * 19}), "line 2: Impressions is '9999999999999999999', not a whole number"),
        (ttd(TTD_ROW | {"Advertiser Cost (Adv Currency)": "Infinity"}), "is 'Infinity', not a number"),
        (ttd(TTD_ROW, columns=(*TTD_COLUMNS, "Clicks")), r"line 1: columns \['Clicks'\] are there more than once"),
        (ttd(TTD_ROW | {"Date": "11/09/2025"}), "Date is '11/09/2025', not a date"),
        (ttd(TTD_ROW) + b'"cut', "unexpected end of data"),
        (ttd(TTD_ROW) + b"one,two", "line 3: 2 values instead of 11"),
        (b"<html><body>Sign in</body></html>", "missing columns"),
        (b"Date,\xe9", "is no CSV in UTF-8"),
    ],
)  # fmt: skip
def test_ttd_rows_when_the_report_is_damaged_then_the_line_is_named(content: bytes, said: str) -> None:
    with pytest.raises(DamagedAnswer, match=said):
        ttd_rows(content, DAY, {"adv1"}, WHERE)
