"""What has to be on the disk is there, or it is said."""

from pathlib import Path

import pytest

from collector.disk import to_disk


def test_files_and_folders_are_brought_to_the_disk(tmp_path: Path) -> None:
    """Either is taken; one that is not there is no reason to go on."""
    (tmp_path / "file").write_bytes(b"1")
    to_disk(tmp_path / "file")
    to_disk(tmp_path)
    with pytest.raises(FileNotFoundError):
        to_disk(tmp_path / "missing")
