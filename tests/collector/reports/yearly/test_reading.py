"""A year with planted facts, read of a real ledger: each is found, what is not known is said."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import jsonschema
import pytest

from collector.domain.cases.steps import Event, Role, Step
from collector.domain.findings import Verdict
from collector.domain.year.months import Known
from collector.ledger.cases import CaseLine, add_event, open_case
from collector.ledger.database import Database
from collector.reports.yearly.report import YearReport, as_json, from_json, schema
from tests.collector import year_ledger
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.reports.yearly.conftest import read
from tests.collector.year_ledger import MONTHS, OTHER_WARD, WARD


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a new ledger with the planted year."""
    with contextlib.closing(Database(new_ledger())) as made:
        with made.write() as connection:
            year_ledger.fill(connection)
        yield made


@ON_BOTH
def test_what_was_planted_is_found(database: Database) -> None:
    """On both databases, of all targets; and the same again."""
    found = read(database)
    assert list(found.months) == MONTHS
    carries = {one.line: one.carries for one in found.gigabit.lines}
    assert carries == {"giga": True, "slow": False, "gap": None, "lost6": False, "has6": False}
    contracted = found.gigabit.contracted
    assert (contracted.numerator, contracted.denominator, contracted.unknown) == (2, 4, 1)
    houses = {one.site: (one.works, one.days_measured, one.days_tried) for one in found.wifi.sites}
    assert houses == {"nvh-1": (True, 31, 31), "nvh-2": (False, 5, 31), "nvh-3": (None, 0, 0)}
    assert (found.wifi.not_measured, found.wifi.of_no_kind) == (1, 1)
    offices = {one.site: one for one in found.ipv6.sites}
    assert set(offices) == {"ubnd", "cong-an"}
    assert offices["cong-an"].ready is True
    lost = offices["ubnd"]
    assert (lost.ready, lost.ready_days, lost.known_days) == (False, 30, 92)
    assert (lost.last_ready_day, lost.state) == (date(2025, 6, 30), "no_answer")
    assert [one.ready_days for one in lost.months] == [31, 28, 31, 30, 31, 30, 0, 0]
    (mobile,) = found.mobile.lines
    assert mobile.latest is not None
    assert (mobile.standard, mobile.latest.month) == ("mobile-4g-target", "2025-08")
    assert mobile.latest.limit_bits_per_second == 40e6
    assert mobile.latest.mean_bits_per_second == pytest.approx(52e6, rel=0.03)
    assert (mobile.latest.verified, mobile.latest.verdict) == (False, Verdict.PASS)
    assert [one.line for one in found.gaps if one.missing] == ["gap"]
    gap = next(one for one in found.gaps if one.line == "gap")
    assert list(gap.missing) == ["2025-03", "2025-04"]
    assert [one.days for one in gap.months] == [31, 28, 0, 0, 31, 30, 31, 31]
    assert [one.lines for one in found.trend.months] == [5, 5, 4, 4, 5, 5, 5, 5]
    assert found.year_before is not None
    assert [one.lines for one in found.year_before.months] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert found.mobile_trend is not None
    assert [one.lines for one in found.mobile_trend.months] == [1] * 8
    assert [(one.ward, one.tests) for one in found.supporting.tests] == [(WARD, 6 * 6 * 31)]
    assert found.supporting.official is False
    # All lines of the ward, each month of each once: of those of 2025 nothing was to be held to.
    whole = found.line_months
    assert (whole.lines, whole.months) == (6, 8)
    assert sum(whole.known.values()) == 6 * 8
    assert whole.known[Known.NO_RECORDS] == 2
    for one in (*found.trend.months, *found.mobile_trend.months):
        assert sum(one.verdicts.values()) in (5, 1)
    assert as_json(read(database)) == as_json(found)


def test_a_report_is_what_its_schema_says(report: YearReport) -> None:
    """It is read again as it was; no address is in it."""
    content = as_json(report)
    jsonschema.validate(json.loads(content), schema())
    assert as_json(from_json(content)) == content
    assert b"1 ph\xe1\xbb\x91" not in content


def test_of_all_wards_each_has_its_tests(year_database: Database) -> None:
    """A ward that nobody measures has none; it is not left out."""
    found = read(year_database, None)
    assert found.ward is None
    assert {one.ward: one.tests for one in found.supporting.tests}[OTHER_WARD] == 0
    assert found.wifi.not_measured == 2
    silent = next(one for one in found.gaps if one.line == "nobody")
    assert list(silent.missing) == MONTHS


@ON_BOTH
def test_complaints_are_those_of_its_lines(database: Database) -> None:
    """One of all wards counts with the lines that are here; one of elsewhere does not."""
    now = datetime(2025, 3, 4, tzinfo=UTC)
    opened = Event(1, Step.OPENED, now, now.date(), Role.CLERK)
    row = {"carrier_id": "a", "carrier_name": "Nhà mạng A", "ward": None}
    with database.write() as connection:
        for month, lines in (("2025-01", ["slow", "nobody"]), ("2025-02", ["nobody"])):
            about = [CaseLine(line, "Nhà", ()) for line in lines]
            open_case(connection, row | {"month": month}, about, [], opened)
        for step in (Step.APPROVED, Step.SENT):
            add_event(connection, 1, step, at=now, day=now.date(), role=Role.CLERK)
    (case,) = read(database).complaints.cases
    assert (case.number, case.month, len(case.lines), case.state) == (1, "2025-01", 1, "sent")
    assert len(read(database, None).complaints.cases) == 2
