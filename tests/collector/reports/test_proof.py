"""A month's evidence stands beside its summary, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import ReportError
from collector.ledger.database import Database
from collector.reports.names import EVIDENCE
from collector.reports.proof import add_evidence, leave_out_evidence
from tests.collector.conftest import NewLedger
from tests.collector.evidence import made


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with a line's two days."""
    opened = Database(new_ledger())
    made.fill(opened, made.SINGLE)
    yield opened
    opened.close()


def test_evidence_is_added_told_of_and_taken_away(database: Database, tmp_path: Path) -> None:
    """Each record of the lines is a step; what was there is replaced."""
    told: list[int] = []
    material = made.material(database, None)
    (tmp_path / EVIDENCE).write_text("of another summary")
    add_evidence(tmp_path, database, material, told.append)
    assert sum(told) == material.records > 0
    assert made.verify(tmp_path / EVIDENCE).good
    leave_out_evidence(tmp_path)
    leave_out_evidence(tmp_path)
    assert list(tmp_path.glob("evidence*")) == []


def test_where_it_cannot_be_written_nothing_is_left(database: Database, tmp_path: Path) -> None:
    """No folder to write into: a sentence, and no half file."""
    with pytest.raises(ReportError, match="cannot be written: No such file or directory"):
        add_evidence(tmp_path / "nowhere", database, made.material(database, None))
    assert not (tmp_path / "nowhere").exists()
