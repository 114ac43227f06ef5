"""What a result's flags make of it, and medians of results of which some are lower bounds."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.standing import Median, Standing, median_of, standing
from protocol.flags import AT_LEAST, ELSEWHERE, Flag

FLAGS = st.sets(st.sampled_from(sorted(Flag)))
RESULTS = st.lists(st.tuples(st.none() | st.floats(0, 1e10), st.booleans()), max_size=12)


@pytest.mark.parametrize(
    "flags,expected",
    [
        ("", Standing.LINE),
        ("device_cpu", Standing.AT_LEAST),
        ("certified_ceiling device_cpu interface_speed server_limited", Standing.AT_LEAST),
        ("device_cpu other_carrier", Standing.ASIDE),
        ("wifi", Standing.WIFI),
        ("device_cpu wifi", Standing.ASIDE),
        ("half_duplex", Standing.ASIDE),
    ],
)
def test_the_flags_decide_what_a_result_is_a_value_of(flags: str, expected: Standing) -> None:
    """No flag is the line's value, flags of lower bounds alone are its least; others set aside."""
    assert standing(flags) is expected


@given(FLAGS)
def test_no_flag_makes_a_result_count_more(flags: set[Flag]) -> None:
    """A result counts only as long as every one of its flags is that of a lower bound."""
    assert standing(" ".join(sorted(flags))).counts == (flags <= AT_LEAST)
    assert AT_LEAST.isdisjoint(ELSEWHERE)


@given(RESULTS, st.data())
def test_a_median_says_at_least_exactly_where_the_truth_may_be_higher(
    results: list[tuple[float | None, bool]], data: st.DataObject
) -> None:
    """However much higher the values are that were held back, the median is never lower than said,
    and where it is not called the least, it is the same.
    """
    found = median_of(results)
    truth = [
        value + (data.draw(st.floats(0, 1e10)) if bound else 0)
        for value, bound in results
        if value is not None
    ]
    if found is None:
        assert truth == []
        return
    assert found.value <= median(truth) <= found.highest
    if not found.at_least:
        assert median(truth) == pytest.approx(found.value)


def test_a_fast_line_with_a_slow_port_has_a_median() -> None:
    """Bounds above the median leave it exact; one at it makes it the least."""
    assert median_of([(5.0, False), (6.0, False), (9.0, True)]) == Median(6.0, 6.0)
    assert median_of([(5.0, False), (6.0, True), (9.0, False)]) == Median(6.0, 9.0)
    assert median_of([(None, True)]) is None


@given(RESULTS, st.floats(0, 1e10), st.data())
def test_a_median_and_a_threshold_are_told_apart_only_where_nothing_hidden_can_change_it(
    results: list[tuple[float | None, bool]], threshold: float, data: st.DataObject
) -> None:
    """What is said to reach it or not is so however much the bounds hide; what is left open is
    reached where they hide a lot, and not where they hide nothing.
    """
    found = median_of(results)
    if found is None:
        return
    said = found.reaches(threshold)
    hidden = data.draw(st.floats(0, 1e10))
    for more in (0, hidden, 1e12):
        truth = median(
            value + (more if bound else 0) for value, bound in results if value is not None
        )
        if said is not None:
            assert (truth >= threshold) == said
        elif more != hidden:
            assert (truth >= threshold) == bool(more)
