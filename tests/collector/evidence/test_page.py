"""docs/evidence.md describes the format: its own checker agrees with ours."""

import re
import subprocess
import sys
from pathlib import Path

from collector.evidence.format import COLUMNS, Kind
from tests.collector.evidence.made import Members, named, packed, verify

PAGE = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text()


def check(path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the page's checker on a file."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", block, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_pages_checker_takes_what_was_written(evidence: Path) -> None:
    """And finds the same ends of the chains."""
    done = check(evidence)
    assert done.stderr == ""
    (head,) = verify(evidence).heads
    assert done.stdout == f"{head.probe} {head.chain} ends with {head.hash}\nall chains hold\n"


def test_the_pages_checker_finds_what_was_changed(
    evidence: Path, members: Members, tmp_path: Path
) -> None:
    """A byte of the file; a record, a row and a seal whose manifest was made to fit."""
    content = bytearray(evidence.read_bytes())
    content[len(content) // 2] ^= 1
    flipped = tmp_path / "flipped.zip"
    flipped.write_bytes(content)
    assert "a byte was changed" in check(flipped).stderr
    # A seal in between may go: the ones behind it are over the same records.
    for ending, at in (("/records.ndjson", 20), ("/stored.csv", 20), ("/seals.ndjson", -1)):
        name = named(members, ending)
        lines = members[name].splitlines(keepends=True)
        lines.pop(at)
        forged = packed(members | {name: b"".join(lines)}, tmp_path / "forged.zip")
        assert check(forged).returncode == 1
        assert not verify(forged).good
    name = named(members, "/records.ndjson")
    changed = members[name].replace(b'"outcome":"measured"', b'"outcome":"measures"', 1)
    done = check(packed(members | {name: changed}, tmp_path / "forged.zip"))
    assert "or the one before: changed" in done.stderr


def test_every_column_and_kind_is_explained() -> None:
    """What stands in stored.csv stands on the page."""
    for name in (*COLUMNS, *Kind):
        assert f"`{name}`" in PAGE
