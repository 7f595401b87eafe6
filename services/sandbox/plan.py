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
}


@dataclass(frozen=True)
class Plan:
    """`keys`: vendor -> key; Twilio's is "login:password", USPS's "consumer key:consumer secret", Google Ads' "client id:client secret:refresh token:developer
    token", Meta's "access token:app secret". Rates are requests; times are seconds; prices are USD.

    `wiza_usd_per_credit` is an assumption (Wiza sells credits in plans); Twilio's price is the published one.
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
    async_seconds: float = 0.3
    twilio_concurrency: int = 100
    twilio_line_type_usd: float = 0.008
    usps_per_hour: int = 60
    ads_per_second: int = 100
    leadfeeder_per_minute: int = 100
    instantly_per_second: int = 100
    instantly_per_minute: int = 6_000
    credits: dict[str, float] = field(default_factory=lambda: {"wiza": 20_000.0, "instantly": 50_000.0})
    webhook_lanes: int = 8
    webhook_tries: int = 3
    webhook_retry_seconds: float = 0.05
