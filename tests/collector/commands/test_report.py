"""`linewatch report monthly`."""

import json
from pathlib import Path

import jsonschema
import pytest

from collector.errors import CollectorError
from collector.reports.summary import schema
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
    assert sorted(path.name for path in folder.iterdir()) == [
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


def test_what_cannot_be_reported_on_is_said(tmp_path: Path) -> None:
    """A month that is not over, a carrier or a standard that is not there, no room to write."""
    registry, out = Registry(tmp_path).filled(), tmp_path / "out"

    def refused(*words: str) -> str:
        with pytest.raises(CollectorError) as refusal:
            registry.run("report", "monthly", "--out", str(out), *words)
        return str(refusal.value)

    assert "2199-12 is not over: ask again from 2200-01-01 on" in refused("--month", "2199-12")
    assert "no line of carrier 'fpt'" in refused("--month", "2026-01", "--carrier", "fpt")
    assert "no standard 'iso'" in refused("--month", "2026-01", "--standard", "iso")
    assert not out.exists()
    out.mkdir()
    (out / "2026-01").write_text("")
    assert "cannot be written: Not a directory" in refused("--month", "2026-01")
