"""What has to be on the disk before anything rests on it."""

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """Have a file's content on the disk, or a folder's names.

    Raises:
        OSError: the disk does not take it.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
