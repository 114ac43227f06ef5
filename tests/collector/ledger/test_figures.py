"""The figures behind /metrics: what they cost does not grow with what the ledger keeps."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from collector.ledger import bookkeeping, registry, schema
from collector.ledger.bulk import insert_rows
from collector.ledger.database import Database
from collector.ledger.figures import read_figures
from collector.ledger.months import ensure_month
from tests.collector.conftest import ON_BOTH, NewLedger, enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.ledger.plans import statements_of, steps
from tests.collector.ledger.test_bulk import FULL

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OF_A_LINE = 30

pytestmark = ON_BOTH


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """A ledger with a registry."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, NOW)
        enrol_directly(made, Device("p1"))
        yield made


def add_lines(database: Database, first: int, end: int) -> None:
    """Add lines, each with some records."""
    with database.write() as connection:
        ensure_month(connection, NOW)
        for number in range(first, end):
            of_line = {"id": f"c{number}", "site_id": "nvh-1", "carrier_id": "vnpt"}
            registry.add(connection, schema.lines, of_line | {"technology": "fibre"}, NOW)
        rows = [
            FULL
            | {
                "line_id": f"c{number}",
                "chain": f"c{number}",
                "seq": seq,
                "task": "latency",
                "outcome": "measured",
                "received_at": NOW,
                "measured_at": NOW - timedelta(minutes=seq),
            }
            for number in range(first, end)
            for seq in range(OF_A_LINE)
        ]
        insert_rows(connection, schema.records, rows)
        bookkeeping.note_latest(connection, rows)


def test_a_citys_figures_take_no_more_statements_than_a_wards(database: Database) -> None:
    """Whatever the lines, so many statements, none of which goes through the records."""
    add_lines(database, 0, 5)
    few = statements_of(database, read_figures)
    add_lines(database, 5, 505)
    many = statements_of(database, read_figures)
    assert len(database.read_now(read_figures).newest) == 505
    assert len(many) == len(few)
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    gone_through = [
        step
        for statement, parameters in many
        for step in database.read_now(partial(steps, statement=statement, parameters=parameters))
        if step.startswith(("SCAN records", "Seq Scan records_2026_11"))
        # Few records are in it: tombstones alone.
        and not step.endswith("ix_records_probe_id_tombstone")
    ]
    assert gone_through == []
