"""What is not known of a year: every month of every line is counted, and once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.findings import Verdict
from collector.domain.year.gaps import gaps_of, line_months
from collector.domain.year.months import Known, LineMonth, line_year
from tests.collector.domain.year.test_targets import EMPTY

NAMES = [f"2026-{number:02}" for number in range(1, 13)]

short = st.builds(
    lambda verdict, has_records, has_limit, days: replace(
        EMPTY,
        verdict=verdict if has_records else Verdict.NOT_ENOUGH_DATA,
        has_records=has_records,
        has_limit=has_limit,
        days=days if has_records else 0,
    ),
    st.sampled_from(Verdict),
    st.booleans(),
    st.booleans(),
    st.integers(0, 28),
)
year = st.lists(short, min_size=12, max_size=12)
registered = st.dates(date(2025, 6, 1), date(2027, 3, 1))


given_up = st.none() | registered


@given(lines=st.lists(st.tuples(registered, given_up, year), max_size=5), told=st.integers(1, 12))
def test_all_months_make_up_the_year(
    lines: list[tuple[date, date | None, list[LineMonth]]], told: int
) -> None:
    """Judged, nothing to hold against, not enough data, no records, not registered: that is all."""
    found = []
    for number, (day, ended, months) in enumerate(lines):
        named = [replace(one, month=name) for one, name in zip(months, NAMES, strict=True)]
        found.append(gaps_of(line_year(f"l{number}", "Nhà", "fibre", day, ended, named[:told])))
    whole = line_months(found, told)
    assert sum(whole.known.values()) == whole.lines * whole.months == len(lines) * told
    assert set(whole.known) == set(Known)
    for line, (_, _, months) in zip(found, lines, strict=True):
        recorded = sum(one.has_records for one in months[:told])
        apart = len(line.before) + len(line.after)
        assert len(line.missing) + recorded + apart == len(line.months)
        assert all(0 <= one.days <= one.of_days for one in line.months)


def gap(
    registered_on: date, records: Sequence[bool], given_up_on: date | None = None
) -> tuple[str | None, list[str]]:
    """Return since when a line is told of, or until when, and its missing months."""
    months = [
        replace(EMPTY, month=name, has_records=has)
        for name, has in zip(NAMES, records, strict=False)
    ]
    found = gaps_of(line_year("l", "Nhà", "fibre", registered_on, given_up_on, months))
    return found.since or found.until, list(found.missing)


def test_a_line_registered_in_the_year_says_since_when() -> None:
    """By its registration, or its first record; one of January needs no word of it."""
    assert gap(date(2026, 3, 9), [False] * 4) == ("2026-03", ["2026-03", "2026-04"])
    assert gap(date(2026, 11, 9), [False] * 3) == ("2026-11", [])
    assert gap(date(2026, 11, 9), [False, True, False]) == ("2026-02", ["2026-03"])
    assert gap(date(2025, 11, 9), [True, True]) == (None, [])


def test_a_line_that_was_given_up_says_until_when() -> None:
    """Months behind are no gaps; records that came later still are of the line."""
    old, end = date(2025, 1, 1), date(2026, 2, 14)
    assert gap(old, [True, False, False, False], end) == ("2026-02", ["2026-02"])
    assert gap(old, [True, False, True, False], end) == ("2026-03", ["2026-02"])
    assert gap(old, [True, True], end) == (None, [])
    assert gap(old, [False, False], date(2025, 11, 30)) == ("2025-11", [])
