"""A member of a zip that may be a bomb, locked or cut: refused with the file's name before or while it is read."""

from __future__ import annotations

import io
import zipfile

import pytest

from include import zip_member
from include.zip_member import DamagedFile, open_member

CONTENT = bytes(range(256)) * 40
WHERE = "gs://lake/raw/a.zip"


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", method) as archive:
        archive.writestr("a.csv", content)
    return kept.getvalue()


def read(content: bytes) -> bytes:
    with open_member(io.BytesIO(content), WHERE, lambda names: names[0]) as member:
        return member.stream.read()


def patched(content: bytes, at: int, value: bytes) -> bytes:
    """Change a field of the zip's directory: `at` bytes into its only entry."""
    at += content.index(b"PK\x01\x02")
    return content[:at] + value + content[at + len(value) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_open_member_when_sound_then_its_exact_bytes(method: int) -> None:
    assert read(zipped(CONTENT, method)) == CONTENT


def test_open_member_when_it_inflates_to_too_many_times_its_size_then_called_a_bomb(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zip_member, "ANY_RATIO_BYTES", 1000)
    with pytest.raises(DamagedFile, match=f"{WHERE}#a.csv: .* inflate to 1,000,000, more than 200 times"):
        read(zipped(b"\0" * 1_000_000))
    assert read(zipped(b"\0" * 1000)) == b"\0" * 1000  # a small member may be as regular as it likes


def test_open_member_when_it_inflates_to_more_than_the_limit_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_member, "MAX_MEMBER_BYTES", len(CONTENT) - 1)
    with pytest.raises(DamagedFile, match=f"{WHERE}#a.csv: .* 10,240 bytes, over the limit of 10,239"):
        read(zipped(CONTENT))


def test_open_member_when_the_directory_tells_less_than_is_inside_then_never_more_than_that_is_read() -> None:
    liar = patched(zipped(CONTENT), 24, (100).to_bytes(4, "little"))
    with pytest.raises(DamagedFile, match=f"{WHERE}: the zip is truncated or damaged"):
        read(liar)


def test_open_member_when_a_password_is_set_then_refused() -> None:
    with pytest.raises(DamagedFile, match=f"{WHERE}#a.csv: protected by a password"):
        read(patched(zipped(CONTENT), 8, b"\x01"))


def test_open_member_when_the_compression_is_not_known_then_says_what_to_ask_for() -> None:
    with pytest.raises(DamagedFile, match=f"{WHERE}: .*uses deflate"):
        read(patched(zipped(CONTENT), 10, b"\x63"))
