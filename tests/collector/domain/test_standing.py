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
    assert median(truth) >= found.value
    if not found.at_least:
        assert median(truth) == pytest.approx(found.value)


def test_a_fast_line_with_a_slow_port_has_a_median() -> None:
    """Bounds above the median leave it exact; one at it makes it the least."""
    assert median_of([(5.0, False), (6.0, False), (9.0, True)]) == Median(6.0, at_least=False)
    assert median_of([(5.0, False), (6.0, True), (9.0, False)]) == Median(6.0, at_least=True)
    assert median_of([(None, True)]) is None
