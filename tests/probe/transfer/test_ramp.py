"""How many streams, and when the warm-up is over."""

from hypothesis import given
from hypothesis import strategies as st

from probe.transfer.ramp import (
    FIRST_STREAMS,
    LOSS_BASED,
    MODEL_BASED,
    Fixed,
    Ramp,
    congestion_control,
    queue_stands,
)
from probe.transfer.window import Series

RAMP = Ramp()


def steps(*rates: float) -> Series:
    """Return samples of a direction whose rate in each second was so many bytes a second."""
    totals, moved = [(0.0, 0)], 0.0
    for second, each in enumerate(rates):
        for tenth in range(1, 11):
            moved += each / 10
            totals.append((second + tenth / 10, round(moved)))
    return totals


def test_a_full_line_that_settled_is_measured() -> None:
    """With a queue and two equal steps the window begins after 2 s, with the first streams."""
    assert RAMP.next(steps(1e6), 1, 4, queue=True) == "wait"
    assert RAMP.next(steps(1e6, 1.04e6), 2, 4, queue=True) == "measure"


def test_a_full_line_that_still_changes_is_waited_for() -> None:
    """A rate that rises or falls by more than 5 % takes another step, without more streams."""
    assert RAMP.next(steps(1e6, 1.1e6), 2, 4, queue=True) == "wait"
    assert RAMP.next(steps(1e6, 0.9e6), 2, 4, queue=True) == "wait"


def test_a_line_without_a_queue_gets_more_streams() -> None:
    """First streams that stopped growing although nothing waits for the line are doubled; those
    that still grow are given three steps.
    """
    assert RAMP.next(steps(1e6), 1, 4, queue=False) == "wait"
    assert RAMP.next(steps(1e6, 1e6), 2, 4, queue=False) == "more"
    assert RAMP.next(steps(1e6, 2e6), 2, 4, queue=False) == "wait"
    assert RAMP.next(steps(1e6, 2e6, 3e6), 3, 4, queue=False) == "more"


def test_streams_are_added_while_they_help() -> None:
    """A doubling after which the rate grew is followed by the next; one that did not help ends the
    warm-up.
    """
    assert RAMP.next(steps(1e6, 1.5e6), 2, 8, queue=False) == "more"
    assert RAMP.next(steps(1e6, 1.5e6, 1.52e6), 3, 16, queue=False) == "measure"
    assert RAMP.next(steps(1e6, 1.0e6), 2, 8, queue=False) == "measure"


def test_there_are_never_more_than_the_most() -> None:
    """A line that goes on growing with 16 streams is waited for, and measured at the limit."""
    assert RAMP.next(steps(1e6, 2e6), 2, 16, queue=False) == "wait"
    assert RAMP.next(steps(*(1e6 * 2**n for n in range(8))), 8, 16, queue=False) == "measure"


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=12),
    st.integers(1, 12),
    st.sampled_from([4, 8, 16]),
    st.booleans(),
)
def test_the_warm_up_always_ends(rates: list[float], step: int, streams: int, queue: bool) -> None:
    """Whatever the line does, the window begins at the limit, and streams never pass the most."""
    then = RAMP.next(steps(*rates), step, streams, queue=queue)
    if step >= RAMP.limit_seconds:
        assert then == "measure"
    if streams == RAMP.most_streams:
        assert then != "more"


def test_a_fixed_warm_up_is_one_step() -> None:
    """Streams of a fixed number are measured after their warm-up, whatever they do."""
    fixed = Fixed(3, 0.5)
    assert (fixed.first_streams, fixed.most_streams, fixed.step_seconds) == (3, 3, 0.5)
    assert fixed.next([(0.0, 0)], 1, 3, queue=False) == "measure"


def test_a_queue_stands_in_every_round_trip() -> None:
    """It stands where even the shortest round trip is above 1.25 times the idle one and 1 ms."""
    assert queue_stands(0.020, [0.05, 0.027], 0.0)
    assert not queue_stands(0.020, [0.05, 0.0259], 0.3)
    assert not queue_stands(0.0002, [0.0011], 0.0)


def test_an_answer_that_does_not_come_tells_of_a_queue() -> None:
    """Without any answer the one that is waited for counts; without that, nothing is known."""
    assert queue_stands(0.020, [], 0.3)
    assert not queue_stands(0.020, [], 0.01)
    assert not queue_stands(0.020, [], 0.0)


def test_added_streams_do_not_take_a_loss_for_a_full_line() -> None:
    """The first streams ask for CUBIC, those that are added for BBR."""
    kinds = [congestion_control(number) for number in range(FIRST_STREAMS + 2)]
    assert kinds == [LOSS_BASED] * FIRST_STREAMS + [MODEL_BASED] * 2
