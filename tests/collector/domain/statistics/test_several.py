"""Holm's method."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.statistics.several import holm

CHANCES = st.lists(st.floats(0, 1), max_size=12)


def test_the_textbook_example_comes_out() -> None:
    """0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=50, deadline=None)
@given(CHANCES)
def test_it_is_monotone_and_never_kinder_than_the_chance_itself(chances: list[float]) -> None:
    """Who was less likely stays less likely, nothing falls, and nothing exceeds one."""
    found = holm(chances)
    for one, adjusted in zip(chances, found, strict=True):
        assert one <= adjusted <= 1
        assert all(adjusted <= found[i] for i, other in enumerate(chances) if one <= other)


@settings(max_examples=50, deadline=None)
@given(CHANCES, st.floats(0, 1))
def test_one_more_question_never_helps_the_others(chances: list[float], more: float) -> None:
    """A larger family is stricter."""
    with_more = holm([*chances, more])
    assert all(b >= a for a, b in zip(holm(chances), with_more[:-1], strict=True))


def test_no_question_is_no_family() -> None:
    """Nothing asked, nothing adjusted."""
    assert holm([]) == []
