"""A month of a carrier's lines, read and judged line by line."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from collector.domain.line_month import LinePart
from collector.domain.month import Line, SortedMonth
from collector.domain.standard_file import StandardFile
from collector.errors import ReportError
from collector.ledger.database import Database
from collector.ledger.month_rows import read_lines, read_month
from collector.ledger.schema import carriers, lines, sites
from collector.ledger.terms import terms_between
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
    """A line's month: what is told of it, and the parts that this follows from."""

    summary: LineSummary
    parts: Sequence[LinePart]


def find_lines(
    connection: Connection, carrier: str | None, ward: str | None
) -> dict[Carrier, list[KnownLine]]:
    """Return the lines of each carrier, in the order of names.

    Args:
        connection: to the ledger.
        carrier: its id, or its name in whatever case; None: of all.
        ward: by its name; None: of all.

    Raises:
        ReportError: nobody is called so, or has no line there.
    """
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
        wanted = carrier is None or carrier.casefold() in (of.id.casefold(), of.name.casefold())
        if wanted and ward in (None, row.ward):
            site = Site(row.site, row.site_name, row.ward, row.address)
            found.setdefault(of, []).append(KnownLine(row.id, row.technology, site))
    if not found:
        asked = [f"of carrier '{carrier}'"] if carrier else []
        asked += [f"in ward '{ward}'"] if ward else []
        hint = "'linewatch carrier list' and 'linewatch ward list' have the names"
        raise ReportError(f"the registry has no line {' '.join(asked)}: {hint}")
    return found


def read_line_months(
    database: Database,
    month: Month,
    known: Sequence[KnownLine],
    choose: Callable[[str], Sequence[StandardFile]],
) -> Iterator[LineMonth]:
    """Yield the month of each line; one is held at a time.

    Args:
        database: the ledger.
        month: which.
        known: the lines.
        choose: the standards that a technology is held against.
    """
    names = [one.id for one in known]
    first, last = month.first_day, month.last_day
    with_servers = database.read_now(lambda c: read_lines(c, names))
    terms = database.read_now(lambda c: terms_between(c, names, first, last))
    for one in known:
        line = with_servers[one.id]

        def read(connection: Connection, line: Line = line) -> SortedMonth:
            return read_month(connection, line, month.name, month.span, month.zone)

        found = database.read_now(read)
        parts = [found.part(part.first, part.last, part.terms) for part in terms[one.id]]
        standards = choose(one.technology)
        told = [summarise(part, standards) for part in parts]
        yield LineMonth(LineSummary(one.id, one.site, one.technology, told), parts)
