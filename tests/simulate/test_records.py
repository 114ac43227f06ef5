"""What a simulated fleet writes: valid, true to the probe's own forms and rules, plausible."""

import json
from datetime import datetime

import pytest

from collector.settings import CollectorSettings
from probe.engines import ENGINES, stamp
from probe.slots import plan_day
from probe.transfer.latency import summarise
from protocol.flags import Flag
from protocol.records import (
    RECORD,
    Outcome,
    ReachRecord,
    SpeedRecord,
    Task,
)
from protocol.results import Latency, LatencySummary, Speed
from simulate import USUAL, Fleet, packets
from simulate.plan import ZONE
from simulate.records import METHODS, SPOILING
from simulate.registry import SOFTWARE
from simulate.troubles import line_troubles
from tests.simulate.fleets import (
    TROUBLED,
    AnyRecord,
    as_written_by_models,
    flags_by_rules,
    is_tombstone,
    troubled,
)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Return all lines of a troubled fleet."""
    return [line for batch in troubled()[1] for line in batch.lines]


@pytest.fixture(scope="module")
def records(lines: list[bytes]) -> list[AnyRecord]:
    """Return its records, validated."""
    return [RECORD.validate_json(line) for line in lines if not is_tombstone(line)]


def test_every_line_is_what_the_models_would_write(lines: list[bytes]) -> None:
    """Each line validates, and its model writes the same bytes again: no field is missing, in
    another order or in another form than the probe's.
    """
    for line in lines:
        assert as_written_by_models(line) == line


def test_every_kind_of_record_is_among_them(lines: list[bytes], records: list[AnyRecord]) -> None:
    """Each task with each outcome it can have, both families, each planted flag, cable and radio,
    IPv6 in several states, clocks that nobody vouches for, tombstones.
    """
    kinds = {(record.task, record.outcome) for record in records}
    never = {(Task.LATENCY, Outcome.SKIPPED), (Task.REACH, Outcome.SKIPPED)}
    never |= {(Task.REACH, Outcome.FAILED)}
    assert kinds == {(task, outcome) for task in Task for outcome in Outcome} - never
    assert {record.family for record in records} == {None, 4, 6}
    assert {flag for record in records for flag in record.flags} == {
        *SPOILING,
        Flag.WIFI,
        Flag.CLOCK_UNSYNCHRONISED,
    }
    states = {
        r.reach.ipv6.state
        for r in records
        if isinstance(r, ReachRecord)
        if r.reach and r.reach.ipv6
    }
    assert len(states) > 2
    assert {record.clock.source for record in records} == {"kernel", "none"}
    assert any(is_tombstone(line) for line in lines)


def test_the_flags_are_those_that_the_probes_rules_raise(records: list[AnyRecord]) -> None:
    """The probe's own rules, given a record's clock, conditions and section, raise its flags."""
    for record in records:
        assert flags_by_rules(record) == set(record.flags), record


def _summaries(record: AnyRecord) -> list[LatencySummary]:
    section = getattr(record, record.task.value)
    if isinstance(section, Latency):
        return [section.round_trip]
    if isinstance(section, Speed):
        parts = section.latency
        return [each for each in (parts.idle, parts.download, parts.upload) if each]
    return []


def test_summaries_are_those_of_their_round_trips(records: list[AnyRecord]) -> None:
    """Minimum, median, 95th percentile and jitter are what the probe computes of the same trips."""
    seen = 0
    for record in records:
        for summary in _summaries(record):
            again = summarise(summary.round_trips_seconds, summary.sent)
            for name in ("minimum", "median", "p95", "jitter"):
                field = f"{name}_seconds"
                assert getattr(summary, field) == pytest.approx(getattr(again, field), abs=2e-6)
            seen += 1
    assert seen > 100


def test_rates_are_bytes_by_time(records: list[AnyRecord]) -> None:
    """A direction's rate is 8 * bytes / duration, its streams add up to its bytes, and so do its
    samples between the window's two ends.
    """
    transfers = [
        transfer
        for record in records
        if isinstance(record, SpeedRecord) and record.speed
        for transfer in (record.speed.download, record.speed.upload)
        if transfer
    ]
    assert len(transfers) > 100
    for each in transfers:
        assert each.bits_per_second == 8 * each.bytes / each.duration_seconds
        assert sum(stream.bytes for stream in each.streams) == each.bytes
        grown = dict(each.samples)
        end = each.warm_up_seconds + each.duration_seconds
        assert grown[end] - grown[each.warm_up_seconds] == pytest.approx(each.bytes, abs=2)


def test_every_slot_of_the_real_schedule_has_one_record(lines: list[bytes]) -> None:
    """What the probe's own planner plans for these days is what has a record, each slot once, but
    for slots of a power cut that has not ended.
    """
    fleet = Fleet(TROUBLED)
    planned = {
        (probe.id, slot.task.value, slot.path, slot.moment)
        for probe in fleet.probes()
        for day in TROUBLED.days_of()
        for slot in plan_day(day, ZONE, [way.path for way in probe.ways], probe.id).slots
    }
    found = [
        (told["probe"], told["task"], told["path"], datetime.fromisoformat(told["slot"]))
        for told in map(json.loads, lines)
    ]
    assert len(found) == len(set(found))
    assert set(found) <= planned
    assert len(found) > 0.8 * len(planned)


def test_a_planted_outage_is_in_the_records(records: list[AnyRecord]) -> None:
    """While a line is out nothing is measured on it, and reach sees its gateway and no far end."""
    fleet = Fleet(TROUBLED)
    line_of = {(p.id, way.path.name): way.line for p in fleet.probes() for way in p.ways}
    seen = 0
    for record in records:
        if record.started_at is None or record.clock.source == "none":
            continue
        line = line_of[record.probe, record.path]
        out = line_troubles(TROUBLED, line).outage_at(record.started_at.timestamp())
        if isinstance(record, ReachRecord) and record.reach:
            far = [each.reached for each in record.reach.targets if each.ip_version == 4][1:]
            assert any(far) == (out is None)
        elif out is not None:
            assert record.outcome is Outcome.FAILED
            seen += 1
    assert seen > 20


def test_the_evening_and_a_breach_are_in_the_rates(records: list[AnyRecord]) -> None:
    """A line with a planted breach is below its contract then; one without is not in the night."""
    fleet = Fleet(TROUBLED)
    lines = {line.id: line for probe in fleet.probes() for line in probe.lines}
    line_of = {(p.id, way.path.name): way.line.id for p in fleet.probes() for way in p.ways}
    below: dict[str, list[bool]] = {name: [] for name in lines}
    for record in records:
        if not isinstance(record, SpeedRecord) or record.flags or record.speed is None:
            continue
        name = line_of[record.probe, record.path]
        promised, download = lines[name].contracted, record.speed.download
        evening = record.started_at and record.started_at.astimezone(ZONE).hour in (19, 20, 21)
        if promised and download and evening:
            below[name].append(download.bits_per_second < 0.8 * promised[0])
    breaching = {name for name in lines if line_troubles(TROUBLED, lines[name]).breach}
    assert breaching
    for name in breaching:
        assert not below[name] or sum(below[name]) > 0.9 * len(below[name])


def test_constants_are_the_probes_and_the_collectors_own() -> None:
    """Methods, packets, software and the usual schedule are those of the real parts."""
    assert CollectorSettings().schedule == USUAL
    assert (packets.PACKETS, packets.INTERVAL_SECONDS) == (stamp.PACKETS, stamp.INTERVAL_SECONDS)
    for method in METHODS.values():
        engine = ENGINES[method.name]
        assert (engine.version, engine.profile_of("full")) == (method.version, method.profile)
    assert SOFTWARE.startswith("linewatch/")
