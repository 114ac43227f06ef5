"""`linewatch report yearly`, as a clerk's technician types it."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from collector.errors import CollectorError
from collector.ledger.database import Database
from collector.reports.standards import SHIPPED
from collector.reports.yearly.report import schema
from collector.settings import LedgerSettings
from tests.collector import year_ledger
from tests.collector.commands.support import Registry
from tests.collector.year_ledger import MONTHS, WARD

NOW = datetime(2025, 9, 3, 5, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a ledger with the planted year, in September of it, and a standard of the ward's."""
    monkeypatch.setattr("collector.commands.report_yearly.now", lambda: NOW)
    own = tmp_path / "standards"
    own.mkdir()
    # As the shipped example, but of one server alone: no second one measured the planted lines.
    text = (SHIPPED / "ward.yaml").read_text(encoding="utf-8")
    text = text.replace("id: ward", "id: own").replace("servers: 2", "servers: 1")
    (own / "own.yaml").write_text(text, encoding="utf-8")
    made = Registry(tmp_path, f", reports: {{standards: {own}}}")
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
    assert "not in force" not in done.stderr
    told = registry.json(*words, "--standard", "mobile-4g-target")
    assert told["months"] == MONTHS
    assert told["lines_with_empty_months"] == 1
    assert sorted(told["files"]) == sorted(str(path) for path in folder.iterdir())


def test_a_standard_that_was_not_in_force_decides_nothing(
    registry: Registry, tmp_path: Path
) -> None:
    """What ended in June, by its name: that is said, and no month after it fails by it."""
    own = tmp_path / "standards" / "own.yaml"
    ended = own.read_text(encoding="utf-8").replace(
        "effective_to: null", "effective_to: 2025-06-01"
    )
    own.write_text(ended, encoding="utf-8")
    registry.run("line", "set", "slow", "--download", "900M")
    words = ["report", "yearly", "--year", "2025", "--out", str(tmp_path / "out")]
    done = registry.run(*words, "--standard", "own")
    sentence = "own was not in force in all of 2025-06, 2025-07, 2025-08: no verdict there rests"
    assert sentence in done.stderr
    content = json.loads((tmp_path / "out" / "2025" / "all" / "report.json").read_bytes())
    months = {month["month"]: month for month in content["trend"]["months"]}
    assert months["2025-01"]["verdicts"]["fail"] > 0
    assert months["2025-07"]["by_standard"]["own"]["fail"] > 0
    assert not months["2025-07"]["verdicts"].get("fail")


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


def test_the_year_agrees_with_the_letters_that_went_out(registry: Registry, tmp_path: Path) -> None:
    """A complaint stays what it was; what is judged otherwise today stands beside it, with why."""
    months, years = str(tmp_path / "months"), str(tmp_path / "years")
    registry.run("line", "set", "slow", "--download", "900M")
    named = ("--standard", "own")
    registry.run("report", "monthly", "--month", "2025-01", *named, "--out", months)
    registry.run("case", "open", f"{months}/2025-01/a")
    registry.run("case", "approve", "1", "--unsigned", "--by", "signer")
    registry.run("case", "send", "1", "--by-post", "--on", "2025-02-05")

    def told(*words: str) -> tuple[dict[str, Any], dict[str, Any]]:
        registry.run("report", "yearly", "--year", "2025", "--out", years, *words)
        content = json.loads((tmp_path / "years" / "2025" / "all" / "report.json").read_bytes())
        (case,) = content["complaints"]["cases"]
        (line,) = case["lines"]
        assert (case["sent_on"], line["line"], line["standards"]) == (
            "2025-02-05",
            "slow",
            ["own@1"],
        )
        return line["today"], content

    by_default, content = told()
    assert by_default == {"verdict": "not_enough_data", "why": "not_held"}
    assert content["trend"]["months"][0]["verdicts"]["fail"] == 0
    assert content["complaints"]["differing"] == 1
    by_the_same, content = told(*named)
    assert by_the_same == {"verdict": "fail", "why": None}
    assert content["complaints"]["differing"] == 0
    registry.run("line", "set", "slow", "--download", "300M")
    by_other_terms, _ = told(*named)
    assert by_other_terms == {"verdict": "pass", "why": "other_terms"}
