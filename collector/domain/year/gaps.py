"""What is known of a year's lines, and what is not: each month once. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from collector.domain.year.months import APART, Known, LineYear, MonthKnown


@dataclass(frozen=True, slots=True)
class LineGaps:
    """What is known of a line.

    Attributes:
        line, site, technology: which.
        registered_on: local day.
        given_up_on: likewise, when the last of its probes was refused; null: it was not.
        since: the first month that is told of it, where that is not the year's first; null else.
        until: the last one, where it was given up before the end; null else.
        months: each of the year.
        missing: months without any record, but for those before it was registered and after it
            was given up.
        before, after: those.
    """

    line: str
    site: str
    technology: str
    registered_on: date
    given_up_on: date | None
    since: str | None
    until: str | None
    months: Sequence[MonthKnown]
    missing: Sequence[str]
    before: Sequence[str]
    after: Sequence[str]


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

    before, after = months(Known.BEFORE_REGISTRATION), months(Known.GIVEN_UP)
    told = [one.month for one in line.known if one.known not in APART]
    since = (told[0] if told else f"{line.registered_on:%Y-%m}") if before else None
    until = (told[-1] if told else f"{line.given_up_on:%Y-%m}") if after else None
    return LineGaps(
        line=line.line,
        site=line.site,
        technology=line.technology,
        registered_on=line.registered_on,
        given_up_on=line.given_up_on,
        since=since,
        until=until,
        months=line.known,
        missing=months(Known.NO_RECORDS),
        before=before,
        after=after,
    )


def line_months(lines: Sequence[LineGaps], months: int) -> LineMonths:
    """Return all months of all lines, by what is known of them."""
    found = Counter(one.known for line in lines for one in line.months)
    return LineMonths(len(lines), months, {known: found[known] for known in Known})
