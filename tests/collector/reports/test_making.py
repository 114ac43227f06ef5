"""Months of lines, made beside each other."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.reports import making
from collector.reports.making import Task, done_months
from collector.reports.monthly import find_lines
from tests.collector.conftest import NewLedger
from tests.collector.evidence import made


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with two days of a few lines."""
    opened = Database(new_ledger())
    made.fill(opened, replace(made.SINGLE, probes=2))
    yield opened
    opened.close()


def test_a_month_does_not_rest_on_what_was_read_ahead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the ledger fails while lines are read ahead, they are read in earnest all the same."""
    found = database.read_now(partial(find_lines, carrier=None, ward=None))
    known = [one for of in found.values() for one in of]
    task = Task(made.OCTOBER, made.STANDARDS)
    wanted = list(done_months(database, task, known))
    asked: list[str] = []

    def fail(_: object, line_id: str, **__: Any) -> None:
        asked.append(line_id)
        raise LedgerError("the disk is slow")

    monkeypatch.setattr(making, "read_ahead", fail)
    assert list(done_months(database, task, known)) == wanted
    assert asked == [known[1].id]
