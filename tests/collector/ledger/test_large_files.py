"""Large files of cases are kept beside the ledger by their SHA-256, whole or not at all."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from collector.errors import CaseError
from collector.ledger import large_files
from collector.ledger.large_files import SPARE_BYTES, LargeFiles
from collector.settings import CollectorSettings

CONTENT = bytes(range(256)) * 8192


def sha256_of(content: bytes) -> str:
    """Return a content's SHA-256."""
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a file that is to be kept."""
    place = tmp_path / "evidence.zip"
    place.write_bytes(CONTENT)
    return place


def test_a_file_is_kept_once_by_its_content(source: Path, tmp_path: Path) -> None:
    """Read-only, whatever becomes of the one that it was copied from; its bytes are told of."""
    large = LargeFiles(tmp_path / "a" / "kept")
    own = sha256_of(CONTENT)
    assert large.find(own, "evidence.zip") is None
    told: list[int] = []
    place = large.keep(source, own, "evidence.zip", told.append)
    assert sum(told) == len(CONTENT)
    assert (place.name, place.stat().st_mode & 0o777) == (f"{own}.zip", 0o440)
    with source.open("r+b") as file:
        file.write(b"another")
    assert large.keep(source, own, "evidence.zip") == place == large.find(own, "EVIDENCE.ZIP")
    assert place.read_bytes() == CONTENT
    assert list(large.folder.iterdir()) == [place]


def test_a_name_is_given_to_what_is_on_the_disk_alone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the content, then the name, then the folders that have it: a row may rest on it."""
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(opened: int) -> None:
        done.append(Path(f"/proc/self/fd/{opened}").readlink().name[:6])
        fsync(opened)

    def renamed(place: Path, target: Path) -> Path:
        done.append("rename")
        return rename(place, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    LargeFiles(tmp_path / "kept").keep(source, sha256_of(CONTENT), "evidence.zip")
    assert done == [".part-", "rename", "kept", tmp_path.name[:6]]


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    """What is no plain ending is left away."""
    large = LargeFiles(tmp_path / "kept")
    own = sha256_of(b"1")
    for name in ("evidence", "a.b/../../c", "x.quá-dài", "x." + "y" * 9, ".", "x. "):
        assert large.keep_content(b"1", own, name).name == own


def test_what_is_not_of_its_sha256_is_not_kept(source: Path, tmp_path: Path) -> None:
    """It was changed between reading and copying, or its disk is failing: nothing is there."""
    large = LargeFiles(tmp_path / "kept")
    with pytest.raises(CaseError, match="is not the file of SHA-256"):
        large.keep(source, sha256_of(b"another"), "evidence.zip")
    assert list(large.folder.iterdir()) == []
    with pytest.raises(CaseError, match=r"cannot be kept in .*kept: "):
        large.keep(tmp_path / "missing", sha256_of(b"another"), "evidence.zip")


def test_no_copy_fills_its_disk(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left free is for the ledger; the sentence says how much room there is, and the way
    out. Nor is a file kept that is larger than any may be.
    """
    large = LargeFiles(tmp_path / "kept")
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    free = SPARE_BYTES + len(CONTENT) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free, 0, free))
    with pytest.raises(CaseError, match=r"has 2,097,152 bytes.*room for 2,097,151.*cases\.files"):
        large.keep(source, sha256_of(CONTENT), "evidence.zip")
    assert large.free_bytes == free
    monkeypatch.setattr(large_files, "MAX_BYTES", len(CONTENT) - 1)
    with pytest.raises(CaseError, match="is larger than the"):
        large.keep(source, sha256_of(CONTENT), "evidence.zip")


COPYING = """
import sys
from pathlib import Path
from collector.ledger.large_files import LargeFiles
def stop(count):
    print("copying", flush=True)
    sys.stdin.read()
LargeFiles(Path(sys.argv[1])).keep(Path(sys.argv[2]), sys.argv[3], "evidence.zip", stop)
"""


def test_a_copy_that_is_killed_leaves_nothing_by_its_name(source: Path, tmp_path: Path) -> None:
    """It is made again as a whole; what was left is removed once nobody can be writing to it."""
    large, own = LargeFiles(tmp_path / "kept"), sha256_of(CONTENT)
    words = [sys.executable, "-c", COPYING, str(large.folder), str(source), own]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as copying:
        assert copying.stdout is not None
        assert copying.stdout.readline() == b"copying\n"
        copying.send_signal(signal.SIGKILL)
    (left,) = large.folder.iterdir()
    assert large.find(own, "evidence.zip") is None
    place = large.keep(source, own, "evidence.zip")
    assert place.read_bytes() == CONTENT
    assert left.exists(), "somebody else might be writing to it"
    long_ago = time.time() - 25 * 3600
    os.utime(left, (long_ago, long_ago))
    large.keep_content(b"1", sha256_of(b"1"), "x.pdf")
    assert not left.exists()


def test_they_are_beside_the_ledger_unless_somebody_says_where(tmp_path: Path) -> None:
    """PostgreSQL's, too: by the path that a ledger in SQLite would have."""
    ledger = {"path": str(tmp_path / "ledger.sqlite")}
    found = large_files.large_files(CollectorSettings.model_validate({"ledger": ledger}))
    assert found.folder == tmp_path / "case-files"
    given = {"ledger": ledger, "cases": {"files": str(tmp_path / "other")}}
    found = large_files.large_files(CollectorSettings.model_validate(given))
    assert found.folder == tmp_path / "other"
