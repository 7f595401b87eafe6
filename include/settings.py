"""Where this environment lives: one project, one lake bucket. Read from the environment, never guessed."""

from __future__ import annotations

import os
import re


def project() -> str:
    """Return the Google Cloud project id that holds every dataset (env ``GTM_PROJECT``)."""
    return _required("GTM_PROJECT", "the Google Cloud project id")


def lake_bucket() -> str:
    """Return the name of the GCS bucket that holds archive, staging and call ledger (env ``GTM_LAKE_BUCKET``)."""
    return _required("GTM_LAKE_BUCKET", "the name of the GCS lake bucket")


def lake_url() -> str | None:
    """Return where a browser reaches the lake's emulator; None with real Google Cloud.

    env ``GTM_LAKE_URL``, where that is another address than the processes use, else ``STORAGE_EMULATOR_HOST``.
    """
    return os.environ.get("GTM_LAKE_URL") or os.environ.get("STORAGE_EMULATOR_HOST")


def ga4_dataset() -> str:
    """Return the dataset that GA4 writes its daily export into (env ``GTM_GA4_DATASET``): ``analytics_<property id>``."""
    name = _required("GTM_GA4_DATASET", "the dataset of GA4's BigQuery export, analytics_<property id>")
    if not re.fullmatch(r"analytics_\d+", name):
        raise RuntimeError(
            f"GTM_GA4_DATASET is {name!r}: expected analytics_<property id>, such as analytics_250000001."
        )
    return name


def _required(name: str, what: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"{name} is not set: export {what} (see .env.example).")
    return value
