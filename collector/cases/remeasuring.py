"""Measures a case's lines again: the month of the complaint against the days since the mending."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from collector.domain.cases.mended import Mended, Outcome, Why, compare_days
from collector.domain.cases.steps import Event, Step
from collector.domain.line_month import SpeedTest
from collector.domain.month import Line, SortedMonth
from collector.domain.quantities import RATES, Quantity, Statistic
from collector.domain.samples import FROM_TESTS, Measurements
from collector.domain.standard import Standard, Window
from collector.domain.standard_file import StandardFile
from collector.domain.statistics.days import Floats
from collector.domain.terms import Terms
from collector.errors import CaseError
from collector.ledger.cases import Case, CaseLine
from collector.ledger.database import Database
from collector.ledger.month_rows import read_lines, read_month
from collector.reports.monthly import Month

MOST_DAYS: Final = 200
"""From the month's first day on: what is mended so late is a case of its own."""

_OF_DAYS: Final = frozenset({*FROM_TESTS, Quantity.LATENCY, Quantity.DELAY_VARIATION})
"""Quantities whose days have a median."""

_LIKE_MEDIANS: Final = frozenset({Statistic.MEAN, Statistic.MEDIAN})


class Asked(NamedTuple):
    """What a line is measured by again."""

    quantity: Quantity
    window: Window
    limit: float | None


@dataclass(frozen=True, slots=True)
class LineAgain:
    """A line of a case, measured again.

    Attributes:
        quantity, window: that it failed by; None where nothing can be compared.
    """

    line: str
    site: str
    quantity: str | None
    window: str | None
    mended: Mended

    def told(self) -> dict[str, Any]:
        """Return it for machines."""
        own = {name: getattr(self, name) for name in ("line", "site", "quantity", "window")}
        return own | asdict(self.mended)


def mended_on(case: Case) -> date:
    """Return the day on which the carrier says that it mended the lines.

    Raises:
        CaseError: it has not said so.
    """
    for event in reversed(case.events):
        if event.step is Step.ANSWERED and (day := _mended(event)):
            return day
    raise CaseError(
        f"case {case.id}: the carrier has not said that it mended anything: note its answer with "
        f"the day: linewatch case answer {case.id} --mended 2026-11-20"
    )


def refuse_mended(case: Case, day: date, today: date) -> None:
    """Raise `CaseError` where a case's lines cannot have been mended on that day."""
    if day > today:
        raise CaseError(
            f"--mended {day} is still to come: note the answer without it, and again with it "
            "when that day is there"
        )
    if day < date.fromisoformat(f"{case.month}-01"):
        raise CaseError(f"--mended {day} is before the complaint's month, {case.month}")


def _mended(event: Event) -> date | None:
    day = event.details.get("mended")
    return date.fromisoformat(day) if day else None


def measure_again(
    database: Database,
    case: Case,
    lines: Sequence[CaseLine],
    standards: Sequence[StandardFile],
    now: datetime,
) -> list[LineAgain]:
    """Return each line of a case before and after.

    Args:
        database: the ledger.
        case: which; its carrier has said when it mended.
        lines: of it.
        standards: all that there are.
        now: this moment, in the zone of the lines.

    Raises:
        CaseError: the carrier has not said that it mended anything.
    """
    zone = now.tzinfo if isinstance(now.tzinfo, ZoneInfo) else ZoneInfo("UTC")
    month = Month(date.fromisoformat(f"{case.month}-01"), zone)
    since = mended_on(case)
    known = database.read_now(
        lambda connection: read_lines(connection, [one.line for one in lines])
    )
    return [
        _again(database, one, known.get(one.line), month, since, standards, now) for one in lines
    ]


def _again(
    database: Database,
    one: CaseLine,
    line: Line | None,
    month: Month,
    since: date,
    standards: Sequence[StandardFile],
    now: datetime,
) -> LineAgain:
    asked = _asked(one, standards)
    if isinstance(asked, Why) or line is None:
        why = asked if isinstance(asked, Why) else Why.FEW_BEFORE
        return LineAgain(one.line, one.site, None, None, Mended(Outcome.UNKNOWN, why, 0, 0))
    known: Line = line
    begin = month.span[0]
    # The day that runs now is not whole. What is very late is left out, not read.
    end = datetime.combine(now.date(), time(), now.tzinfo)
    end = min(end, begin + timedelta(days=MOST_DAYS))

    def read(connection: Connection) -> SortedMonth:
        # As one span: one series, one way and one server stand for the line before and after.
        span = (begin, max(begin, end))
        return read_month(connection, known, month.name, span, month.zone, one_way=True)

    found = database.read_now(read)
    # What the carrier mended within the month was not broken all of it.
    last_before = min(month.last_day, since - timedelta(days=1))
    before = _medians(found, month.first_day, last_before, asked)
    # On the day of the mending itself both are in it.
    first, last = max(since, month.last_day) + timedelta(days=1), end.date() - timedelta(days=1)
    after = _medians(found, first, last, asked)
    compared = compare_days(before, after, asked.limit, more_is_better=asked.quantity in RATES)
    return LineAgain(one.line, one.site, asked.quantity.value, asked.window.id, compared)


def _asked(one: CaseLine, standards: Sequence[StandardFile]) -> Asked | Why:
    """Return what the line failed by: the first question, or the first other that has days."""
    failed = [finding for finding in one.findings if finding["verdict"] == "fail"]
    failed.sort(key=lambda finding: not finding["is_primary"])
    why = Why.NOT_BY_DAYS
    for finding in failed:
        standard = _standard(finding, standards)
        if standard is None:
            why = Why.NO_STANDARD
            continue
        asked = next((one for one in standard.indicators if one.id == finding["indicator"]), None)
        window = next((one for one in standard.windows if one.id == finding["window"]), None)
        if asked is not None and asked.quantity in _OF_DAYS and window is not None:
            # The limit of a share, or of the slowest tests, is none of days' medians.
            limit = finding["limit"] if asked.statistic in _LIKE_MEDIANS else None
            return Asked(asked.quantity, window, limit)
    return why


def _standard(finding: Any, standards: Sequence[StandardFile]) -> Standard | None:  # noqa: ANN401 - JSON
    for file in standards:
        if file.sha256 == finding["sha256"]:
            return file.standard
    return None


def _medians(found: SortedMonth, first: date, last: date, asked: Asked) -> Floats:
    """Return the median of each of these days that has a value, in bit/s or seconds."""
    part = found.part(first, last, Terms())
    tests: Sequence[SpeedTest] = part.tests
    sample = Measurements(tests, part.latency).sample(asked.quantity, asked.window)
    if sample.values is None:
        return np.array([], np.float64)
    values, places = sample.values.values, sample.values.places
    days = [np.median(values[places == day]) for day in range(sample.values.days)]
    return np.array(days, np.float64) / sample.units


def all_said(again: Sequence[LineAgain]) -> bool:
    """Return whether nothing is missing to say what came of each line, and something is said."""
    return any(one.mended.outcome is not Outcome.UNKNOWN for one in again) and all(
        one.mended.outcome is not Outcome.UNKNOWN or one.mended.why in _NEVER for one in again
    )


_NEVER: Final = frozenset({Why.NOT_BY_DAYS, Why.NO_STANDARD, Why.NO_POWER, Why.FEW_BEFORE})
"""Reasons that more days do not remove."""
