"""The measuring window's arithmetic."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.transfer.window import (
    Window,
    bytes_at,
    bytes_within,
    has_converged,
    rate,
    settled_window,
    unsettled_window,
)


@st.composite
def series(draw: st.DrawFn) -> list[tuple[float, int]]:
    """Return samples as a direction gives them: both columns rise, the first is (0, 0)."""
    steps = draw(
        st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(0, 10**9)), min_size=1, max_size=40)
    )
    times = itertools.accumulate((time for time, _ in steps), initial=0.0)
    counts = itertools.accumulate((count for _, count in steps), initial=0)
    return list(zip(times, counts, strict=True))


def steady(bits_per_second: float, seconds: float) -> list[tuple[float, int]]:
    """Return samples of a steady rate, every 100 ms."""
    return [(n / 10, round(bits_per_second / 8 * n / 10)) for n in range(int(seconds * 10) + 1)]


@given(series(), st.floats(0, 50), st.floats(0, 50), st.floats(0, 50))
def test_windows_side_by_side_add_up(
    samples: list[tuple[float, int]], a: float, b: float, c: float
) -> None:
    """What moved in two adjoining windows is what moved in both together; nothing is counted
    twice or lost.
    """
    a, b, c = sorted((a, b, c))
    parts = bytes_within(samples, Window(a, b)) + bytes_within(samples, Window(b, c))
    assert parts == pytest.approx(bytes_within(samples, Window(a, c)), abs=2)


@given(series(), st.floats(0, 50))
def test_bytes_at_a_moment_lie_between_its_samples(
    samples: list[tuple[float, int]], moment: float
) -> None:
    """An interpolated count never leaves the samples around it, nor all that moved."""
    count = bytes_at(samples, moment)
    before = [moved for time, moved in samples if time <= moment]
    after = [moved for time, moved in samples if time >= moment]
    assert before[-1] <= count + 1e-6
    assert count <= (after[0] if after else samples[-1][1]) + 1e-6


@given(st.floats(1e5, 1e10), st.floats(0.0, 3.0), st.floats(0.5, 5.0))
def test_a_steady_rate_is_measured_as_it_is(
    bits_per_second: float, start: float, length: float
) -> None:
    """Where the window begins and how long it is does not change a steady rate."""
    window = Window(start, start + length)
    measured = 8 * bytes_within(steady(bits_per_second, 10), window) / window.seconds
    assert measured == pytest.approx(bits_per_second, rel=1e-3, abs=100)


def test_the_rate_is_of_the_last_second_only() -> None:
    """A rate that changed a second ago shows as it is now."""
    samples = steady(8e6, 2) + [(2 + n / 10, 2_000_000 + n * 1_000_000) for n in range(1, 11)]
    assert rate(samples, 3.0) == pytest.approx(80e6)
    assert rate(samples, 0.0) == 0.0


def test_quick_ends_when_the_rate_has_settled() -> None:
    """The stop rule holds 1 s after the warm-up on a steady line, not before."""
    assert not has_converged(steady(50e6, 1.4), 0.5)
    assert has_converged(steady(50e6, 1.5), 0.5)


def test_quick_goes_on_while_the_rate_changes() -> None:
    """A rate that rises by 5 % in half a second is not settled; nor is one of zero."""
    rising = [(n / 10, round(5e6 * (n / 10 + 0.05 * (n / 10) ** 2))) for n in range(31)]
    assert not has_converged(rising, 0.5)
    assert not has_converged([(n / 10, 0) for n in range(30)], 0.5)


def test_quick_gives_what_it_looked_at() -> None:
    """A settled rate is that of the second that the stop rule saw; an unsettled one that of the
    last 1.5 s; neither reaches into the warm-up.
    """
    whole = Window(0.5, 3.5)
    settled = settled_window(whole, 2.2)
    assert (settled.start, settled.end) == pytest.approx((1.2, 2.2))
    assert settled_window(whole, 3.6) == Window(2.5, 3.5)
    assert unsettled_window(whole) == Window(2.0, 3.5)
    assert unsettled_window(Window(0.5, 1.0)) == Window(0.5, 1.0)
