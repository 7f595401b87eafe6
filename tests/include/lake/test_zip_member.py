"""A member's bytes, or a refusal by name: no zip, a bomb, a password, damage of every kind."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import pytest

from include.lake import zip_member
from include.lake.zip_member import INFLATED_BYTES, DamagedFile, check_members, members, open_member

WHERE = "gs://lake/raw/a.zip"
CONTENT = b"".join(b'"%d","%d"\n' % (n, n * n) for n in range(100_000))


def zipped(content: bytes = CONTENT, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("readme.pdf", b"%PDF")
        archive.writestr("a.csv", content)
    return target.getvalue()


def patched(source: bytes, local_offset: int, central_offset: int, value: bytes) -> bytes:
    """Return the zip with a field of a.csv's local and central header replaced."""
    data = bytearray(source)
    local, central = source.rindex(b"PK\x03\x04"), source.rindex(b"PK\x01\x02")
    data[local + local_offset : local + local_offset + len(value)] = value
    data[central + central_offset : central + central_offset + len(value)] = value
    return bytes(data)


def choose(names: Sequence[str]) -> str:
    return next((name for name in names if name.endswith(".csv")), names[-1])


def whole(source: bytes) -> None:
    check_members(io.BytesIO(source), WHERE)
    list(members(io.BytesIO(source), WHERE))


def read(source: bytes) -> bytes:
    with open_member(io.BytesIO(source), WHERE, choose) as member:
        return b"".join(member.pieces)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("content", [CONTENT, b"", b"x"])
def test_open_member_when_sound_then_its_bytes_by_pieces_and_by_stream(method: int, content: bytes) -> None:
    assert read(zipped(content, method)) == content
    with open_member(io.BytesIO(zipped(content, method)), WHERE, choose) as member:
        assert (member.name, member.size) == ("a.csv", len(content))
        assert (member.stream.read(3), member.stream.read()) == (content[:3], content[3:])


def test_open_member_when_content_inflates_a_thousandfold_then_in_small_pieces() -> None:
    with open_member(io.BytesIO(zipped(b"\n" * 20_000_000)), WHERE, choose) as member:
        sizes = [len(piece) for piece in member.pieces]
    assert sum(sizes) == 20_000_000
    assert max(sizes) == zip_member.INFLATED_BYTES


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>Access Denied</html>", b"", b"a,b\n"])
def test_open_member_when_it_is_no_zip_then_error_shows_its_beginning_and_says_what_to_do(content: bytes) -> None:
    with pytest.raises(DamagedFile) as error:
        read(content)
    assert str(error.value).startswith(f"{WHERE}: not a zip. It begins with {content[:40]!r}")
    assert "Look at what the publisher's server answers" in str(error.value)


@pytest.mark.parametrize("kept", [0.001, 0.3, 0.9, 0.999])
def test_open_member_when_truncated_then_error(kept: float) -> None:
    source = zipped()
    with pytest.raises(DamagedFile, match=f"{WHERE}: the zip is truncated or damaged.*Download it again"):
        read(source[: int(len(source) * kept)])


def test_open_member_when_any_byte_of_the_content_flipped_then_error() -> None:
    source = zipped(CONTENT[:10_000])
    for at in range(200, len(source) // 2, 499):
        damaged = bytearray(source)
        damaged[at] ^= 0x10
        with pytest.raises(DamagedFile, match="truncated or damaged"):
            read(bytes(damaged))


def test_open_member_when_protected_by_a_password_then_error_names_the_member() -> None:
    with pytest.raises(DamagedFile, match=rf"{WHERE}#a.csv: protected by a password. Publishers send none"):
        read(patched(zipped(), 6, 8, b"\x01\x00"))


def test_open_member_when_the_compression_is_not_known_then_error_says_which_is() -> None:
    with pytest.raises(DamagedFile, match="a.csv: compressed with deflate64, which is not read here.*uses deflate"):
        read(patched(zipped(), 8, 10, struct.pack("<H", 9)))


@pytest.mark.parametrize(("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")])
def test_open_member_when_compressed_otherwise_then_refused_by_name_whole_or_cut(method: int, name: str) -> None:
    source = zipped(method=method)
    for read_all in (read, whole):
        with pytest.raises(DamagedFile, match=f"#.+: compressed with {name}, which is not read here.*uses deflate"):
            read_all(source)
    with pytest.raises(DamagedFile):
        read(source[:-40])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_open_member_when_bytes_are_lost_or_changed_then_no_librarys_own_error(method: int) -> None:
    rng, source = Random(method), zipped(CONTENT[:20_000], method)
    for _ in range(300):
        damaged = bytearray(source[: rng.choice([len(source), rng.randrange(len(source))])])
        near_the_end = rng.random() < 0.5 and len(damaged) > 300
        for _ in range(rng.randrange(3)):
            at = len(damaged) - 1 - rng.randrange(300) if near_the_end else rng.randrange(max(1, len(damaged)))
            damaged[at:at] = b"x" if rng.random() < 0.1 else b""
            damaged[at : at + 1] = bytes([rng.randrange(256)])
        for read_all in (read, whole):
            with suppress(DamagedFile):
                read_all(bytes(damaged))


def test_members_when_sound_then_each_name_and_content_in_order() -> None:
    assert list(members(io.BytesIO(zipped(b"x")), WHERE)) == [("readme.pdf", b"%PDF"), ("a.csv", b"x")]


def test_check_members_when_one_fails_its_checksum_then_refused_before_anybody_reads_it() -> None:
    source = bytearray(zipped(CONTENT[:10_000]))
    source[len(source) // 2] ^= 0x10
    with pytest.raises(DamagedFile, match="truncated or damaged"):
        check_members(io.BytesIO(bytes(source)), WHERE)


def test_open_member_when_it_says_to_be_a_bomb_then_refused_unread() -> None:
    huge = struct.pack("<I", 4_000_000_000)
    with pytest.raises(DamagedFile, match=r"a.csv: [\d,]+ bytes say .*4,000,000,000, more than 200 times.*zip bomb"):
        read(patched(zipped(), 22, 24, huge))


def test_open_member_when_larger_than_any_register_then_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_member, "MAX_MEMBER_BYTES", len(CONTENT) - 1)
    with pytest.raises(DamagedFile, match=r"over the limit of [\d,]+. If the file is genuine, raise MAX_MEMBER_BYTES"):
        read(zipped())


def test_open_member_when_longer_than_it_says_then_stopped_there() -> None:
    source = patched(zipped(), 22, 24, struct.pack("<I", 500_000))
    with (
        pytest.raises(DamagedFile, match="longer than the zip's directory says"),
        open_member(io.BytesIO(source), WHERE, choose) as member,
    ):
        read_bytes = 0
        for piece in member.pieces:
            read_bytes += len(piece)
    assert read_bytes <= 500_000


def test_open_member_when_shorter_than_it_says_then_error() -> None:
    with pytest.raises(DamagedFile, match="a.csv fails its checksum"):
        read(patched(zipped(), 22, 24, struct.pack("<I", len(CONTENT) + 1)))


def test_open_member_when_the_choice_raises_then_its_own_error() -> None:
    class WrongMembers(ValueError):
        pass

    def none(names: Sequence[str]) -> str:
        raise WrongMembers(f"holds {names}")

    with (
        pytest.raises(WrongMembers, match="readme.pdf"),
        open_member(io.BytesIO(zipped()), WHERE, none),
    ):
        pass


@pytest.mark.parametrize("size", [INFLATED_BYTES, INFLATED_BYTES + 8, INFLATED_BYTES + 36])
def test_open_member_when_all_input_is_taken_before_all_is_inflated_then_the_rest_still_comes(size: int) -> None:
    assert read(zipped(b"x" * size)) == b"x" * size
