"""Google Ads: tokens, who may read what, GAQL, batches, and errors in Google's own form."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sandbox_runs import TestClient, google_headers, in_process

from services.sandbox.plan import Plan

STREAM = "/google_ads/v26/customers/1112223333/googleAds:searchStream"
ADS = "SELECT campaign.name, ad_group_ad.ad.id, metrics.impressions, metrics.cost_micros FROM ad_group_ad WHERE segments.date = '2025-11-06'"  # noqa: E501
CAMPAIGNS = "SELECT campaign.id, campaign.name, metrics.impressions FROM campaign WHERE segments.date = '2025-11-06'"


def stream(client: TestClient, query: str, path: str = STREAM, **headers: str) -> httpx.Response:
    return client.post(path, headers=google_headers(client) | headers, json={"query": query})


def rows(reply: httpx.Response) -> list[dict[str, Any]]:
    return [row for batch in reply.json() for row in batch.get("results", [])]


def code(reply: httpx.Response) -> tuple[int, dict[str, str]]:
    return reply.status_code, reply.json()[0]["error"]["details"][0]["errors"][0]["errorCode"]


def test_stream_when_ads_are_asked_for_then_only_the_selected_fields_and_numbers_as_text(client: TestClient) -> None:
    reply = stream(client, ADS)
    first = rows(reply)[0]
    assert set(first) == {"customer", "campaign", "adGroupAd", "metrics"}
    assert set(first["metrics"]) == {"impressions", "costMicros"}
    assert first["metrics"]["costMicros"].isdigit()
    assert len(reply.json()) > 1, "the day fits one batch: batches were not tested"
    assert all(batch["requestId"] == reply.json()[0]["requestId"] for batch in reply.json())


def test_stream_when_asked_twice_then_only_the_request_id_differs(client: TestClient) -> None:
    one, two = stream(client, ADS), stream(client, ADS)
    assert one.content != two.content
    assert rows(one) == rows(two)


def test_stream_when_campaigns_are_asked_for_then_performance_max_is_among_them_and_not_among_the_ads(
    client: TestClient,
) -> None:
    names = {row["campaign"]["name"] for row in rows(stream(client, CAMPAIGNS))}
    assert names - {row["campaign"]["name"] for row in rows(stream(client, ADS))} == {
        "Performance Max, all dentists | US"
    }


def test_stream_when_the_day_is_empty_then_a_batch_without_results(client: TestClient) -> None:
    (batch,) = stream(client, ADS.replace("2025-11-06", "2024-11-06")).json()
    assert "results" not in batch


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT FROM", {"queryError": "UNEXPECTED_INPUT"}),
        ("SELECT campaign.budget FROM campaign", {"queryError": "UNRECOGNIZED_FIELD"}),
        ("SELECT ad_group.id FROM campaign", {"queryError": "UNRECOGNIZED_FIELD"}),
        ("SELECT a.b FROM keyword_view", {"queryError": "UNRECOGNIZED_FIELD"}),
    ],
)
def test_stream_when_the_query_is_wrong_then_400_with_its_kind(
    client: TestClient, query: str, expected: dict[str, str]
) -> None:
    assert code(stream(client, query)) == (400, expected)


def test_stream_when_a_key_is_wrong_then_google_says_which(client: TestClient) -> None:
    assert code(stream(client, ADS, **{"developer-token": "x"})) == (
        401,
        {"authenticationError": "DEVELOPER_TOKEN_INVALID"},
    )
    assert code(stream(client, ADS, Authorization="Bearer x")) == (401, {"authenticationError": "OAUTH_TOKEN_INVALID"})
    refused = (403, {"authorizationError": "USER_PERMISSION_DENIED"})
    assert code(stream(client, ADS, **{"login-customer-id": "1234567890"})) == refused
    assert code(stream(client, ADS, path=STREAM.replace("1112223333", "4445556666"))) == refused


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"refresh_token": "x"}, (400, "invalid_grant")),
        ({"client_secret": "x"}, (401, "invalid_client")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
    ],
)
def test_token_when_a_credential_is_wrong_then_the_error_of_oauth(
    client: TestClient, wrong: dict[str, str], expected: tuple[int, str]
) -> None:
    form = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-client-secret",
            "refresh_token": "sandbox-refresh-token"}  # fmt: skip
    reply = client.post("/google_ads/token", data=form | wrong)
    assert (reply.status_code, reply.json()["error"]) == expected


def test_stream_when_over_the_limit_then_a_quota_error_that_names_its_wait(plan: Plan) -> None:
    client = in_process(replace(plan, ads_per_second=2))
    headers = google_headers(client)
    replies = [client.post(STREAM, headers=headers, json={"query": ADS}) for _ in range(2)]
    assert code(replies[1]) == (429, {"quotaError": "RESOURCE_TEMPORARILY_EXHAUSTED"})
    failure = replies[1].json()[0]["error"]["details"][0]["errors"][0]
    assert failure["details"]["quotaErrorDetails"]["retryDelay"] == "60s"
