"""The bench of a city's year, on a month of it."""

import json
from contextlib import closing
from datetime import date
from pathlib import Path

from bench.city_year import fleet_of, reports
from bench.planted import THINNED, fill
from bench.verdicts import STANDARDS, totals
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.settings import LedgerSettings
from simulate import Fleet, FleetPlan
from simulate.stories import Group


def test_a_months_reports_are_held_against_what_was_planted(tmp_path: Path) -> None:
    """They are written by the program itself; both standards have a tally of each line."""
    groups = (
        Group(kind="clean", lines=1, evening=(0.85, 0.9)),
        Group(kind="evening", lines=1, evening=(0.5, 0.6)),
    )
    fleet = Fleet(FleetPlan(2, 31, 2, date(2025, 10, 1), THINNED, stories=groups))
    with closing(Database(LedgerSettings(path=tmp_path / "ledger.sqlite"))) as database:
        migrate(database)
        fill(database, fleet)
    (told,) = reports(tmp_path, fleet)
    assert told.month == "2025-10"
    assert told.seconds > 0
    for name in STANDARDS:
        whole = totals(told.tallies, name)
        assert (whole.months, whole.clean, whole.planted, whole.found) == (2, 1, 1, 1)
        assert not whole.accused


def test_a_year_is_a_calendar_year_of_every_kind_of_line() -> None:
    """From its first of January on, leap years too; what changes does so on the first of July."""
    fleet = fleet_of(2024, 1, 1)
    assert (fleet.plan.start, fleet.plan.days) == (date(2024, 1, 1), 366)
    assert fleet.plan.probes == 58
    stories = json.loads(json.dumps(fleet.truth()))["planted"]["stories"]
    claims = {one["kind"] for one in stories if one["claimed_on"] == "2024-07-01"}
    assert claims == {"mended", "pretended"}
