"""A city's year whose truth is known: from probes' records to complaints that were answered.

Each line has a story (`bench.planted`): of those that break their contract in the evening two are
mended in the middle of the year, and of two others the same carrier only says so. A clerk goes by
the commands through all of it (`bench.city_cases`): `linewatch report monthly` of each month,
a case of each carrier of which a line fails, its mail by SMTP, the evidence verified as the carrier
gets it, its answer in time, late or never, the second measurement, a month's statistics and the
year's report. Ends with 1 where anybody was accused of what is not broken, more than 5 of 100 were
not found, a mail came twice or never, a mend was not told from a pretence, or anything else came
out otherwise than it was done.

    python -m bench.city_year [--factor 1] [--seed 1] [--json]
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from bench.city_cases import Diary, Way
from bench.city_held import (
    Complained,
    complained,
    verdicts_of,
    wrong_mails,
    wrong_statistics,
    wrong_year,
    year_of,
)
from bench.clerk import Clerk
from bench.coverage import standard
from bench.marks import marked
from bench.planted import (
    BROKEN,
    CLEAN,
    LOOKING_SO,
    ONE_SERVER,
    Tallies,
    changing,
    fill,
    merge,
    months_of,
    times,
    truths_of,
)
from bench.verdicts import STANDARDS, is_good, table, totals
from collector.ledger.database import Database
from collector.settings import LedgerSettings
from protocol.messages import LatencySchedule, ReachSchedule, Schedule
from simulate import USUAL, Fleet, FleetPlan
from simulate.stories import Group
from tests.collector.cases import mail_server
from tests.collector.commands.support import Registry

YEAR: Final = 2024
"""Its complaints live through two Tết, that of their first month and that of their last one."""

RHYTHM: Final = Schedule(
    speed=USUAL.speed,
    latency=LatencySchedule(every_seconds=21_600),
    reach=ReachSchedule(every_seconds=7_200),
)
"""The usual plan's speed tests; of what else it asks for 16 a day instead of 384."""


CHANGE: Final = date(YEAR, 7, 1)
WAYS: Final = {
    "a": Way(1, 10, {f"{YEAR}-05": CHANGE, f"{YEAR}-06": CHANGE}),
    "b": Way(4, 24),
    "c": Way(2, 15),
    "d": Way(None, None),
}
"""Carrier a mends two lines and pretends on others, all carriers that answer say that they mended;
b is late, and d never says a word."""

NAMED: Final = tuple(word for name in STANDARDS for word in ("--standard", name))


@dataclass(frozen=True, slots=True)
class Told:
    """What a month's reports say.

    Attributes:
        seconds: that they took.
    """

    month: str
    seconds: float
    tallies: Tallies


def fleet_of(year: int, factor: int, seed: int) -> Fleet:
    """Return a city of 58 lines, or so many times as many."""
    changed = (_of_one(one) for one in changing(date(year, 7, 1)))
    stories = times((*CLEAN, *LOOKING_SO, *BROKEN, *ONE_SERVER, *changed), factor)
    first = date(year, 1, 1)
    return Fleet(
        FleetPlan(
            probes=sum(one.lines for one in stories),
            days=(date(year + 1, 1, 1) - first).days,
            seed=seed,
            start=first,
            schedule=RHYTHM,
            stories=stories,
        )
    )


def _of_one(group: Group) -> Group:
    """Let one carrier mend and pretend."""
    return group.model_copy(update={"carrier": "a"}) if group.claimed_on else group


def diary_of(
    folder: Path, fleet: Fleet, server: mail_server.Server, ways: Mapping[str, Way], *words: str
) -> Diary:
    """Return the diary of a city's clerk, whose ledger has all that the fleet writes.

    Args:
        folder: an empty one.
        fleet: whose lines all have stories.
        server: the carriers' mail server.
        ways: of the carriers.
        words: of `report monthly`, besides month, standards and folder.
    """
    mail = (
        f", mail: {{host: 127.0.0.1, port: {server.port}, ca: {server.certificate.certificate}, "
        f"username: {mail_server.NAME}, password: {mail_server.PASSWORD}, "
        "sender: do-kiem@phuong.example, link: 'https://phuong.example/bao-cao'}"
    )
    registry = Registry(folder, mail)
    with closing(Database(LedgerSettings(path=registry.ledger))) as database:
        fill(database, fleet)
    for carrier in ways:
        address = f"khieu-nai@{carrier}.example"
        registry.run("carrier", "set", carrier, "--complaint-email", address)
    truths = truths_of(json.loads(json.dumps(fleet.truth()["planted"])))
    months = months_of(fleet)
    return Diary(Clerk(registry), folder, server.mailbox, truths, ways, months, (*NAMED, *words))


def live(diary: Diary) -> tuple[list[Told], Complained]:
    """Go through a diary and hold all that came of it; what is wrong stands in it."""
    end = diary.run()
    files = {(one.standard.id, one.standard.version): one for one in map(standard, STANDARDS)}
    told = [
        Told(month.name, diary.seconds[month.name], verdicts_of(diary, month, files))
        for month in diary.months
    ]
    diary.wrong += wrong_mails(diary)
    diary.wrong += wrong_statistics(diary, end)
    diary.wrong += wrong_year(diary, year_of(diary, end, *NAMED))
    return told, complained(diary)


@click.command()
@click.option("--factor", default=1, show_default=True, help="So many times 58 lines.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(factor: int, seed: int, as_json: bool) -> None:
    """Print what was planted, found and accused wrongly, and what came of the complaints."""
    fleet = fleet_of(YEAR, factor, seed)
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.monotonic()
        with mail_server.serving(folder) as server:
            diary = diary_of(folder, fleet, server, WAYS, "--evidence", "failed")
            filled = time.monotonic() - began
            told, found = live(diary)
            lived = time.monotonic() - began - filled
    whole = merge(one.tallies for one in told)
    sums = {of: totals(whole, of) for of in STANDARDS}
    if as_json:
        tree = {
            "records": fleet.truth()["records"],
            "seconds": {"filling": filled, "living": lived},
            "months": [_month(one) for one in told],
            "year": {of: asdict(one) for of, one in sums.items()},
            "complaints": asdict(found),
            "mends": _mends(diary),
            "cases": [asdict(one) | {"month": one.month.name} for one in diary.cases],
            "wrong": diary.wrong,
        }
        click.echo(json.dumps(tree, default=str))
    else:
        console = Console()
        records = fleet.truth()["records"]
        console.print(f"{records} records of {fleet.plan.probes} lines in {filled:.0f} s")
        console.print(_months(told))
        for of in STANDARDS:
            rows = [(kind, tally) for (kind, by), tally in whole.items() if by == of]
            console.print(table(f"The year by {of}", [*sorted(rows), ("all", sums[of])]))
        for made in (_carriers(diary), _again(diary)):
            console.print(made)
        _conclude(console, diary, found, lived)
    sys.exit(not all((*map(is_good, sums.values()), found.is_good, not diary.wrong)))


def _month(told: Told) -> dict[str, Any]:
    sums = {of: asdict(totals(told.tallies, of)) for of in STANDARDS}
    return {"month": told.month, "seconds": told.seconds, **sums}


def _mends(diary: Diary) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "mended": mended, "said": said, "lines": lines}
        for (kind, mended, said), lines in sorted(diary.mends.items())
    ]


def _carriers(diary: Diary) -> Table:
    heads = ("carrier", "takes up, answers", "cases", "lines", "escalated")
    made = Table(*heads, "with mends", title="Complaints, by how the carrier is")
    for carrier, way in diary.ways.items():
        cases = [one for one in diary.cases if one.carrier == carrier]
        days = (str(one) if one is not None else "never" for one in (way.acknowledges, way.answers))
        mends = sum("better" in one.outcomes.values() for one in cases)
        escalated = sum(one.escalated for one in cases)
        figures = (len(cases), sum(len(one.lines) for one in cases), escalated, mends)
        made.add_row(carrier, ", ".join(days), *map(str, figures))
    return made


def _again(diary: Diary) -> Table:
    made = Table("planted", "was mended", "said", "lines", title="Measured again")
    for one in _mends(diary):
        is_right = one["mended"] is (one["said"] == "better")
        mended = "yes" if one["mended"] else "no"
        made.add_row(one["kind"], mended, marked(one["said"], good=is_right), str(one["lines"]))
    return made


def _conclude(console: Console, diary: Diary, found: Complained, lived: float) -> None:
    console.print(
        f"{len(diary.cases)} cases in {lived:.0f} s, {len(diary.mailbox.got)} mails: "
        f"{diary.put_off} put off at first, {sum(one.attached for one in diary.cases)} with their "
        f"evidence attached; {diary.flips} flipped bytes of {len(diary.cases)} found"
    )
    said = f"in complaints {found.found} of {found.planted} broken line-months, accused wrongly: "
    console.print(marked(f"{said}{len(found.accused)}", good=found.is_good))
    for one in (*found.accused, *diary.wrong):
        console.print(marked(one, good=False))


def _months(told: list[Told]) -> Table:
    heads = ("month", "seconds", "standard", "parts", "clean", "broken", "found", "accused wrongly")
    made = Table(*heads, title="Month by month")
    for month in told:
        for of in STANDARDS:
            one = totals(month.tallies, of)
            made.add_row(
                month.month,
                f"{month.seconds:.0f}",
                of,
                *map(str, (one.months, one.clean, one.planted, one.found)),
                marked(str(len(one.accused)), good=not one.accused),
            )
    return made


if __name__ == "__main__":
    main()
