"""Which tests of a month are its campaign: by their moments alone."""

from datetime import timedelta

from collector.domain.campaigns import find_campaign
from collector.domain.standard import Campaign
from tests.collector.domain.standards import speed_test

RULE = Campaign(
    days=3,
    tests_per_day=10,
    within_days=14,
    days_between=1,
    minutes_between=5,
    pause_after=5,
    pause_hours=3,
)


def hourly(day: int) -> list[float]:
    """Return the minutes of a day with a test an hour."""
    del day
    return [60.0 * hour for hour in range(24)]


def test_the_first_days_that_fulfil_the_rule_are_taken() -> None:
    """Hourly tests: five, a pause of three hours, five; on the first, third and fifth day."""
    tests = [speed_test(day, at, 1.0) for day in range(10) for at in hourly(day)]
    found = find_campaign(tests, RULE)
    assert found is not None
    assert [day[0].at.day for day in found] == [1, 3, 5]
    assert [[one.at.hour for one in day] for day in found] == [[0, 1, 2, 3, 4, 7, 8, 9, 10, 11]] * 3


def test_what_was_measured_and_the_order_of_records_choose_nothing() -> None:
    """The same moments with other rates, in another order, are the same campaign."""
    tests = [speed_test(day, at, 1.0) for day in range(10) for at in hourly(day)]
    others = [one._replace(download_bits_per_second=float(n)) for n, one in enumerate(tests)]
    found, other = find_campaign(tests, RULE), find_campaign(others[::-1], RULE)
    assert found is not None
    assert other is not None
    assert [[o.at for o in day] for day in found] == [[o.at for o in day] for day in other]


def test_tests_that_are_too_close_are_passed_over() -> None:
    """A test every four minutes counts as one every eight."""
    tests = [speed_test(2 * day, 4.0 * n, 1.0) for day in range(3) for n in range(200)]
    found = find_campaign(tests, RULE)
    assert found is not None
    gaps = [b.at - a.at for a, b in zip(found[0], found[0][1:], strict=False)]
    assert min(gaps) == timedelta(minutes=8)
    assert max(gaps) == timedelta(hours=3)


def test_days_too_far_apart_or_too_poor_are_no_campaign() -> None:
    """Eight tests a day never are one, nor are three good days in a month of poor ones; a later
    beginning is tried where the first one does not end in time.
    """
    eight = [speed_test(day, 180.0 * n, 1.0) for day in range(30) for n in range(8)]
    assert find_campaign(eight, RULE) is None
    far = [speed_test(day, at, 1.0) for day in (0, 7, 14) for at in hourly(day)]
    assert find_campaign(far, RULE) is None
    later = [speed_test(day, at, 1.0) for day in (0, 7, 14, 16) for at in hourly(day)]
    found = find_campaign(later, RULE)
    assert found is not None
    assert [day[0].at.day for day in found] == [8, 15, 17]
