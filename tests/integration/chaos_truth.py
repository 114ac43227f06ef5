"""Holds what a simulated fleet wrote against a ledger and against a far end of its sinks."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, func, select

from collector.ledger.database import Database
from collector.ledger.figures import read_figures
from collector.ledger.schema import chains, gaps, quarantine, records, seals, set_aside
from protocol.chain import Link, Seal, check_seal, follow
from simulate import Fleet
from tests.integration.chaos_load import VALUES, Load, Sums
from tests.integration.chaos_parts import DATABASE, FarEnd
from tests.services import Service, influxql, promql

Counts = dict[tuple[str, str, str], int]
"""Records by probe, task and outcome; tombstones have no outcome."""

_MEASUREMENT: Final = {
    "download_bits_per_second": "linewatch_speed",
    "upload_bits_per_second": "linewatch_speed",
    "round_trip_seconds": "linewatch_latency",
    "lost_ratio": "linewatch_latency",
}
_TASKS: Final = ("speed", "latency", "reach")
_POLL_SECONDS: Final = 0.25


def written(fleet: Fleet) -> Counts:
    """Return what the fleet wrote."""
    return {
        (probe, task.value, outcome.value): count
        for probe, truth in fleet.truths.items()
        for (task, outcome), count in truth.outcomes.items()
    }


def assert_told_is_stored(connection: Connection, told: dict[tuple[str, str], int]) -> None:
    """Assert that whatever a sender was told is stored, is."""
    query = select(
        records.c.probe_id, records.c.chain, func.count(), func.max(records.c.seq) + 1
    ).group_by(records.c.probe_id, records.c.chain)
    found = {(probe, chain): (many, end) for probe, chain, many, end in connection.execute(query)}
    for place, next_seq in told.items():
        many, end = found.get(place, (0, 0))
        assert many == end, f"{place}: {many} records up to seq {end}"
        assert end >= next_seq, f"{place}: told {next_seq}, stored {end}"


def check_ledger(database: Database, load: Load) -> None:
    """Assert that the ledger holds what was written, and nothing else."""
    database.read_now(lambda connection: _check_contents(connection, load))
    database.read_now(lambda connection: _check_chains(connection, load.fleet))


def _check_contents(connection: Connection, load: Load) -> None:
    assert_told_is_stored(connection, load.told)
    query = select(records.c.probe_id, records.c.task, records.c.outcome, func.count()).group_by(
        records.c.probe_id, records.c.task, records.c.outcome
    )
    rows = connection.execute(query).all()
    counts = {(probe, task, outcome): many for probe, task, outcome, many in rows if outcome}
    assert counts == written(load.fleet)
    tombstones = sum(truth.tombstones for truth in load.fleet.truths.values())
    assert sum(many for _, _, outcome, many in rows if outcome is None) == tombstones
    assert_sums(_sums(connection), load.sums)
    for table in (gaps, quarantine, set_aside):
        assert connection.execute(select(table)).all() == []
    figures = read_figures(connection)
    assert not any(figures.unaccounted_slots.values())
    totals: Counter[str] = Counter()
    for row in figures.ingest:
        totals.update({name: row[name] for name in ("received", "stored", "duplicate")})
    assert totals["stored"] == load.records
    assert totals["received"] == totals["stored"] + totals["duplicate"]
    assert (figures.missing_records, figures.forked_chains, figures.events) == (0, 0, {})


def _sums(connection: Connection) -> Sums:
    found: Sums = {}
    for column in VALUES:
        query = (
            select(records.c.line_id, func.sum(records.c[column]))
            .where(records.c.outcome == "measured", records.c[column].is_not(None))
            .group_by(records.c.line_id)
        )
        found |= {(column, line): value for line, value in connection.execute(query)}
    return found


def assert_sums(found: Sums, wanted: Sums) -> None:
    """Assert that sums are the same but for the order in which they were added."""
    assert found.keys() == wanted.keys()
    off = {
        key: (value, wanted[key])
        for key, value in found.items()
        if not math.isclose(value, wanted[key], rel_tol=1e-9, abs_tol=1e-9)
    }
    assert off == {}


def _check_chains(connection: Connection, fleet: Fleet) -> None:
    """Verify each chain and each seal from the ledger's bytes, with the devices' own keys."""
    keys = {probe: key.public_key() for probe, key in fleet.keys().items()}
    for probe, truth in fleet.truths.items():
        assert _names(connection, probe) == set(truth.chains)
        for name, head in truth.chains.items():
            links = follow(_lines(connection, probe, name))
            assert (len(links), links[-1].hash) == (head.next_seq, head.last_hash)
            assert links[0].seq == 0
            kept = list(_seals(connection, probe, name))
            for one in kept:
                check_seal(keys[probe], one, links[one.seq])
            assert max(one.seq for one in kept) == links[-1].seq
            _check_columns(connection, probe, name, links)


def _names(connection: Connection, probe: str) -> set[str]:
    query = select(chains.c.chain).where(chains.c.probe_id == probe)
    return set(connection.execute(query).scalars())


def _lines(connection: Connection, probe: str, chain: str) -> Iterator[bytes]:
    query = (
        select(records.c.line)
        .where(records.c.probe_id == probe, records.c.chain == chain)
        .order_by(records.c.seq)
    )
    return map(bytes, connection.execute(query).scalars())


def _seals(connection: Connection, probe: str, chain: str) -> Iterator[Seal]:
    query = select(seals).where(seals.c.probe_id == probe, seals.c.chain == chain)
    for row in connection.execute(query):
        yield Seal(
            seal="ed25519",
            probe=row.probe_id,
            chain=row.chain,
            seq=row.seq,
            hash=row.hash,
            signature=row.signature,
        )


def _check_columns(connection: Connection, probe: str, chain: str, links: list[Link]) -> None:
    """Assert that the columns say of the place what the bytes say."""
    query = (
        select(records.c.seq, records.c.hash, records.c.prev)
        .where(records.c.probe_id == probe, records.c.chain == chain)
        .order_by(records.c.seq)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    assert rows == [(link.seq, link.hash, link.prev) for link in links]


async def check_sink(far_end: FarEnd, load: Load, seconds: float) -> float:
    """Wait until a far end holds what was written; return how long that took.

    Raises:
        AssertionError: after ``seconds`` it does not, or its sums are others.
    """
    began = time.monotonic()
    wanted = written(load.fleet)
    counts, sums = _READERS[far_end.name]
    while (found := await asyncio.to_thread(counts, far_end.service, load)) != wanted:
        missing = Counter(wanted)
        missing.subtract(found)
        off = {key: many for key, many in missing.items() if many}
        assert time.monotonic() - began < seconds, f"{far_end.name} lacks (or has too many): {off}"
        await asyncio.sleep(_POLL_SECONDS)
    took = time.monotonic() - began
    assert_sums(sums(far_end.service, load), load.sums)
    return took


def _counts_in_victoria(service: Service, load: Load) -> Counts:
    service.flush()
    at, over = _span(load)
    found: Counts = {}
    for task in _TASKS:
        query = f"sum by (probe, outcome) (count_over_time(linewatch_{task}_records[{over}]))"
        for series in promql(service.url, query, at):
            labels = series["metric"]
            found[labels["probe"], task, labels["outcome"]] = int(series["value"][1])
    return found


def _sums_in_victoria(service: Service, load: Load) -> Sums:
    at, over = _span(load)
    found: Sums = {}
    for column in VALUES:
        name = f"{_MEASUREMENT[column]}_{column}"
        query = f"sum by (line) (sum_over_time({name}[{over}]))"
        for series in promql(service.url, query, at):
            found[column, series["metric"]["line"]] = float(series["value"][1])
    return found


def _span(load: Load) -> tuple[datetime, str]:
    """Return the end of the fleet's days, and how far back its beginning is, in PromQL's words."""
    plan = load.fleet.plan
    at = datetime.fromtimestamp(plan.ends, UTC)
    return at, f"{plan.ends - plan.begins + 86400}s"


def _counts_in_influx(service: Service, _: Load) -> Counts:
    found: Counts = {}
    for task in _TASKS:
        query = f'SELECT count("records") FROM "linewatch_{task}" GROUP BY probe, outcome'  # noqa: S608 - our own names
        for series in influxql(service.url, query, DATABASE):
            ((_, many),) = series["values"]
            found[series["tags"]["probe"], task, series["tags"]["outcome"]] = many
    return found


def _sums_in_influx(service: Service, _: Load) -> Sums:
    found: Sums = {}
    for column in VALUES:
        query = f'SELECT sum("{column}") FROM "{_MEASUREMENT[column]}" GROUP BY line'  # noqa: S608 - our own names
        for series in influxql(service.url, query, DATABASE):
            ((_, value),) = series["values"]
            found[column, series["tags"]["line"]] = value
    return found


_READERS: Final = {
    "victoriametrics": (_counts_in_victoria, _sums_in_victoria),
    "influxdb": (_counts_in_influx, _sums_in_influx),
}
"""How each far end tells its records and its sums."""
