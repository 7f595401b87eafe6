"""What this sandbox was started with: keys, limits and prices. The defaults are the vendors' published numbers."""

from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_KEYS = {
    "wiza": "sandbox-wiza-key",
    "twilio": "ACsandbox:sandbox-twilio-secret",
    "usps": "sandbox-usps-key:sandbox-usps-secret",
    "addy": "sandbox-addy-key",
    "ghl": "sandbox-ghl-token",
    "instantly": "sandbox-instantly-key",
    "google_ads": "sandbox-client:sandbox-client-secret:sandbox-refresh-token:sandbox-developer-token",
    "meta_ads": "sandbox-meta-token:sandbox-app-secret",
    "ttd": "sandbox-ttd-token",
    "leadfeeder": "sandbox-leadfeeder-token",
    "apollo": "sandbox-apollo-key",
    "clay": "sandbox-clay-key:sandbox-clay-table-token:whsec_sandbox",
}
# (minute, hour, day) by class of endpoint, on Basic and Professional; None is no limit.
APOLLO_LIMITS: dict[str, tuple[int | None, int | None, int | None]] = {
    "enrichment": (1000, None, None),
    "search": (200, 6000, 50_000),
    "other": (200, 400, 2000),
}


@dataclass(frozen=True)
class Plan:
    """`keys`: vendor -> key; Twilio's is "login:password", USPS's "consumer key:consumer secret", Google Ads' "client id:client secret:refresh
    token:developer token", Meta's "access token:app secret", Clay's "API key:token of the table source:signing secret of webhooks". Rates are
    requests; times are seconds; prices are USD.

    Prices per credit are assumptions (all three sell credits in plans); Twilio's price is the published one.
    `vendor_limit_factor` multiplies every limit of Apollo and Clay and that of Wiza's companies, for runs in a hurry.
    """

    nppes_dir: Path
    seed: int = 7
    start: str = "2025-11-10T06:00:00Z"
    keys: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    webhook_url: str = ""
    ghl_location: str = "locSANDBOX0000000001"
    ghl_burst: int = 100
    ghl_daily: int = 200_000
    ghl_signing_key: Path | None = None
    wiza_requests_per_second: int = 60
    wiza_concurrency: int = 5
    wiza_usd_per_credit: float = 0.05
    wiza_companies: tuple[int, int] = (30, 43_200)
    apollo_limits: dict[str, tuple[int | None, int | None, int | None]] = field(
        default_factory=lambda: dict(APOLLO_LIMITS)
    )
    apollo_usd_per_credit: float = 0.05
    clay_per_second: int = 20
    clay_rows_per_second: int = 10
    clay_rows_burst: int = 20
    clay_rows_for_life: int = 50_000
    clay_result_seconds: float = 300.0
    clay_usd_per_credit: float = 0.05
    vendor_limit_factor: int = 1
    async_seconds: float = 0.3
    twilio_concurrency: int = 100
    twilio_line_type_usd: float = 0.008
    usps_per_hour: int = 60
    ads_per_second: int = 100
    leadfeeder_per_minute: int = 100
    instantly_per_second: int = 100
    instantly_per_minute: int = 6_000
    credits: dict[str, float] = field(
        default_factory=lambda: {"wiza": 20_000.0, "instantly": 50_000.0, "apollo": 20_000.0, "clay": 50_000.0}
    )
    webhook_lanes: int = 8
    webhook_tries: int = 3
    webhook_retry_seconds: float = 0.05
