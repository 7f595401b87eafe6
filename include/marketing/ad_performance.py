"""What Google Ads, Meta and The Trade Desk say that an ad delivered on a day, as rows of raw.ad_performance.

One wrong row refuses the whole answer: it means that the platform has changed its contract, and a day without one
campaign's cost would look like a cheap day.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from include.lake.answers import DamagedAnswer, documents, storable, without_repeats

MICROS = Decimal(1_000_000)
MAX_DIGITS, LARGEST = 18, Decimal(10) ** 18  # what INT64 and NUMERIC hold with room; no ad was ever shown so often
NINTH = Decimal("0.000000001")  # NUMERIC's last decimal
# Meta's roll-up of every kind of lead. Its parts, and the omni_ and pixel names of the same action, would count twice.
META_CONVERSION = "lead"
TTD_CONVERSIONS = "All Last Click + View Conversions"
TTD_SPEND = "Advertiser Cost (Adv Currency)"
TTD_COLUMNS = (
    "Date", "Advertiser ID", "Campaign ID", "Campaign", "Ad Group ID", "Creative ID", "Impressions", "Clicks",
    TTD_SPEND, "Advertiser Currency Code", TTD_CONVERSIONS,
)  # fmt: skip


@dataclass(frozen=True)
class AdRow:
    """One row of raw.ad_performance without its source_object; its fields are the columns' names."""

    day: date
    platform: str
    account_id: str
    campaign_id: str
    campaign_name: str
    ad_group_id: str
    creative_id: str
    impressions: int
    clicks: int
    spend: Decimal
    currency: str
    conversions: float
    payload: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.account_id, self.campaign_id, self.ad_group_id, self.creative_id)


Rows = Callable[[bytes, date, Collection[str], str], list[AdRow]]


def google_ads_rows(content: bytes, day: date, accounts: Collection[str], where: str) -> list[AdRow]:
    """Return the rows of searchStream answers, sorted; of a campaign that has no ads, the campaign's own row.

    :param accounts: the accounts that were asked for; a row of another refuses the answer.
    :param where: the archived object, for messages.
    """
    found = [row for number, item in _google_items(content, where) for row in [_google_row(item, day, number)]]
    with_ads = {(row.account_id, row.campaign_id) for row in found if row.creative_id}
    kept = [row for row in found if row.creative_id or (row.account_id, row.campaign_id) not in with_ads]
    return _checked(kept, day, accounts, where)


def meta_ads_rows(content: bytes, day: date, accounts: Collection[str], where: str) -> list[AdRow]:
    """Return the rows of insights pages, sorted. Parameters as of google_ads_rows."""
    found = []
    for page, document in enumerate(documents(content, where), start=1):
        for number, item in enumerate(_list(document, "data", f"{where}: page {page}"), start=1):
            at = f"{where}: page {page}, row {number}"
            found.append(_meta_row(_object(item, at), at))
    return _checked(found, day, accounts, where)


def ttd_rows(content: bytes, day: date, accounts: Collection[str], where: str) -> list[AdRow]:
    """Return the rows of a MyReports CSV, sorted. Parameters as of google_ads_rows. A file of no byte has no rows."""
    if not content.strip():
        return []
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = without_repeats(next(reader), where)
        missing = [name for name in TTD_COLUMNS if name not in header]
        if missing:
            raise DamagedAnswer(
                f"{where}: line 1: missing columns {missing}; the file has {header[:40]}. Give the MyReports template the "
                "columns that docs/sources/ads.md lists."
            )
        found = []
        for values in filter(None, reader):  # a blank line is no row
            at = f"{where}: line {reader.line_num}"
            if len(values) != len(header):
                raise DamagedAnswer(f"{at}: {len(values)} values instead of {len(header)}. Read the day again.")
            found.append(_ttd_row(dict(zip(header, values, strict=True)), at))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedAnswer(f"{where}: is no CSV in UTF-8 ({error}). Read the day again.") from None
    return _checked(found, day, accounts, where)


def _google_items(content: bytes, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for answer, batches in enumerate(documents(content, where), start=1):
        if not isinstance(batches, list):
            raise DamagedAnswer(
                f"{where}: answer {answer} is no list of batches: compare include/marketing/ad_performance.py."
            )
        items = [item for number, batch in enumerate(batches, start=1)
                 for item in _results(batch, f"{where}: answer {answer}, batch {number}")]  # fmt: skip
        for number, item in enumerate(items, start=1):
            at = f"{where}: answer {answer}, row {number}"
            yield at, _object(item, at)


def _results(batch: Any, at: str) -> list[Any]:
    """The rows of a batch; a batch without rows leaves the list out. A stream that breaks off says so in its last one."""
    if "error" in _object(batch, at):
        raise DamagedAnswer(f"{at}: has no results but an error: Google broke off its answer. Read the day again.")
    return _list({"results": [], **batch}, "results", at)


def _google_row(item: Mapping[str, Any], day: date, at: str) -> AdRow:
    is_of_ad = "adGroupAd" in item
    return AdRow(
        day=_day(_text(item, "segments.date", at), "segments.date", at),
        platform="google_ads",
        account_id=_text(item, "customer.id", at),
        campaign_id=_text(item, "campaign.id", at),
        campaign_name=_text(item, "campaign.name", at),
        ad_group_id=_text(item, "adGroup.id", at) if is_of_ad else "",
        creative_id=_text(item, "adGroupAd.ad.id", at) if is_of_ad else "",
        impressions=_count(_value(item, "metrics.impressions", at), "metrics.impressions", at),
        clicks=_count(_value(item, "metrics.clicks", at), "metrics.clicks", at),
        spend=_micros(_value(item, "metrics.costMicros", at), "metrics.costMicros", at),
        currency=_currency(_text(item, "customer.currencyCode", at), "customer.currencyCode", at),
        conversions=float(_number(_value(item, "metrics.conversions", at), "metrics.conversions", at)),
        payload=storable(item, at),
    )


def _meta_row(item: Mapping[str, Any], at: str) -> AdRow:
    start, stop = _text(item, "date_start", at), _text(item, "date_stop", at)
    if start != stop:
        raise DamagedAnswer(f"{at}: date_start {start} to date_stop {stop} is not one day: time_increment was ignored.")
    actions = item.get("actions") or []  # left out when there were none
    if not isinstance(actions, list) or not all(isinstance(action, Mapping) for action in actions):
        raise DamagedAnswer(f"{at}: actions is {actions!r}, not a list of objects. Its platform changed it.")
    leads = [_value(action, "value", at) for action in actions if action.get("action_type") == META_CONVERSION]
    return AdRow(
        day=_day(start, "date_start", at),
        platform="meta_ads",
        account_id=_text(item, "account_id", at),
        campaign_id=_text(item, "campaign_id", at),
        campaign_name=_text(item, "campaign_name", at),
        ad_group_id=_text(item, "adset_id", at),
        creative_id=_text(item, "ad_id", at),
        impressions=_count(_value(item, "impressions", at), "impressions", at),
        clicks=_count(_value(item, "clicks", at), "clicks", at),
        spend=_money(_value(item, "spend", at), "spend", at),
        currency=_currency(_text(item, "account_currency", at), "account_currency", at),
        conversions=float(sum((_number(value, "actions.value", at) for value in leads), Decimal(0))),
        payload=storable(item, at),
    )


def _ttd_row(item: Mapping[str, str], at: str) -> AdRow:
    return AdRow(
        day=_day(item["Date"].split("T")[0].split(" ")[0], "Date", at),
        platform="ttd",
        account_id=_text(item, "Advertiser ID", at),
        campaign_id=_text(item, "Campaign ID", at),
        campaign_name=_text(item, "Campaign", at),
        ad_group_id=_text(item, "Ad Group ID", at),
        creative_id=_text(item, "Creative ID", at),
        impressions=_count(item["Impressions"], "Impressions", at),
        clicks=_count(item["Clicks"], "Clicks", at),
        spend=_money(item[TTD_SPEND], TTD_SPEND, at),
        currency=_currency(item["Advertiser Currency Code"], "Advertiser Currency Code", at),
        conversions=float(_number(item[TTD_CONVERSIONS], TTD_CONVERSIONS, at)),
        payload=storable(item, at),
    )


def _checked(found: list[AdRow], day: date, accounts: Collection[str], where: str) -> list[AdRow]:
    """The rows by key, each once. A page that came twice repeats its rows; one key with two values is no such case."""
    by_key: dict[tuple[str, str, str, str], AdRow] = {}
    for row in found:
        if row.day != day:
            raise DamagedAnswer(f"{where}: a row of {row.day} in the answer for {day}: the date filter was ignored.")
        if row.account_id not in accounts:
            raise DamagedAnswer(
                f"{where}: a row of account {row.account_id}, which was not asked for ({', '.join(sorted(accounts))})."
            )
        known = by_key.setdefault(row.key, row)
        if known != row:
            raise DamagedAnswer(
                f"{where}: account, campaign, ad group, creative {row.key} has two rows with other numbers "
                f"(spend {known.spend} and {row.spend}): the answer is divided by something more. Compare the query "
                "or the report's template with the grain of raw.ad_performance."
            )
    return [by_key[key] for key in sorted(by_key)]


def _object(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DamagedAnswer(f"{at}: is no object but {value!r}: compare it with include/marketing/ad_performance.py.")
    return value


def _list(document: Any, name: str, at: str) -> list[Any]:
    items = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise DamagedAnswer(f"{at}: has no list {name!r}: compare it with include/marketing/ad_performance.py.")
    return items


def _value(item: Mapping[str, Any], path: str, at: str) -> Any:
    node: Any = item
    for name in path.split("."):
        if not isinstance(node, Mapping) or name not in node:
            has = sorted(node) if isinstance(node, Mapping) else node
            raise DamagedAnswer(
                f"{at}: has no {path}; where {name} should be, there is {has}. Its platform changed it."
            )
        node = node[name]
    return node


def _text(item: Mapping[str, Any], path: str, at: str) -> str:
    value = item[path] if path in item else _value(item, path, at)
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
        raise DamagedAnswer(f"{at}: {path} is {value!r}, not a text.")
    return str(value)


def _count(value: Any, name: str, at: str) -> int:
    # Google and Meta send whole numbers as text.
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int)
        or not str(value).isascii()
        or not str(value).isdigit()
        or len(str(value)) > MAX_DIGITS
    ):
        raise DamagedAnswer(
            f"{at}: {name} is {value!r}, not a whole number of 0 or more and {MAX_DIGITS} digits at most."
        )
    return int(value)


def _number(value: Any, name: str, at: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number) >= LARGEST:
        raise DamagedAnswer(f"{at}: {name} is {value!r}, not a number below {LARGEST:,}.")
    return number


def _money(value: Any, name: str, at: str) -> Decimal:
    """The amount to the ninth decimal. Never by way of a float: 0.1 is none."""
    if isinstance(value, float):
        raise DamagedAnswer(f"{at}: {name} is {value!r}, a float: money must come as text.")
    return _number(value, name, at).quantize(NINTH, ROUND_HALF_EVEN)


def _micros(value: Any, name: str, at: str) -> Decimal:
    """The amount of so many millionths; below zero where the platform gave cost back."""
    if isinstance(value, bool) or not re.fullmatch(rf"-?[0-9]{{1,{MAX_DIGITS}}}", str(value)):
        raise DamagedAnswer(f"{at}: {name} is {value!r}, not a whole number of {MAX_DIGITS} digits at most.")
    return Decimal(str(value)) / MICROS


def _currency(value: str, name: str, at: str) -> str:
    if len(value) != 3 or not value.isalpha() or not value.isupper():
        raise DamagedAnswer(f"{at}: {name} is {value!r}, not a currency of ISO 4217.")
    return value


def _day(value: str, name: str, at: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise DamagedAnswer(f"{at}: {name} is {value!r}, not a date YYYY-MM-DD.") from None
