"""What a fleet's speed tests load its servers with: moments drawn by each probe alone, and placed.

Every probe's day is planned three times by the probe's own code: without a place in the fleet, with
the place that the collector's allotment gives it, and with what it is given where each server has a
budget. Then the tests are counted second by second: how many run at the same time at each server,
and what their lines carry together. Ends with 1 where a server carries more than its budget.

    python -m bench.fleet_slots [--probes 100000] [--servers 40] [--budget BITS] [--seed s] [--json]
"""

import json
import os
import random
import statistics
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time
from functools import partial
from itertools import accumulate, pairwise
from multiprocessing import Pool
from time import process_time
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from collector.domain.allotment import Fleet, allot
from collector.domain.rows import TEST_SECONDS, Wish
from collector.settings import CollectorSettings
from probe.slots import plan_day
from protocol.messages import FleetPlace, MeasuredPath, Schedule, SpeedSchedule

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2026, 3, 2)
MIDNIGHT = int(datetime.combine(DAY, time(), ZONE).timestamp())
DAY_SECONDS = 86_400

PLANS_BITS_PER_SECOND = (80e6, 150e6, 300e6, 500e6, 1e9)
PLAN_WEIGHTS = (10, 30, 40, 15, 5)
"""What lines of offices and community houses are sold as, roughly."""

Placed = tuple[Wish, FleetPlace | None]
Start = tuple[str, int, float]
"""Of a test: its server, the second of the day, the line's bits per second."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A server's fullest moments of the day.

    Attributes:
        tests: the most that ran at the same time.
        bits_per_second: the most that their lines carry together.
    """

    tests: int
    bits_per_second: float


def make_fleet(probes: int, servers: int, seed: str) -> list[Wish]:
    """Return the wishes of a fleet on the usual plan.

    Lines with the same main server have the same two others, as a region's have.
    """
    dice = random.Random(seed)  # noqa: S311 - a fleet that never was
    speed = CollectorSettings().schedule.speed
    windows = speed.windows if speed else ()
    return [
        Wish(
            probe=f"p{number}",
            path="eth0",
            bits_per_second=dice.choices(PLANS_BITS_PER_SECOND, PLAN_WEIGHTS)[0],
            servers=tuple(f"s{(number + step) % servers}" for step in range(min(3, servers))),
            families=1,
            windows=windows,
        )
        for number in range(probes)
    ]


def starts(schedule: Schedule, placed: Placed) -> list[Start]:
    """Return the tests of a probe's day, by its own planner."""
    wish, place = placed
    speed = SpeedSchedule(windows=wish.windows)
    schedule = schedule.model_copy(update={"speed": speed})
    path = MeasuredPath(name=wish.path, servers=wish.servers, schedule=schedule, fleet_place=place)
    return [
        (slot.server or "", int(slot.moment.timestamp()) - MIDNIGHT, wish.bits_per_second)
        for slot in plan_day(DAY, ZONE, [path], wish.probe).slots
    ]


def peaks(tests: Iterable[Start]) -> dict[str, Peak]:
    """Return each server's peaks."""
    changes: dict[str, tuple[list[int], list[float]]] = {}
    for server, second, rate in tests:
        if server not in changes:
            changes[server] = ([0] * (DAY_SECONDS + 1), [0.0] * (DAY_SECONDS + 1))
        running, carried = changes[server]
        end = min(second + TEST_SECONDS, DAY_SECONDS)
        running[second] += 1
        running[end] -= 1
        carried[second] += rate
        carried[end] -= rate
    return {
        server: Peak(max(accumulate(running)), max(accumulate(carried)))
        for server, (running, carried) in changes.items()
    }


def plan(wishes: list[Wish], fleet: Fleet | None, title: str) -> dict[str, Peak]:
    """Return each server's peaks of the fleet's day; None of a fleet: each draws alone."""
    speed_only = CollectorSettings().schedule.model_copy(update={"latency": None, "reach": None})
    placed: list[Placed] = [(wish, None) for wish in wishes]
    if fleet:
        placed = [
            (
                replace(wish, windows=fleet.windows.get(wish.key, wish.windows)),
                fleet.places[wish.key],
            )
            for wish in wishes
        ]
    with Pool(os.cpu_count()) as pool:
        days = pool.imap_unordered(partial(starts, speed_only), placed, chunksize=200)
        shown = track(days, title, total=len(placed), console=Console(stderr=True))
        return peaks(test for day in shown for test in day)


@click.command()
@click.option("--probes", default=100_000, show_default=True)
@click.option("--servers", default=40, show_default=True)
@click.option(
    "--budget",
    default=8_000_000_000,
    show_default=True,
    help="Bits per second that each server may be loaded with.",
)
@click.option("--seed", default="fleet", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(probes: int, servers: int, budget: int, seed: str, *, as_json: bool) -> None:
    """Plan a day of the fleet in each way, and compare."""
    wishes = make_fleet(probes, servers, seed)
    moments = [process_time()]
    fleet = allot(wishes, {}, seed)
    moments.append(process_time())
    within = allot(wishes, {f"s{number}": budget for number in range(servers)}, seed)
    moments.append(process_time())
    drawn = plan(wishes, None, "drawn alone")
    placed = plan(wishes, fleet, "placed")
    kept = plan(wishes, within, "within the budget")
    rows = [
        {
            "server": server,
            "mean_bits_per_second": fleet.loads[server].mean_bits_per_second,
            "bound_bits_per_second": fleet.loads[server].peak_bits_per_second,
            "drawn": asdict(drawn[server]),
            "placed": asdict(placed[server]),
            "kept": asdict(kept[server]),
        }
        for server in sorted(drawn)
    ]
    above = [name for name, peak in kept.items() if peak.bits_per_second > budget]
    if as_json:
        click.echo(json.dumps({"probes": probes, "budget": budget, "servers": rows}))
    else:
        _print(probes, [drawn, placed, kept], fleet)
        before, after = (_tests(wishes, one) for one in (fleet, within))
        said = (
            f"exceeded at {len(above)} of {len(kept)} servers" if above else "kept at every server"
        )
        click.echo(
            f"The budget of {budget / 1e9:.2f} Gbit/s is {said}; of {before:,} tests a day "
            f"{after:,} are left."
        )
        free_seconds, within_seconds = (end - start for start, end in pairwise(moments))
        click.echo(
            f"The plan took {free_seconds:.1f} s of one core, {within_seconds:.1f} s within the "
            "budget."
        )
    if above:
        sys.exit(1)


def _tests(wishes: list[Wish], fleet: Fleet) -> int:
    """Return how many tests a fleet makes in a day."""
    plans = (fleet.windows.get(wish.key, wish.windows) for wish in wishes)
    return sum(window.tests for windows in plans for window in windows)


def _print(probes: int, ways: list[dict[str, Peak]], fleet: Fleet) -> None:
    """Print the peaks of a fleet: drawn alone, placed, and within the budget."""
    _, placed, _ = ways
    table = Table(title=f"A day of {probes:,} probes at {len(placed)} servers, 30 s a test")
    table.add_column("peak of a server")
    for head in ("drawn alone", "placed", "within the budget", "placed / drawn"):
        table.add_column(head, justify="right")
    tests = [[peak.tests for peak in way.values()] for way in ways]
    gigabits = [[peak.bits_per_second / 1e9 for peak in way.values()] for way in ways]
    rows: list[tuple[str, list[float]]] = [
        ("tests at once, the fullest", [max(each) for each in tests]),
        ("tests at once, mean of all", [statistics.mean(each) for each in tests]),
        ("Gbit/s at once, the fullest", [max(each) for each in gigabits]),
        ("Gbit/s at once, mean of all", [statistics.mean(each) for each in gigabits]),
    ]
    for name, found in rows:
        table.add_row(name, *(f"{one:.1f}" for one in found), f"{found[1] / found[0]:.2f}")
    Console(width=110).print(table)
    loads = fleet.loads.values()
    bound = max(load.peak_bits_per_second for load in loads) / 1e9
    mean = max(load.mean_bits_per_second for load in loads) / 1e9
    kept = all(
        placed[name].bits_per_second <= fleet.loads[name].peak_bits_per_second for name in placed
    )
    click.echo(
        f"Mean over the fullest part: {mean:.2f} Gbit/s. No moment may exceed {bound:.2f} Gbit/s "
        f"by the allotment's bound; {'none did' if kept else 'ONE DID'}."
    )


if __name__ == "__main__":
    main()
