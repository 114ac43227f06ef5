"""`linewatch report yearly`, as a clerk's technician types it."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from collector.errors import CollectorError
from collector.ledger.database import Database
from collector.reports.yearly.report import schema
from collector.settings import LedgerSettings
from tests.collector import year_ledger
from tests.collector.commands.support import Registry
from tests.collector.year_ledger import MONTHS, WARD

NOW = datetime(2025, 9, 3, 5, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a ledger with the planted year, in September of it."""
    monkeypatch.setattr("collector.commands.report_yearly.now", lambda: NOW)
    made = Registry(tmp_path)
    with (
        contextlib.closing(Database(LedgerSettings(path=made.ledger))) as database,
        database.write() as connection,
    ):
        year_ledger.fill(connection)
    return made


def test_a_wards_year_is_four_files(registry: Registry, tmp_path: Path) -> None:
    """Of the months that are over; people are told what is missing, machines where files are."""
    out = str(tmp_path / "out")
    words = ["report", "yearly", "--year", "2025", "--ward", "Thạch Khôi", "--out", out]
    with pytest.raises(CollectorError, match="wards with sites are 'Phường Chu Văn An'"):
        registry.run(*words)
    words[5] = "phường thạch khôi"
    done = registry.run(*words, "--standard", "mobile-4g-target")
    assert done.exit_code == 0, done.output
    assert f"{WARD}: 2025-01 to 2025-08" in done.stdout
    assert "lines with months without any data: 1" in done.stdout
    assert "sites of which nobody said what they are: 1" in done.stdout
    folder = tmp_path / "out" / "2025" / "phuong-thach-khoi"
    content = json.loads((folder / "report.json").read_bytes())
    jsonschema.validate(content, schema())
    assert [one["id"] for one in content["standards"]] == ["mobile-4g-target"]
    told = registry.json(*words, "--standard", "mobile-4g-target")
    assert told["months"] == MONTHS
    assert told["lines_with_empty_months"] == 1
    assert sorted(told["files"]) == sorted(str(path) for path in folder.iterdir())


def test_what_cannot_be_reported_on_is_said(registry: Registry, tmp_path: Path) -> None:
    """A year that is not begun, a standard that is not there; nothing is written."""
    out = tmp_path / "out"

    def refused(*words: str) -> str:
        with pytest.raises(CollectorError) as refusal:
            registry.run("report", "yearly", "--out", str(out), *words)
        assert refusal.value.exit_code == 2
        return str(refusal.value)

    assert "2026 has not begun: ask again from 2026-02-01 on" in refused("--year", "2026")
    assert "no standard 'iso'" in refused("--year", "2025", "--standard", "iso")
    assert not out.exists()
