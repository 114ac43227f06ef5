"""The journal: exactly one record of every slot, whatever the disk does."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probe.errors import SpoolError
from probe.journal import MAX_FACTS, MAX_WAITING, Journal
from probe.slots import Done
from probe.spool_rows import Entry, Worth
from protocol.failures import Failure
from protocol.records import Outcome, ReachRecord, SpeedRecord, Task
from protocol.results import Speed
from tests.probe.support import (
    ENGINES,
    NOW,
    Device,
    codes,
    make_journal,
    open_spool,
    records,
    slot,
    taken,
)


class Bench:
    """A journal on a spool whose disk the test can fill."""

    def __init__(self, directory: Path) -> None:
        self.device = Device()
        self.clock = self.device.clock()
        self.full = False
        self.spool = open_spool(directory, self.clock)
        self.entries: list[Entry] = []
        self._append = self.spool.append
        self.spool.append = self.append  # type: ignore[method-assign]  # the fault of this test
        self.journal: Journal = make_journal(self.spool, self.clock)

    def append(self, entries: Sequence[Entry]) -> None:
        """Append, unless the disk is full."""
        if self.full:
            raise SpoolError("the disk is full")
        self.entries += entries
        self._append(entries)

    def measure(self, task: Task, minute: int = 0, **changes: object) -> None:
        """Record a measurement."""
        self.journal.record(
            slot(task, NOW + timedelta(minutes=minute), **changes),
            taken(ENGINES[task], self.clock),
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a journal on an empty spool."""
    made = Bench(tmp_path)
    yield made
    made.spool.close()


def test_a_slot_without_a_result_names_its_family_and_server(bench: Bench) -> None:
    """A family that a line does not have fails its own slots: the record says which they are."""
    planned = slot(Task.SPEED, family=6, server="hn1")
    bench.journal.skip(planned, Failure.LINE_BUSY, "busy")
    bench.journal.miss([replace(planned, family=4, server=None)], Failure.PROBE_OFF, "off")
    skipped, missed = records(bench.spool)
    assert (skipped.family, skipped.server) == (6, "hn1")
    assert (missed.family, missed.server) == (4, None)


def test_measurement_becomes_its_record(bench: Bench) -> None:
    """What was measured is in the spool as a record of its slot, with the slot's facts."""
    bench.measure(Task.SPEED)
    bench.measure(Task.REACH, 1)
    speed, reach = records(bench.spool)
    assert isinstance(speed, SpeedRecord)
    assert isinstance(reach, ReachRecord)
    assert (speed.slot, speed.path, speed.probe) == (NOW, "eth0", "probe-1")
    assert (speed.outcome, speed.software) == (Outcome.MEASURED, "linewatch/test")
    assert speed.speed is not None
    assert speed.clock.source == "kernel"
    assert bench.spool.usage("eth0", "2026-11").month_bytes == 320_000_000
    assert bench.journal.outcomes == {
        (Task.SPEED, Outcome.MEASURED): 1,
        (Task.REACH, Outcome.MEASURED): 1,
    }


def test_skipped_and_missed_slots_have_records_without_start(bench: Bench) -> None:
    """A slot that did not run has a record with its reason, and no started_at."""
    bench.journal.skip(slot(), Failure.LINE_BUSY, "in use")
    bench.journal.miss(
        [slot(Task.REACH, NOW - timedelta(minutes=n)) for n in range(3)], Failure.PROBE_OFF, "off"
    )
    found = records(bench.spool)
    assert codes(found) == [
        (Task.SPEED, Outcome.SKIPPED, Failure.LINE_BUSY),
        *[(Task.REACH, Outcome.MISSED, Failure.PROBE_OFF)] * 3,
    ]
    assert {record.started_at for record in found} == {None}
    assert found[0].method.profile == "full"
    assert bench.journal.latest_failure["eth0"].task is Task.REACH


def test_worth_follows_what_a_complaint_rests_on(bench: Bench) -> None:
    """Full speed tests are worth most, latency least."""
    bench.measure(Task.SPEED)
    bench.measure(Task.SPEED, 1, profile="quick")
    bench.measure(Task.LATENCY, 2)
    bench.measure(Task.REACH, 3)
    bench.journal.skip(slot(), Failure.OVERDUE, "late")
    assert [entry.worth for entry in bench.entries] == [
        Worth.EVIDENCE,
        Worth.LESSER,
        Worth.LATENCY,
        Worth.REACH,
        Worth.LESSER,
    ]


def test_only_planned_slots_serve_a_part(bench: Bench) -> None:
    """A measurement that a person asked for does not stand for a planned one."""
    bench.measure(Task.SPEED)
    bench.measure(Task.SPEED, 5, part_start=NOW, part_end=NOW)
    assert bench.spool.done_since(NOW - timedelta(days=1)) == [Done(Task.SPEED, "eth0", NOW)]


def test_records_wait_in_order_while_the_disk_is_full(bench: Bench) -> None:
    """With a full disk, records wait in memory; they go in order before the next one."""
    bench.measure(Task.REACH, 0)
    bench.full = True
    bench.measure(Task.REACH, 1)
    bench.measure(Task.SPEED, 2)
    assert bench.journal.waiting() == 2
    waiting = [
        Done(task, "eth0", NOW + timedelta(minutes=n))
        for n, task in ((1, Task.REACH), (2, Task.SPEED))
    ]
    assert bench.journal.waiting_slots() == waiting
    bench.journal.flush()
    assert bench.journal.waiting() == 2
    bench.full = False
    bench.measure(Task.REACH, 3)
    assert bench.journal.waiting() == 0
    assert [r.slot for r in records(bench.spool)] == [NOW + timedelta(minutes=n) for n in range(4)]


def test_flush_writes_what_waits(bench: Bench) -> None:
    """As soon as there is room, a flush writes what waits, without a new record."""
    bench.full = True
    bench.measure(Task.REACH)
    bench.full = False
    bench.journal.flush()
    bench.journal.flush()
    assert len(records(bench.spool)) == 1


def test_too_many_waiting_records_shrink_the_least_valuable_first(bench: Bench) -> None:
    """Beyond the bound, records in memory shrink to the fact that there was no room: reach before
    speed, and each slot still has its one record.
    """
    bench.full = True
    for number in range(150):
        bench.measure(Task.REACH, number)
        bench.measure(Task.SPEED, number)
    bench.full = False
    bench.journal.flush()
    found = records(bench.spool)
    assert len(found) == 300
    whole = [record for record in found if record.outcome is Outcome.MEASURED]
    assert len(whole) == MAX_WAITING
    shrunken = [record for record in found if record.outcome is Outcome.FAILED]
    assert {r.failure.code for r in shrunken if r.failure} == {Failure.LOCAL_RESOURCE}
    assert {record.task for record in shrunken} == {Task.REACH}
    assert shrunken[0].slot == NOW
    assert bench.journal.lost == 0


def test_memory_is_bounded_and_losses_are_counted(bench: Bench) -> None:
    """Beyond the last bound the least valuable are lost, the oldest of them first, and counted;
    what a complaint rests on stays, however old.
    """
    bench.full = True
    for number in range(5):
        bench.measure(Task.SPEED, number)
        bench.measure(Task.REACH, number)
        bench.measure(Task.LATENCY, number)
    missed = [slot(Task.REACH, NOW + timedelta(minutes=n)) for n in range(100, MAX_FACTS + 100)]
    bench.journal.miss(missed, Failure.PROBE_OFF, "off")
    assert bench.journal.waiting() == MAX_FACTS
    assert bench.journal.lost == 15
    bench.full = False
    bench.journal.flush()
    found = records(bench.spool)
    assert [(r.task, r.outcome, r.slot) for r in found[:5]] == [
        (Task.SPEED, Outcome.MEASURED, NOW + timedelta(minutes=n)) for n in range(5)
    ]
    assert [r.slot for r in found[5:]] == [each.moment for each in missed[5:]]


def test_bytes_of_a_test_that_was_cut_short_are_spent(bench: Bench) -> None:
    """What a skipped speed test had moved counts against the data budget; a light task has none."""
    bench.journal.skip(slot(), Failure.PROBE_STOPPING, "stopped", 7_000_000)
    bench.journal.skip(slot(Task.LATENCY), Failure.PROBE_STOPPING, "stopped", 9_000)
    assert bench.spool.usage("eth0", "2026-11").month_bytes == 7_000_000


def test_measurement_that_does_not_fit_is_a_failure_not_a_gap(bench: Bench) -> None:
    """A section that the record refuses, or that is too long, leaves a failed record."""
    wrong = taken(ENGINES[Task.REACH], bench.clock)
    bench.journal.record(slot(Task.SPEED), wrong)
    long = taken(ENGINES[Task.SPEED], bench.clock)
    assert isinstance(long.section, Speed)
    assert long.section.download
    samples = ((0.123456789, 123456789),) * 9000
    download = long.section.download.model_copy(update={"samples": samples})
    stretched = long.section.model_copy(update={"download": download})
    bench.journal.record(
        slot(Task.SPEED, NOW + timedelta(minutes=1)), replace(long, section=stretched)
    )
    found = records(bench.spool)
    assert codes(found) == [(Task.SPEED, Outcome.FAILED, Failure.INTERNAL)] * 2


def test_real_full_disk_keeps_every_record(tmp_path: Path) -> None:
    """On a file system that is really full, records wait in memory and arrive in order after
    room was made.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", disk], check=True)
    try:
        clock = Device().clock()
        spool = open_spool(disk, clock)
        journal = make_journal(spool, clock)
        journal.skip(slot(), Failure.LINE_BUSY, "first")
        hog = disk / "hog"
        with contextlib.suppress(OSError), hog.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        for number in range(1, 400):
            journal.skip(slot(moment=NOW + timedelta(minutes=number)), Failure.LINE_BUSY, "x" * 400)
        assert journal.waiting() > 50
        hog.unlink()
        journal.flush()
        assert journal.waiting() == 0
        assert [r.slot for r in records(spool)] == [NOW + timedelta(minutes=n) for n in range(400)]
        spool.close()
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
