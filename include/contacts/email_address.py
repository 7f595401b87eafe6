"""One e-mail address as somebody wrote it: the address that we compare and hash, or why it is none.

The one place for the registry, for vendors' answers and for what we send. `clean.event` normalizes an opt-out's address by
the same rules in SQL (include/sql/clean/event/query.sql); tests/sql/clean/test_event.py holds the two together.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from email_validator import EmailSyntaxError, validate_email

Reason = Literal["empty", "not_an_address", "several", "malformed", "placeholder"]
# What data sellers and forms show where they have no address. The domains belong to nobody (RFC 2606) or to a stranger.
PLACEHOLDER_LOCAL_PARTS = frozenset({"email_not_unlocked"})
PLACEHOLDER_DOMAINS = frozenset({"domain.com", "example.com", "example.net", "example.org"})
_BRACKETED = re.compile(r"<([^<>]*@[^<>]*)>")
_ADDRESS = re.compile(r"""[^ <>()\[\],;:"@]+@[^ <>()\[\],;:"'@?/]+""")


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """address: lower case, nothing around it; None when the text is no address. reason: why there is no address."""

    address: str | None
    reason: Reason | None


def email_address(written: object) -> EmailAddress:
    """Return the address that a published text stands for, by syntax alone: whether a mailbox is there is not asked."""
    text = _visible(written) if isinstance(written, str) else ""
    if not text:
        return EmailAddress(None, "empty")
    found = _addresses(text)
    if len(found) != 1:
        return EmailAddress(None, "several" if found else "not_an_address")
    address = _bare(found[0])
    try:
        parts = validate_email(address, check_deliverability=False, test_environment=True)  # `.test` is ours
    except EmailSyntaxError:
        return EmailAddress(None, "malformed")
    if parts.local_part in PLACEHOLDER_LOCAL_PARTS or parts.domain in PLACEHOLDER_DOMAINS:
        return EmailAddress(None, "placeholder")
    return EmailAddress(address, None)


def normalized_email(written: str) -> str | None:
    """Return the one address in a text in the form that is hashed, or None where there is none, or more than one.

    An opt-out is read by this, and it refuses no address as malformed: one that no mailbox can have may be in our tables.
    """
    found = _addresses(_visible(written))
    return _bare(found[0]) if len(found) == 1 else None


def _addresses(text: str) -> list[str]:
    """What looks like an address in a text: what stands in angle brackets comes first, for a name may hold an `@`."""
    bracketed = _BRACKETED.search(text)
    return _ADDRESS.findall(bracketed[1] if bracketed else text)


def _visible(text: str) -> str:
    """The text in lower case without what nobody sees: control and space characters become blanks, others go."""
    kinds = ((character, unicodedata.category(character)) for character in text)
    blank = "".join(" " if kind[0] == "Z" or kind == "Cc" else character for character, kind in kinds if kind != "Cf")
    return blank.strip().lower()


def _bare(address: str) -> str:
    return address.lstrip("'").rstrip(".")
