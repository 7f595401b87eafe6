"""Run the webhook receiver: ``python -m services.webhooks --port 8080``.

Environment: GTM_PROJECT, GTM_LAKE_BUCKET, GHL_WEBHOOK_PUBLIC_KEYS (comma-separated base64 SPKI keys),
INSTANTLY_WEBHOOK_SECRETS, WIZA_API_KEYS, CLAY_SIGNING_SECRETS, CALLBACK_SECRETS and RB2B_PATH_SECRETS (comma-separated,
too); WEBHOOK_SPOOL, a folder on a disk that stays; STORAGE_EMULATOR_HOST points it at the emulator.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path

import uvicorn
from google.cloud import storage

from include.settings import lake_bucket, project
from services.webhooks.inbox import inbox
from services.webhooks.receiver import receiver
from services.webhooks.senders import apollo, clay, clay_table, ghl, instantly, rb2b, wiza
from services.webhooks.spool import Spool

# GCS takes some 50 ms a write, so this is about 600 events a second; the emulator on two cores does as many.
WRITERS = 32


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.webhooks", description="Receive vendors' webhooks.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    callback_secrets = active("CALLBACK_SECRETS")
    senders = [
        ghl(active("GHL_WEBHOOK_PUBLIC_KEYS")),
        instantly(active("INSTANTLY_WEBHOOK_SECRETS")),
        wiza(active("WIZA_API_KEYS"), callback_secrets),
        apollo(callback_secrets),
        clay(active("CLAY_SIGNING_SECRETS")),
        clay_table(callback_secrets),
        rb2b(active("RB2B_PATH_SECRETS")),
    ]
    spool = Spool(Path(os.environ.get("WEBHOOK_SPOOL") or Path(tempfile.gettempdir(), "gtm-webhook-spool")))
    app = receiver(senders, inbox(storage.Client(project=project()), lake_bucket(), WRITERS), WRITERS, spool)
    # No access log: thousands of lines that say nothing that the counts in /healthz do not.
    uvicorn.run(app, host=arguments.host, port=arguments.port, access_log=False, server_header=False,
                log_config=None, timeout_graceful_shutdown=10)  # fmt: skip


def active(variable: str) -> list[str]:
    """Return the comma-separated values of an environment variable; raise RuntimeError when there is none.

    Starting without them would answer 401 to every event, and a refused event is a lost one.
    """
    values = [value.strip() for value in os.environ.get(variable, "").split(",") if value.strip()]
    if not values:
        raise RuntimeError(f"{variable} is empty: set at least one value (docs/webhooks.md says where it comes from).")
    return values


if __name__ == "__main__":
    main()
