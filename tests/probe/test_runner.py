"""The runner: reasons not to measure, one measurement at a time on a line, one record a slot."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from probe.quiet import Quiet
from probe.runner import OVERDUE_SECONDS, WAIT_FOR_LINE_SECONDS, Assignment, Runner
from probe.servers import Servers
from probe.slots import Slot
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.records import Outcome, Task
from tests.probe.support import (
    ENGINES,
    NOW,
    SERVER,
    Device,
    Takes,
    codes,
    make_journal,
    open_spool,
    path,
    records,
    slot,
    wait_until,
)


class Bench:
    """A runner with a clock to move and measurements to make up."""

    def __init__(self, directory: Path, servers: Servers | None = None) -> None:
        self.device = Device()
        self.clock = self.device.clock()
        self.spool = open_spool(directory, self.clock)
        self.journal = make_journal(self.spool, self.clock)
        self.take = Takes()
        self.quiet = Quiet()
        self.servers = servers or Servers(ENGINES)
        self.runner = Runner(
            journal=self.journal,
            spool=self.spool,
            clock=self.clock,
            quiet=self.quiet,
            servers=self.servers,
            take=self.take,
            today=lambda: self.clock.now().date(),
        )

    def run(
        self, which: Slot, servers: tuple[ServerEntry, ...] = (SERVER,), **changes: object
    ) -> None:
        """Run a slot."""
        self.runner.run(Assignment(which, path(which.path, **changes), servers))

    def codes(self) -> list[tuple[Task, Outcome, Failure | None]]:
        """Return what became of the slots."""
        return codes(records(self.spool))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench."""
    made = Bench(tmp_path)
    yield made
    made.spool.close()


def test_slot_is_measured_as_ordered(bench: Bench) -> None:
    """The engine is told the server, the interface, the family and the profile, and a deadline."""
    bench.run(slot(family=6, profile="quick"), interface="eth0")
    assert bench.codes() == [(Task.SPEED, Outcome.MEASURED, None)]
    task, order = bench.take.orders[0]
    assert (task, order.server, order.interface) == (Task.SPEED, SERVER, "eth0")
    assert (order.family, order.profile) == (6, "quick")
    assert 70 < order.deadline - time.monotonic() <= 75
    assert bench.runner.open_slots() == []


@pytest.mark.parametrize("task", list(Task))
def test_overdue_slot_is_skipped(bench: Bench, task: Task) -> None:
    """A slot that comes too late is not measured at a moment that nobody drew."""
    bench.run(slot(task, NOW - timedelta(seconds=OVERDUE_SECONDS + 1)))
    bench.run(slot(task, NOW - timedelta(seconds=OVERDUE_SECONDS - 1)))
    assert bench.codes()[0] == (task, Outcome.SKIPPED, Failure.OVERDUE)
    assert len(bench.take.orders) == 1


def test_slot_of_an_unknown_server_is_skipped_by_name(bench: Bench) -> None:
    """A slot whose plan names a server that is not in the list measures none in its place."""
    bench.run(slot(server="gone"))
    (record,) = records(bench.spool)
    assert (record.outcome, record.failure and record.failure.code) == (
        Outcome.SKIPPED,
        Failure.NO_SERVER,
    )
    assert record.failure is not None
    assert "'gone'" in record.failure.detail
    assert bench.take.orders == []


def test_a_slot_knows_its_neighbour_and_its_carriers_networks(bench: Bench) -> None:
    """The other server stands beside the one that is measured to, and the path's networks come
    with the order.
    """
    beside = ServerEntry(name="beside", url="http://beside:1", stamp="beside:1")
    network = ip_network("198.51.100.0/24")
    bench.run(slot(), (SERVER, beside), carrier_prefixes=(network,))
    _, order = bench.take.orders[0]
    assert (order.neighbour, order.carrier_prefixes) == (beside, (network,))


def test_a_service_of_others_is_no_far_end_to_ask(bench: Bench) -> None:
    """What is asked to tell a dead line from a dead server are servers of one's own."""
    ookla = ServerEntry(name="ookla", url="https://www.speedtest.net/", engine="ookla")
    bench.run(slot(Task.REACH), servers=(SERVER, ookla))
    assert bench.take.orders[0][1].others == (SERVER.url,)


def test_without_server_only_reach_runs(bench: Bench) -> None:
    """Without a server, speed and latency are skipped; reach still tells what answers."""
    for task in Task:
        bench.run(slot(task), servers=())
    assert bench.codes() == [
        (Task.SPEED, Outcome.SKIPPED, Failure.NO_SERVER),
        (Task.LATENCY, Outcome.SKIPPED, Failure.NO_SERVER),
        (Task.REACH, Outcome.MEASURED, None),
    ]


def test_spent_data_budget_skips_speed_alone(bench: Bench) -> None:
    """When the month's share is used, speed tests are skipped, light tasks are not."""
    budget = 600_000_000
    for number in range(3):
        bench.run(slot(moment=NOW + timedelta(seconds=number)), monthly_data_budget_bytes=budget)
    bench.run(slot(Task.REACH), monthly_data_budget_bytes=budget)
    assert bench.codes() == [
        (Task.SPEED, Outcome.MEASURED, None),
        (Task.SPEED, Outcome.SKIPPED, Failure.DATA_BUDGET),
        (Task.SPEED, Outcome.SKIPPED, Failure.DATA_BUDGET),
        (Task.REACH, Outcome.MEASURED, None),
    ]


def test_line_in_use_skips_a_light_task(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a speed test runs, latency on the same line is skipped; another line is measured."""
    monkeypatch.setitem(WAIT_FOR_LINE_SECONDS, Task.LATENCY, 0.1)
    bench.take.seconds = 1.0
    thread = threading.Thread(target=bench.run, args=(slot(),))
    thread.start()
    assert wait_until(lambda: len(bench.take.orders) == 1)
    bench.run(slot(Task.LATENCY))
    other = threading.Thread(
        target=bench.run, args=(slot(Task.REACH, path="wlan0"),), kwargs={"line": "line-2"}
    )
    other.start()
    assert wait_until(lambda: len(bench.take.orders) == 2, 0.8)
    thread.join()
    other.join()
    assert (Task.LATENCY, Outcome.SKIPPED, Failure.LINE_BUSY) in bench.codes()
    assert [task for task, _ in bench.take.orders] == [Task.SPEED, Task.REACH]


def test_never_two_at_once_on_a_line(bench: Bench) -> None:
    """Speed slots of two paths that share a line run one after the other."""
    running, most = 0, 0
    lock = threading.Lock()
    plain = bench.take.__call__

    def counting(*arguments: object) -> object:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        result = plain(*arguments)  # type: ignore[arg-type]  # passed on as they came
        with lock:
            running -= 1
        return result

    bench.take.seconds = 0.05
    bench.runner._take = counting  # type: ignore[assignment]  # as above
    threads = [threading.Thread(target=bench.run, args=(slot(path=f"p{n}"),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert [outcome for _, outcome, _ in bench.codes()] == [Outcome.MEASURED] * 6


def test_same_slot_runs_once(bench: Bench) -> None:
    """A slot that is already running is not run again."""
    bench.take.seconds = 0.3
    thread = threading.Thread(target=bench.run, args=(slot(),))
    thread.start()
    assert wait_until(lambda: len(bench.take.orders) == 1)
    bench.run(slot())
    thread.join()
    assert len(bench.codes()) == 1


def test_measurements_hold_deliveries_back_but_reach_does_not(bench: Bench) -> None:
    """Speed and latency are measured in silence, speed alone without exception; reach moves nothing
    and needs none.
    """
    seen: dict[Task, tuple[int, int]] = {}

    def look(engine: object, order: object, clock: object) -> object:
        found = bench.quiet._heavy, bench.quiet._light
        seen[engine.task] = found  # type: ignore[attr-defined]  # an Engine
        return Takes()(engine, order, clock)  # type: ignore[arg-type]  # as above

    bench.runner._take = look  # type: ignore[assignment]  # as above
    for task in Task:
        bench.run(slot(task))
    assert seen == {Task.SPEED: (1, 0), Task.LATENCY: (0, 1), Task.REACH: (0, 0)}


def test_stop_ends_a_measurement_as_skipped(bench: Bench) -> None:
    """Asked to stop, a measurement ends at once and its slot is skipped: the line did not fail."""
    bench.take.seconds = 60
    thread = threading.Thread(target=bench.run, args=(slot(),))
    thread.start()
    assert wait_until(lambda: len(bench.take.orders) == 1)
    began = time.monotonic()
    assert bench.runner.stop()
    assert time.monotonic() - began < 2
    thread.join()
    assert bench.codes() == [(Task.SPEED, Outcome.SKIPPED, Failure.PROBE_STOPPING)]
    # What it had moved is spent: a probe that is restarted often must not exceed its budget.
    assert bench.spool.usage("eth0", "2026-11").month_bytes == 320_000_000
    bench.run(slot(Task.REACH))
    assert bench.codes()[1] == (Task.REACH, Outcome.SKIPPED, Failure.PROBE_STOPPING)


def test_hanging_measurement_has_its_record_before_the_end(bench: Bench) -> None:
    """A measurement that does not end when asked still leaves exactly one record."""
    release = threading.Event()

    def hang(engine: object, order: object, clock: object) -> object:
        release.wait(10)
        return Takes()(engine, order, clock)  # type: ignore[arg-type]  # passed on as they came

    bench.runner._take = hang  # type: ignore[assignment]  # as above
    thread = threading.Thread(target=bench.run, args=(slot(),))
    thread.start()
    assert wait_until(lambda: len(bench.runner.open_slots()) == 1)
    assert not bench.runner.stop(0.2)
    assert bench.codes() == [(Task.SPEED, Outcome.SKIPPED, Failure.PROBE_STOPPING)]
    release.set()
    thread.join()
    assert len(bench.codes()) == 1


def test_defect_still_leaves_a_record(bench: Bench) -> None:
    """An exception out of a measurement ends as a record that names a defect."""
    bench.take.error = RuntimeError("boom")
    with pytest.raises(RuntimeError, match="boom"):
        bench.run(slot())
    assert bench.codes() == [(Task.SPEED, Outcome.SKIPPED, Failure.INTERNAL)]
    assert bench.runner.open_slots() == []
