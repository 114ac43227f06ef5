"""The archive that evidence is kept in: the same bytes for the same members, and none unwatched.

A ZIP archive whose comment is the SHA-256 of every byte before it, in 64 hexadecimal digits: a byte
that is another one is found wherever it is, in a header or in bits that no reader looks at, too.
"""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self, cast

from collector.errors import EvidenceError
from collector.evidence.format import (
    MAX_DIRECTORY_BYTES,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_TOTAL_BYTES,
    MAX_WHOLE_BYTES,
    MEMBER_NAME,
    RATIO_FROM_BYTES,
    Member,
)

_DIGEST_BYTES: Final = 64
_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The first that an archive can name: no member says when it was written."""

_LEVEL: Final = 6
_UNIX: Final = 3
_MODE: Final = 0o100644 << 16
_AT_ONCE: Final = 1024 * 1024

_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"


class Sink(Protocol):
    """Takes a member's bytes."""

    def write(self, content: bytes, /) -> object:
        """Take some more."""


# --- Writing -------------------------------------------------------------------------------------


class ArchiveWriter:
    """Writes an archive, member by member, without holding one in memory.

    Args:
        file: new, and the archive's alone.

    Attributes:
        members: what was written so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hashed = _HashedFile(file)
        # What cannot be sought in is written straight on, and can be hashed as it is written.
        self._zip = zipfile.ZipFile(cast("BinaryIO", self._hashed), "w")
        self.members: dict[str, Member] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[Sink]:
        """Open a new member."""
        info = zipfile.ZipInfo(name, _TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
        info.create_system = _UNIX
        info.external_attr = _MODE
        with self._zip.open(info, "w") as opened:
            counted = _Counted(opened)
            yield counted
        self.members[name] = counted.member

    def add(self, name: str, content: bytes) -> None:
        """Write a member whole."""
        with self.member(name) as opened:
            opened.write(content)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the archive; of one that failed nothing is finished."""
        if kind is None:
            self.close()
        else:
            self._zip.close()

    def close(self) -> None:
        """Write the list of members and the digest of everything."""
        self._zip.comment = b"0" * _DIGEST_BYTES
        self._zip.close()
        self._file.seek(-_DIGEST_BYTES, io.SEEK_END)
        self._file.write(self._hashed.digest)


class _Counted:
    """Counts and hashes a member's bytes."""

    def __init__(self, opened: Sink) -> None:
        self._opened = opened
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, content: bytes) -> None:
        self._opened.write(content)
        self._digest.update(content)
        self._size += len(content)

    @property
    def member(self) -> Member:
        return Member(size=self._size, sha256=self._digest.hexdigest())


class _HashedFile:
    """A file that cannot be sought in; hashes all but its last bytes, where the digest goes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._tail = b""

    def write(self, content: bytes) -> int:
        self._file.write(content)
        whole = self._tail + bytes(content)
        cut = max(0, len(whole) - _DIGEST_BYTES)
        self._digest.update(whole[:cut])
        self._tail = whole[cut:]
        return len(content)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> bytes:
        return self._digest.hexdigest().encode()


# --- Reading -------------------------------------------------------------------------------------


class ArchiveReader:
    """Reads an archive that somebody else may have made.

    Args:
        path: of the file.

    Attributes:
        sizes: of the members, unpacked, by name.

    Raises:
        EvidenceError: it cannot be read, is no such archive, or is larger than any is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.sizes: dict[str, int] = {}
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
        try:
            self._zip = self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> zipfile.ZipFile:
        try:
            _check_end(self._file)
            found = zipfile.ZipFile(self._file)
        except OSError as error:
            raise EvidenceError(f"{self._path}: cannot be read: {error.strerror}") from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise EvidenceError(f"{self._path}: is no ZIP archive: {error}") from None
        for info in found.infolist():
            self._take(info)
        if sum(self.sizes.values()) > MAX_TOTAL_BYTES:
            raise EvidenceError(f"{self._path}: would unpack to more than {MAX_TOTAL_BYTES} bytes")
        return found

    def _take(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename
        shown = name[:80].encode("unicode_escape").decode()
        if not MEMBER_NAME.fullmatch(name):
            raise EvidenceError(f"{self._path}: '{shown}' is no name of a member of evidence")
        if name in self.sizes:
            raise EvidenceError(f"{self._path}: has '{shown}' twice")
        if info.compress_type != zipfile.ZIP_DEFLATED or info.flag_bits & 1:
            raise EvidenceError(f"{self._path}: '{shown}' is not deflated, or is encrypted")
        too_dense = info.file_size > MAX_RATIO * max(1, info.compress_size)
        if info.file_size > RATIO_FROM_BYTES and too_dense:
            raise EvidenceError(
                f"{self._path}: '{shown}' would unpack to more than {MAX_RATIO} times its size"
            )
        self.sizes[name] = info.file_size
        if len(self.sizes) > MAX_MEMBERS:
            raise EvidenceError(f"{self._path}: has more than {MAX_MEMBERS} members")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, whoever still reads a member."""
        self._file.close()

    def is_whole(self, told: Callable[[int], object] = lambda _: None) -> bool:
        """Return whether every byte is the one that was written, by the archive's own digest."""
        digest = hashlib.sha256()
        left = self._path.stat().st_size - _DIGEST_BYTES
        with self._path.open("rb") as file:
            # Ends: every turn leaves less.
            while left > 0 and (part := file.read(min(left, _AT_ONCE))):
                digest.update(part)
                left -= len(part)
                told(len(part))
            told(_DIGEST_BYTES)
            return file.read() == digest.hexdigest().encode()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a member.

        Raises:
            MemberError: it is not there, or cannot be unpacked.
        """
        if name not in self.sizes:
            raise MemberError(name, "is not there")
        try:
            with self._zip.open(name) as opened:
                yield cast("BinaryIO", opened)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as bad:
            raise MemberError(name, f"cannot be unpacked: {bad}") from None
        except (OSError, struct.error) as bad:
            raise MemberError(name, f"cannot be read: {bad}") from None

    def read(self, name: str) -> bytes:
        """Return a member whole.

        Raises:
            MemberError: it is not there, cannot be unpacked, or is too long for that.
        """
        with self.open(name) as opened:
            content = opened.read(MAX_WHOLE_BYTES + 1)
        if len(content) > MAX_WHOLE_BYTES:
            raise MemberError(name, f"has more than {MAX_WHOLE_BYTES} bytes")
        return content

    def member(self, name: str) -> Member:
        """Return what a member is.

        Raises:
            MemberError: as `open`.
        """
        digest = hashlib.sha256()
        size = 0
        with self.open(name) as opened:
            while part := opened.read(_AT_ONCE):
                digest.update(part)
                size += len(part)
        return Member(size=size, sha256=digest.hexdigest())

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """Yield a member's lines without their newlines; each ends with one.

        Raises:
            MemberError: as `open`; a line is longer than it may be, or has no end.
        """
        with self.open(name) as opened:
            number = 0
            while line := opened.readline(longest + 1):
                number += 1
                if line[-1:] != b"\n":
                    raise MemberError(name, f"line {number} has no end within {longest} bytes")
                yield line[:-1]


class MemberError(EvidenceError):
    """A member is not what it has to be.

    Attributes:
        member: its name.
        reason: what is wrong with it.
    """

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


def _check_end(file: BinaryIO) -> None:
    """Raise unless the file ends as such an archive does, with a list that may be read at once."""
    size = file.seek(0, io.SEEK_END)
    ending = _END.size + _DIGEST_BYTES
    if size < ending:
        raise ValueError("it is too short")
    file.seek(size - ending)
    mark, _, _, _, _, directory, _, comment = _END.unpack(file.read(_END.size))
    if mark != _END_MARK or comment != _DIGEST_BYTES:
        raise ValueError("its end is missing, or is not that of evidence")
    if directory > MAX_DIRECTORY_BYTES:
        raise ValueError("its list of members is too long")
