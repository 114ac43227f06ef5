"""That a folder's files are of one report."""

import subprocess
from pathlib import Path

import pytest

from collector.errors import ReportError
from collector.reports.names import SUMS
from collector.reports.sums import differing, leave_out_sums, sha256_of, write_sums


def fill(folder: Path) -> dict[str, str]:
    """Fill a folder; return the SHA-256 of its files."""
    for name in ("summary.json", "data.csv", "letter.pdf"):
        (folder / name).write_text(name)
    return {one.name: sha256_of(one) for one in folder.iterdir()}


def test_a_list_is_what_the_usual_program_checks(tmp_path: Path) -> None:
    """`sha256sum --check` agrees, and finds what changed; letters are not in it."""
    fill(tmp_path)
    write_sums(tmp_path)
    words = ["sha256sum", "--check", "--strict", SUMS]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "data.csv: OK\nsummary.json: OK\n"
    (tmp_path / "data.csv").write_text("changed")
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_what_differs_is_named(tmp_path: Path) -> None:
    """Changed, missing, or put in; what is no part of a report is nobody's concern."""
    found = fill(tmp_path)
    write_sums(tmp_path)
    content = (tmp_path / SUMS).read_bytes()
    assert differing(content, found) == []
    assert differing(content, {**found, "notes.txt": "0" * 64, "letter.pdf": "1" * 64}) == []
    changed = {**found, "data.csv": "0" * 64, "annex.pdf": "0" * 64}
    del changed["summary.json"]
    assert differing(content, changed) == ["annex.pdf", "data.csv", "summary.json"]


@pytest.mark.parametrize("row", [b"", b"0" * 64 + b" data.csv", b"0" * 64 + b"  a/b", b"\xff"])
def test_what_is_no_list_is_refused(row: bytes) -> None:
    """Rather than taken for one that names nothing."""
    with pytest.raises(ValueError, match=r"is no row of it|can't decode"):
        differing(b"0" * 64 + b"  summary.json\n" + row + b"\n", {})


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """And a list that is not there needs no removing."""
    leave_out_sums(tmp_path)
    (tmp_path / SUMS).mkdir()
    for work in (write_sums, leave_out_sums):
        with pytest.raises(ReportError, match="cannot be written: Is a directory"):
            work(tmp_path)
