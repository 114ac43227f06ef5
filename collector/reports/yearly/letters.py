"""What went out in a year: its complaints, what they said, and what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from collector.domain.cases.steps import Step, first_of
from collector.domain.year.again import Stated, stated_of
from collector.domain.year.complaints import (
    Accused,
    Complaint,
    Complaints,
    complaint,
    complaints,
    outcomes_of,
)
from collector.domain.year.months import LineMonth
from collector.ledger.cases import Case, CaseLine, read_cases
from collector.ledger.cases import read_lines as read_case_lines
from collector.reports.monthly import Month
from collector.reports.yearly.finding import Year
from collector.reports.yearly.months import StatedBy


@dataclass(frozen=True, slots=True)
class Letters:
    """A year's cases.

    Attributes:
        found: each with its lines that the report is of; there is one at least.
        earlier: how many of an earlier month were sent in the year.
    """

    found: Sequence[tuple[Case, Sequence[CaseLine]]]
    earlier: int

    def stated(self) -> Mapping[str, Mapping[str, StatedBy]]:
        """Return what was said: of each month that anybody complains about, line by line."""
        said: dict[str, dict[str, dict[int, Sequence[Stated]]]] = {}
        for case, lines in self.found:
            of_month = said.setdefault(case.month, {})
            for one in lines:
                of_month.setdefault(one.line, {})[case.id] = stated_of(one.findings)
        return said


def read_letters(connection: Connection, year: Year) -> Letters:
    """Return the cases about a year's months, and how many of before were sent in it."""
    own = {one.id for one in year.lines}
    found = [both for month in year.months for both in _about(connection, month, own)]
    end = date(year.number + 1, 1, 1)
    before = (Month(date(year.number - 1, number, 1), year.zone) for number in range(1, 13))
    sent = [
        first_of(case.events, Step.SENT)
        for month in before
        for case, _ in _about(connection, month, own)
    ]
    begin = year.months[0].first_day
    return Letters(found, sum(one is not None and begin <= one.day < end for one in sent))


def _about(
    connection: Connection, month: Month, own: set[str]
) -> list[tuple[Case, Sequence[CaseLine]]]:
    """Return the cases about a month, each with its lines among some."""
    found: list[tuple[Case, Sequence[CaseLine]]] = []
    for case in read_cases(connection, month=month.name):
        lines = [one for one in read_case_lines(connection, case.id) if one.line in own]
        if lines:
            found.append((case, lines))
    return found


def tell(letters: Letters, by_line: Mapping[str, Sequence[LineMonth]]) -> Complaints:
    """Return what came of a year's cases, beside what is said of their lines today.

    Args:
        letters: the cases.
        by_line: the months of each line, judged today.
    """
    return complaints((_told(*both, by_line) for both in letters.found), letters.earlier)


def _told(
    case: Case, lines: Sequence[CaseLine], by_line: Mapping[str, Sequence[LineMonth]]
) -> Complaint:
    outcomes = outcomes_of(case.events)
    accused = []
    for one in lines:
        month = next(month for month in by_line[one.line] if month.month == case.month)
        names = sorted({stated.name for stated in stated_of(one.findings)})
        outcome = outcomes.get(one.line)
        accused.append(Accused(one.line, one.site, names, outcome, month.again[case.id]))
    return complaint(case.id, case.carrier_name, case.month, case.ward, accused, case.events)
