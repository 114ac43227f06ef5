"""What is known of a year's lines, and what is not: each month once. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from collector.domain.year.months import Known, LineYear, MonthKnown


@dataclass(frozen=True, slots=True)
class LineGaps:
    """What is known of a line.

    Attributes:
        line, site, technology: which.
        registered_on: local day.
        since: the first month that is told of it, where that is not the year's first; null else.
        months: each of the year.
        missing: months without any record, but for those before it was registered.
        before: those.
    """

    line: str
    site: str
    technology: str
    registered_on: date
    since: str | None
    months: Sequence[MonthKnown]
    missing: Sequence[str]
    before: Sequence[str]


@dataclass(frozen=True, slots=True)
class LineMonths:
    """All months of all lines, each counted once.

    Attributes:
        lines, months: how many there are.
        known: so many months of lines of each kind; together ``lines`` times ``months``.
    """

    lines: int
    months: int
    known: Mapping[Known, int]


def gaps_of(line: LineYear) -> LineGaps:
    """Return what is known of a line in each month."""

    def months(kind: Known) -> list[str]:
        return [one.month for one in line.known if one.known is kind]

    before = months(Known.BEFORE_REGISTRATION)
    told = [one.month for one in line.known if one.known is not Known.BEFORE_REGISTRATION]
    since = (told[0] if told else f"{line.registered_on:%Y-%m}") if before else None
    return LineGaps(
        line.line,
        line.site,
        line.technology,
        line.registered_on,
        since,
        line.known,
        months(Known.NO_RECORDS),
        before,
    )


def line_months(lines: Sequence[LineGaps], months: int) -> LineMonths:
    """Return all months of all lines, by what is known of them."""
    found = Counter(one.known for line in lines for one in line.months)
    return LineMonths(len(lines), months, {known: found[known] for known in Known})
