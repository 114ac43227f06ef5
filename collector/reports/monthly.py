"""A month of a carrier's lines, read and judged line by line."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from collector.domain.line_month import LinePart
from collector.domain.month import Line, SortedMonth
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Part, Period, judged_between, promises_of
from collector.errors import ReportError
from collector.ledger.called import find_carrier, find_ward
from collector.ledger.database import Database
from collector.ledger.gone import months_left
from collector.ledger.month_mark import MonthMark, read_mark
from collector.ledger.month_rows import read_lines, read_month
from collector.ledger.schema import carriers, lines, sites
from collector.ledger.terms import recorded
from collector.reports.summary import Carrier, LineSummary, Site, summarise


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of a zone.

    Attributes:
        first_day: of it.
        zone: in which its days begin and end.
    """

    first_day: date
    zone: ZoneInfo

    @property
    def name(self) -> str:
        """As 2026-10."""
        return f"{self.first_day:%Y-%m}"

    @property
    def next_day(self) -> date:
        """The first day behind it."""
        return (self.first_day + timedelta(days=31)).replace(day=1)

    @property
    def before(self) -> "Month":
        """The month before."""
        return Month((self.first_day - timedelta(days=1)).replace(day=1), self.zone)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next_day - timedelta(days=1)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From its first moment until before the next month's."""
        begin, end = (
            datetime.combine(day, time(), self.zone) for day in (self.first_day, self.next_day)
        )
        return begin, end


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line as a report names it."""

    id: str
    technology: str
    site: Site


@dataclass(frozen=True, slots=True)
class LineMonth:
    """A line's month: what is told of it, and the parts that this follows from.

    Attributes:
        source: what they were made of.
    """

    summary: LineSummary
    parts: Sequence[LinePart]
    source: "Source"


@dataclass(frozen=True, slots=True)
class Source:
    """What a line's month was made of, so that evidence is of the same.

    Attributes:
        line: from the registry.
        stated: all that was stated about its terms, but for who pays, and when that was recorded.
        mark: of its records.
    """

    line: Line
    stated: Sequence[tuple[datetime, Period]]
    mark: MonthMark


def find_lines(
    connection: Connection, carrier: str | None, ward: str | None
) -> dict[Carrier, list[KnownLine]]:
    """Return the lines of each carrier, in the order of names.

    Args:
        connection: to the ledger.
        carrier: its id or name, however it is written; None: of all.
        ward: likewise; None: of all.

    Raises:
        ReportError: nobody is called so, or has no line there.
    """
    of_carrier = None if carrier is None else find_carrier(connection, carrier)
    of_ward = None if ward is None else find_ward(connection, ward)
    query = (
        select(
            carriers.c.id.label("carrier"),
            carriers.c.name.label("carrier_name"),
            lines.c.id,
            lines.c.technology,
            sites.c.id.label("site"),
            sites.c.name.label("site_name"),
            sites.c.ward,
            sites.c.address,
        )
        .join_from(lines, carriers)
        .join(sites, sites.c.id == lines.c.site_id)
        .order_by(carriers.c.id, sites.c.id, lines.c.id)
    )
    found: dict[Carrier, list[KnownLine]] = {}
    for row in connection.execute(query):
        of = Carrier(row.carrier, row.carrier_name)
        if of_carrier in (None, of.id) and of_ward in (None, row.ward):
            site = Site(row.site, row.site_name, row.ward, row.address)
            found.setdefault(of, []).append(KnownLine(row.id, row.technology, site))
    if not found:
        asked = [f"of carrier '{carrier}'"] if carrier else []
        asked += [f"in ward '{ward}'"] if ward else []
        hint = "'linewatch carrier list' and 'linewatch ward list' have the names"
        raise ReportError(f"the registry has no line {' '.join(asked)}: {hint}")
    return found


def refuse_removed(connection: Connection, months: Sequence[Month]) -> None:
    """Raise where records of some months left the ledger: what remains would be judged as all.

    Months leave by when their records came, in UTC: of a month here a few hours may have left with
    the one before it.

    Raises:
        ReportError: some did.
    """
    left = {name for one in months for name in months_left(connection, *one.span)}
    if left:
        raise ReportError(
            f"{', '.join(sorted(left))} left the ledger ('collector remove-month'), and records of "
            f"{months[0].name if len(months) == 1 else 'the year'} with it: put it back first, by "
            "'linewatch collector import'"
        )


def read_line_months(
    database: Database,
    month: Month,
    known: Sequence[KnownLine],
    choose: Callable[[str], Sequence[StandardFile]],
    known_at: datetime | None = None,
) -> Iterator[LineMonth]:
    """Yield the month of each line; one is held at a time.

    Args:
        database: the ledger.
        month: which.
        known: the lines.
        choose: the standards that a technology is held against.
        known_at: the terms are those that were believed at this moment; None: now.
    """
    for one, parts, source in read_parts(database, month, known, known_at):
        standards = choose(one.technology)
        told = [summarise(part, standards) for part in parts]
        yield LineMonth(LineSummary(one.id, one.site, one.technology, told), parts, source)


def read_parts(
    database: Database,
    month: Month,
    known: Sequence[KnownLine],
    known_at: datetime | None = None,
) -> Iterator[tuple[KnownLine, list[LinePart], Source]]:
    """Yield what the month of each line is made of, with the parts that it has.

    Args:
        database: the ledger.
        month: which.
        known: the lines.
        known_at: the terms are those that were believed at this moment; None: now.
    """
    names = [one.id for one in known]
    with_servers = database.read_now(lambda c: read_lines(c, names))
    stated = database.read_now(lambda c: recorded(c, names))
    for one in known:
        line = with_servers[one.id]

        def read(connection: Connection, line: Line = line) -> tuple[MonthMark, SortedMonth]:
            found = read_month(connection, line, month.name, month.span, month.zone)
            return read_mark(connection, line.id, month.span), found

        mark, found = database.read_now(read)
        promises = promised(stated.get(one.id, ()), known_at)
        source = Source(line, promises, mark)
        yield one, divided(found, [period for _, period in promises], month), source


def read_terms(
    database: Database, month: Month, known: Sequence[KnownLine], known_at: datetime | None
) -> dict[str, list[Part]]:
    """Return by which terms lines are held to what, as `read_line_months` has them."""
    stated = database.read_now(lambda c: recorded(c, [one.id for one in known]))
    believed = {one.id: promised(stated.get(one.id, ()), known_at) for one in known}
    return {
        line: judged_between([one for _, one in of], month.first_day, month.last_day)
        for line, of in believed.items()
    }


def promised(
    stated: Sequence[tuple[datetime, Period]], known_at: datetime | None = None
) -> list[tuple[datetime, Period]]:
    """Return what was stated until a moment, and when, without who pays."""
    believed = [one for one in stated if known_at is None or one[0] <= known_at]
    periods = promises_of(period for _, period in believed)
    return [(at, period) for (at, _), period in zip(believed, periods, strict=True)]


def divided(found: SortedMonth, stated: Sequence[Period], month: Month) -> list[LinePart]:
    """Return a line's month as parts, one for each set of promises."""
    terms = judged_between(stated, month.first_day, month.last_day)
    return [found.part(part.first, part.last, part.terms) for part in terms]
