"""Where this environment lives: one project, one lake bucket. Read from the environment, never guessed."""

from __future__ import annotations

import os


def project() -> str:
    """Return the Google Cloud project id that holds every dataset (env ``GTM_PROJECT``)."""
    return _required("GTM_PROJECT", "the Google Cloud project id")


def lake_bucket() -> str:
    """Return the name of the GCS bucket that holds archive, staging and call ledger (env ``GTM_LAKE_BUCKET``)."""
    return _required("GTM_LAKE_BUCKET", "the name of the GCS lake bucket")


def _required(name: str, what: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"{name} is not set: export {what} (see .env.example).")
    return value
