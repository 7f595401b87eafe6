"""`python -m services.sandbox --nppes-dir DIR`: starts the vendor sandbox and prints where everything is."""

import argparse
import json
import sys
from pathlib import Path

import uvicorn

from services.sandbox.app import create_app
from services.sandbox.plan import DEFAULT_KEYS, Plan
from services.sandbox.webhooks import public_key, signing_key


def main(arguments: list[str]) -> int:
    """Serves until it is stopped. Exit code 2 and one line when the arguments cannot be used."""
    parsed = _parser().parse_args(arguments)
    try:
        plan = plan_of(parsed)
        key = public_key(signing_key(plan.seed, plan.ghl_signing_key))
        app = create_app(plan)
    except (OSError, ValueError) as reason:
        print(f"sandbox: {reason}", file=sys.stderr)
        return 2
    server = uvicorn.Server(
        uvicorn.Config(app, host=parsed.host, port=parsed.port, log_level="warning", access_log=False)
    )
    print(
        f"sandbox http://{parsed.host}:{parsed.port} ghl-webhook-public-key {key} ghl-location {plan.ghl_location}",
        flush=True,
    )
    server.run()
    return 0


def plan_of(parsed: argparse.Namespace) -> Plan:
    """The plan that the command line asks for. ValueError names what cannot be used."""
    keys = dict(DEFAULT_KEYS)
    location = parsed.ghl_location
    if parsed.keys:
        given = json.loads(parsed.keys.read_text(encoding="utf-8"))
        location = given.pop("ghl_location_id", location)
        unknown = set(given) - set(DEFAULT_KEYS)
        if unknown or not all(isinstance(key, str) and key for key in given.values()):
            needed = [*DEFAULT_KEYS, "ghl_location_id"]
            raise ValueError(f"{parsed.keys}: needs {{vendor: key}} for {needed}; unknown: {sorted(unknown)}")
        keys |= given
    credits = Plan(parsed.nppes_dir).credits
    for vendor in ("wiza", "apollo", "clay"):
        given_credits = getattr(parsed, f"{vendor}_credits")
        if given_credits is not None:
            credits[vendor] = given_credits
    return Plan(
        nppes_dir=parsed.nppes_dir,
        seed=parsed.seed,
        start=parsed.start,
        keys=keys,
        webhook_url=parsed.webhook_url,
        ghl_location=location,
        ghl_burst=parsed.ghl_burst,
        ghl_signing_key=parsed.ghl_signing_key,
        wiza_requests_per_second=parsed.wiza_requests_per_second,
        leadfeeder_per_minute=parsed.leadfeeder_per_minute,
        usps_per_hour=parsed.usps_per_hour,
        vendor_limit_factor=parsed.vendor_limit_factor,
        async_seconds=parsed.async_seconds,
        credits=credits,
    )


def _parser() -> argparse.ArgumentParser:
    usual = Plan(Path())
    parser = argparse.ArgumentParser(prog="python -m services.sandbox", description="The vendor sandbox and its world.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8790)
    parser.add_argument("--nppes-dir", type=Path, required=True, help="folder with NPPES zips under CMS's own names")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--start", default=usual.start, help="world time at the start, ISO with zone")
    parser.add_argument(
        "--keys", type=Path, help='JSON file {"wiza": key, "twilio": "login:secret", "ghl": ..., "instantly": ...}'
    )
    parser.add_argument(
        "--webhook-url", default="", help="base address of the receiver; events go to /webhooks/ghl there"
    )
    parser.add_argument("--ghl-location", default=usual.ghl_location)
    parser.add_argument("--ghl-signing-key", type=Path, help="Ed25519 private key in PEM (default: made from the seed)")
    parser.add_argument("--ghl-burst", type=int, default=usual.ghl_burst, help="requests in 10 s")
    parser.add_argument("--wiza-requests-per-second", type=int, default=usual.wiza_requests_per_second)
    parser.add_argument("--leadfeeder-per-minute", type=int, default=usual.leadfeeder_per_minute)
    parser.add_argument("--usps-per-hour", type=int, default=usual.usps_per_hour, help="quota of the application")
    parser.add_argument(
        "--vendor-limit-factor",
        type=int,
        default=usual.vendor_limit_factor,
        help="multiplies the limits of Apollo and Clay and of Wiza's companies",
    )
    for vendor in ("wiza", "apollo", "clay"):
        parser.add_argument(f"--{vendor}-credits", type=float, help="balance at the start")
    parser.add_argument(
        "--async-seconds", type=float, default=usual.async_seconds, help="mean real time of what is asynchronous"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
