"""A line's terms: whatever was stated, each day has one set of them."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.terms import (
    Period,
    Terms,
    changed_from,
    judged_between,
    mended_on,
    parts_between,
    period_on,
    periods_of,
    promises_of,
)

DAY = timedelta(days=1)
OCTOBER = date(2026, 10, 1)
A, B, C = Terms("A"), Terms("B"), Terms("C", contract_number="7")

days = st.dates(date(2026, 9, 1), date(2026, 12, 31))


def _statement(first: date, last: date, terms: Terms, open_at: str) -> Period:
    return Period(None if open_at == "first" else first, None if open_at == "last" else last, terms)


statements = st.lists(
    st.builds(
        _statement,
        days,
        days,
        st.sampled_from([A, B, C]),
        st.sampled_from(["first", "last", "none"]),
    ).filter(lambda one: one.first is None or one.last is None or one.first <= one.last),
    max_size=6,
)


def _said_last(stated: list[Period], day: date) -> Terms:
    """Return what holds on a day, found by looking at that day alone."""
    terms = Terms()
    for one in stated:
        if one.has(day):
            terms = one.terms
    return terms


@given(statements, days, st.integers(0, 60))
def test_each_day_is_in_one_part_with_what_was_stated_last(
    stated: list[Period], first: date, count: int
) -> None:
    """Parts follow each other without a gap, differ from their neighbours, and end where asked."""
    last = first + count * DAY
    parts = parts_between(stated, first, last)
    assert parts[0].first == first
    assert parts[-1].last == last
    for one, other in pairwise(parts):
        assert other.first == one.last + DAY
        assert other.terms != one.terms
    for part in parts:
        for number in range((part.last - part.first).days + 1):
            assert part.terms == _said_last(stated, part.first + number * DAY)


@given(statements, days, st.sampled_from(["A", "B", "C"]))
def test_a_change_holds_from_its_day_to_the_next_and_touches_no_other(
    stated: list[Period], since: date, plan: str
) -> None:
    """Days before it, and days of the terms that follow, stay as they were."""
    around = period_on(stated, since)
    after = [*stated, changed_from(stated, since, {"plan": plan})]
    for number in range(-40, 130):
        day = since + number * DAY
        inside = since <= day and (around.last is None or day <= around.last)
        assert _said_last(after, day).plan == (plan if inside else _said_last(stated, day).plan)


@given(statements, days)
def test_mending_changes_a_whole_period_and_no_other(stated: list[Period], day: date) -> None:
    """A mistake was one from the period's first day to its last."""
    around = period_on(stated, day)
    after = periods_of([*stated, mended_on(stated, day, {"payer": "UBND"})])
    mended = [one for one in after if one.terms.payer == "UBND"]
    assert [(one.first, one.last) for one in mended] == [(around.first, around.last)]


def test_a_month_in_which_the_plan_changed_has_two_parts() -> None:
    """The day before the change is the last of the first part."""
    stated = [Period(None, None, A)]
    stated.append(changed_from(stated, date(2026, 10, 17), {"plan": "B"}))
    found = parts_between(stated, OCTOBER, date(2026, 10, 31))
    assert [(part.first.day, part.last.day, part.terms.plan) for part in found] == [
        (1, 16, "A"),
        (17, 31, "B"),
    ]


def test_a_new_contract_of_the_same_promises_divides_no_month() -> None:
    """Judged are all days together, by what was promised; told is the newest number. A promise that
    changes with it divides the month.
    """
    old, new = date(2025, 10, 16), date(2026, 10, 16)
    before = Terms(contracted_download_bits_per_second=10**8, contract_number="1/2025")
    renewed = replace(before, contract_number="1/2026", contract_since=new)
    stated = [Period(old, None, before), Period(new, None, renewed)]
    last = date(2026, 10, 31)
    assert judged_between(stated, OCTOBER, last) == [(OCTOBER, last, renewed)]
    faster = replace(renewed, contracted_download_bits_per_second=2 * 10**8)
    (first, second) = judged_between([*stated, Period(new, None, faster)], OCTOBER, last)
    assert (first.last, first.terms) == (date(2026, 10, 15), before)
    assert (second.first, second.terms) == (new, faster)


def test_of_a_line_of_which_nothing_was_said_nothing_is_known() -> None:
    """There is one part, and all of its terms are null."""
    assert parts_between([], OCTOBER, OCTOBER) == [(OCTOBER, OCTOBER, Terms())]


@given(statements)
def test_who_pays_divides_no_month(stated: list[Period]) -> None:
    """A statement that changes the payer alone changes no promise, and no day of it."""
    last = OCTOBER.replace(day=31)
    paid = [
        Period(one.first, one.last, replace(one.terms, payer=f"payer {number}"))
        for number, one in enumerate(stated)
    ]
    assert promises_of(paid) == stated
    assert parts_between(promises_of(paid), OCTOBER, last) == parts_between(stated, OCTOBER, last)
