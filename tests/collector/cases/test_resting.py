"""What a complaint rests on is never lost, whatever is reported again afterwards."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from collector.cases import opening
from collector.errors import CaseError, ReportError
from collector.ledger.database import Database
from collector.ledger.large_files import beside
from collector.ledger.schema import records
from collector.reports.names import EVIDENCE
from collector.settings import LedgerSettings
from tests.collector.commands.support import Registry
from tests.collector.reports.replayed import BROKEN, make_ledger, make_standards

MONTHLY = ("report", "monthly", "--month", "2025-10", "--standard", "own@1")


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ledger and its October, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("october")
    make_ledger(folder / "ledger.sqlite")
    make_standards(folder / "standards")
    Registry(folder, f", reports: {{standards: {folder / 'standards'}}}").run(
        *MONTHLY, "--out", str(folder / "out")
    )
    return folder


@pytest.fixture
def registry(month: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return commands on a copy, for a ledger that takes no file of more than 4 kB."""
    shutil.copytree(month, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(opening, "MAX_FILE_BYTES", 4096)
    return Registry(tmp_path, f", reports: {{standards: {tmp_path / 'standards'}}}")


@pytest.fixture
def folder(registry: Registry, tmp_path: Path) -> Path:
    """Return the folder of the carrier whose line is broken, from which case 1 is open."""
    (found,) = (
        place.parent
        for place in (tmp_path / "out").glob("*/*/letter.pdf")
        if BROKEN in (place.parent / "summary.json").read_text()
    )
    opened = registry.json("case", "open", str(found))
    assert opened["case"] == 1
    assert EVIDENCE in [one["name"] for one in opened["files"]]
    return found


def digests(folder: Path) -> dict[str, str]:
    """Return what is in a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def again(registry: Registry, folder: Path, *words: str) -> None:
    """Report the carrier's month again."""
    out = str(folder.parent.parent)
    done = registry.run(*MONTHLY, "--carrier", folder.name, "--out", out, *words)
    assert done.exit_code == 0, done.output


def saved(registry: Registry, target: Path) -> tuple[str, bytes]:
    """Return the SHA-256 that case 1 names of its evidence, and what it saves of it."""
    (file,) = (
        one for one in registry.json("case", "show", "1")["files"] if one["name"] == EVIDENCE
    )
    done = registry.run("case", "save", "1", str(file["number"]), str(target))
    assert done.exit_code == 0, done.output
    return file["sha256"], target.read_bytes()


def lose_a_record(ledger: Path) -> None:
    """Let the ledger's month be another: as if a record had come late, seen from behind."""
    with closing(Database(LedgerSettings(path=ledger))) as database, database.write() as writing:
        newest = select(func.max(records.c.id)).where(records.c.line_id == BROKEN)
        writing.execute(delete(records).where(records.c.id == newest.scalar_subquery()))


def test_the_same_month_made_again_is_no_other(registry: Registry, folder: Path) -> None:
    """What was damaged in the folder is whole again."""
    before = digests(folder)
    (folder / "data.csv").write_text("damaged")
    again(registry, folder)
    assert digests(folder) == before
    assert [one.name for one in folder.parent.iterdir() if one.name.startswith(".")] == []


def test_another_report_does_not_take_its_place(registry: Registry, folder: Path) -> None:
    """By other evidence, or by what came meanwhile: the sentence names the case and the files; the
    folder is as it was. Elsewhere, and where it is asked for, it is made; the case has its own.
    """
    before = digests(folder)
    with pytest.raises(ReportError, match=r"case 1 rests on .*another in evidence\.zip: nothing"):
        again(registry, folder, "--evidence", "none")
    lose_a_record(registry.ledger)
    with pytest.raises(ReportError, match=r"evidence\.zip.*summary\.json.*--out.*--replace"):
        again(registry, folder)
    assert digests(folder) == before
    assert [one.name for one in folder.parent.iterdir() if one.name.startswith(".")] == []
    again(registry, folder.parents[2] / "other" / folder.parent.name / folder.name)
    again(registry, folder, "--replace")
    assert digests(folder)[EVIDENCE] != before[EVIDENCE]
    sha256, content = saved(registry, folder.parents[2] / "saved.zip")
    assert sha256 == before[EVIDENCE] == hashlib.sha256(content).hexdigest()


def test_what_only_the_folder_has_is_kept_before_it_is_replaced(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    """Of a case that was opened before its files were kept."""
    shutil.rmtree(tmp_path / "case-files")
    shown = registry.run("case", "show", "1").stdout
    assert "its content is NOT kept, nor in collector.cases.files" in shown
    with pytest.raises(CaseError, match="case 1 keeps no file"):
        saved(registry, tmp_path / "no.zip")
    again(registry, folder, "--evidence", "none", "--replace")
    assert not (folder / EVIDENCE).exists()
    sha256, content = saved(registry, tmp_path / "saved.zip")
    assert sha256 == hashlib.sha256(content).hexdigest()
    place = tmp_path / "case-files" / f"{sha256}.zip"
    assert beside(registry.ledger).find(sha256, EVIDENCE) == place
    assert str(place) in registry.run("case", "show", "1").stdout


def test_a_backup_brings_back_what_a_case_rests_on(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    """By the commands; of a backup that came without its files it says what is missing."""
    backup = tmp_path / "backups" / "one.backup"
    done = registry.run("collector", "backup", str(backup))
    assert f"rest on: {backup.parent / 'case-files'}, to be kept with it" in done.stdout
    before = digests(folder)[EVIDENCE]
    shutil.rmtree(tmp_path / "case-files")
    alone = tmp_path / "alone" / "one.backup"
    alone.parent.mkdir()
    shutil.copy(backup, alone)
    done = registry.run("collector", "restore", str(alone), "--replace")
    assert f"case 1 rests on evidence.zip, which is not in {tmp_path / 'case-files'}" in done.stderr
    time.sleep(1.1)  # what was put aside is named by its second
    done = registry.run("collector", "restore", str(backup), "--replace")
    assert done.exit_code == 0, done.output
    assert "rests on" not in done.output
    sha256, content = saved(registry, tmp_path / "saved.zip")
    assert sha256 == before == hashlib.sha256(content).hexdigest()


def test_a_report_that_is_killed_leaves_the_folder_as_it_was(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    """With SIGKILL while the other one is made; what it left does not hinder the next one."""
    before = digests(folder)
    words: list[Any] = [*MONTHLY, "--carrier", folder.name, "--out", tmp_path / "out"]
    words += ["--config", tmp_path / "config.yaml"]
    other = folder.with_name(f".{folder.name}.again")
    with subprocess.Popen(
        [sys.executable, "-m", "linewatch", *map(str, words)], stderr=subprocess.DEVNULL
    ) as making:
        until = time.monotonic() + 60
        while not (other / "summary.json").exists():
            assert time.monotonic() < until, "it did not begin"
            assert making.poll() is None, "it ended"
            time.sleep(0.005)
        making.send_signal(signal.SIGKILL)
    assert other.is_dir()
    assert digests(folder) == before
    again(registry, folder)
    assert digests(folder) == before
    assert not other.exists()
    assert json.loads((folder / "summary.json").read_bytes())["month"] == "2025-10"
