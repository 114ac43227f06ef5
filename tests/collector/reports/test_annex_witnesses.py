"""The annex of lines that were tested to two servers: what confirms stands in table and page."""

import contextlib
import csv
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pypdf import PageObject, PdfReader

from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.reports.annex import Pages, write_annex, write_comparison
from collector.reports.folder import write_folder
from collector.reports.making import Task, begin, make_months
from collector.reports.monthly import Month, find_lines
from collector.reports.names import ANNEX, COMPARISON, DATA, SUMMARY
from collector.reports.pool import Workers
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import FORMAT, LineSummary, Summary, from_json, standard_used
from collector.settings import LedgerSettings
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet, FleetPlan
from simulate.stories import Group
from tests.collector import fleet_ledger, simulated_month
from tests.collector.chromium import colours_in
from tests.collector.papers import office

OCTOBER = Month(date(2026, 10, 1), simulated_month.ZONE)
STANDARDS = [choose_standard(read_standards(None), name) for name in ("qcvn-34-2019", "ward")]
PLAN = FleetPlan(
    probes=5,
    days=48,
    seed=4,
    start=date(2026, 9, 14),
    schedule=Schedule(
        speed=USUAL.speed,
        latency=LatencySchedule(every_seconds=43_200),
        reach=ReachSchedule(every_seconds=3_600),
    ),
    stories=(
        Group(kind="evening", lines=1, carrier="a", evening=(0.5, 0.6)),
        Group(kind="clean", lines=3, carrier="a"),
        Group(kind="cut", lines=1, carrier="a", cut="access"),
    ),
)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a carrier's October, of five lines with two servers each."""
    folder = tmp_path_factory.mktemp("witnesses")
    settings = LedgerSettings(path=folder / "ledger.sqlite")
    with contextlib.closing(Database(settings)) as database:
        migrate(database)
        fleet = Fleet(PLAN)
        keys = fleet_ledger.register(database, fleet, datetime(2026, 9, 1, tzinfo=UTC))
        fleet_ledger.store(database, fleet, keys, fleet.batches())
        ((of, known),) = database.read_now(lambda c: find_lines(c, None, None)).items()
    used = [standard_used(one) for one in STANDARDS]
    zone = OCTOBER.zone.key
    blank = Summary(FORMAT, "linewatch/0", OCTOBER.name, zone, None, of, used, [])
    with Workers(1, begin, (settings, Task(OCTOBER, STANDARDS))) as workers, Pages() as pages:
        made = write_folder(folder / of.id, blank, pages.noting(make_months(workers, known)))
        compared = write_comparison(folder / of.id, made, pages)
        write_annex(folder / of.id, made, compared, pages, OCTOBER, workers, lambda _: None)
    return folder / of.id


def lines_of(month: Path) -> list[LineSummary]:
    """Return the lines of a month's summary."""
    return list(from_json((month / SUMMARY).read_bytes()).lines)


def test_tests_that_confirm_stand_in_the_table_and_on_the_page(month: Path) -> None:
    """As many as the data have, under the name of their server; each line keeps to its page."""
    texts = [" ".join(page.extract_text().split()) for page in _pages(month)]
    lines = lines_of(month)
    assert len(texts) == 1 + len(lines)
    with (month / DATA).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = Counter((row["line"], row["counts"]) for row in rows)
    for line, page in zip(lines, texts[1:], strict=True):
        (part,) = line.parts
        ((server, tests),) = part.witnesses.items()
        assert tests == listed[line.id, "witness"] > 60
        assert part.server is not None
        assert server != part.server
        assert f"{listed[line.id, 'yes']} {tests} {listed[line.id, 'no']}" in texts[0]
        assert f"– {line.id}" in page
        assert f"Máy chủ xác nhận Witnesses {server} ({tests})" in page


def test_a_slow_line_is_confirmed_by_its_second_server(month: Path) -> None:
    """The page says so, and by which; of an outage a second server has nothing to confirm."""
    lines = lines_of(month)
    assert [one.verdict.value for one in lines] == ["fail", "pass", "pass", "pass", "fail"]
    slow, *_, cut = (" ".join(page.extract_text().split()) for page in _pages(month)[1:])
    (part,) = lines[0].parts
    (witness,) = part.witnesses
    assert "KHÔNG ĐẠT" in slow
    assert f"máy chủ thứ hai ({witness}) xác nhận" in slow
    assert f"the second server ({witness}) agrees" in slow
    assert "xác nhận." not in cut
    assert "Độ khả dụng của dịch vụ, mọi giờ: Không đạt" in cut


def _pages(month: Path) -> list[PageObject]:
    return list(PdfReader(month / ANNEX).pages)


def test_its_month_before_and_its_neighbours_are_beside_it(month: Path) -> None:
    """Measured alike: by the first server, which all of them have."""
    told = json.loads((month / COMPARISON).read_bytes())["lines"]
    assert all(one["before"]["unlike"] == [] for one in told)
    assert all(one["neighbours"] and not one["unlike_neighbours"] for one in told)


def test_the_pages_are_drawn(month: Path) -> None:
    """Pictures are left for people to look at."""
    pictures = office.draw((month / ANNEX).read_bytes(), "annex-witnesses")
    assert len(pictures) == 1 + len(lines_of(month))
    assert all(colours_in(one) > 50 for one in pictures)
