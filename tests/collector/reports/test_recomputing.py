"""docs/recompute.md suffices: what was written from it alone finds every figure of a month."""

import re
from pathlib import Path

import numpy as np
import pytest

from collector.domain.statistics.days import RESAMPLES, left_out
from collector.domain.statistics.days import drawn as ours
from collector.evidence.writing import write_evidence
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.reports.folder import write_folder
from collector.reports.making import Task, done_months
from collector.reports.monthly import find_lines
from collector.reports.names import DATA, EVIDENCE, SUMMARY
from collector.reports.summary import FORMAT, Summary, standard_used
from collector.settings import LedgerSettings
from simulate import FleetPlan, rhythm
from tests.collector.evidence import made
from tests.collector.reports.recomputing import Month, drawn, ranks

PLAN = FleetPlan(probes=2, days=31, seed=5, schedule=rhythm(8, 2400, 3600), trouble=2.0)
"""A month of two lines with broken tests, tests with flags, outages and halves of microseconds."""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a carrier's month."""
    folder = tmp_path_factory.mktemp("month")
    database = Database(LedgerSettings(path=folder / "ledger.sqlite"))
    migrate(database)
    made.fill(database, PLAN)
    found = database.read_now(lambda c: find_lines(c, None, None))
    of, known = next(iter(found.items()))
    used = [standard_used(one) for one in made.STANDARDS]
    zone = made.OCTOBER.zone.key
    blank = Summary(FORMAT, "linewatch/0", made.OCTOBER.name, zone, None, of, used, [])
    months = done_months(database, Task(made.OCTOBER, made.STANDARDS), known)
    write_folder(folder, blank, months)
    write_evidence(folder / EVIDENCE, database, made.material(database, of.id))
    database.close()
    return folder


def test_every_figure_of_a_month_is_found_from_the_page_alone(month: Path) -> None:
    """Values, both ends, days and tests: exactly, or to a thousand millionth where the page says
    that sums of floats are.
    """
    read = Month(month / SUMMARY, month / DATA, month / EVIDENCE)
    figures = list(read.figures())
    wrong = []
    for told, found in figures:
        for name in ("value", "low", "high"):
            exact = found.exact if name == "value" else found.exact_ends
            expected, own = told[name], getattr(found, name)
            same = own == expected
            if own is not None and expected is not None and not exact:
                same = own == pytest.approx(expected, rel=1e-9, abs=1e-12)
            if not same:
                wrong.append((told, name, own))
        if (told["days"], told["tests"]) != (found.days, found.tests):
            wrong.append((told, "size", (found.days, found.tests)))
    assert wrong == []
    kinds = {(told["quantity"], told["statistic"], told["window"]) for told, _ in figures}
    # Of four windows ten figures of rates and nine of the rest, and availability once.
    assert len(kinds) == 4 * 19 + 1
    assert sum(told["low"] is not None for told, _ in figures) > 50
    assert any(told["tests"] > 512 for told, _ in figures)
    assert any(told["bounds"] for told, _ in figures)
    # Some are half a microsecond: the ones that are rounded.
    assert re.search(r"(?<=,)0\.\d{6}5(?=,)", (month / DATA).read_text("utf-8-sig"))


@pytest.mark.parametrize("days", [5, 7, 30, 31])
def test_the_pages_draws_are_ours(days: int) -> None:
    """Each day as often in each draw, by plain Python."""
    counts = np.array([np.bincount(draw, minlength=days) for draw in drawn(days)])
    assert np.array_equal(counts.T, ours(days))


def test_the_pages_ranks_are_ours() -> None:
    """Of every number of days that a month can have; none so near a whole number that another
    machine's last digits would choose another draw.
    """
    table = ranks()
    assert list(table) == list(range(5, 32))
    for days, rank in table.items():
        place = left_out(days) * (RESAMPLES + 1)
        assert int(place) == rank
        assert min(place - rank, rank + 1 - place) > 1e-6
