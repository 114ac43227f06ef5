"""Makes a summary anew from the records of an evidence file, line by line. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from collector.domain.hours import HourId
from collector.domain.line_month import LatencyHour
from collector.domain.month import AnyRow, Line, Row, sort_month
from collector.domain.outages import Reached
from collector.domain.series import SeriesId
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Period
from collector.errors import EvidenceError
from collector.evidence import rows
from collector.evidence.following import Checked
from collector.evidence.format import MAX_LINE_RECORDS, FoldedEntry, LineEntry, Registry
from collector.reports.monthly import Month, divided
from collector.reports.summary import (
    FORMAT,
    Carrier,
    LineSummary,
    Site,
    Summary,
    as_json,
    standard_used,
    summarise,
)

_TASKS: Final = ("speed", "latency", "reach")


class _Order(NamedTuple):
    """The order of records of a line: by moment, then as they came."""

    at: datetime
    received_at: datetime
    probe: str
    chain: str
    seq: int


@dataclass(slots=True)
class Recomputing:
    """Collects the records of lines, and makes what a summary says of each.

    Attributes:
        registry: of the evidence.
        month: that is summarised.
        standards: in the order in which the summary names them.
        folded: hours of latency records, by line.
    """

    registry: Registry
    month: Month
    standards: Sequence[StandardFile]
    folded: Mapping[str, Sequence[FoldedEntry]]
    _lines: dict[str, LineEntry] = field(init=False)
    _rows: dict[str, list[tuple[_Order, str, AnyRow | Reached]]] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare for the registry's lines."""
        self._lines = {line.id: line for line in self.registry.lines}
        self._rows = defaultdict(list)

    def take(self, checked: Checked, probe: str, chain: str) -> None:
        """Take a record for its line's month, if it is of it.

        Raises:
            EvidenceError: there are more than any line has.
        """
        place = checked.place
        start, end = self.month.span
        at, received_at = place.measured_at, place.received_at
        if at is None or received_at is None or not start <= at < end:
            return
        row = rows.row_of(checked, probe, chain, self.month.zone)
        if row is not None:
            order = _Order(at, received_at, probe, chain, place.seq)
            rows_of_line = self._rows[place.line]
            rows_of_line.append((order, checked.content.columns["task"], row))
            if len(rows_of_line) > MAX_LINE_RECORDS:
                raise EvidenceError(f"line '{place.line}' has more than {MAX_LINE_RECORDS} records")

    def line(self, name: str) -> dict[str, Any]:
        """Return what the summary has to say of a line; its records are forgotten then."""
        entry = self._lines[name]
        found = sorted(self._rows.pop(name, ()), key=lambda one: one[0])
        by_task: dict[str, list[Any]] = {task: [] for task in _TASKS}
        for _, task, row in found:
            by_task[task].append(row)
        networks = {one.id: one.network for one in self.registry.servers}
        latency = sorted([*by_task["latency"], *self._hours(name)], key=lambda row: row.at)
        month = sort_month(
            Line(entry.id, entry.technology, entry.server, networks),
            self.month.name,
            self.month.zone,
            by_task["speed"],
            latency,
            by_task["reach"],
        )
        used = [one for one in self.standards if one.standard.is_for(entry.technology)]
        stated: list[Period] = [one.period for one in entry.terms]
        parts = [summarise(part, used) for part in divided(month, stated, self.month)]
        made = LineSummary(entry.id, self._site(entry), entry.technology, parts)
        blank = self.blank("", None)
        tree: dict[str, Any] = json.loads(as_json(replace(blank, lines=[made])))["lines"][0]
        return tree

    def _hours(self, name: str) -> Iterable[Row[LatencyHour]]:
        start, end = self.month.span
        for one in self.folded.get(name, ()):
            of = HourId(
                one.line,
                SeriesId._make(one.series),
                one.outcome,
                one.failure_code,
                one.flags,
                one.hour,
            )
            if start <= one.hour < end:
                yield rows.row_of_hour(of, one.content, self.month.zone)

    def _site(self, line: LineEntry) -> Site:
        found = next((one for one in self.registry.sites if one.id == line.site), None)
        if found is None:
            return Site(line.site, "", None, None)
        return Site(found.id, found.name, found.ward, found.address)

    def blank(self, software: str, ward: str | None) -> Summary:
        """Return what a summary has to say before it comes to lines."""
        carrier = self.registry.carrier
        return Summary(
            format=FORMAT,
            software=software,
            month=self.month.name,
            timezone=self.month.zone.key,
            ward=ward,
            carrier=Carrier(carrier.id, carrier.name),
            standards=[standard_used(one) for one in self.standards],
            lines=[],
        )
