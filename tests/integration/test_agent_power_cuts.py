"""Agent, collector and server lose power while slots run, and every slot has one record."""

import random
import sqlite3
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from probe.slots import HOUR_GUARD_SECONDS
from tests.integration.support import (
    Part,
    collector_section,
    command,
    register_probe,
    start_collector,
    start_probe,
    start_server,
    verified_chains,
)

PERIOD_SECONDS = 20
COLLECTOR = {
    "schedule": {"speed": None, "latency": None, "reach": {"every_seconds": PERIOD_SECONDS}}
}
PROBE = {"uplink": {"deliver_seconds": 0.5, "retry_minimum_seconds": 0.2}}


def records(folder: Path) -> list[tuple[int, str]]:
    """Return (slot, outcome) of everything in the ledger."""
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        return connection.execute(
            "SELECT slot, outcome FROM records ORDER BY chain, seq"
        ).fetchall()


def run_rounds(folder: Path, rounds: int, seed: int) -> None:
    """Start all three, kill one or all of them at a random moment, and so on; end cleanly."""
    chance = random.Random(seed)
    with ExitStack() as first:
        collector = first.enter_context(start_collector(folder, settings=COLLECTOR))
        server = first.enter_context(start_server(folder))
        register_probe(folder, collector)
        section = collector_section(folder, settings=COLLECTOR)
        # By the loopback interface nothing leaves this machine, whatever is asked.
        words = ["probe", "path", "pi-1", "default", "--interface", "lo", "--line", "line-pi-1"]
        assert command(folder, words, collector=section).returncode == 0
        ports = [int(part.url.rpartition(":")[2]) for part in (collector, server)]
    for number in range(rounds):
        with ExitStack() as stack:
            parts: list[Part] = [
                stack.enter_context(start_collector(folder, port=ports[0], settings=COLLECTOR)),
                stack.enter_context(start_server(folder, port=ports[1])),
                stack.enter_context(start_probe(folder, settings=PROBE)),
            ]
            time.sleep(chance.uniform(1, 9))
            if number < rounds - 1:
                for victim in chance.sample(parts, chance.randint(1, 3)):
                    victim.process.kill()
                continue
            # The last round is left alone until a slot has run and everything is delivered; around
            # a full hour there is none for a while.
            before = len(records(folder))
            end = time.monotonic() + 2 * (PERIOD_SECONDS + HOUR_GUARD_SECONDS) + 10
            while len(records(folder)) == before and time.monotonic() < end:
                time.sleep(0.2)
            time.sleep(2)


def check(folder: Path) -> list[str]:
    """Hold the ledger to its laws; return the outcomes."""
    found = records(folder)
    slots = Counter(slot for slot, _ in found)
    assert [slot for slot, count in slots.items() if count > 1] == []
    assert sum(map(len, verified_chains(folder).values())) == len(found)
    return [outcome for _, outcome in found]


@pytest.mark.timeout(400)
def test_every_slot_has_one_record_whatever_is_killed(tmp_path: Path) -> None:
    """After kills of agent, collector and server, every chain verifies, no slot has two records,
    and slots that passed while the agent was off are there as missed.
    """
    run_rounds(tmp_path, rounds=6, seed=3)
    outcomes = check(tmp_path)
    assert "measured" in outcomes
    assert set(outcomes) <= {"measured", "missed", "skipped"}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_slot_has_one_record_after_many_kills(tmp_path: Path) -> None:
    """The same over many rounds, in which slots are missed too."""
    run_rounds(tmp_path, rounds=60, seed=4)
    outcomes = check(tmp_path)
    assert "measured" in outcomes
    assert "missed" in outcomes
