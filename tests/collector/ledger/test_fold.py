"""Old latency records are folded into hours: nothing is lost, and twice is as once."""

import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, or_, select, update

from collector.domain.series import LatencyPoint
from collector.ingest.verify import verify
from collector.ledger.database import Database
from collector.ledger.due import count_old, find_lines, is_due
from collector.ledger.figures import unaccounted_slots
from collector.ledger.fold import folded_places
from collector.ledger.folding import STEP_RECORDS, Start, oldest
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.schema import (
    corrections,
    folded,
    latency_hours,
    lines,
    probe_paths,
    records,
    sinks,
)
from collector.ledger.series_queries import latency_points
from collector.ledger.store import Arrival, store_batch
from simulate import Batch, Fleet, FleetPlan, rhythm
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.fleet_ledger import fold_all
from tests.collector.ledger.plans import joins, statements_of, steps

pytestmark = ON_BOTH

START = date(2026, 1, 1)
PLAN = FleetPlan(probes=3, days=2, seed=5, start=START, schedule=rhythm(6, 300, 3600), trouble=8.0)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 1, 4, tzinfo=UTC)
MIDDLE = datetime(2026, 1, 2, 3, tzinfo=UTC)


class Kept:
    """A ledger with a simulated fleet's two days."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fleet = Fleet(PLAN)
        self.keys = self.fleet.keys()
        with database.write() as connection:
            import_registry(connection, RegistryFile.model_validate(self.fleet.registry()), NOW)
        self.batches = list(self.fleet.batches())
        self.answers = [self.store(batch) for batch in self.batches]

    def store(self, batch: Batch) -> Any:
        """Store a batch as the collector does."""
        key = self.keys[batch.probe].public_key()
        found = verify(batch.body, batch.probe, key)
        at = datetime.fromtimestamp(batch.sent_at, UTC)
        with self.database.write() as connection:
            return store_batch(connection, found, Arrival(at, "key", gap_acknowledged=True))

    def fold(self, before: datetime) -> int:
        """Fold all that is older; return how many."""
        return fold_all(self.database, before, NOW).records

    def points(self) -> dict[str, list[LatencyPoint]]:
        """Return every line's latency points."""
        lines = [row["id"] for row in self.fleet.registry()["lines"]]
        start = datetime(2025, 12, 31, tzinfo=UTC)
        with self.database.engine.connect() as connection:
            return {line: latency_points(connection, line, start, END) for line in lines}

    def count(self, table: Any, *where: Any) -> int:
        """Return how many rows a table has."""
        query = select(func.count()).select_from(table).where(*where)
        return self.database.read_now(lambda connection: connection.execute(query).scalar_one())


def sink(name: str, settled: int) -> dict[str, Any]:
    """Return the row of a sink that has all up to a record on its disk."""
    counts = {"written": 0, "held_back": 0, "set_aside": 0, "settling": settled}
    times = {"settling_since": NOW, "created_at": NOW}
    return {"name": name, "cursor": settled, "settled": settled, **counts, **times}


def is_old(before: datetime) -> list[Any]:
    """Return the conditions of latency records that are to be folded."""
    sure = records.c.time_quality != "none"
    return [records.c.task == "latency", records.c.measured_at < before, sure]


@pytest.fixture
def kept(new_ledger: NewLedger) -> Iterator[Kept]:
    """Yield the fleet's ledger."""
    database = Database(new_ledger())
    yield Kept(database)
    database.close()


def by_hour(points: dict[str, list[LatencyPoint]]) -> dict[Any, list[float | None]]:
    """Return the values of each line, series, flags and hour, in order."""
    found: dict[Any, list[float | None]] = defaultdict(list)
    for line, members in points.items():
        for point in members:
            key = (line, point.series, point.outcome, point.flags, point.at_seconds // 3600)
            found[key].append(point.round_trip_seconds)
    return {
        key: sorted(values, key=lambda value: (value is None, value))
        for key, values in found.items()
    }


def same(before: dict[Any, list[float | None]], after: dict[Any, list[float | None]]) -> bool:
    """Return whether the values are the same to the microsecond."""
    return before.keys() == after.keys() and all(
        after[key] == pytest.approx(values, abs=1e-6) for key, values in before.items()
    )


def test_every_value_of_every_hour_is_the_same_after_folding(kept: Kept) -> None:
    """Hour by hour, each line's series has the same values; the records before the moment are gone,
    the others untouched, and doing it again changes nothing.
    """
    before = by_hour(kept.points())
    latency = records.c.task == "latency"
    others = kept.count(records, ~latency)
    young = kept.count(records, latency, records.c.measured_at >= MIDDLE)
    expected = kept.database.read_now(lambda c: count_old(c, MIDDLE))
    assert expected > STEP_RECORDS  # more than one step
    assert kept.fold(MIDDLE) == expected
    assert kept.count(records, ~latency) == others
    unsure = records.c.time_quality == "none"
    assert kept.count(records, latency, ~unsure) == kept.count(
        records, latency, ~unsure, records.c.measured_at >= MIDDLE
    )
    assert kept.count(records, latency, records.c.measured_at >= MIDDLE) == young
    assert same(before, by_hour(kept.points()))
    hours = kept.count(latency_hours)
    assert kept.fold(MIDDLE) == 0
    assert kept.count(latency_hours) == hours
    assert same(before, by_hour(kept.points()))
    # In two goes it comes to the same as in one.
    kept.fold(END)
    assert same(before, by_hour(kept.points()))


def test_medians_of_a_folded_month_stay_exact(kept: Kept) -> None:
    """The statistics over folded records are those over the records."""

    def medians() -> dict[str, float]:
        return {
            line: statistics.median(
                point.round_trip_seconds for point in points if point.round_trip_seconds is not None
            )
            for line, points in kept.points().items()
            if any(point.round_trip_seconds is not None for point in points)
        }

    before = medians()
    assert before
    kept.fold(END)
    assert medians() == pytest.approx(before, abs=1e-6)


def test_the_chain_goes_on_over_folded_records(kept: Kept) -> None:
    """What is sent again is known, record by record; nothing is stored twice, nothing is a fork,
    every slot is accounted for, and each folded place has its hash and the one before it.
    """
    before = {
        (row.probe_id, row.chain, row.seq): (row.hash, row.prev)
        for row in kept.database.read_now(
            lambda c: c.execute(select(records).where(records.c.task == "latency")).all()
        )
    }
    kept.fold(END)
    stored = kept.count(records)
    for batch, first in zip(kept.batches, kept.answers, strict=True):
        again = kept.store(batch)
        assert again.stored == 0
        assert not again.start_new_chain
        assert again.duplicate == len(batch.lines) - len(again.quarantined)
        assert len(again.quarantined) <= len(first.quarantined)
    assert kept.count(records) == stored
    accounted = kept.database.read_now(unaccounted_slots)
    assert set(accounted.values()) == {0}
    for probe, chain in {(probe, chain) for probe, chain, _ in before}:
        with kept.database.engine.connect() as connection:
            places = folded_places(connection, probe, chain, (0, 10**9))
        for seq, place in places.items():
            assert before[probe, chain, seq] == place


def test_what_a_sink_has_not_taken_stays(kept: Kept) -> None:
    """What a sink may still have to be told stays; once it has it on its disk, it is folded."""
    ids = kept.database.read_now(
        lambda c: c.scalars(
            select(records.c.id).where(records.c.task == "latency").order_by(records.c.id)
        ).all()
    )
    settled = ids[len(ids) // 3]
    with kept.database.write() as connection:
        connection.execute(sinks.insert().values(**sink("slow", settled)))
    kept.fold(END)
    assert kept.count(records, records.c.id > settled, records.c.task == "latency") == sum(
        number > settled for number in ids
    )
    with kept.database.write() as connection:
        connection.execute(update(sinks).values(settled=ids[-1]))
    kept.fold(END)
    unsure = records.c.time_quality == "none"
    assert kept.count(records, records.c.task == "latency", ~unsure) == 0
    assert kept.count(folded) > 0


def test_a_sink_sees_what_comes_after_the_newest_was_folded(kept: Kept) -> None:
    """Where the record with the highest number is folded, the next one is behind each sink's cursor
    all the same: SQLite gives its number again.
    """
    newest = select(func.max(records.c.id)).where(*is_old(END))
    with kept.database.write() as connection:
        last = connection.scalar(newest)
        later = or_(records.c.id > last, records.c.task == "speed")
        connection.execute(delete(records).where(later))
        connection.execute(sinks.insert().values(**sink("city", last)))
    kept.fold(END)
    cursor = kept.database.read_now(lambda c: c.scalar(select(sinks.c.cursor)))
    assert kept.count(records, records.c.id > cursor) == 0
    stored = sum(kept.store(batch).stored for batch in kept.batches)
    assert stored > 0
    assert kept.count(records, records.c.id > cursor) == stored


def test_what_comes_later_is_folded_however_old_it_is(new_ledger: NewLedger) -> None:
    """Records that come after younger ones were folded, of a line and of none, are folded by the
    next round, also where nothing was there at the first.
    """
    database = Database(new_ledger())
    assert fold_all(database, END, NOW).records == 0
    kept = Kept(database)
    with database.write() as connection:
        connection.execute(update(probe_paths).values(line_id=None))
        first = select(lines.c.id).order_by(lines.c.id).limit(1).scalar_subquery()
        connection.execute(update(records).where(records.c.line_id == first).values(line_id=None))
    old = kept.count(records, *is_old(MIDDLE))
    assert old
    assert kept.fold(MIDDLE) == old
    rest = select(records).where(*is_old(END)).order_by(records.c.id).limit(1)
    with database.write() as connection:
        row = dict(connection.execute(rest).mappings().one())
        late = row | {"id": None, "seq": 10**6, "measured_at": datetime(2026, 1, 1, tzinfo=UTC)}
        del late["id"]
        connection.execute(records.insert().values(**late))
    assert kept.fold(MIDDLE) == 1
    database.close()


def test_a_moment_that_a_sink_has_not_heard_of_keeps_its_record(kept: Kept) -> None:
    """A record whose moment was found late stays until each sink has had its second look at it,
    though the sink has long had the record itself.
    """
    newest = select(func.max(records.c.id))
    row = select(records).where(*is_old(END)).order_by(records.c.id).limit(1)
    with kept.database.write() as connection:
        last = connection.scalar(newest)
        one = connection.execute(row).mappings().one()
        turn = {name: one[name] for name in ("probe_id", "received_at")}
        connection.execute(delete(corrections))
        connection.execute(corrections.insert().values(record_id=one["id"], after_id=last, **turn))
        connection.execute(sinks.insert().values(**sink("behind", last - 1)))
    kept.fold(END)
    assert kept.count(records, records.c.id == one["id"]) == 1
    assert kept.count(records, *is_old(END), records.c.id < last) == 1
    with kept.database.write() as connection:
        connection.execute(update(sinks).values(settled=last))
    kept.fold(END)
    assert kept.count(records, *is_old(END)) == 0


def test_what_is_to_fold_is_looked_for_by_each_lines_own_index(kept: Kept, engine: str) -> None:
    """Neither the look for lines nor a step goes through the records of all, or of other tasks."""
    line = next(iter(kept.points()))

    def look(connection: Connection) -> None:
        find_lines(connection, END, None)
        oldest(connection, is_due(connection, END), Start(line), 10)

    sent = [
        (text, words) for text, words in statements_of(kept.database, look) if "line_id" in text
    ]
    assert len(sent) == 3
    with kept.database.engine.connect() as connection:
        for text, words in sent:
            if engine == "postgresql":
                assert joins(connection, text, words) == set()
                continue
            of_records = [one for one in steps(connection, text, words) if "records" in one]
            assert of_records
            assert all("(line_id=? AND task=? AND measured_at" in one for one in of_records)
