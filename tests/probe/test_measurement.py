"""One measurement, whole: whatever an engine does, `take` returns what its record needs."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from probe import measurement
from probe.ceiling import keep_ceiling
from probe.clock import Clock
from probe.engine import Addresses, Counts, Engine, Measurement, MeasurementError, Order, Profile
from probe.measurement import Surroundings, Taken, take
from protocol.conditions import Ceiling
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import ServerEntry
from protocol.records import ClockState, Outcome, Task
from protocol.results import FailureReport, Reach, ServerIdentity, Speed, SpeedLatency

REACH = Reach(targets=())


def engine(measure: Callable[[Order], Measurement], task: Task = Task.REACH) -> Engine:
    """Return an engine that does what a test says, within a second."""
    return Engine("given", "7", task, 1.0, measure)


def order(**changes: object) -> Order:
    """Return an order against loopback."""
    server = ServerEntry(name="near", url="http://127.0.0.1:9")
    return Order(**({"server": server} | changes))  # type: ignore[arg-type] # changed fields


def speed() -> Speed:
    """Return a section with neither direction."""
    server = ServerIdentity(
        url="http://x", address=None, name=None, software=None, tests_running=None, cpu_ratio=None
    )
    latency = SpeedLatency(idle=None, download=None, upload=None)
    return Speed(download=None, upload=None, latency=latency, server=server, ip_version=4)


class OldClock:
    """A clock that nobody has set."""

    def __init__(self, source: Literal["kernel", "collector", "none"] = "none") -> None:
        self._source = source

    def now(self) -> datetime:
        """Return the moment that a device without a battery starts at."""
        return datetime(1970, 1, 1, tzinfo=UTC)

    def state(self) -> ClockState:
        """Return what that is worth."""
        return ClockState(
            synchronised=False,
            offset_seconds=None,
            source=self._source,
            boot_id=None,
            monotonic_seconds=5.0,
        )


def failure(taken: Taken) -> FailureReport:
    """Return the failure of a measurement that has one."""
    assert taken.outcome is Outcome.FAILED
    assert taken.failure is not None
    return taken.failure


def test_a_whole_measurement_has_everything() -> None:
    """Section, method, clock and the conditions before, during and after are there."""
    done = Measurement(REACH, local_address="127.0.0.1", received_bytes=10, sent_bytes=20)
    taken = take(engine(lambda _: done), order(), OldClock("kernel"))
    assert (taken.outcome, taken.failure, taken.section) == (Outcome.MEASURED, None, REACH)
    assert (taken.method.name, taken.method.version, taken.method.profile) == ("given", "7", None)
    assert taken.started_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert taken.clock.source == "kernel"
    conditions = taken.conditions
    assert conditions is not None
    assert conditions.before.interface is not None
    assert conditions.before.interface.kind == "loopback"
    assert conditions.after is not None
    assert conditions.after.local_address == "127.0.0.1"
    assert conditions.during is not None
    assert conditions.during.test_received_bytes == taken.received_bytes == 10
    assert conditions.during.test_sent_bytes == taken.sent_bytes == 20


def test_a_server_is_called_what_its_entry_calls_it() -> None:
    """Whatever the engine, the record names its server and network as the plan does; what an engine
    chose itself keeps the name that it chose.
    """
    near = ServerEntry(name="near", url="http://127.0.0.1:9", network="VNIX")
    for chosen, expected in ((None, ("near", "VNIX")), ("other", ("other", None))):
        section = speed()
        server = section.server.model_copy(update={"entry": chosen})
        done = Measurement(section.model_copy(update={"server": server}))
        taken = take(engine(lambda _, done=done: done, Task.SPEED), order(server=near), OldClock())  # type: ignore[misc] # bound in the loop
        assert isinstance(taken.section, Speed)
        assert (taken.section.server.entry, taken.section.server.network) == expected


def test_a_record_tells_what_was_certified_over_its_own_interface(tmp_path: Path) -> None:
    """The ceiling of another interface is none of this one's."""
    wired = Ceiling(
        download_bits_per_second=1,
        upload_bits_per_second=1,
        certified_at=datetime(2026, 11, 1, tzinfo=UTC),
        interface="eth0",
    )
    loopback = wired.model_copy(update={"interface": "lo"})
    done = Measurement(REACH, local_address="127.0.0.1")
    for kept, told in ((wired, None), (loopback, loopback)):
        keep_ceiling(tmp_path, kept)
        taken = take(engine(lambda _: done), order(), OldClock(), Surroundings(state=tmp_path))
        assert taken.conditions is not None
        assert taken.conditions.ceiling == told


def test_an_unset_clock_is_flagged() -> None:
    """The flags of the clock and of the test's course stand in the order of the list."""
    counts = Counts("upload", 10.0, 10**6, 2 * 10**6)
    done = Measurement(speed(), counts=(counts,))
    taken = take(engine(lambda _: done, Task.SPEED), order(profile="quick"), OldClock())
    expected = (Flag.EARLY_STOPPED, Flag.CLOCK_UNSYNCHRONISED, Flag.COUNTS_DISAGREE)
    # The machine's other programs may take a core.
    assert tuple(flag for flag in taken.flags if flag is not Flag.DEVICE_CPU) == expected


def test_the_record_names_the_profile_that_was_measured() -> None:
    """A method of one length measures `full`, whatever is asked for, and did not stop early. One
    that has both does as it is told; a task without profiles has none.
    """
    done = Measurement(speed())
    cases: list[tuple[tuple[Profile, ...], Profile, Profile]] = [
        (("full",), "quick", "full"),
        (("full", "quick"), "quick", "quick"),
        (("full", "quick"), "full", "full"),
    ]
    for profiles, asked, measured in cases:
        given = replace(engine(lambda _: done, Task.SPEED), profiles=profiles)
        taken = take(given, order(profile=asked), OldClock("kernel"))
        assert taken.method.profile == measured
        assert (Flag.EARLY_STOPPED in taken.flags) is (measured == "quick")
    assert take(engine(lambda _: Measurement(REACH)), order(), OldClock()).method.profile is None


def test_addresses_of_both_ends_of_a_test_are_in_its_record() -> None:
    """Where a test began and where it ended stand before and after, and tell of a changed path."""
    first = Addresses("127.0.0.1", "192.0.2.7")
    done = Measurement(REACH, None, first, "127.0.0.1", "203.0.113.9")
    taken = take(engine(lambda _: done), order(), OldClock("kernel"))
    assert taken.conditions is not None
    assert taken.conditions.after is not None
    assert taken.conditions.before.public_address == "192.0.2.7"
    assert taken.conditions.after.public_address == "203.0.113.9"
    assert taken.flags == (Flag.PATH_CHANGED,)


def test_a_speed_test_carries_its_profile_and_its_failure() -> None:
    """What a test had before it failed is kept beside why it failed."""
    report = FailureReport(code=Failure.STALLED, detail="no byte")
    done = Measurement(speed(), report)
    taken = take(engine(lambda _: done, Task.SPEED), order(profile="quick"), OldClock())
    assert taken.method.profile == "quick"
    assert failure(taken) == report
    assert isinstance(taken.section, Speed)


def test_a_failure_that_is_raised_is_the_records() -> None:
    """An engine may raise its failure."""

    def refuse(_: Order) -> Measurement:
        raise MeasurementError(Failure.SERVER_BUSY, "full")

    taken = take(engine(refuse), order(), OldClock())
    assert failure(taken).code is Failure.SERVER_BUSY
    assert taken.conditions is not None


def test_a_defect_is_a_failure_that_names_it(caplog: pytest.LogCaptureFixture) -> None:
    """An engine that breaks ends as 'internal' with its error, and the log has the place."""

    def break_down(_: Order) -> Measurement:
        raise ZeroDivisionError("odd")

    report = failure(take(engine(break_down), order(), OldClock()))
    assert report.code is Failure.INTERNAL
    assert "ZeroDivisionError: odd" in report.detail
    assert "break_down" in caplog.text


@pytest.mark.parametrize("done", [Measurement(None), Measurement(speed())])
def test_half_a_result_is_not_measured(done: Measurement) -> None:
    """An engine that gives less than a record needs, and no reason, has a defect."""
    taken = take(engine(lambda _: done, Task.SPEED), order(), OldClock())
    assert failure(taken).code is Failure.INTERNAL


def test_an_engine_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """`take` returns although the engine does not."""
    monkeypatch.setattr(measurement, "GRACE_SECONDS", 0.2)
    released = threading.Event()

    def hang(_: Order) -> Measurement:
        released.wait(20)
        return Measurement(REACH)

    started = time.monotonic()
    taken = take(engine(hang), order(deadline=started + 0.3), OldClock())
    assert time.monotonic() - started < 3
    released.set()
    assert failure(taken).code is Failure.DEADLINE


def test_the_sooner_deadline_counts() -> None:
    """An engine is given its own deadline, or the order's where that is sooner."""
    left: list[float] = []

    def look(given: Order) -> Measurement:
        left.append(given.deadline - time.monotonic())
        return Measurement(REACH)

    take(engine(look), order(), OldClock())
    take(engine(look), order(deadline=time.monotonic() + 0.5), OldClock())
    assert 0.5 < left[0] <= 1.0
    assert left[1] <= 0.5


def test_conditions_that_break_fail_the_record(tmp_path: Path) -> None:
    """A reader that breaks is a defect of the probe: reported, and nothing is judged without."""
    table = tmp_path / "proc/net/route"
    table.parent.mkdir(parents=True)
    table.write_text("Iface\nbroken\n")
    taken = take(
        engine(lambda _: Measurement(REACH)), order(), OldClock(), Surroundings(root=tmp_path)
    )
    assert failure(taken).code is Failure.INTERNAL
    assert "conditions" in failure(taken).detail
    assert taken.conditions is None
    assert taken.section == REACH


@pytest.mark.parametrize("server", [None, ServerEntry(name="x", url="http://a..example")])
def test_without_an_address_the_default_route_is_looked_at(server: ServerEntry | None) -> None:
    """No server, or a name that does not resolve, still gives conditions."""
    done = Measurement(REACH)
    taken = take(engine(lambda _: done), order(server=server), OldClock())
    assert taken.conditions is not None
    assert taken.outcome is Outcome.MEASURED


def test_the_probes_clock_fits() -> None:
    """The probe's own clock dates a measurement."""
    taken = take(engine(lambda _: Measurement(REACH)), order(), Clock())
    assert taken.started_at.tzinfo is not None
    assert taken.clock.monotonic_seconds > 0
