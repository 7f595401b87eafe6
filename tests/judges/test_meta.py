"""Meta's own client (facebook-business) against the sandbox: token and proof as parameters, reports at once and in the background."""

from __future__ import annotations

import time

import pytest
import yaml
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from services.embedded.process import ROOT
from services.embedded.sandbox import KEYS, META_ACCOUNT, Sandbox

FIELDS = [
    AdsInsights.Field.ad_id,
    AdsInsights.Field.campaign_name,
    AdsInsights.Field.impressions,
    AdsInsights.Field.spend,
]
WEEK = {"level": "ad", "time_increment": 1, "time_range": {"since": "2025-11-03", "until": "2025-11-05"}}


@pytest.fixture
def account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AdAccount:
    token, secret = KEYS["meta_ads"].split(":")
    monkeypatch.setattr(FacebookSession, "GRAPH", f"{sandbox.url}/meta_ads")
    FacebookAdsApi.init("1", secret, token, crash_log=False)
    return AdAccount(f"act_{META_ACCOUNT}")


def test_insights_when_asked_at_once_then_every_page_of_rows(account: AdAccount) -> None:
    rows = list(account.get_insights(fields=FIELDS, params=WEEK))
    assert len(rows) > 25  # more than a page
    assert {row["date_start"] for row in rows} == {"2025-11-03", "2025-11-04", "2025-11-05"}
    assert len({(row["ad_id"], row["date_start"]) for row in rows}) == len(rows)
    assert set(rows[0]) == {*FIELDS, "date_start", "date_stop"}


def test_insights_when_asked_in_the_background_then_the_same_rows(account: AdAccount) -> None:
    run = account.get_insights(fields=list(FIELDS), params=dict(WEEK), is_async=True)
    deadline = time.monotonic() + 60
    while (job := run.api_get())["async_status"] != "Job Completed":
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    later = [dict(row) for row in run.get_insights()]
    assert later == [dict(row) for row in account.get_insights(fields=FIELDS, params=WEEK)]


def test_insights_when_of_the_whole_account_then_the_sum_of_its_ads(account: AdAccount) -> None:
    (whole,) = account.get_insights(fields=["impressions"], params={"time_range": WEEK["time_range"]})
    ads = account.get_insights(fields=["impressions"], params=WEEK)
    assert int(whole["impressions"]) == sum(int(row["impressions"]) for row in ads)
    assert (whole["date_start"], whole["date_stop"]) == ("2025-11-03", "2025-11-05")


def test_account_when_read_then_the_fields_that_are_asked_for(account: AdAccount) -> None:
    assert dict(account.api_get(fields=["currency"])) == {"id": f"act_{META_ACCOUNT}", "currency": "USD"}


@pytest.mark.parametrize("asked", [{"breakdowns": ["age"]}, {"filtering": []}, {"date_preset": "last_7d"}])
def test_insights_when_a_parameter_is_not_modeled_then_refused_and_named(
    account: AdAccount, asked: dict[str, object]
) -> None:
    with pytest.raises(FacebookRequestError, match=f"not modeled by the sandbox: query/{next(iter(asked))}"):
        list(account.get_insights(fields=FIELDS, params=WEEK | asked))


def test_insights_when_a_field_is_not_modeled_or_nobodys_then_refused_for_that(account: AdAccount) -> None:
    with pytest.raises(FacebookRequestError, match="not modeled by the sandbox: fields .'cpc'"):
        list(account.get_insights(fields=["cpc"], params=WEEK))
    with pytest.raises(FacebookRequestError, match="nobodys is not valid for fields param") as refusal:
        list(account.get_insights(fields=["nobodys"], params=WEEK))
    assert (refusal.value.http_status(), refusal.value.api_error_code()) == (400, 100)


def test_contract_when_compared_with_the_clients_fields_then_it_has_the_same() -> None:
    clients = {value for name, value in vars(AdsInsights.Field).items() if not name.startswith("_")}
    document = yaml.safe_load((ROOT / "services/sandbox/contracts/meta-ads.yaml").read_text(encoding="utf-8"))
    assert set(document["components"]["x-insights-fields"]) == clients
