"""Measured numbers become whole units by their decimal text."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.rounding import MICROSECONDS, whole
from collector.domain.statistics.days import by_day


@given(st.integers(0, 10**8), st.integers(0, 9))
def test_half_a_microsecond_goes_to_the_even_one(microseconds: int, tenths: int) -> None:
    """Whatever float the text is read as, and however a product of it is rounded; of many values
    at once as of one.
    """
    text = Decimal(10 * microseconds + tenths).scaleb(-7)
    expected = int((text * MICROSECONDS).to_integral_value(ROUND_HALF_EVEN))
    value = float(str(text))
    assert whole(value, MICROSECONDS) == expected
    assert by_day([1], [value], units=MICROSECONDS).values.tolist() == [expected]


def test_floats_alone_would_round_some_of_them_the_other_way() -> None:
    """Without the decimal text one of many halves is another microsecond."""
    halves = [float(f"0.0{number}5") for number in range(10_000, 20_000)]
    exact = [whole(one, MICROSECONDS) for one in halves]
    assert by_day([1] * len(halves), halves, units=MICROSECONDS).values.tolist() == sorted(exact)
    assert sorted(np.rint(np.array(halves) / 1e-6).astype(int)) != sorted(exact)
