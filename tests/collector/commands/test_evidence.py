"""`linewatch evidence verify`, as a carrier runs it: with the file, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.errors import EvidenceError
from collector.ledger.database import Database
from collector.settings import LedgerSettings
from tests.collector.commands.support import Registry
from tests.collector.conftest import NewLedger
from tests.collector.evidence import made

LINEWATCH = Path(sys.executable).with_name("linewatch")


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """Return evidence of a carrier whose only line has no records."""
    database = Database(LedgerSettings(path=Registry(tmp_path).filled().ledger))
    path = made.write(database, tmp_path / "evidence.zip", carrier="vnpt")
    database.close()
    return path


@pytest.fixture
def evidence_of_a_line(tmp_path: Path, new_ledger: NewLedger) -> Path:
    """Return evidence of a line's days, with trouble."""
    database = Database(new_ledger())
    made.fill(database)
    path = made.write(database, tmp_path / "line.zip")
    database.close()
    return path


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder, in an environment that has nothing in it."""
    return subprocess.run(
        [LINEWATCH, "evidence", "verify", *words],
        cwd=folder,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_whoever_has_the_file_can_check_it(evidence: Path, tmp_path: Path) -> None:
    """No ledger, no configuration, no home: exit code 0, and what to compare."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    evidence.rename(elsewhere / "evidence.zip")
    done = run(elsewhere, "evidence.zip")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "evidence.zip: good")
    assert "VNPT Hải Phòng (vnpt), 2026-10, 1 lines" in done.stdout
    told = json.loads(run(elsewhere, "evidence.zip", "--json").stdout)
    assert told["good"]
    assert (told["carrier"], told["month"], told["faults"]) == ("vnpt", "2026-10", [])
    assert told["figures"] > 10
    assert sorted(path.name for path in elsewhere.iterdir()) == ["evidence.zip"]


def test_what_is_wrong_is_said_with_its_place(evidence: Path, tmp_path: Path) -> None:
    """Exit code 1; a sentence for people, fields for machines."""
    members = made.unpacked(evidence)
    made.changed_json(members, "registry.json", lambda tree: tree["carrier"].update(name="x"))
    forged = made.packed(members, tmp_path / "forged.zip")
    done = run(tmp_path, str(forged))
    assert done.returncode == 1
    assert "WRONG: member summary.json figure carrier.name: the summary says" in done.stdout
    assert "NOT good: 1 faults" in done.stdout
    told = run(tmp_path, str(forged), "--json")
    assert told.returncode == 1
    (fault,) = json.loads(told.stdout)["faults"]
    assert (fault["member"], fault["figure"]) == ("summary.json", "carrier.name")


def test_keys_ends_and_notes_are_told(tmp_path: Path, evidence_of_a_line: Path) -> None:
    """What a file alone cannot prove is there to be compared with another source."""
    done = run(tmp_path, str(evidence_of_a_line))
    told = json.loads(run(tmp_path, str(evidence_of_a_line), "--json").stdout)
    (key,), (head,) = told["keys"], told["heads"]
    assert f"  {key['probe']}: SHA-256 {key['fingerprint']}" in done.stdout
    assert f"  {head['probe']} {head['chain']} seq {head['seq']}: {head['hash']}" in done.stdout
    assert all(f"note: {note}" in done.stdout for note in told["notes"])
    assert told["notes"]


def test_too_many_faults_are_counted(tmp_path: Path, evidence_of_a_line: Path) -> None:
    """The first are named, and how many more there are."""
    members = made.unpacked(evidence_of_a_line)
    name = made.named(members, "/stored.csv")
    members[name] = members[name].replace(b",kernel\n", b",none\n")
    done = run(tmp_path, str(made.packed(members, tmp_path / "forged.zip")))
    assert done.returncode == 1
    assert done.stdout.count("WRONG: ") == 201
    assert "more" in done.stdout


def test_what_is_no_evidence_is_said(tmp_path: Path) -> None:
    """A file that is something else, or is not there."""
    (tmp_path / "text.zip").write_text("no archive")
    done = run(tmp_path, "text.zip")
    assert (done.returncode, done.stdout) == (EvidenceError.exit_code, "")
    assert "linewatch: text.zip: is no ZIP archive: it is too short" in done.stderr
    assert "cannot be read: No such file" in run(tmp_path, "nowhere.zip").stderr
