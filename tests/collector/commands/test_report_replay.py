"""`linewatch report replay`, and what `report monthly` does with a report that is there."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from collector.errors import RegistryError, ReportError
from collector.reports.summary import schema
from tests.collector.commands.support import Registry
from tests.collector.reports.replayed import BROKEN, DIP, GOOD, make_ledger, make_standards

MONTHLY = ("report", "monthly", "--month", "2025-10")
REPLAY = ("report", "replay", "--month", "2025-10")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ledger with an October, written once; tests work on copies."""
    path = tmp_path_factory.mktemp("october") / "ledger.sqlite"
    make_ledger(path)
    return path


@pytest.fixture
def registry(tmp_path: Path, ledger: Path) -> Registry:
    """Return commands on a copy of the ledger, with a report by the first version."""
    standards = tmp_path / "standards"
    make_standards(standards)
    shutil.copy(ledger, tmp_path / "ledger.sqlite")
    made = Registry(tmp_path, f", reports: {{standards: {standards}}}")
    made.run(*MONTHLY, "--standard", "own@1", "--out", str(tmp_path / "out"))
    return made


def digests(folder: Path) -> dict[str, str]:
    """Return what is in a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def said(told: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return both verdicts of each line."""
    return {
        line["line"]: (line["first"], line["again"])
        for carrier in told
        for line in carrier["lines"]
    }


def test_a_new_version_gives_a_second_verdict_beside_the_first(
    registry: Registry, tmp_path: Path
) -> None:
    """Each line has both; the report is the same to the byte, and so is a replay that is made
    again.
    """
    out = tmp_path / "out"
    before = digests(out)
    told = registry.json(*REPLAY, "--standard", "own@2", "--out", str(out))
    assert said(told) == {
        GOOD: ("pass", "pass"),
        DIP: ("pass", "fail"),
        BROKEN: ("fail", "fail"),
    }
    after = digests(out)
    assert before.items() <= after.items()
    added = {name.partition("/replay/")[2] for name in after.keys() - before.keys()}
    assert added == {"own@2/summary.json", "own@2/comparison.json"}
    for carrier in told:
        folder = Path(carrier["folder"])
        summary = json.loads((folder / "summary.json").read_bytes())
        jsonschema.validate(summary, schema())
        assert [(one["id"], one["version"]) for one in summary["standards"]] == [("own", 2)]
        comparison = json.loads((folder / "comparison.json").read_bytes())
        first = folder.parents[1] / "summary.json"
        assert comparison["first_sha256"] == hashlib.sha256(first.read_bytes()).hexdigest()
        assert comparison["lines"] == carrier["lines"]
        assert all(line["first_tests"] == line["again_tests"] > 100 for line in carrier["lines"])
    registry.run(*REPLAY, "--standard", "own@2", "--out", str(out))
    assert digests(out) == after


def test_people_read_both_verdicts(registry: Registry, tmp_path: Path) -> None:
    """One line each; two standards at once have one folder."""
    words = ["--standard", "own@2", "--standard", "own@1", "--out", str(tmp_path / "out")]
    carrier = DIP[-1]
    done = registry.run(*REPLAY, "--carrier", carrier, *words)
    assert f"{carrier}: {tmp_path / 'out' / '2025-10' / carrier / 'replay' / 'own@2+own@1'}" in (
        done.stdout
    )
    assert f"{DIP}: pass, then fail" in done.stdout


def test_a_later_correction_of_the_registry_changes_no_report(
    registry: Registry, tmp_path: Path
) -> None:
    """Where the contract of a month turns out to have been another one, the report stays: a replay
    goes by its terms, and it is made again only by what was known then, or when asked to.
    """
    out = tmp_path / "out"
    before = digests(out)
    # A contract of a gigabit would make each line fail.
    registry.run("line", "set", DIP, "--download", "1G")
    assert said(registry.json(*REPLAY, "--standard", "own@1", "--out", str(out)))[DIP] == (
        "pass",
        "pass",
    )
    again = (*MONTHLY, "--standard", "own@1", "--out", str(out))
    with pytest.raises(ReportError, match=f"by what was known then of the terms of {DIP}"):
        registry.run(*again)
    assert before.items() <= digests(out).items()
    done = registry.run(*again, "--known-at", "2025-11-01")
    assert done.exit_code == 0, done.output
    assert before.items() <= digests(out).items()
    registry.run(*again, "--replace")
    changed = {name for name, digest in digests(out).items() if before.get(name, digest) != digest}
    assert f"2025-10/{DIP[-1]}/summary.json" in changed


def test_a_report_by_other_standards_is_not_replaced_unasked(
    registry: Registry, tmp_path: Path
) -> None:
    """By another version, or of one ward alone: it stays as it is, and what to do is said."""
    out = tmp_path / "out"
    before = digests(out)
    with pytest.raises(ReportError, match=r"by other standards \(own@1 ") as refused:
        registry.run(*MONTHLY, "--standard", "own@2", "--out", str(out))
    assert "'linewatch report replay' keeps both" in str(refused.value)
    ward = registry.json("site", "list")[0]["ward"]
    words = ("--standard", "own@1", "--ward", ward, "--out", str(out))
    with pytest.raises(ReportError, match="has the month of all wards"):
        registry.run(*MONTHLY, *words)
    assert digests(out) == before


def test_what_cannot_be_replayed_is_said(registry: Registry, tmp_path: Path) -> None:
    """A month without a report, a carrier that has none, a file that is no summary, and one that is
    of another month.
    """
    out = tmp_path / "out"

    def refused(*words: str) -> str:
        with pytest.raises((ReportError, RegistryError)) as refusal:
            registry.run("report", "replay", "--out", str(out), "--standard", "own@2", *words)
        return str(refusal.value)

    assert "'linewatch report monthly' writes it first" in refused("--month", "2025-09")
    assert "there is no carrier 'fpt'" in refused("--month", "2025-10", "--carrier", "fpt")
    shutil.copytree(out / "2025-10", out / "2025-09")
    assert "has 2025-10 in Asia/Ho_Chi_Minh, not 2025-09" in refused("--month", "2025-09")
    (folder, *_) = sorted((out / "2025-10").iterdir())
    (folder / "summary.json").write_text("{}")
    assert "is no summary that this version can read" in refused("--month", "2025-10")
