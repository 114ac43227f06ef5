"""A line's month, read from the ledger."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import and_, event, func, select

from collector.domain.line_month import Exclusion
from collector.domain.month import SortedMonth
from collector.domain.terms import Terms
from collector.ledger.database import Database
from collector.ledger.month_rows import read_ahead, read_lines, read_month
from collector.ledger.schema import lines, probe_paths, records, servers
from simulate import Fleet, FleetPlan
from simulate.plan import ZONE
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.fleet_ledger import fold_all, register, store

PLAN = FleetPlan(probes=3, days=2, seed=11)
BEGIN = datetime.fromtimestamp(PLAN.begins, UTC)
SPAN = (BEGIN, BEGIN + timedelta(days=PLAN.days))


@dataclass
class Kept:
    """A ledger with all that a fleet wrote in some days."""

    database: Database

    def months(self) -> dict[str, SortedMonth]:
        """Return every line's month, as far as it goes."""

        def read(connection: Any) -> dict[str, SortedMonth]:
            return {
                name: read_month(connection, line, "2026-10", SPAN, ZONE)
                for name, line in read_lines(connection).items()
            }

        return self.database.read_now(read)

    def count(self, line: str, task: str) -> int:
        """Return how many records of the span there are, tombstones too."""
        moment = func.coalesce(records.c.measured_at, records.c.slot)
        within = and_(moment >= SPAN[0], moment < SPAN[1])
        query = select(func.count()).where(
            records.c.line_id == line, records.c.task == task, within
        )
        return int(self.database.read_now(lambda c: c.execute(query).scalar_one()))


@pytest.fixture
def kept(new_ledger: NewLedger) -> Iterator[Kept]:
    """Yield the fleet's ledger."""
    database = Database(new_ledger())
    fleet = Fleet(PLAN)
    keys = register(database, fleet, BEGIN)
    store(database, fleet, keys, fleet.batches())
    yield Kept(database)
    database.close()


@ON_BOTH
def test_every_speed_record_is_read_once(kept: Kept) -> None:
    """Each ends as a test that counts, of the main server or another, or excluded with a reason."""
    months = kept.months()
    assert len(months) >= PLAN.probes
    reasons: Counter[Exclusion] = Counter()
    for line, month in months.items():
        found = [one.record for one in month.tests]
        found += [one.record for tests in month.witnesses.values() for one in tests]
        apart = [one for one in month.excluded if one.task == "speed"]
        found += [one.record for one in apart if one.record is not None]
        assert len(found) == len(set(found)) == kept.count(line, "speed")
        assert all(one.at.utcoffset() == timedelta(hours=7) for one in month.tests)
        reasons.update(one.reason for one in apart)
    assert sum(len(month.tests) for month in months.values()) > 25
    assert reasons[Exclusion.FLAGGED] > 0, reasons


@ON_BOTH
def test_folding_changes_no_months_latency(kept: Kept) -> None:
    """What counts and how much of it is excluded is the same before folding, half and whole."""
    before = kept.months()
    assert single(before) > 200
    for moment in (BEGIN + timedelta(days=1), SPAN[1] + timedelta(days=1)):
        fold_all(kept.database, moment, moment)
        after = kept.months()
        for line, month in before.items():
            assert trips(after[line]) == pytest.approx(trips(month), abs=1e-6)
            assert apart(after[line]) == apart(month)
            assert loss(after[line]) == pytest.approx(loss(month))
            assert after[line].tests == month.tests
            assert after[line].checks == month.checks
    assert single(after) < single(before) / 10


def single(months: dict[str, SortedMonth]) -> int:
    """Return how many latency records stand by themselves."""
    return sum(one.records == 1 for month in months.values() for one in month.latency)


def trips(month: SortedMonth) -> list[float]:
    """Return all round trips that count."""
    return sorted(trip for one in month.latency for trip in one.round_trips_seconds)


def loss(month: SortedMonth) -> float:
    """Return the share that was lost of all records' packets, which are as many in each."""
    return sum((one.lost_ratio or 0.0) * one.records for one in month.latency)


def apart(month: SortedMonth) -> Counter[tuple[Exclusion, str]]:
    """Return how many latency records are excluded, by reason."""
    found: Counter[tuple[Exclusion, str]] = Counter()
    for one in month.excluded:
        if one.task == "latency":
            found[one.reason, one.detail] += one.records
    return found


@ON_BOTH
def test_a_line_is_known_by_its_plan(kept: Kept) -> None:
    """Its technology, the server that its path names first, and every server's network."""
    known = kept.database.read_now(read_lines)
    paths = kept.database.read_now(lambda c: c.execute(select(probe_paths)).mappings().all())
    first = {
        row["line_id"]: row["servers"].split()[0]
        for row in paths
        if row["servers"] and row["line_id"] and not row["beside"]
    }
    technologies = dict(
        kept.database.read_now(
            lambda c: [tuple(row) for row in c.execute(select(lines.c.id, lines.c.technology))]
        )
    )
    assert {name: line.technology for name, line in known.items()} == technologies
    assert {name: line.server for name, line in known.items()} == {
        name: first.get(name) for name in technologies
    }
    networks = kept.database.read_now(
        lambda c: {row.id: row.network for row in c.execute(select(servers))}
    )
    assert next(iter(known.values())).networks == networks
    (only,) = kept.database.read_now(lambda c: read_lines(c, [next(iter(technologies))]))
    assert only == next(iter(technologies))


@ON_BOTH
def test_a_part_has_what_its_days_have(kept: Kept) -> None:
    """Parts divide a month: together they have all of it."""
    for month in kept.months().values():
        days = [(BEGIN + timedelta(days=number)).astimezone(ZONE).date() for number in range(2)]
        parts = [month.part(day, day, Terms()) for day in days]
        assert [one for part in parts for one in part.tests] == list(month.tests)
        assert [one for part in parts for one in part.latency] == list(month.latency)
        assert Counter(one for part in parts for one in part.excluded) == Counter(month.excluded)
        watched = sum(part.watched_seconds for part in parts)
        assert watched <= PLAN.days * 86_400
        assert month.stands is None or watched > PLAN.days * 86_400 / 2


@ON_BOTH
def test_some_lines_are_known_as_among_all(kept: Kept) -> None:
    """Whoever asks for some gets these, with the same servers."""
    known = kept.database.read_now(read_lines)
    some = sorted(known)[1:3]
    assert kept.database.read_now(lambda c: read_lines(c, some)) == {
        one: known[one] for one in some
    }
    assert any(known[one].server for one in some)


@ON_BOTH
def test_reading_ahead_takes_few_statements_and_brings_no_row(kept: Kept) -> None:
    """A statement waits for the disk by itself: thousands of rows would be thousands of turns."""
    (line, *_) = kept.database.read_now(read_lines)
    asked: list[str] = []
    event.listen(kept.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    kept.database.read_now(lambda c: read_ahead(c, line, SPAN, SPAN[0] - timedelta(31)))
    queries = [one for one in asked if "FROM" in one]
    assert 1 < len(queries) < 5
    assert all("max(" in one or "sum(" in one for one in queries)
