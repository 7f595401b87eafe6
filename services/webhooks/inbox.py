"""The durable store of received events: GCS objects that are written once and never changed."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from urllib.parse import quote

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.urllib3 import AuthorizedHttp
from google.cloud import storage
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from include.events.inbox import InboxEvent, object_name, to_object

# The tightest known sender gives up after 15 s; three attempts of at most 3 s each stay below it.
RETRIES = Retry(total=2, backoff_factor=0.2, status_forcelist=(408, 429, 500, 502, 503, 504), allowed_methods=None,
                raise_on_status=False)  # fmt: skip
TIMEOUT = Timeout(connect=1.0, read=2.0)
# Drawn anew at each start, so that no sender can write it into a body.
BOUNDARY = secrets.token_hex(16).encode()
HEADERS = {"Content-Type": f"multipart/related; boundary={BOUNDARY.decode()}"}


class CannotStore(Exception):
    """It is not certain that the event is stored; the sender must be asked to deliver it again."""


@dataclass(frozen=True)
class Inbox:
    """A bucket that takes events; ``uploads`` is the address of its one-request upload (JSON API, objects.insert)."""

    http: AuthorizedHttp
    uploads: str

    def store(self, event: InboxEvent) -> bool:
        """Write the event durably; return False if it was there before. Raise CannotStore when that is not certain."""
        try:
            answer = self.http.urlopen(  # type: ignore[no-untyped-call]
                "POST", self.uploads, body=_multipart(object_name(event), to_object(event)), headers=HEADERS,
                retries=RETRIES, timeout=TIMEOUT,
            )  # fmt: skip
        except (HTTPError, GoogleAuthError) as error:
            raise CannotStore(f"{event.sender}: {type(error).__name__}") from error
        if answer.status not in (200, 412):
            raise CannotStore(f"{event.sender}: the store answered HTTP {answer.status}")
        return bool(answer.status == 200)


def _multipart(name: str, content: bytes) -> bytes:
    """Return the upload's two parts, metadata and content: fake-gcs-server ignores preconditions of a bare one."""
    metadata = json.dumps({"name": name, "contentType": "application/json"}).encode()
    head = b"--%s\r\nContent-Type: application/json\r\n\r\n" % BOUNDARY
    return head + metadata + b"\r\n" + head + content + b"\r\n--%s--\r\n" % BOUNDARY


def inbox(client: storage.Client, bucket: str, writers: int) -> Inbox:
    """Return the inbox in ``bucket`` for ``writers`` threads at once; each keeps a connection of its own open.

    The client gives address and credentials. Its own upload method costs four times the processor time of this one
    request, which is most of what the receiver does.
    """
    pool = PoolManager(maxsize=writers, block=True)
    # Precondition 0 means "must not exist": it makes a repeat harmless, and the retry of a lost answer safe.
    parameters = "uploadType=multipart&ifGenerationMatch=0"
    uploads = f"{client.api_endpoint}/upload/storage/v1/b/{quote(bucket, safe='')}/o?{parameters}"
    return Inbox(AuthorizedHttp(client._credentials, http=pool), uploads)  # type: ignore[no-untyped-call]
