"""`linewatch report monthly`."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from collector.commands import report
from collector.errors import CollectorError
from collector.reports.making import LineDone, make_months
from collector.reports.monthly import Source
from collector.reports.names import ANNEXES, NO_COMPLAINT, SUMS
from collector.reports.summary import LineSummary, schema
from tests.collector.commands.support import Registry


def test_a_month_without_records_is_told_as_such(tmp_path: Path) -> None:
    """A line that nobody measured has not enough data, and its carrier's folder says so."""
    registry = Registry(tmp_path).filled()
    words = ["report", "monthly", "--month", "2026-01", "--out", str(tmp_path / "out"), "--json"]
    done = registry.run(*words)
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)
    folder = tmp_path / "out" / "2026-01" / "vnpt"
    assert told == {
        "carrier": "vnpt",
        "folder": str(folder),
        "lines": {"pass": 0, "fail": 0, "not_enough_data": 1},
        "papers": ["no-complaint.pdf"],
        "missing": [],
    }
    summary = json.loads((folder / "summary.json").read_bytes())
    jsonschema.validate(summary, schema())
    (line,) = summary["lines"]
    (part,) = line["parts"]
    assert (part["first_day"], part["last_day"]) == ("2026-01-01", "2026-01-31")
    assert part["terms"]["contracted_download_bits_per_second"] == 300_000_000
    assert (part["tests"], part["figures"]) == (0, [])
    judged = {one["standard"]: one["may_accuse"] for one in part["judgements"]}
    assert judged.items() >= {"qcvn-34-2022": True, "fcc-80-80": False}.items()
    assert "ward" not in judged
    assert (folder / "data.csv").read_text(encoding="utf-8-sig").count("\n") == 1
    names = sorted(path.name for path in folder.iterdir())
    assert set(names) == {*ANNEXES, NO_COMPLAINT, SUMS}, "a letter names them all"
    assert names == [
        "SHA256SUMS",
        "annex.pdf",
        "comparison.json",
        "data.csv",
        "data.xlsx",
        "evidence.zip",
        "no-complaint.pdf",
        "summary.json",
    ]


def test_people_read_how_many_lines_fail(tmp_path: Path) -> None:
    """Without --json: each carrier's folder, and its lines by verdict."""
    registry = Registry(tmp_path).filled()
    words = ["report", "monthly", "--month", "2026-01", "--out", str(tmp_path / "out")]
    done = registry.run(*words, "--carrier", "VNPT Hải Phòng", "--standard", "fcc-80-80")
    assert done.exit_code == 0, done.output
    assert f"vnpt: {tmp_path / 'out' / '2026-01' / 'vnpt'}" in done.stdout
    assert "lines that fail: 0" in done.stdout
    assert "lines without enough data: 1" in done.stdout
    summary = json.loads((tmp_path / "out" / "2026-01" / "vnpt" / "summary.json").read_bytes())
    assert [one["id"] for one in summary["standards"]] == ["fcc-80-80"]


def test_a_standard_that_was_not_in_force_is_said_to_be_so(tmp_path: Path) -> None:
    """Whoever names it hears at once that no complaint rests on it."""
    registry = Registry(tmp_path).filled()
    words = ["report", "monthly", "--out", str(tmp_path / "out"), "--standard", "qcvn-34-2019"]
    said = "qcvn-34-2019 was not in force in all of 2026-01: no complaint rests on it"
    assert said in registry.run(*words, "--month", "2026-01").stderr
    assert "in force" not in registry.run(*words, "--month", "2023-06").stderr


def test_what_cannot_be_reported_on_is_said(tmp_path: Path) -> None:
    """A month that is not over, a carrier or a standard that is not there, no room to write."""
    registry, out = Registry(tmp_path).filled(), tmp_path / "out"

    def refused(*words: str) -> str:
        with pytest.raises(CollectorError) as refusal:
            registry.run("report", "monthly", "--out", str(out), *words)
        return str(refusal.value)

    assert "2199-12 is not over: ask again from 2200-01-01 on" in refused("--month", "2199-12")
    assert "there is no carrier 'fpt'" in refused("--month", "2026-01", "--carrier", "fpt")
    assert "no standard 'iso'" in refused("--month", "2026-01", "--standard", "iso")
    done = registry.run(
        *["report", "monthly", "--month", "2026-01", "--known-at", "then", "--out"], str(out)
    )
    assert done.exit_code == 2
    assert "'then' is no day as 2026-11-02 and no moment" in done.stderr
    assert not out.exists()
    out.mkdir()
    (out / "2026-01").write_text("")
    assert "cannot be written: Not a directory" in refused("--month", "2026-01")


def three_carriers(folder: Path) -> Registry:
    """Return a registry of one line each of awing, vnpt and zeta."""
    registry = Registry(folder).filled()
    for name in ("awing", "zeta"):
        registry.run("carrier", "add", name, "--name", name)
        words = f"line add {name}-1 --site nvh-1 --carrier {name} --technology fibre"
        registry.run(*words.split(), "--download", "300M", "--upload", "300M")
    return registry


def test_each_carrier_is_done_before_the_next_begins(tmp_path: Path) -> None:
    """One that cannot be written leaves those before it whole, evidence and papers too, and of one
    after it nothing; once it can be, all are there, the first ones the same to the byte.
    """
    registry, out = three_carriers(tmp_path), tmp_path / "out"
    month = out / "2026-01"
    month.mkdir(parents=True)
    (month / "vnpt").write_text("in the way")
    words = ["report", "monthly", "--month", "2026-01", "--out", str(out), "--json"]
    with pytest.raises(CollectorError, match="vnpt: cannot be written"):
        registry.run(*words)
    first = {path.name: path.read_bytes() for path in (month / "awing").iterdir()}
    assert {"summary.json", "annex.pdf", "evidence.zip", "no-complaint.pdf"} <= first.keys()
    assert not (month / "zeta").exists()
    (month / "vnpt").unlink()
    done = registry.run(*words)
    assert [one["carrier"] for one in json.loads(done.stdout)] == ["awing", "vnpt", "zeta"]
    assert {path.name: path.read_bytes() for path in (month / "awing").iterdir()} == first
    assert (month / "zeta" / "no-complaint.pdf").exists()
    bars = [one.split()[0:2] for one in done.stderr.splitlines() if "evidence" in one]
    assert bars == [[name, "evidence"] for name in ("awing", "vnpt", "zeta")]
    assert done.stderr.lstrip().startswith("2026-01")


def test_one_carriers_summary_is_held_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one's month was made of is gone when the next one's is read."""
    registry = three_carriers(tmp_path)
    held: list[int] = []

    def counted(*arguments: Any) -> Iterator[LineDone]:
        gc.collect()
        held.append(sum(isinstance(one, LineSummary | Source) for one in gc.get_objects()))
        yield from make_months(*arguments)

    monkeypatch.setattr(report, "make_months", counted)
    words = ["report", "monthly", "--month", "2026-01", "--out", str(tmp_path / "out")]
    assert registry.run(*words).exit_code == 0
    before, *others = held
    assert others == [before, before]
