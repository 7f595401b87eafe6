"""One member of a zip as a stream, when the zip can be trusted: nothing is extracted to disk.

What a publisher's server sends is not always a zip, and not every zip is harmless. Everything here is refused before
or while it is read, with the name of the file and what to do.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

# CMS's monthly main member has 11 GB and shrinks to a tenth. Text with long runs may reach a hundredth; deflate's own
# limit, which only a bomb comes near, is a thousandth. Small members cannot hurt and may be as regular as they like.
MAX_MEMBER_BYTES = 64 * 1024**3
MAX_RATIO = 200
ANY_RATIO_BYTES = 256 * 1024**2
NAMES_SHOWN = 20


class DamagedFile(ValueError):
    """The file as a whole cannot be trusted: nothing of it is loaded. The message says what is wrong and where."""


@dataclass(frozen=True)
class OpenMember:
    """A member that can be read. `size` is that of its content in bytes, as the zip declares it; more is never read."""

    name: str
    size: int
    stream: IO[bytes]


@contextmanager
def open_member(source: IO[bytes], where: str, choose: Callable[[Sequence[str]], str]) -> Iterator[OpenMember]:
    """Open one member of a zip for reading.

    :param source: the zip, seekable; read in pieces.
    :param where: the zip's name, for messages.
    :param choose: returns which of the members' names is wanted, or raises its own error.

    Raises DamagedFile for what is no zip, a truncated, encrypted or damaged one (also later, while the member is
    read: its checksum is verified at its end), a compression that is not read here, or a bomb.
    """
    head = source.read(64)
    source.seek(0)
    if not head.startswith(b"PK"):
        raise DamagedFile(
            f"{where}: not a zip. It begins with {head[:40]!r}: a page or a message was saved in its place. "
            "Look at what the publisher's server answers, and download it again."
        )
    try:
        with zipfile.ZipFile(source) as archive:
            info = archive.getinfo(choose(archive.namelist()))
            _check(info, f"{where}#{info.filename}")
            with archive.open(info) as stream:
                yield OpenMember(info.filename, info.file_size, stream)
    except NotImplementedError as error:
        raise DamagedFile(f"{where}: {error}. Ask the publisher for a zip that uses deflate.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DamagedFile(f"{where}: the zip is truncated or damaged ({error}). Download it again.") from error


def _check(info: zipfile.ZipInfo, where: str) -> None:
    if info.flag_bits & 0x1:
        raise DamagedFile(f"{where}: protected by a password. Publishers send none: ask where this file comes from.")
    if info.file_size > MAX_MEMBER_BYTES:
        raise DamagedFile(
            f"{where}: says that it inflates to {info.file_size:,} bytes, over the limit of {MAX_MEMBER_BYTES:,}. "
            "If the file is genuine, raise MAX_MEMBER_BYTES in include/zip_member.py."
        )
    if info.file_size > max(ANY_RATIO_BYTES, MAX_RATIO * info.compress_size):
        raise DamagedFile(
            f"{where}: {info.compress_size:,} bytes say that they inflate to {info.file_size:,}, more than "
            f"{MAX_RATIO} times as many. No register compresses like that: this looks like a zip bomb. "
            "If the file is genuine, raise MAX_RATIO in include/zip_member.py."
        )
