"""Collectors, PostgreSQL and the sinks' far ends are killed under load; nothing is lost or doubled.

The order of kills follows from a seed, which is printed; `LINEWATCH_CHAOS_SEED` gives it again, and
`LINEWATCH_CHAOS_ROUNDS` another number of rounds to the long versions.
"""

import asyncio
import contextlib
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from collector.ledger.database import Database
from tests.collector.fleet_ledger import register
from tests.integration.chaos_load import Load, plan_of
from tests.integration.chaos_parts import Collector, Part, World, world
from tests.integration.chaos_truth import assert_told_is_stored, check_ledger, check_sink

RECOVERY_SECONDS: Final = 90.0
"""Everything is back: after this the next batch is taken. Nearly all of it is a
collector's own start, on a machine that does much else."""

SHORT_ROUNDS: Final = {"sqlite": 4, "postgresql": 6}
LONG_ROUNDS: Final = 250
LONG_SECONDS: Final = 5400.0
"""No round begins after this, so that all has an end: rounds that are missing then are an error."""

PROBES: Final = 8
RATE: Final = 120.0


class Limit(NamedTuple):
    """How many rounds there are, and after how many seconds no further one begins."""

    rounds: int
    seconds: float


@dataclass
class Survived:
    """What a run came to.

    Attributes:
        seed: that gives the same order of kills.
        rounds: that were begun.
        kills: by part.
        recovered: seconds until the next batch was taken, by what was killed.
    """

    seed: int
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    recovered: dict[str, list[float]] = field(default_factory=dict)

    def figures(self, load: Load, running: World, sink_seconds: float) -> str:
        """Return the figures."""
        restarts = sum(collector.restarts for collector in running.collectors)
        found = [
            f"seed {self.seed}: {self.rounds} rounds, kills {dict(self.kills)}",
            f"  {restarts} collectors started anew that ended by themselves",
            f"  {load.records} records, answers {dict(load.answers)}",
        ]
        for killed, seconds in sorted(self.recovered.items()):
            median = statistics.median(seconds)
            found.append(
                f"  next batch after {killed}: {median:.2f} s, at most {max(seconds):.2f} s"
            )
        found.append(f"  the sinks had all of it {sink_seconds:.1f} s after the last record")
        return "\n".join(found)


def say(text: str) -> None:
    """Print a line: pytest shows it with a failure, or with `-s`."""
    sys.stdout.write(f"{text}\n")


def seed_of(default: int | None = None) -> int:
    """Return the seed of a run, and print it."""
    given = os.environ.get("LINEWATCH_CHAOS_SEED")
    seed = int(given) if given else default
    if seed is None:
        seed = random.SystemRandom().randrange(2**32)
    say(f"LINEWATCH_CHAOS_SEED={seed}")
    return seed


async def kill_and_revive(
    running: World, load: Load, database: Database, limit: Limit, survived: Survived
) -> None:
    """Kill some parts at random moments and bring them back, round after round."""
    dice = random.Random(survived.seed)
    ends = time.monotonic() + limit.seconds
    while survived.rounds < limit.rounds and time.monotonic() < ends:
        survived.rounds += 1
        await asyncio.sleep(dice.uniform(0.1, 1.5))
        count = dice.choices([1, 2, 3], [6, 3, 1])[0]
        victims = dice.sample(running.parts, min(count, len(running.parts)))
        told = dict(load.told)
        for victim in victims:
            await asyncio.to_thread(victim.kill)
            survived.kills[victim.name] += 1
        await asyncio.sleep(dice.uniform(0, 0.5))
        await bring_back(running, dice.sample(victims, len(victims)), load, survived)
        await asyncio.to_thread(database.read_now, lambda c, t=told: assert_told_is_stored(c, t))


async def bring_back(
    running: World, victims: Sequence[Part], load: Load, survived: Survived
) -> None:
    """Start what was killed; return once the next batch is taken."""
    for victim in victims:
        await asyncio.to_thread(victim.revive)
    load.answered.clear()
    began = time.monotonic()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(load.answered.wait(), RECOVERY_SECONDS)
    said = "\n".join(collector.said() for collector in running.collectors)
    assert load.answered.is_set(), f"no batch is taken after {victims}: {load.answers}\n{said}"
    kinds = {victim.name.rstrip("12") for victim in victims}
    survived.recovered.setdefault(" and ".join(sorted(kinds)), []).append(time.monotonic() - began)


async def look_after(collectors: Sequence[Collector]) -> None:
    """Start collectors again that ended by themselves, until cancelled."""
    while True:
        for collector in collectors:
            await asyncio.to_thread(collector.look_after)
        await asyncio.sleep(0.3)


async def survive(running: World, limit: Limit, seed: int, sink_seconds: float) -> None:
    """Send, kill, and hold everything against the truth in the end."""
    survived = Survived(seed)
    load = Load(plan_of(seed, PROBES), [one.url for one in running.collectors], RATE)
    with contextlib.closing(Database(running.ledger)) as database:
        register(database, load.fleet, datetime.now(UTC))
        watch = asyncio.create_task(look_after(running.collectors))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run())
            await kill_and_revive(running, load, database, limit, survived)
            load.end()
        watch.cancel()
        assert survived.rounds == limit.rounds, f"that took more than {limit.seconds} s"
        await asyncio.to_thread(running.wait_until_well)
        took = [await check_sink(one, load, sink_seconds) for one in running.far_ends]
        check_ledger(database, load)
        check_laws(running)
        say(survived.figures(load, running, max(took)))
    for collector in running.collectors:
        assert collector.stop() == 0


def check_laws(running: World) -> None:
    """Assert that every collector says of the ledger that its laws hold."""
    for collector in running.collectors:
        found = collector.metrics()
        assert found["linewatch_collector_records_unaccounted"] == 0
        assert found["linewatch_collector_slots_unaccounted"] == 0
        assert found["linewatch_sink_set_aside_records"] == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_kills_lose_and_double_nothing(kind: str, tmp_path: Path) -> None:
    """After kill -9 of collectors, of PostgreSQL and of both far ends of sinks under load, the
    simulated truth equals the ledger and each sink, each chain verifies, what was told is stored.
    """
    with world(kind, tmp_path, lease_seconds=1.0) as running:
        await survive(running, Limit(SHORT_ROUNDS[kind], LONG_SECONDS), seed_of(5), sink_seconds=60)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_hundreds_of_kills_lose_and_double_nothing(kind: str, tmp_path: Path) -> None:
    """The same over hundreds of rounds, with the waits that collectors are made with."""
    rounds = int(os.environ.get("LINEWATCH_CHAOS_ROUNDS", LONG_ROUNDS))
    with world(kind, tmp_path) as running:
        await survive(running, Limit(rounds, LONG_SECONDS), seed_of(), sink_seconds=900)
