"""Files that are never half written."""

import subprocess
from pathlib import Path

import pytest

from probe.files import create_atomically, write_atomically


def test_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    """A file is replaced by its new content, readable by its owner alone, with nothing beside."""
    path = tmp_path / "file"
    for content in (b"first", b"second" * 10000):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Creating refuses where there is a file, leaves it, and leaves nothing else behind."""
    path = tmp_path / "file"
    create_atomically(path, b"first")
    with pytest.raises(FileExistsError):
        create_atomically(path, b"second")
    assert path.read_bytes() == b"first"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the new content cannot be written, the old one stays and nothing is left beside."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    try:
        path = disk / "file"
        write_atomically(path, b"old")
        with pytest.raises(OSError, match="No space left on device"):
            write_atomically(path, b"x" * 100_000)
        assert path.read_bytes() == b"old"
        assert [found.name for found in disk.iterdir()] == ["file"]
    finally:
        subprocess.run(["umount", disk], check=True)
