"""The clock: who is believed, and what a correction does."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from probe.clock import KERNEL_TRUST_SECONDS, Clock, KernelClock, read_boot_id, read_kernel_clock

TRUE = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
TEN_YEARS = 10 * 365.25 * 86400


@dataclass
class Device:
    """A device whose clocks the test sets."""

    wall: float = TRUE.timestamp()
    boot: float = 100.0
    kernel: KernelClock | None = None

    def clock(self) -> Clock:
        """Return a clock that reads this device."""
        return Clock(lambda: self.wall, lambda: self.boot, lambda: self.kernel, lambda: "boot")

    def passes(self, seconds: float) -> None:
        """Let time go on."""
        self.wall += seconds
        self.boot += seconds


SYNCHRONISED = KernelClock(synchronised=True, offset_seconds=0.0)
UNSYNCHRONISED = KernelClock(synchronised=False, offset_seconds=0.0)


def seconds_off(clock: Clock, true: datetime = TRUE) -> float:
    """Return how far the clock is from the truth."""
    return abs((clock.now() - true).total_seconds())


def test_device_alone_is_worth_nothing() -> None:
    """With nobody to vouch, the device's clock is used and the record says that."""
    clock = Device(kernel=UNSYNCHRONISED).clock()
    assert clock.now() == TRUE
    state = clock.state()
    assert (state.source, state.synchronised, state.offset_seconds) == ("none", False, None)
    assert (state.boot_id, state.monotonic_seconds) == ("boot", 100.0)
    assert not clock.trusted
    assert Device().clock().state().synchronised is None


def test_synchronised_kernel_is_believed_with_its_offset() -> None:
    """A synchronised kernel's clock is taken, with what it still has to correct."""
    device = Device(kernel=KernelClock(synchronised=True, offset_seconds=0.25))
    clock = device.clock()
    assert clock.now() == TRUE + timedelta(seconds=0.25)
    state = clock.state()
    assert (state.source, state.synchronised, state.offset_seconds) == ("kernel", True, 0.25)


@pytest.mark.parametrize("off", [-TEN_YEARS, TEN_YEARS, -600.0, 600.0])
@pytest.mark.parametrize("kernel", [None, UNSYNCHRONISED, SYNCHRONISED])
def test_far_off_clock_corrects_itself(off: float, kernel: KernelClock | None) -> None:
    """Ten years or ten minutes off, the collector's Date is taken: also where the kernel claims
    to be synchronised.
    """
    device = Device(wall=TRUE.timestamp() + off, kernel=kernel)
    clock = device.clock()
    assert clock.learn(TRUE, 0.2)
    assert seconds_off(clock) < 1
    state = clock.state()
    assert state.source == "collector"
    assert state.offset_seconds == pytest.approx(-off, abs=1)
    assert clock.device_is_wrong()
    device.passes(3600)
    assert seconds_off(clock, TRUE + timedelta(hours=1)) < 1
    assert not clock.learn(TRUE + timedelta(hours=1), 0.2)


def test_date_without_tls_never_moves_a_synchronised_clock() -> None:
    """Over plain http the Date corrects a clock that nobody vouches for, and gives way as soon as
    the kernel does.
    """
    device = Device(kernel=SYNCHRONISED)
    clock = device.clock()
    false = TRUE + timedelta(hours=1)
    assert not clock.learn(false, 0.2, signed=False)
    assert (clock.now(), clock.state().source) == (TRUE, "kernel")
    device.kernel = UNSYNCHRONISED
    assert clock.learn(false, 0.2, signed=False)
    assert (seconds_off(clock, false) < 1, clock.state().source) == (True, "collector")
    device.kernel = SYNCHRONISED
    assert (clock.now(), clock.state().source) == (TRUE, "kernel")


def test_small_difference_confirms_an_unsynchronised_clock() -> None:
    """Within the tolerance nothing is corrected, but the collector vouches for the clock."""
    device = Device(wall=TRUE.timestamp() - 5, kernel=UNSYNCHRONISED)
    clock = device.clock()
    assert not clock.learn(TRUE, 0.1)
    assert clock.now() == TRUE - timedelta(seconds=5)
    assert (clock.state().source, clock.state().offset_seconds) == ("collector", 0)
    assert clock.trusted
    assert not clock.device_is_wrong()


def test_kernel_wins_a_small_dispute_but_tokens_follow_the_collector() -> None:
    """A synchronised kernel keeps its time against a collector that is minutes off; tokens are
    minted with the collector's time, and the difference is known.
    """
    clock = Device(kernel=SYNCHRONISED).clock()
    theirs = TRUE + timedelta(seconds=KERNEL_TRUST_SECONDS - 60)
    assert not clock.learn(theirs, 0.0)
    assert clock.now() == TRUE
    assert clock.state().source == "kernel"
    assert clock.collector_now() - theirs < timedelta(seconds=1)
    assert clock.collector_difference_seconds() == pytest.approx(KERNEL_TRUST_SECONDS - 59.5)


def test_later_step_by_ntp_does_not_add_up() -> None:
    """When NTP sets the device's clock after a correction, the time stays right and the kernel is
    believed again.
    """
    device = Device(wall=TRUE.timestamp() - TEN_YEARS, kernel=UNSYNCHRONISED)
    clock = device.clock()
    clock.learn(TRUE, 0.0)
    device.wall = TRUE.timestamp()
    assert seconds_off(clock) < 1
    assert clock.state().source == "collector"
    device.kernel = SYNCHRONISED
    assert clock.now() == TRUE
    assert clock.state().source == "kernel"


def test_slow_answer_corrects_nothing() -> None:
    """A Date that took long to arrive is not used."""
    clock = Device(wall=TRUE.timestamp() - TEN_YEARS).clock()
    assert not clock.learn(TRUE, 60)
    assert clock.collector_difference_seconds() is None
    assert clock.collector_now() == clock.now()


def test_offsets_change_only_with_steps() -> None:
    """The offsets stay as time passes, and show a correction and a step apart."""
    device = Device(wall=TRUE.timestamp() - 1000)
    clock = device.clock()
    before = clock.offsets()
    device.passes(500)
    assert clock.offsets() == pytest.approx(before)
    clock.learn(TRUE + timedelta(seconds=500), 0.0)
    true, wall = clock.offsets()
    assert true - before[0] == pytest.approx(1000, abs=1)
    assert wall == pytest.approx(before[1])
    assert clock.seconds_until(TRUE + timedelta(seconds=600)) == pytest.approx(100, abs=1)


def test_real_device_can_be_asked() -> None:
    """On this machine the kernel, the boot id and the boot clock answer."""
    kernel = read_kernel_clock()
    assert kernel is not None
    assert abs(kernel.offset_seconds) < 10
    assert read_boot_id()
    assert Clock().boottime() > 0
    assert abs((Clock().now() - datetime.now(UTC)).total_seconds()) < 10
