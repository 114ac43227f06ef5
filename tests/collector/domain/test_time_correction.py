"""The rule that says when a record was measured, as laws."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from collector.domain.time_correction import (
    FUTURE_TOLERANCE,
    Anchor,
    ClockReading,
    TimeQuality,
    anchor_of,
    correct,
    date_record,
)

BOOTED = datetime(2026, 11, 1, tzinfo=UTC)
RECEIVED = BOOTED + timedelta(days=30)

monotonic = st.floats(0, 20 * 86400).map(lambda seconds: round(seconds, 3))
claims = st.integers(0, 4_100_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))


def reading(claimed: datetime, seconds: float, source: str = "none", **more: bool) -> ClockReading:
    """Return what a record of the boot says."""
    flags = {"started": True, "missed": False} | more
    return ClockReading(source, claimed, flags["started"], flags["missed"], "boot", seconds)


@given(claimed=claims, own=monotonic, other=monotonic)
def test_a_record_of_the_same_boot_is_dated_whatever_it_claims(
    claimed: datetime, own: float, other: float
) -> None:
    """True time is the anchor's time plus the difference of the monotonic clocks."""
    anchor = Anchor(BOOTED + timedelta(seconds=other), other)
    dated = date_record(reading(claimed, own), RECEIVED, [anchor])
    assert dated.quality is TimeQuality.CORRECTED
    assert abs(dated.measured_at - BOOTED - timedelta(seconds=own)) < timedelta(milliseconds=1)


@given(claimed=claims, own=monotonic)
def test_without_an_anchor_nobody_vouches(claimed: datetime, own: float) -> None:
    """The claim is kept, but nothing is measured after it arrived."""
    dated = date_record(reading(claimed, own), RECEIVED)
    assert dated.quality is TimeQuality.NONE
    assert dated.measured_at == min(claimed, RECEIVED)


@given(claimed=claims, own=monotonic, source=st.sampled_from(["kernel", "collector"]))
def test_a_good_clock_is_believed_unless_it_tells_the_future(
    claimed: datetime, own: float, source: str
) -> None:
    """Up to an hour after its arrival a claim stands; later ones neither stand nor date others."""
    said = reading(claimed, own, source)
    dated = date_record(said, RECEIVED)
    if claimed <= RECEIVED + FUTURE_TOLERANCE:
        assert (dated.measured_at, dated.quality) == (claimed, TimeQuality(source))
        assert anchor_of(said, RECEIVED) == Anchor(claimed, own)
    else:
        assert (dated.measured_at, dated.quality) == (RECEIVED, TimeQuality.NONE)
        assert anchor_of(said, RECEIVED) is None


@given(own=monotonic, others=st.lists(monotonic, min_size=1))
def test_the_nearest_anchor_is_used(own: float, others: list[float]) -> None:
    """With clocks that drift, the error is the nearest anchor's, not the furthest's."""
    drift = 1.0001
    anchors = [Anchor(BOOTED + timedelta(seconds=at * drift), at) for at in others]
    found = correct(own, anchors)
    assert found is not None
    error = abs((found - BOOTED).total_seconds() - own * drift)
    assert error <= min(abs(own - at) for at in others) * 0.0001 + 0.001


def test_a_missed_slot_is_not_dated_by_the_boot_after_it() -> None:
    """The monotonic clock of the boot that noticed it says nothing of when it was."""
    anchor = Anchor(BOOTED, 0.0)
    said = reading(BOOTED, 50.0, started=False, missed=True)
    assert date_record(said, RECEIVED, [anchor]).quality is TimeQuality.NONE


def test_a_skipped_slot_is_dated_but_dates_no_other() -> None:
    """It was written at its moment, but its slot is not its moment."""
    said = reading(BOOTED, 50.0, started=False)
    anchor = Anchor(BOOTED, 0.0)
    assert date_record(said, RECEIVED, [anchor]).quality is TimeQuality.CORRECTED
    assert anchor_of(reading(BOOTED, 50.0, "kernel", started=False), RECEIVED) is None


def test_a_monotonic_clock_of_centuries_dates_nothing() -> None:
    """A number that no clock can have does not break the rule."""
    dated = date_record(reading(BOOTED, 1e300), RECEIVED, [Anchor(BOOTED, 0.0)])
    assert dated.quality is TimeQuality.NONE


def test_an_anchor_that_puts_a_record_into_the_future_is_not_used() -> None:
    """A forged monotonic clock cannot move a record past its arrival."""
    said = reading(BOOTED, 90 * 86400.0)
    assert date_record(said, RECEIVED, [Anchor(BOOTED, 0.0)]).quality is TimeQuality.NONE
