"""Keeps files of cases that are too large for the ledger: copies by their SHA-256, never changed.

A copy, and no hard link: whoever writes into a report's file would write into what was sent. It is
on the disk under its name before a row of the ledger rests on it; ended in the middle, nothing is
there by that name. Nothing here removes one.
"""

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from collector.disk import to_disk
from collector.errors import CaseError
from collector.settings import CollectorSettings

MAX_BYTES: Final = 64 * 1024**3
"""Of one file: the evidence of 5,000 lines has some 25 GB."""

SPARE_BYTES: Final = 1024**3
"""That a copy leaves free on its disk, where the ledger may be too."""

_FOLDER: Final = "case-files"
"""Beside the ledger, or beside a backup of it."""

_AT_ONCE: Final = 1024 * 1024
_NAME: Final = re.compile(r"([0-9a-f]{64})(\.[a-z0-9]{1,8})?")
_UNFINISHED: Final = ".part-"
_FORGOTTEN_SECONDS: Final = 24 * 3600
"""A copy that nobody wrote to for so long was ended in the middle."""

_READ_ONLY: Final = 0o440

Told = Callable[[int], object]
"""Is told of bytes as they are written."""


def large_files(settings: CollectorSettings) -> "LargeFiles":
    """Return where the cases' large files are."""
    return LargeFiles(settings.cases.files or settings.ledger.path.parent / _FOLDER)


def beside(backup: Path) -> "LargeFiles":
    """Return where those are that belong to a backup of the ledger; backups of a folder share."""
    return LargeFiles(backup.parent / _FOLDER)


@dataclass(frozen=True, slots=True)
class LargeFiles:
    """A folder of files, each called by its SHA-256.

    Attributes:
        folder: made with the first file.
    """

    folder: Path

    @staticmethod
    def name(sha256: str, name: str) -> str:
        """Return what a file is called here: its SHA-256, and the ending that its name has."""
        ending = Path(name).suffix.lower()
        found = f"{sha256}{ending}"
        return found if _NAME.fullmatch(found) else sha256

    def find(self, sha256: str, name: str) -> Path | None:
        """Return where a file is; None: it is not here."""
        place = self.folder / self.name(sha256, name)
        return place if place.is_file() else None

    def keep(self, source: Path, sha256: str, name: str, told: Told = lambda _: None) -> Path:
        """Copy a file, unless it is here; return its place.

        Raises:
            CaseError: it is not of this SHA-256, is too large, or there is no room for it.
        """
        if there := self.find(sha256, name):
            return there
        try:
            with source.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                return self._keep(file, size, sha256, name, told)
        except OSError as error:
            raise CaseError(f"{source}: cannot be kept in {self._place}: {error}") from None

    def keep_content(self, content: bytes, sha256: str, name: str) -> Path:
        """Write a file, unless it is here; return its place.

        Raises:
            CaseError: as `keep`.
        """
        if there := self.find(sha256, name):
            return there
        try:
            return self._keep(BytesIO(content), len(content), sha256, name, lambda _: None)
        except OSError as error:
            raise CaseError(f"{name}: cannot be kept in {self._place}: {error}") from None

    def copy_to(self, other: "LargeFiles", told: Told = lambda _: None) -> int:
        """Copy what another folder lacks; return how many files that was.

        Raises:
            CaseError: one is damaged, or there is no room for it.
        """
        copied = 0
        for place in self._files():
            sha256 = place.name[:64]
            if other.find(sha256, place.name) is None:
                other.keep(place, sha256, place.name, told)
                copied += 1
        return copied

    @property
    def free_bytes(self) -> int:
        """How much room its disk has.

        Raises:
            OSError: it cannot be looked at.
        """
        # Ends: the root is there.
        place = self._place
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    @property
    def _place(self) -> Path:
        return self.folder.absolute()

    def _files(self) -> list[Path]:
        try:
            found = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        except OSError as error:
            raise CaseError(f"{self._place}: cannot be read: {error.strerror}") from None
        return [one for one in found if _NAME.fullmatch(one.name)]

    def _keep(self, file: BinaryIO, size: int, sha256: str, name: str, told: Told) -> Path:
        if size > MAX_BYTES:
            raise CaseError(f"{name}: is larger than the {MAX_BYTES // 1024**3} GiB that are kept")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_forgotten()
        free = self.free_bytes
        if size + SPARE_BYTES > free:
            raise CaseError(
                f"{name}: has {size:,} bytes, and {self._place} has room for "
                f"{max(0, free - SPARE_BYTES):,}: make room, or name another folder by "
                "collector.cases.files, with the files that are here"
            )
        target = self.folder / self.name(sha256, name)
        with _made_whole(target) as copy:
            digest = hashlib.sha256()
            left = MAX_BYTES
            # Ends: every turn leaves less.
            while left > 0 and (piece := file.read(_AT_ONCE)):
                copy.write(piece)
                digest.update(piece)
                left -= len(piece)
                told(len(piece))
            if digest.hexdigest() != sha256:
                raise CaseError(
                    f"{name}: is not the file of SHA-256 {sha256}: it was changed, or is damaged"
                )
        return target

    def _remove_forgotten(self) -> None:
        """Remove what was left where a copy was ended in the middle."""
        for place in self.folder.glob(f"{_UNFINISHED}*"):
            if place.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                place.unlink(missing_ok=True)


@contextmanager
def _made_whole(target: Path) -> Iterator[BinaryIO]:
    """Yield a new file; it is on the disk, and then has the target's name."""
    unfinished = target.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
    opened = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _READ_ONLY)
    try:
        with os.fdopen(opened, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
        for folder in (target.parent, target.parent.parent):
            to_disk(folder)
    finally:
        unfinished.unlink(missing_ok=True)
