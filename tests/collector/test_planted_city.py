"""Two months of a city whose truth is known, from probes to reports: what was planted is found, and
nobody else is accused.

Probes' batches go over HTTP to a real collector, and `linewatch report monthly` writes what it
makes of them; held against what was planted.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bench.planted import (
    Tallies,
    Tally,
    Truth,
    changing,
    compare_evenings,
    hold,
    merge,
    months_of,
    truths_of,
)
from collector.app import build
from collector.domain.cases.mended import Outcome
from collector.ledger.database import Database
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import LineSummary, from_json
from collector.serving import serve
from collector.settings import CollectorSettings, LedgerSettings
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet, FleetPlan
from simulate.sending import Sender, parcel
from simulate.stories import Group
from tests.collector.commands.support import Registry

pytestmark = pytest.mark.timeout(300)
"""Half a minute of one core, which others may be busy on."""

CHANGE = date(2025, 10, 1)
"""Between the two months; what is mended is so from the second one on."""

STORIES = (
    Group(kind="clean", lines=2),
    Group(kind="clean-evening-dip", lines=4, evening=(0.85, 0.95)),
    Group(kind="clean-wide", lines=2, evening=(0.85, 0.9), noise=(0.1, 0.12), days=(0.04, 0.05)),
    Group(kind="wifi-alone", lines=1, wifi="alone"),
    Group(kind="wifi-beside", lines=1, wifi="beside"),
    Group(kind="server-limited", lines=1, server="limited"),
    Group(kind="server-refuses", lines=1, server="refuses"),
    Group(kind="server-slow", lines=1, server="slow"),
    Group(kind="cut-power", lines=1, cut="power"),
    Group(kind="cut-gateway", lines=1, cut="gateway"),
    Group(kind="cut-access", lines=1, cut="access"),
    Group(kind="cut-beyond", lines=1, cut="beyond"),
    Group(kind="evening", lines=3, evening=(0.4, 0.7)),
    *(one.model_copy(update={"lines": 1}) for one in changing(CHANGE)),
)
PLAN = FleetPlan(
    probes=sum(one.lines for one in STORIES),
    days=61,
    seed=8,
    start=date(2025, 9, 1),
    schedule=Schedule(
        speed=USUAL.speed,
        latency=LatencySchedule(every_seconds=43_200),
        reach=ReachSchedule(every_seconds=3_600),
    ),
    stories=STORIES,
)
STANDARDS = ("qcvn-34-2019", "ward")

SAID = {
    "clean": {"pass": 4},
    "clean-evening-dip": {"pass": 8},
    "clean-wide": {"pass": 4},
    "wifi-alone": {"not_enough_data": 2},
    "wifi-beside": {"pass": 2},
    "server-limited": {"not_enough_data": 2},
    "server-refuses": {"not_enough_data": 2},
    "server-slow": {"not_enough_data": 2},
    "cut-power": {"pass": 2},
    "cut-gateway": {"pass": 2},
    "cut-access": {"pass": 2},
    "cut-beyond": {"pass": 2},
    "evening": {"fail": 6},
    "mended": {"fail": 1, "pass": 1},
    "pretended": {"fail": 2},
    "plan-raised": {"pass": 2},
    "plan-lowered": {"pass": 2},
    "plan-sold": {"pass": 1, "fail": 1},
}
"""To the first question, the evening's download, by either standard."""


@dataclass(frozen=True)
class City:
    """What became of the city.

    Attributes:
        lines: each month's summaries of lines, by their id.
        folder: of the reports, `YYYY-MM/CARRIER`.
    """

    fleet: Fleet
    ledger: Path
    folder: Path
    truths: Mapping[str, Truth]
    lines: Mapping[str, Mapping[str, LineSummary]]

    def of_kind(self, kind: str) -> list[str]:
        """Return the lines of a kind."""
        return [line for line, truth in self.truths.items() if truth.kind == kind]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """Return the city, made once for all tests."""
    folder = tmp_path_factory.mktemp("city")
    registry, fleet = Registry(folder), Fleet(PLAN)
    asyncio.run(deliver(fleet, registry.ledger))
    lines: dict[str, dict[str, LineSummary]] = {}
    for month in months_of(fleet):
        named = [word for name in STANDARDS for word in ("--standard", name)]
        words = ("--month", month.name, *named, "--evidence", "none", "--jobs", "1")
        done = registry.run("report", "monthly", *words, "--out", str(folder / "out"))
        assert done.exit_code == 0, done.output
        summaries = (folder / "out" / month.name).glob("*/summary.json")
        told = (from_json(path.read_bytes()) for path in summaries)
        lines[month.name] = {line.id: line for of in told for line in of.lines}
    truths = truths_of(json.loads(json.dumps(fleet.truth()["planted"])))
    return City(fleet, registry.ledger, folder / "out", truths, lines)


async def deliver(fleet: Fleet, ledger: Path) -> None:
    """Send all that a fleet writes to a collector that knows it."""
    settings = CollectorSettings(listen="127.0.0.1:0", ledger=LedgerSettings(path=ledger))
    with closing(Database(settings.ledger)) as database:
        content = RegistryFile.model_validate_json(json.dumps(fleet.registry()))
        with database.write() as connection:
            import_registry(connection, content, datetime.fromtimestamp(PLAN.begins, UTC))
        serving = await serve(build(settings, database), settings)
        sender = Sender([serving.url], fleet.keys())
        await sender.send(parcel(batch) for batch in fleet.batches())
        await serving.stop()
    assert sender.delivered.stored == fleet.truth()["records"]


def held(city: City) -> Tallies:
    """Return what was said of each kind of line."""
    standards = [choose_standard(read_standards(None), name) for name in STANDARDS]
    files = {(one.standard.id, one.standard.version): one for one in standards}
    return merge(
        hold(line, city.truths[line.id], files)
        for of_month in city.lines.values()
        for line in of_month.values()
    )


def test_each_kind_of_line_gets_its_verdict(city: City) -> None:
    """What is broken in the evening fails by both standards, what keeps its contract does not, and
    where Wi-Fi or a server is in the way nothing is said.
    """
    found = held(city)
    for name in STANDARDS:
        assert {kind: found[kind, name].said for kind in SAID} == SAID


def test_what_was_planted_is_found_and_nobody_else_is_accused(city: City) -> None:
    """By any indicator in any window: no line-month is accused of what is not broken in it, and
    each that is broken is found, by its evenings or by its outages.
    """
    for name in STANDARDS:
        whole = Tally()
        for (_, of), tally in held(city).items():
            if of == name:
                whole.add(tally)
        assert whole.accused == []
        assert (whole.found, whole.acquitted) == (whole.planted, 0)
        assert whole.planted >= 14
        assert whole.clean >= 36


@pytest.mark.parametrize("where", ["power", "gateway", "access", "beyond"])
def test_each_outage_is_found_where_the_way_was_cut(city: City, where: str) -> None:
    """Each that was planted is told once, with its place, and lasted as long as is told, at least
    and at most; no other outage is told of these lines.
    """
    planted = city.fleet.truth()["planted"]
    (line,) = city.of_kind(f"cut-{where}")
    off = [span_of(one) for one in planted["power_cuts"] if line.startswith(one["probe"])]
    rows = [span_of(one) for one in planted["outages"] if line in one["lines"]]
    # A probe without power sees nothing of its way: that is told as power.
    seen = [one for one in rows if not any(overlap(one, other) for other in off)]
    wanted = off if where == "power" else seen
    assert len(wanted) >= 5
    told = [
        outage
        for of_month in city.lines.values()
        for part in of_month[line].parts
        for outage in part.outages
        if outage.where == where
    ]
    assert len(told) == len(wanted)
    for begins, ends in wanted:
        (outage,) = (one for one in told if overlap((begins, ends), (one.begins_at, one.ends_at)))
        seconds = (ends - begins).total_seconds()
        assert outage.shortest_seconds <= seconds <= outage.longest_seconds


Span = tuple[datetime, datetime]


def span_of(planted: Mapping[str, str]) -> Span:
    """Return from when until when something was planted."""
    return datetime.fromisoformat(planted["from"]), datetime.fromisoformat(planted["until"])


def overlap(one: Span, other: Span) -> bool:
    """Return whether two spans have a moment in common."""
    return one[0] < other[1] and other[0] < one[1]


def test_a_mend_is_told_from_a_pretence(city: City) -> None:
    """Both carriers say so on the same day: by day medians one line is better and the other is not,
    and power enough for that is there.
    """
    september, october = months_of(city.fleet)
    with closing(Database(LedgerSettings(path=city.ledger))) as database:
        mended, pretended = (
            compare_evenings(
                database,
                line,
                september,
                october.first_day + timedelta(1),
                october.last_day,
            )
            for kind in ("mended", "pretended")
            for line in city.of_kind(kind)
        )
    assert (mended.outcome, mended.within_limit) == (Outcome.BETTER, True)
    assert (pretended.outcome, pretended.within_limit) == (Outcome.NOT_BETTER, False)
    assert pretended.power is not None
    assert pretended.power > 0.8


def test_a_plan_that_changed_is_held_to_what_it_promised_then(city: City) -> None:
    """Each month by the terms of its days, also where the second plan is twice the first."""
    (line,) = city.of_kind("plan-raised")
    speeds = [
        part.terms.contracted_download_bits_per_second
        for of_month in city.lines.values()
        for part in of_month[line].parts
    ]
    assert speeds[0] is not None
    assert speeds == [speeds[0], 2 * speeds[0]]
