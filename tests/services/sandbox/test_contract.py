"""The served routes against the contract files, and the contract's verdict on requests."""

import json
from pathlib import Path

import httpx
import pytest
from sandbox_runs import (
    ADDY,
    APOLLO,
    CLAY,
    CLAY_ROW,
    CLAY_TABLE,
    GHL,
    INSTANTLY,
    LEADFEEDER,
    LOCATION,
    META,
    META_PROOF,
    SCHEDULE,
    TTD,
    TWILIO,
    WIZA,
    TestClient,
    google_headers,
    new_campaign,
    usps_headers,
    usps_token,
)
from starlette.datastructures import Headers
from starlette.routing import Route

from services.sandbox.app import create_app
from services.sandbox.contract import CONTRACTS, contract
from services.sandbox.plan import Plan

FILES = {
    "wiza.yaml": "/wiza/api",
    "twilio.yaml": "/twilio",
    "usps.yaml": "/usps",
    "addy.yaml": "/addy",
    "ghl-contacts.json": "/ghl",
    "instantly.yaml": "/instantly",
    "google-ads.yaml": "/google_ads",
    "meta-ads.yaml": "/meta_ads",
    "ttd.yaml": "/ttd",
    "leadfeeder.yaml": "/leadfeeder",
    "apollo.yaml": "/apollo/api/v1",
    "clay.yaml": "/clay",
}
JSON = Headers({"content-type": "application/json", "version": "v3"})


@pytest.mark.parametrize("file_name", FILES)
def test_routes_when_compared_with_contract_then_each_is_served_and_nothing_else(file_name: str, plan: Plan) -> None:
    prefix = FILES[file_name]
    served = {
        (method, route.path.removeprefix(prefix))
        for route in create_app(plan).routes
        if isinstance(route, Route) and route.path.startswith(prefix + "/") and "rest:path" not in route.path
        for method in (route.methods or set()) - {"HEAD"}
    }
    documented = {(operation.method, operation.path) for operation in contract(file_name).operations.values()}
    with_slash = {(method, f"{path}/") for method, path in documented} if file_name == "meta-ads.yaml" else set()
    assert served == documented | with_slash


@pytest.mark.parametrize("file_name", FILES)
def test_contract_files_when_read_then_marks_of_confidence_are_kept(file_name: str) -> None:
    assert "x-confidence" in (CONTRACTS / file_name).read_text(encoding="utf-8")


def test_problems_when_header_and_field_are_missing_then_both_are_named() -> None:
    operation = contract("ghl-contacts.json").operation("create-contact")
    problems = operation.problems({}, {}, Headers({"content-type": "application/json"}), b'{"email": "a@b.example"}')
    assert {(problem.place, problem.name) for problem in problems} == {("header", "Version"), ("body", "")}
    assert "'locationId' is a required property" in str(problems[1])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"leads": [{"email": "a@b.example", "wrong_field": 1}]}', "leads/0"),
        (b'{"leads": []}', "leads"),
        (b'{"leads": [{"email": 5}]}', "leads/0/email"),
        (b'{"leads": [{"custom_variables": {"nested": {"a": 1}}}]}', "leads/0/custom_variables/nested"),
        (b'{"campaign_id": "not-a-uuid", "leads": [{}]}', "campaign_id"),
        (json.dumps({"leads": [{}] * 1001}).encode(), "leads"),
    ],
)
def test_problems_when_body_breaks_the_schema_then_the_place_is_named(body: bytes, place: str) -> None:
    problems = contract("instantly.yaml").operation("bulkAddLeads").problems({}, {}, JSON, body)
    assert [problem.name for problem in problems] == [place]


def test_problems_when_body_is_not_json_then_it_says_so() -> None:
    problems = contract("wiza.yaml").operation("startIndividualReveal").problems({}, {}, JSON, b"{broken")
    assert "is not JSON" in str(problems[0])


def test_operation_when_unknown_then_error_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="getCredits"):
        contract("wiza.yaml").operation("nothing")


def _answers(client: TestClient) -> list[tuple[str, str, int, object]]:
    """One good call of every documented operation: (file, operation id, status, body)."""
    contact = {"locationId": LOCATION, "email": "ada@practice.example", "phone": "+15125550123", "firstName": "Ada"}
    contact |= {"customFields": [{"id": "npi", "fieldValue": "2000000000"}], "tags": ["dentist"]}
    made = client.post("/ghl/contacts/", headers=GHL, json=contact)
    contact_path = f"/ghl/contacts/{made.json()['contact']['id']}"
    tags = {"tags": ["dentist", "q4"]}
    search = {"locationId": LOCATION, "pageLimit": 10, "filters": [{"field": "email", "operator": "eq", "value": "x"}]}
    reveal = {"individual_reveal": {"full_name": "Ada Abbot", "company": "x"}, "enrichment_level": "partial"}
    lookup = "/twilio/v2/PhoneNumbers/+15125550100"
    campaign = new_campaign(client, "contract")
    api = "/instantly/api/v2"
    path = f"{api}/campaigns/{campaign}"
    leads = {"campaign_id": campaign, "leads": [{"email": "ada@practice.example", "custom_variables": {"npi": "2"}}]}
    added = client.post(f"{api}/leads/add", headers=INSTANTLY, json=leads)
    lead_path = f"{api}/leads/{added.json()['created_leads'][0]['id']}"
    hook = client.post(f"{api}/webhooks", headers=INSTANTLY, json={"target_hook_url": "http://127.0.0.1:9/hook", "event_type": "all_events", "headers": {"X-Webhook-Secret": "s"}})  # fmt: skip # noqa: E501
    hook_path = f"{api}/webhooks/{hook.json()['id']}"
    client.post("/__sandbox__/faults", json={"vendor": "instantly", "kind": "lost_webhook", "times": 100})
    client.post("/__sandbox__/clock", json={"now": "2025-11-16T23:00:00Z"})
    made_campaign = client.post(
        f"{api}/campaigns", headers=INSTANTLY, json={"name": "two", "campaign_schedule": SCHEDULE}
    )
    calls = [
        ("wiza.yaml", "startIndividualReveal", client.post("/wiza/api/individual_reveals", headers=WIZA, json=reveal)),
        ("wiza.yaml", "getIndividualReveal", client.get("/wiza/api/individual_reveals/1", headers=WIZA)),
        ("wiza.yaml", "getCredits", client.get("/wiza/api/meta/credits", headers=WIZA)),
        ("twilio.yaml", "FetchPhoneNumber", client.get(lookup + "?Fields=line_type_intelligence", auth=TWILIO)),
        ("ghl-contacts.json", "create-contact", made),
        ("ghl-contacts.json", "get-location", client.get(f"/ghl/locations/{LOCATION}", headers=GHL)),
        ("ghl-contacts.json", "get-contact", client.get(contact_path, headers=GHL)),
        ("ghl-contacts.json", "update-contact", client.put(contact_path, headers=GHL, json={"city": "Austin"})),
        (
            "ghl-contacts.json",
            "search-contacts-advanced",
            client.post("/ghl/contacts/search", headers=GHL, json=search),
        ),
        ("ghl-contacts.json", "add-tags", client.post(contact_path + "/tags", headers=GHL, json=tags)),
        ("ghl-contacts.json", "remove-tags", client.request("DELETE", contact_path + "/tags", headers=GHL, json=tags)),
        ("ghl-contacts.json", "delete-contact", client.delete(contact_path, headers=GHL)),
        ("instantly.yaml", "createCampaign", made_campaign),
        ("instantly.yaml", "listCampaign", client.get(f"{api}/campaigns?limit=1", headers=INSTANTLY)),
        ("instantly.yaml", "getCampaign", client.get(path, headers=INSTANTLY)),
        ("instantly.yaml", "activateCampaign", client.post(path + "/activate", headers=INSTANTLY)),
        ("instantly.yaml", "pauseCampaign", client.post(path + "/pause", headers=INSTANTLY)),
        ("instantly.yaml", "bulkAddLeads", added),
        (
            "instantly.yaml",
            "listLeads",
            client.post(f"{api}/leads/list", headers=INSTANTLY, json={"campaign": campaign}),
        ),
        ("instantly.yaml", "getLead", client.get(lead_path, headers=INSTANTLY)),
        ("instantly.yaml", "patchLead", client.patch(lead_path, headers=INSTANTLY, json={"first_name": "Ada"})),
        ("instantly.yaml", "deleteLead", client.delete(lead_path, headers=INSTANTLY)),
        ("instantly.yaml", "createWebhook", hook),
        ("instantly.yaml", "listWebhook", client.get(f"{api}/webhooks", headers=INSTANTLY)),
        ("instantly.yaml", "getWebhook", client.get(hook_path, headers=INSTANTLY)),
        ("instantly.yaml", "patchWebhook", client.patch(hook_path, headers=INSTANTLY, json={"name": "receiver"})),
        ("instantly.yaml", "deleteWebhook", client.delete(hook_path, headers=INSTANTLY)),
        ("instantly.yaml", "listWebhookEvent", client.get(f"{api}/webhook-events?success=false", headers=INSTANTLY)),
        (
            "instantly.yaml",
            "createBlockListEntry",
            client.post(f"{api}/block-lists-entries", headers=INSTANTLY, json={"bl_value": "no@mail.example"}),
        ),  # fmt: skip # noqa: E501
        (
            "instantly.yaml",
            "createblukBlockListEntry",
            client.post(f"{api}/block-lists-entries/bulk-create", headers=INSTANTLY, json={"bl_values": ["x.example"]}),
        ),
        ("instantly.yaml", "listBlockListEntry", client.get(f"{api}/block-lists-entries", headers=INSTANTLY)),
    ]
    calls += _ad_calls(client) + _leadfeeder_calls(client) + _address_calls(client)
    calls += _wiza_list_calls(client) + _apollo_calls(client) + _clay_calls(client)
    return [(file, operation, reply.status_code, reply.json()) for file, operation, reply in calls]


def _ad_calls(client: TestClient) -> list[tuple[str, str, httpx.Response]]:
    """One good call of every operation of the ad platforms, for a day on which ads were delivered."""
    form = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
    token = client.post("/google_ads/token", data={**form, "refresh_token": "sandbox-refresh-token"})
    query = "SELECT customer.id, campaign.id, ad_group.id, ad_group_ad.ad.id, metrics.cost_micros, metrics.conversions FROM ad_group_ad WHERE segments.date = '2025-11-06'"  # fmt: skip # noqa: E501
    stream = "/google_ads/v26/customers/1112223333/googleAds:searchStream"
    graph, proof = "/meta_ads/v26.0", {"appsecret_proof": META_PROOF}
    fields = "account_id,account_currency,campaign_id,campaign_name,adset_id,ad_id,impressions,clicks,spend,actions"
    insights = {"level": "ad", "fields": fields, "time_increment": "1", "time_range": '{"since": "2025-11-06", "until": "2025-11-06"}'}  # fmt: skip # noqa: E501
    account = f"{graph}/act_100200300400500"
    started = client.post(f"{account}/insights", headers=META, params=proof, data=insights)
    run = f"{graph}/{started.json()['report_run_id']}"
    schedule = {"ReportScheduleName": "x", "ReportTemplateId": 4711, "ReportFileFormat": "CSV", "ReportDateRange": "Custom",
                "ReportFrequency": "Once", "TimeZone": "UTC", "ReportStartDateInclusive": "2025-11-06T00:00:00",
                "ReportEndDateExclusive": "2025-11-07T00:00:00"}  # fmt: skip
    reports = "/ttd/v3/myreports"
    made = client.post(f"{reports}/reportschedule", headers=TTD, json=schedule)
    ask = {"AdvertiserIds": ["dentadv"], "PageStartIndex": 0, "PageSize": 10}
    executions = client.post(f"{reports}/reportexecution/query/advertisers", headers=TTD, json=ask)
    number = made.json()["ReportScheduleId"]
    return [
        ("google-ads.yaml", "getAccessToken", token),
        ("google-ads.yaml", "searchStream", client.post(stream, headers=google_headers(client), json={"query": query})),
        ("meta-ads.yaml", "startInsights", started),
        ("meta-ads.yaml", "getInsights", client.get(f"{account}/insights", headers=META, params={**proof, **insights})),
        ("meta-ads.yaml", "getAdAccount", client.get(account, headers=META, params=proof)),
        ("meta-ads.yaml", "getReportRun", client.get(run, headers=META, params=proof)),
        ("meta-ads.yaml", "listInsights", client.get(f"{run}/insights", headers=META, params=proof)),
        ("ttd.yaml", "createReportSchedule", made),
        ("ttd.yaml", "queryReportExecutions", executions),
        ("ttd.yaml", "deleteReportSchedule", client.delete(f"{reports}/reportschedule/{number}", headers=TTD)),
    ]


def _address_calls(client: TestClient) -> list[tuple[str, str, httpx.Response]]:
    token = usps_token(client)
    box = {"streetAddress": "PO BOX 12", "city": "AUSTIN", "state": "TX", "ZIPCode": "78701"}
    usps = client.get("/usps/addresses/v3/address", headers=usps_headers(token), params=box)
    queen = {"address": "80 Queen Street, Auckland 1010"}
    return [
        ("usps.yaml", "getAccessToken", token),
        ("usps.yaml", "validateAddress", usps),
        ("addy.yaml", "validateAddress", client.get("/addy/validation", headers=ADDY, params=queen)),
    ]


def _wiza_list_calls(client: TestClient) -> list[tuple[str, str, httpx.Response]]:
    wiza, texas = "/wiza/api", {"location": [{"v": "TX", "b": "state", "s": "i"}]}
    shown = client.post(f"{wiza}/prospects/search", headers=WIZA, json={"size": 30, "filters": texas})
    people = [{"profile_url": f"https://www.{one['linkedin_url']}"} for one in shown.json()["data"]["profiles"]]
    wanted = {"name": "tx", "enrichment_level": "partial", "items": people, "skip_duplicates": True}
    made = client.post(f"{wiza}/lists", headers=WIZA, json={"list": wanted})
    searched = {"list": {"name": "tx", "max_profiles": 3, "enrichment_level": "none"}, "filters": texas}
    found = client.post(f"{wiza}/prospects/create_prospect_list", headers=WIZA, json=searched)
    more = {"id": found.json()["data"]["id"], "max_profiles": 2}
    domains = [row["company_domain"] for row in client.get(f"{wiza}/lists/1/contacts?segment=people", headers=WIZA).json()["data"]]  # fmt: skip
    companies = (client.post(f"{wiza}/company_enrichments", headers=WIZA, json={"company_domain": d}) for d in domains)
    calls = [
        ("prospectSearch", shown),
        ("createList", made),
        ("getList", client.get(f"{wiza}/lists/1", headers=WIZA)),
        ("getListContacts", client.get(f"{wiza}/lists/1/contacts?segment=valid", headers=WIZA)),
        ("createProspectList", found),
        ("continueProspectSearch", client.post(f"{wiza}/prospects/continue_search", headers=WIZA, json=more)),
        ("companyEnrichment", next(reply for reply in companies if reply.status_code == 200)),
    ]
    return [("wiza.yaml", operation, reply) for operation, reply in calls]


def _apollo_calls(client: TestClient) -> list[tuple[str, str, httpx.Response]]:
    api, flags = "/apollo/api/v1", {"reveal_phone_number": "true", "webhook_url": "http://127.0.0.1:9/hook"}
    shown = client.post(f"{api}/mixed_people/api_search", headers=APOLLO, params={"person_locations[]": ["TX", "CA"]})
    ids = [{"id": person["id"]} for person in shown.json()["people"]]
    companies = client.post(f"{api}/mixed_companies/search", headers=APOLLO, params={"per_page": 5})
    domains = [one["primary_domain"] for one in companies.json()["organizations"]]
    details = {"details": [*ids[:9], {"name": "Nobody Ofthatname"}]}
    bulk = client.post(f"{api}/people/bulk_match", headers=APOLLO, params=flags, json=details)
    number = bulk.json()["phone_enrichment"]["request_id"]
    wanted = {"details": [{"domain": domain} for domain in domains]}
    calls = [
        ("peopleApiSearch", shown),
        ("organizationSearch", companies),
        ("peopleEnrichment", client.post(f"{api}/people/match", headers=APOLLO, params=ids[0])),
        ("bulkPeopleEnrichment", bulk),
        ("getPerson", client.get(f"{api}/people/{ids[0]['id']}", headers=APOLLO)),
        ("organizationEnrichment", client.get(f"{api}/organizations/enrich?domain={domains[0]}", headers=APOLLO)),
        ("bulkOrganizationEnrichment", client.post(f"{api}/organizations/bulk_enrich", headers=APOLLO, json=wanted)),
        ("pollWebhookResult", client.get(f"{api}/webhook_result/{number}", headers=APOLLO)),
        ("apiUsageStats", client.post(f"{api}/usage_stats/api_usage_stats", headers=APOLLO)),
        ("creditUsageStats", client.post(f"{api}/usage_stats/credit_usage_stats", headers=APOLLO)),
        ("authHealth", client.get(f"{api}/auth/health", headers=APOLLO)),
    ]
    return [("apollo.yaml", operation, reply) for operation, reply in calls]


def _clay_calls(client: TestClient) -> list[tuple[str, str, httpx.Response]]:
    routine = "/clay/routines/function:t_dentist_contact"
    items = [{"id": "a", "inputs": {"full_name": "Ada Abbot"}}, {"id": "b", "inputs": {}}]
    run = client.post(f"{routine}/run", headers=CLAY, json={"items": items})
    place = client.post(f"{routine}/run-batch/upload-url", headers=CLAY)
    client.put(place.json()["upload_url"], content="\n".join(json.dumps(item) for item in items))
    batch = client.post(f"{routine}/run-batch/start", headers=CLAY, json={"file_id": place.json()["file_id"]})
    runs = [reply.json()["routine_run_id"] for reply in (run, batch)]
    calls = [
        ("getPublicApiMe", client.get("/clay/me", headers=CLAY)),
        ("runRoutine", run),
        ("getRunResults", client.get(f"/clay/routines/run/{runs[0]}/results", headers=CLAY)),
        ("runRoutineBatchUploadUrl", place),
        ("startRoutineRunBatch", batch),
        ("getRoutineRunBatchResults", client.get(f"/clay/routines/run-batch/{runs[1]}/results", headers=CLAY)),
        ("pushRowToTable", client.post(CLAY_TABLE, headers=CLAY_ROW, json={"correlation_id": "x"})),
    ]
    return [("clay.yaml", operation, reply) for operation, reply in calls]


def _leadfeeder_calls(client: TestClient) -> list[tuple[str, str, httpx.Response]]:
    account, day = "/leadfeeder/accounts/281194", "start_date=2025-11-06&end_date=2025-11-06"
    return [
        ("leadfeeder.yaml", "legacyListAccounts", client.get("/leadfeeder/accounts", headers=LEADFEEDER)),
        ("leadfeeder.yaml", "legacyListLeads", client.get(f"{account}/leads?{day}", headers=LEADFEEDER)),
        ("leadfeeder.yaml", "legacyListVisits", client.get(f"{account}/visits?{day}", headers=LEADFEEDER)),
    ]


def test_answers_when_every_operation_is_called_then_each_2xx_is_valid_by_its_schema(client: TestClient) -> None:
    answers = _answers(client)
    everything = {(file, operation) for file in FILES for operation in contract(file).operations}
    assert {(file, operation) for file, operation, _, _ in answers} == everything
    for file, operation_id, status, body in answers:
        operation = contract(file).operation(operation_id)
        assert 200 <= status < 300, (operation_id, status, body)
        assert status in operation.replies, f"{operation_id}: {status} is not documented"
        errors = [
            f"{list(error.absolute_path)}: {error.message}" for error in operation.replies[status].iter_errors(body)
        ]
        assert not errors, (operation_id, errors)
    events = next(body for _, operation, _, body in answers if operation == "listWebhookEvent")
    assert events["items"], "the webhook history was empty, so its schema was not tested"  # type: ignore[index]
    for name in ("listInsights", "legacyListLeads", "legacyListVisits", "getListContacts", "getRunResults"):
        page = next(body for _, operation, _, body in answers if operation == name)
        assert page["data"], f"{name} was empty, so its schema was not tested"  # type: ignore[index]


def test_contracts_when_listed_then_only_the_served_files_are_there() -> None:
    assert {path.name for path in Path(CONTRACTS).iterdir() if path.is_file()} == set(FILES)
