"""How many streams, and when the warm-up is over."""

from hypothesis import given
from hypothesis import strategies as st

from probe.transfer.ramp import (
    FIRST_STREAMS,
    LOSS_BASED,
    MODEL_BASED,
    Fixed,
    Next,
    Ramp,
    queued_ratio,
)
from probe.transfer.window import Series

RAMP = Ramp()
FULL, COMES_AND_GOES, EMPTY = 1.0, 0.6, 0.0


def steps(*rates: float) -> Series:
    """Return samples of a direction whose rate in each second was so many bytes a second."""
    totals, moved = [(0.0, 0)], 0.0
    for second, each in enumerate(rates):
        for tenth in range(1, 11):
            moved += each / 10
            totals.append((second + tenth / 10, round(moved)))
    return totals


def after(rates: list[float], streams: int, queued: list[float]) -> Next:
    """Return what follows steps of these rates, with these queues since streams were added."""
    return RAMP.next(steps(*rates), len(rates), streams, queued)


def test_a_full_line_that_settled_is_measured() -> None:
    """With a queue all through two steps of the same rate the window begins."""
    assert after([1e6], 4, [FULL]) == "wait"
    assert after([1e6, 1.04e6], 4, [FULL, FULL]) == "measure"


def test_a_full_line_that_still_changes_is_waited_for() -> None:
    """A rate that rises or falls by more than 5 % takes another step, without more streams."""
    assert after([1e6, 1.1e6], 4, [FULL, FULL]) == "wait"
    assert after([1e6, 0.9e6], 4, [FULL, FULL]) == "wait"


def test_first_streams_that_do_not_fill_the_line_are_doubled() -> None:
    """Without a queue that stands for two steps, further streams join after the third step."""
    assert after([1e6, 1e6], 4, [EMPTY, FULL]) == "wait"
    assert after([1e6, 1e6, 1e6], 4, [EMPTY, FULL, FULL]) == "measure"
    assert after([1e6, 1e6, 1e6], 4, [FULL, FULL, COMES_AND_GOES]) == "more"
    assert after([1e6, 1e6, 1e6], 4, [EMPTY, EMPTY, EMPTY]) == "more"


def test_streams_are_added_while_they_help() -> None:
    """An addition that let the rate grow, without a queue, is followed by the next; one that did
    not help, or filled the queue, is the last.
    """
    queued = [EMPTY] * 3
    assert after([1e6, 1e6, 1e6, 1.5e6, 2e6, 2e6], 8, queued) == "more"
    assert after([1e6, 1e6, 1e6, 1.5e6, 1e6, 1e6], 8, queued) == "measure"
    assert after([1e6, 1e6, 1e6, 1.5e6, 2e6, 2e6], 8, [EMPTY, EMPTY, COMES_AND_GOES]) == "measure"
    assert after([1e6, 1e6, 1e6, 1.5e6, 2e6, 3e6], 8, [EMPTY, EMPTY, COMES_AND_GOES]) == "wait"
    assert after([1e6, 1e6, 1e6, 1.5e6], 8, [EMPTY]) == "wait"


def test_there_are_never_more_than_the_most() -> None:
    """A line that goes on growing with 16 streams is waited for, and measured at the limit."""
    assert after([1e6 * 2**n for n in range(6)], 16, [EMPTY] * 3) == "wait"
    assert after([1e6 * 2**n for n in range(10)], 16, [EMPTY] * 3) == "measure"


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1)), min_size=1, max_size=12),
    st.sampled_from([4, 8, 16]),
)
def test_the_warm_up_always_ends(course: list[tuple[float, float]], streams: int) -> None:
    """Whatever the line does, the window begins at the limit, and streams never pass the most."""
    queued = [share for _, share in course]
    then = after([rate for rate, _ in course], streams, queued[-3:])
    if len(course) >= RAMP.limit_seconds:
        assert then == "measure"
    if streams == RAMP.most_streams:
        assert then != "more"


def test_a_fixed_warm_up_is_one_step() -> None:
    """Streams of a fixed number are measured after their warm-up, whatever they do."""
    fixed = Fixed(3, 0.5)
    assert (fixed.first_streams, fixed.most_streams, fixed.step_seconds) == (3, 3, 0.5)
    assert fixed.next([(0.0, 0)], 1, 3, [0.0]) == "measure"


def test_a_queue_shows_in_the_round_trips() -> None:
    """A round trip waited in a queue above 1.25 times the idle one and 1 ms."""
    assert queued_ratio(0.020, [0.05, 0.027], 0.0) == 1.0
    assert queued_ratio(0.020, [0.05, 0.0259], 0.3) == 0.5
    assert queued_ratio(0.0002, [0.0011], 0.0) == 0.0


def test_an_answer_that_does_not_come_tells_of_a_queue() -> None:
    """Without any answer the one that is waited for counts; without that, there is no queue."""
    assert queued_ratio(0.020, [], 0.3) == 1.0
    assert queued_ratio(0.020, [], 0.01) == 0.0
    assert queued_ratio(0.020, [], 0.0) == 0.0


def test_added_streams_do_not_take_a_loss_for_a_full_line() -> None:
    """The first streams ask for CUBIC, those that are added for BBR."""
    kinds = [RAMP.congestion_control(number) for number in range(FIRST_STREAMS + 2)]
    assert kinds == [LOSS_BASED] * FIRST_STREAMS + [MODEL_BASED] * 2
    assert Fixed(3, 0.5, MODEL_BASED).congestion_control(2) == MODEL_BASED
