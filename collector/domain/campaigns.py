"""A campaign: the first days of a month with so many tests each, as far apart as a rule says.

Which tests those are follows from their moments alone, never from what they measured.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from statistics import fmean

from collector.domain.answers import Threshold
from collector.domain.line_month import SpeedTest
from collector.domain.quantities import Quantity, Statistic
from collector.domain.standard import Campaign

CampaignDays = Sequence[Sequence[SpeedTest]]


def find_campaign(tests: Sequence[SpeedTest], rule: Campaign) -> CampaignDays | None:
    """Return the tests of the first campaign, day by day; None: there is none."""
    ordered = sorted(tests, key=lambda one: (one.at, one.record))
    picked: dict[date, list[SpeedTest]] = {}
    for day, of_day in groupby(ordered, key=lambda one: one.at.date()):
        chosen = _of_a_day(list(of_day), rule)
        if chosen:
            picked[day] = chosen
    for first in picked:
        days = _from(first, list(picked), rule)
        if days:
            return [picked[day] for day in days]
    return None


def _of_a_day(tests: Sequence[SpeedTest], rule: Campaign) -> list[SpeedTest] | None:
    """Return the first tests of a day that are far enough apart; None: they are too few."""
    chosen: list[SpeedTest] = []
    for test in tests:
        pause = timedelta(minutes=rule.minutes_between)
        if rule.pause_hours and len(chosen) == rule.pause_after:
            pause = timedelta(hours=rule.pause_hours)
        if not chosen or test.at - chosen[-1].at >= pause:
            chosen.append(test)
        if len(chosen) == rule.tests_per_day:
            return chosen
    return None


def _from(first: date, days: Sequence[date], rule: Campaign) -> list[date] | None:
    """Return the campaign's days if it begins on a day; None: it does not end in time."""
    found = [first]
    for day in days:
        if (day - found[-1]).days > rule.days_between and len(found) < rule.days:
            found.append(day)
    whole = len(found) == rule.days and (found[-1] - first).days < rule.within_days
    return found if whole else None


def count(
    days: CampaignDays,
    quantity: Quantity,
    statistic: Statistic,
    test: Threshold | None,
    credit: float | None,
) -> float | None:
    """Return a statistic of a campaign; None: a test of it did not measure the quantity.

    Args:
        days: of the campaign.
        quantity: download or upload.
        statistic: mean, share, days_reached or days_kept.
        test: which tests count; None for a mean.
        credit: what a lower bound counts as at least; None: as it was measured.
    """
    rates = [[_rate(one, quantity, credit) for one in day] for day in days]
    known = [[rate for rate in day if rate is not None] for day in rates]
    if known != rates:
        return None
    if statistic is Statistic.MEAN or test is None:
        return fmean(rate for day in known for rate in day)
    kept = [[test.keeps(rate) for rate in day] for day in known]
    if statistic is Statistic.SHARE:
        return fmean(one for day in kept for one in day)
    return float(sum(any(day) if statistic is Statistic.DAYS_REACHED else all(day) for day in kept))


def _rate(test: SpeedTest, quantity: Quantity, credit: float | None) -> float | None:
    download = quantity is Quantity.DOWNLOAD
    rate = test.download_bits_per_second if download else test.upload_bits_per_second
    if rate is None or credit is None or not test.at_least:
        return rate
    return max(rate, credit)
