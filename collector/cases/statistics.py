"""What became of a month's complaints, carrier by carrier: one count for command and page."""

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from collector.cases.calendar import rules
from collector.domain.cases.month import CarrierMonth, of_carrier
from collector.domain.cases.working_days import WorkingDays
from collector.ledger.cases import Case, read_cases


class Counted(NamedTuple):
    """A carrier's month. ``name``: as the newest of its cases has it."""

    name: str
    month: CarrierMonth


def of_month(
    connection: Connection, month: str, calendar: WorkingDays, today: date
) -> list[Counted]:
    """Return what became of the complaints of a month, by the carriers' ids.

    Args:
        connection: to read with.
        month: that they are about, as 2026-10.
        calendar: which days are working days.
        today: local.
    """
    by_carrier: dict[str, list[Case]] = defaultdict(list)
    for case in reversed(read_cases(connection, month=month)):
        by_carrier[case.carrier_id].append(case)
    return [
        Counted(
            of[-1].carrier_name,
            of_carrier(carrier, month, [one.events for one in of], rules(), calendar, today),
        )
        for carrier, of in sorted(by_carrier.items())
    ]
