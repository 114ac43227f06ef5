"""Files that a power cut must never leave half written."""

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace ``path`` by ``data``: after a power cut it holds the old or the new, never a part.

    Raises:
        OSError: the disk is full, or the directory cannot be written.
    """
    beside = _write_beside(path, data, mode)
    try:
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_directory(path.parent)


def create_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a new file, whole or not at all.

    Raises:
        FileExistsError: there is one already; it is left as it is.
        OSError: the disk is full, or the directory cannot be written.
    """
    beside = _write_beside(path, data, mode)
    try:
        # A link fails where the name exists, which a rename does not.
        path.hardlink_to(beside)
    finally:
        beside.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names that were given in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_beside(path: Path, data: bytes, mode: int) -> Path:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return beside
