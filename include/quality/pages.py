"""Where the readable page of a gate run lies, and the address at which a person opens it."""

from __future__ import annotations

import re
from urllib.parse import quote

from include.settings import lake_url


def page_object(table_name: str, dag_id: str, run_id: str, task_id: str) -> str:
    """Return the page's object in the lake, without the bucket. Tries of one task write the same page, the last one stays."""
    run = re.sub(r"[^A-Za-z0-9_.-]", "-", run_id)
    return f"quality/{table_name}/{dag_id}/{run}/{task_id}.html"


def page_url(bucket: str, object_name: str) -> str:
    """Return the address for a browser: the emulator's where one is set, else Google's, which asks for a login with access."""
    emulator = lake_url()
    if emulator:
        return f"{emulator}/download/storage/v1/b/{bucket}/o/{quote(object_name, safe='')}?alt=media"
    return f"https://storage.cloud.google.com/{bucket}/{quote(object_name)}"
