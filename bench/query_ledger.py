"""Fills a ledger with a year of a city for `bench.query`: what of it fits a machine and minutes.

5,000 lines at the usual rhythm make 700 million records in a year. Here some probes have all of
theirs, so that a line's page and series are of full size, and all others have what the list of
lines rests on: every speed test of the last days, all of the last hours, and an hour of every two
months, so that old months know every line, too. Records are a simulated fleet's, which a collector
stored; copies of them go straight into the tables, in the order in which they would have come. Of
their exact bytes the first `KEPT_BYTES` are kept: SQLite puts the rest of a long value apart, and
no page and no list reads it, but it would be nine tenths of the disk.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from collector.domain.series import SeriesId
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.months import ensure_month
from collector.ledger.schema import (
    SERIES_COLUMNS,
    chains,
    ingest_totals,
    latest,
    outcome_totals,
    records,
    to_microseconds,
)
from collector.settings import LedgerSettings
from simulate import Fleet, FleetPlan
from simulate.registry import Probe
from tests.collector.fleet_ledger import register, store

HOUR_EVERY_DAYS: Final = 60
"""One hour of so many days is there of every line."""

KEPT_BYTES: Final = 500

_HOUR_US: Final = 3_600_000_000
_PART: Final = 20_000
_CHAIN: Final = "bench"
_COLUMNS: Final = tuple(column.name for column in records.columns)
_PLACE: Final = {name: number for number, name in enumerate(_COLUMNS)}
_MOMENTS: Final = ("slot", "started_at", "measured_at")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class City:
    """How much of a city's year is made.

    Attributes:
        lines: that the registry has, at least.
        full: probes that have all of their records.
        days: that the ledger goes back.
        recent_days: of which every line has all speed tests: as many as the list looks at.
        whole_hours: the last ones, which every line has whole.
        kept_bytes: of a record's line.
    """

    lines: int = 5_000
    full: int = 4
    days: int = 365
    recent_days: int = 5
    whole_hours: int = 3
    kept_bytes: int = KEPT_BYTES


@dataclass(frozen=True, slots=True)
class Filled:
    """What a ledger holds then.

    Attributes:
        records: all of them.
        lines: that are registered.
        full_lines: those that have all of their records, by id.
        sparse_lines: all others.
    """

    records: int
    lines: int
    full_lines: Sequence[str]
    sparse_lines: Sequence[str]


class Source:
    """A city's fleet, and the records that are copied to its probes.

    Args:
        city: how much.
        folder: for the ledger that the records are copied from.
        end: the moment at which the last of them end; None: now.
    """

    def __init__(self, city: City, folder: Path, end: datetime | None = None) -> None:
        self.city = city
        self.end = end or datetime.now(UTC)
        self.fleet = Fleet(_plan(city, self.end.date()))
        self.probes = list(self.fleet.probes())
        self.templates = _templates(self.fleet.plan, self.probes, folder, city.kept_bytes)


def fill(settings: LedgerSettings, source: Source) -> Filled:
    """Fill an empty ledger."""
    city, probes, now = source.city, source.probes, source.end
    # Copying takes longer than any statement of a collector may.
    patient = settings.model_copy(update={"statement_timeout_seconds": 3600.0})
    with closing(Database(patient)) as database:
        migrate(database)
        register(database, source.fleet, now)
        copier = _Copier(source, now)
        with database.write() as connection:
            for number in range(city.days + 31):
                ensure_month(connection, now - timedelta(number))
        _load(database, copier.rows())
        with database.write() as connection:
            copier.keep_books(connection)
        _settle(database)
    full = [line.id for probe in probes[: city.full] for line in probe.lines]
    sparse = [line.id for probe in probes[city.full :] for line in probe.lines]
    return Filled(copier.made, len(full) + len(sparse), full, sparse)


def _plan(city: City, today: date) -> FleetPlan:
    """Return the plan of as many probes as have so many lines."""
    days = city.recent_days + 1
    plan = FleetPlan(city.lines, days, seed=1, start=today - timedelta(days))
    counts = itertools.accumulate(len(probe.lines) for probe in Fleet(plan).probes())
    needed = next(number for number, count in enumerate(counts, 1) if count >= city.lines)
    return FleetPlan(needed, plan.days, plan.seed, plan.start)


# --- Records to copy -------------------------------------------------------------------------


def _shape(probe: Probe) -> tuple[str, ...]:
    """Return what probes have in common whose records can be each other's."""
    return tuple(way.path.name for way in probe.ways)


def _templates(
    plan: FleetPlan, probes: Iterable[Probe], folder: Path, kept_bytes: int
) -> dict[tuple[str, ...], list[list[Row]]]:
    """Return a probe's stored records for each shape, by hour, as rows of whole microseconds."""
    chosen: dict[tuple[str, ...], Probe] = {}
    for probe in probes:
        chosen.setdefault(_shape(probe), probe)
    fleet = Fleet(plan, sorted(probe.number for probe in chosen.values()))
    path = folder / "templates.sqlite"
    with closing(Database(LedgerSettings(path=path))) as database:
        migrate(database)
        keys = register(database, fleet, datetime.now(UTC))
        store(database, fleet, keys, fleet.batches())
        raw = select(records).where(records.c.outcome.is_not(None), records.c.line_id.is_not(None))
        by_probe: dict[str, list[Row]] = defaultdict(list)
        with database.engine.connect() as connection:
            text = str(raw.compile(database.engine))
            for row in connection.exec_driver_sql(text):
                by_probe[row[_PLACE["probe_id"]]].append(tuple(row))
    hours = plan.days * 24
    return {
        shape: _by_hour(by_probe[probe.id], plan.begins, hours, kept_bytes)
        for shape, probe in chosen.items()
    }


def _by_hour(rows: Iterable[Row], begins: int, hours: int, kept_bytes: int) -> list[list[Row]]:
    found: list[list[Row]] = [[] for _ in range(hours)]
    at = _PLACE["measured_at"]
    for row in sorted(rows, key=lambda one: one[at] or 0):
        hour = ((row[at] or 0) - begins * 1_000_000) // _HOUR_US
        if 0 <= hour < hours:
            found[hour].append((*row[: _PLACE["line"]], row[_PLACE["line"]][:kept_bytes]))
    return found


class _Copier:
    """Copies records to every probe of a city, and keeps the books of it.

    Args:
        source: of the records.
        now: the moment at which the last of them end.
    """

    def __init__(self, source: Source, now: datetime) -> None:
        self.made = 0
        self._city = source.city
        self._now = now
        probes = source.probes
        self._from = [source.templates[_shape(probe)] for probe in probes]
        self._hours = len(self._from[0])
        self._probes = probes
        self._lines = [{way.path.name: way.line.id for way in probe.ways} for probe in probes]
        self._seq: Counter[str] = Counter()
        self._outcomes: Counter[tuple[str, str, str, str]] = Counter()
        self._newest: dict[tuple[Any, ...], tuple[int, int, int]] = {}

    def rows(self) -> Iterator[Row]:
        """Yield every record, hour by hour."""
        end = to_microseconds(self._now)
        total = self._city.days * 24
        for ago in range(total, 0, -1):
            of = -ago % self._hours
            for number, template in enumerate(self._from):
                keep = self._keeps(number, ago)
                if not keep:
                    continue
                begins = end - ago * _HOUR_US
                for row in template[of]:
                    if row[_PLACE["task"]] in keep:
                        yield self._copy(row, number, begins)

    def _keeps(self, number: int, ago: int) -> Sequence[str]:
        """Return the tasks of which a probe has its records of an hour."""
        hours = HOUR_EVERY_DAYS * 24
        # Each probe has its own hour of a month.
        if number < self._city.full or ago <= self._city.whole_hours or (ago + number) % hours == 0:
            return ("speed", "latency", "reach")
        return ("speed",) if ago <= self._city.recent_days * 24 else ()

    def _copy(self, row: Row, number: int, begins: int) -> Row:
        probe = self._probes[number].id
        new = list(row)
        self.made += 1
        moved = begins - row[_PLACE["measured_at"]] // _HOUR_US * _HOUR_US
        for name in _MOMENTS:
            if new[_PLACE[name]] is not None:
                new[_PLACE[name]] += moved
        measured = new[_PLACE["measured_at"]]
        line = self._lines[number][row[_PLACE["path"]]]
        received = measured + 1_000_000
        changed = {
            "id": self.made,
            "probe_id": probe,
            "line_id": line,
            "chain": _CHAIN,
            "seq": self._seq[probe],
            "received_at": received,
        }
        for name, value in changed.items():
            new[_PLACE[name]] = value
        self._seq[probe] += 1
        task = new[_PLACE["task"]]
        self._outcomes[probe, new[_PLACE["path"]], task, new[_PLACE["outcome"]]] += 1
        series = tuple(new[_PLACE[name]] for name in SERIES_COLUMNS)
        newest = (measured, self.made, received)
        key = (line, task, series)
        self._newest[key] = max(newest, self._newest.get(key, newest))
        return tuple(new)

    def keep_books(self, connection: Connection) -> None:
        """Write what a collector keeps beside the records."""
        first = self._now - timedelta(self._city.days)
        ends = [
            {
                "probe_id": probe,
                "chain": _CHAIN,
                "next_seq": count,
                "last_hash": "0" * 64,
                "first_received_at": first,
                "last_received_at": self._now,
            }
            for probe, count in self._seq.items()
        ]
        totals = [
            {
                "probe_id": probe,
                "received": count,
                "stored": count,
                "duplicate": 0,
                "quarantined": 0,
            }
            for probe, count in self._seq.items()
        ]
        outcomes = [
            dict(zip(("probe_id", "path", "task", "outcome"), key, strict=True))
            | {"records": count}
            for key, count in self._outcomes.items()
        ]
        newest = [
            {
                "line_id": line,
                "task": task,
                "series": SeriesId._make(series).key,
                "probe_id": series[0],
                "record_id": own_id,
                "measured_at": _moment(measured),
                "received_at": _moment(received),
            }
            for (line, task, series), (measured, own_id, received) in self._newest.items()
        ]
        for table, rows in (
            (chains, ends),
            (ingest_totals, totals),
            (outcome_totals, outcomes),
            (latest, newest),
        ):
            connection.execute(insert(table), rows)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)


# --- Into the tables -------------------------------------------------------------------------


def _load(database: Database, rows: Iterator[Row]) -> None:
    """Put rows into the table; its indices are made afterwards."""
    indices = sorted(records.indexes, key=lambda one: str(one.name))
    with database.write() as connection:
        for index in indices:
            index.drop(connection)
    while part := list(itertools.islice(rows, _PART)):
        with database.write() as connection:
            _put(connection, part)
    with database.write() as connection:
        for index in indices:
            index.create(connection)


def _put(connection: Connection, rows: Sequence[Row]) -> None:
    names = ", ".join(_COLUMNS)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "postgresql":
        marks = ", ".join("?" * len(_COLUMNS))
        # The names are the table's own.
        driver.executemany(f"INSERT INTO records ({names}) VALUES ({marks})", rows)  # noqa: S608
        return
    truths = [_PLACE[column.name] for column in records.columns if column.type.python_type is bool]
    with driver.cursor().copy(f"COPY records ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(_with_truths(row, truths))


def _with_truths(row: Row, places: Sequence[int]) -> Row:
    """Return a row of SQLite's, which has no type for true and false, as PostgreSQL takes it."""
    new = list(row)
    for place in places:
        if new[place] is not None:
            new[place] = bool(new[place])
    return tuple(new)


def _settle(database: Database) -> None:
    """Leave the tables as they would be in use: with statistics, and the next record's number."""
    postgresql = database.engine.dialect.name == "postgresql"
    with database.engine.connect() as connection:
        apart = connection.execution_options(isolation_level="AUTOCOMMIT")
        if postgresql:
            apart.exec_driver_sql(
                "SELECT setval(pg_get_serial_sequence('records', 'id'), max(id)) FROM records"
            )
            apart.exec_driver_sql("VACUUM ANALYZE")
        else:
            apart.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
