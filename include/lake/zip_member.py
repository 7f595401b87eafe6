"""One member of a zip as a stream, when the zip can be trusted: nothing is extracted to disk.

What a publisher's server sends is not always a zip, and not every zip is harmless. Everything here is refused before
or while it is read, with the name of the file and what to do.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Buffer, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import IO

from zlib_ng import zlib_ng

# CMS's monthly main member has 11 GB and shrinks to a tenth. Text with long runs may reach a hundredth; deflate's own
# limit, which only a bomb comes near, is a thousandth. Small members cannot hurt and may be as regular as they like.
MAX_MEMBER_BYTES = 64 * 1024**3
MAX_RATIO = 200
ANY_RATIO_BYTES = 256 * 1024**2
# Small enough that what a piece inflates to is still in the processor's cache when it is checked and copied.
PIECE_BYTES = 64 * 1024
INFLATED_BYTES = 1024**2
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
OTHER_COMPRESSIONS = {9: "deflate64", zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}
ASK_FOR_DEFLATE = "Ask the publisher for a zip that uses deflate."


class DamagedFile(ValueError):
    """The file as a whole cannot be trusted: nothing of it is loaded. The message says what is wrong and where."""


@dataclass(frozen=True)
class OpenMember:
    """A member that can be read, once, either as pieces or as a stream.

    :param size: that of its content in bytes, as the zip declares it; more is never read.
    :param pieces: its content in order.
    """

    name: str
    size: int
    pieces: Iterator[bytes]

    @cached_property
    def stream(self) -> IO[bytes]:
        return io.BufferedReader(_Stream(self.pieces))


@contextmanager
def open_member(source: IO[bytes], where: str, choose: Callable[[Sequence[str]], str]) -> Iterator[OpenMember]:
    """Open one member of a zip for reading.

    :param source: the zip, seekable; read in pieces.
    :param where: the zip's name, for messages.
    :param choose: returns which of the members' names is wanted, or raises its own error.

    Raises DamagedFile for what is no zip, a truncated, encrypted or damaged one (also later, while the member is
    read: its checksum is verified at its end), a compression that is not read here, or a bomb.
    """
    with _opened(source, where) as archive:
        info = archive.getinfo(choose(archive.namelist()))
        yield OpenMember(info.filename, info.file_size, _pieces(archive, source, info, where))


def members(source: IO[bytes], where: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every member, in the zip's order.

    :param source, where: as for open_member, which says what is raised.
    """
    with _opened(source, where) as archive:
        for info in archive.infolist():
            yield info.filename, b"".join(_pieces(archive, source, info, where))


def check_members(source: IO[bytes], where: str) -> None:
    """Refuse a zip of which any member cannot be trusted to its last byte, before something else reads it as a whole.

    :param source, where: as for open_member, which says what is raised. It is left at its start.
    """
    with _opened(source, where) as archive:
        for info in archive.infolist():
            for _ in _pieces(archive, source, info, where):
                pass
    source.seek(0)


@contextmanager
def _opened(source: IO[bytes], where: str) -> Iterator[zipfile.ZipFile]:
    source.seek(0)
    head = source.read(64)
    source.seek(0)
    if not head.startswith(b"PK"):
        raise DamagedFile(
            f"{where}: not a zip. It begins with {head[:40]!r}: a page or a message was saved in its place. "
            "Look at what the publisher's server answers, and download it again."
        )
    try:
        archive = zipfile.ZipFile(source)
    except NotImplementedError as error:
        raise DamagedFile(f"{where}: {error}. {ASK_FOR_DEFLATE}") from error
    except (zipfile.BadZipFile, EOFError, ValueError, struct.error) as error:
        raise _damaged(where, error) from error
    try:
        with archive:
            yield archive
    except NotImplementedError as error:
        raise DamagedFile(f"{where}: {error}. {ASK_FOR_DEFLATE}") from error
    except (zipfile.BadZipFile, zlib_ng.error, EOFError) as error:  # type: ignore[misc]  # its stub has no class
        raise _damaged(where, error) from error


def _damaged(where: str, error: Exception) -> DamagedFile:
    return DamagedFile(f"{where}: the zip is truncated or damaged ({error}). Download it again.")


def _pieces(archive: zipfile.ZipFile, source: IO[bytes], info: zipfile.ZipInfo, where: str) -> Iterator[bytes]:
    """Yield a member's content, once it may be read at all; what `_opened` catches is raised when it is damaged."""
    _check(info, f"{where}#{info.filename}")
    with archive.open(info) as stream:
        stored = info.compress_type == zipfile.ZIP_STORED
        yield from iter(partial(stream.read, PIECE_BYTES), b"") if stored else _inflated(source, info)


def _check(info: zipfile.ZipInfo, where: str) -> None:
    if info.flag_bits & 0x1:
        raise DamagedFile(f"{where}: protected by a password. Publishers send none: ask where this file comes from.")
    if info.compress_type not in COMPRESSIONS:
        used = OTHER_COMPRESSIONS.get(info.compress_type, f"method {info.compress_type}")
        raise DamagedFile(f"{where}: compressed with {used}, which is not read here. {ASK_FOR_DEFLATE}")
    if info.header_offset < 0:
        raise zipfile.BadZipFile(f"{info.filename} begins before the file")
    if info.file_size > MAX_MEMBER_BYTES:
        raise DamagedFile(
            f"{where}: says that it inflates to {info.file_size:,} bytes, over the limit of {MAX_MEMBER_BYTES:,}. "
            "If the file is genuine, raise MAX_MEMBER_BYTES in include/lake/zip_member.py."
        )
    if info.file_size > max(ANY_RATIO_BYTES, MAX_RATIO * info.compress_size):
        raise DamagedFile(
            f"{where}: {info.compress_size:,} bytes say that they inflate to {info.file_size:,}, more than "
            f"{MAX_RATIO} times as many. No register compresses like that: this looks like a zip bomb. "
            "If the file is genuine, raise MAX_RATIO in include/lake/zip_member.py."
        )


def _inflated(source: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a deflated member's content piece by piece. zipfile's own way, with Python's zlib, takes four times as long.

    Raises zipfile.BadZipFile when the member ends early, is longer than its zip says, or fails its checksum.
    """
    source.seek(info.header_offset + 26)
    lengths = source.read(4)
    source.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
    inflate = zlib_ng.decompressobj(-zlib_ng.MAX_WBITS)
    deflated, left, size, crc = b"", info.compress_size, 0, 0
    while not inflate.eof:
        if not deflated:
            deflated = source.read(min(PIECE_BYTES, left))
            left -= len(deflated)
        # With all input taken, what it inflates to may still be inside: then it comes out for no input.
        piece = inflate.decompress(deflated, INFLATED_BYTES)
        if not deflated and not piece:
            raise zipfile.BadZipFile(f"{info.filename} ends after {size:,} bytes")
        deflated = inflate.unconsumed_tail
        size += len(piece)
        crc = zlib_ng.crc32(piece, crc)
        if size > info.file_size:
            raise zipfile.BadZipFile(f"{info.filename} is longer than the zip's directory says")
        if piece:
            yield piece
    if (size, crc) != (info.file_size, info.CRC):
        raise zipfile.BadZipFile(f"{info.filename} fails its checksum")


class _Stream(io.RawIOBase):
    """Pieces as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._piece:
            try:
                self._piece = next(self._pieces)
            except StopIteration:
                return 0
        target = memoryview(buffer).cast("B")
        size = min(len(self._piece), len(target))
        target[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size
