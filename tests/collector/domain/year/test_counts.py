"""Shares as they are told: what nobody knows is among neither side."""

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.year.counts import count

answers = st.lists(st.sampled_from([True, False, None]))


@given(given_answers=answers)
def test_every_answer_is_counted_once(given_answers: list[bool | None]) -> None:
    """Known and unknown together are all; a share is of the known ones alone."""
    found = count(given_answers)
    assert found.denominator + found.unknown == len(given_answers)
    assert 0 <= found.numerator <= found.denominator
    if found.denominator:
        assert found.share == found.numerator / found.denominator
    else:
        assert found.share is None


@given(given_answers=answers)
def test_what_is_not_known_changes_no_share(given_answers: list[bool | None]) -> None:
    """However many more there are."""
    assert count([*given_answers, None, None]).share == count(given_answers).share
