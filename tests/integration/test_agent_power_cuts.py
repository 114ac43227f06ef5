"""Agent, collector and server lose power while slots run, and every slot has one record."""

import contextlib
import random
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe.instructions import INSTRUCTION_NAME, KeptInstruction, zone
from probe.slots import Slot, plan_day
from protocol.constants import HOUR_GUARD_SECONDS
from protocol.failures import Failure
from protocol.records import RECORD, Outcome, ReachRecord
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

PROBE = "pi-1"
PERIOD_SECONDS = 20
LONGEST_GAP_SECONDS = 2 * (PERIOD_SECONDS + HOUR_GUARD_SECONDS)
"""Between two slots around a full hour; anywhere else it is at most two periods."""

PATIENCE_SECONDS = 60
"""For what a slow machine does after a slot's moment: starting, measuring, delivering."""

AGENT = {"uplink": {"deliver_seconds": 0.5, "retry_minimum_seconds": 0.2}}


@dataclass(frozen=True)
class Parts:
    """What runs in a round."""

    collector: Part
    server: Part
    probe: Part


class Site:
    """A collector that names one server, and a probe that asks every period what answers.

    Args:
        folder: where everything is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._collector_port, self._server_port = own_port(), own_port()
        self.server_url = f"http://127.0.0.1:{self._server_port}"
        self._settings = {
            "schedule": {
                "speed": None,
                "latency": None,
                "reach": {"every_seconds": PERIOD_SECONDS},
            },
            "servers": [{"name": "near", "url": self.server_url}],
        }
        with self._collector() as collector:
            register_probe(folder, collector, PROBE)
        section = collector_section(folder, settings=self._settings)
        # By the loopback interface nothing leaves this machine, whatever is asked.
        words = ["probe", "path", PROBE, "default", "--interface", "lo", "--line", f"line-{PROBE}"]
        assert command(folder, words, collector=section).returncode == 0
        with self.running():
            wait_for((folder / "probe" / INSTRUCTION_NAME).exists, "the instruction")

    @contextmanager
    def running(self) -> Iterator[Parts]:
        """Run all three until the block ends."""
        with (
            self._collector() as collector,
            start_server(self.folder, port=self._server_port) as server,
            start_probe(self.folder, settings=AGENT) as probe,
        ):
            yield Parts(collector, server, probe)

    def _collector(self) -> AbstractContextManager[Part]:
        return start_collector(self.folder, port=self._collector_port, settings=self._settings)

    def records(self) -> list[ReachRecord]:
        """Return everything in the ledger, by slot."""
        with sqlite3.connect(self.folder / "ledger.sqlite") as connection:
            lines = connection.execute("SELECT line FROM records ORDER BY slot").fetchall()
        found = [RECORD.validate_json(line) for (line,) in lines]
        assert all(isinstance(record, ReachRecord) for record in found)
        return found  # type: ignore[return-value]  # the plan has no other task

    def planned(self, first: datetime, last: datetime) -> list[datetime]:
        """Return the moments between two, both included, at which the probe's plan has a slot."""
        kept = KeptInstruction.model_validate_json(
            (self.folder / "probe" / INSTRUCTION_NAME).read_bytes()
        )
        of = zone(kept.instruction)
        day = first.astimezone(of).date()
        found: list[Slot] = []
        while day <= last.astimezone(of).date():
            found += plan_day(day, of, kept.instruction.paths, PROBE).slots
            day += timedelta(1)
        return [slot.moment for slot in found if first <= slot.moment <= last]

    def next_slot(self) -> datetime:
        """Return the moment of the next slot."""
        now = datetime.now(UTC)
        return self.planned(now, now + timedelta(seconds=LONGEST_GAP_SECONDS))[0]

    def wait_for_record(self, slot: datetime) -> ReachRecord:
        """Wait until the slot's record is in the ledger, and return it."""
        time.sleep(max(0.0, (slot - datetime.now(UTC)).total_seconds()))
        wait_for(lambda: slot in self.slots(), f"the record of {slot}")
        return next(record for record in self.records() if record.slot == slot)

    def slots(self) -> list[datetime]:
        """Return the slots of everything in the ledger, in order."""
        return [record.slot for record in self.records()]

    def complete(self) -> bool:
        """Whether every slot from the first record to the last has exactly one."""
        slots = self.slots()
        return slots == self.planned(slots[0], slots[-1])


def server_answered(record: ReachRecord) -> bool:
    """Whether the probe reached the measurement server."""
    assert record.reach is not None
    asked = [target for target in record.reach.targets if target.name == "server"]
    assert asked
    return any(target.reached for target in asked)


def wait_for(true: Callable[[], bool], what: str) -> None:
    """Wait until something is true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.2)


def own_port() -> int:
    """Return a free port from below those that the system gives to others while a part is off."""
    for port in random.sample(range(20000, 30000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


def live_through_kills(site: Site, rounds: int, seed: int) -> None:
    """Start all three, kill one or all of them at a random moment, leave the rest for a while."""
    chance = random.Random(seed)
    for _ in range(rounds):
        with site.running() as parts:
            time.sleep(chance.uniform(1, 9))
            all_three = [parts.collector, parts.server, parts.probe]
            for victim in chance.sample(all_three, chance.randint(1, 3)):
                victim.process.kill()
            time.sleep(chance.uniform(0, 3))


def live_without_server(site: Site) -> ReachRecord:
    """Kill the server alone; return the record of the next slot."""
    with site.running() as parts:
        parts.server.process.kill()
        return site.wait_for_record(site.next_slot())


def let_a_slot_pass(site: Site) -> datetime:
    """Wait with everything off until a slot has passed; return its moment."""
    slot = site.next_slot()
    time.sleep((slot - datetime.now(UTC)).total_seconds() + 1)
    return slot


def end_in_peace(site: Site) -> ReachRecord:
    """Run all three until a slot has its record, and those before it; return it."""
    with site.running():
        last = site.wait_for_record(site.next_slot())
        # Where nobody vouches for the device's clock, missed slots are written after the first
        # answer of the collector, which may be after the slot's own.
        wait_for(site.complete, "every slot's record")
    return last


def check(site: Site) -> None:
    """Hold the ledger to its laws: every chain is whole, and every slot from the first record to
    the last has exactly one.
    """
    found = site.records()
    slots = [record.slot for record in found]
    assert slots == site.planned(slots[0], slots[-1])
    assert sum(map(len, verified_chains(site.folder).values())) == len(found)
    assert {record.outcome for record in found} <= {
        Outcome.MEASURED,
        Outcome.MISSED,
        Outcome.SKIPPED,
    }


@pytest.mark.timeout(900)
def test_every_slot_has_one_record_whatever_is_killed(tmp_path: Path) -> None:
    """After kills of agent, collector and server, every chain verifies and every slot has exactly
    one record: one without its server says so, and one that passed while the agent was off is
    missed.
    """
    site = Site(tmp_path)
    unanswered = live_without_server(site)
    live_through_kills(site, rounds=5, seed=3)
    passed = let_a_slot_pass(site)
    last = end_in_peace(site)
    check(site)
    missed = site.wait_for_record(passed)
    assert unanswered.outcome is Outcome.MEASURED
    assert not server_answered(unanswered)
    assert missed.outcome is Outcome.MISSED
    assert missed.failure is not None
    assert missed.failure.code is Failure.PROBE_OFF
    assert last.outcome is Outcome.MEASURED
    assert server_answered(last)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_slot_has_one_record_after_many_kills(tmp_path: Path) -> None:
    """The same over many rounds."""
    site = Site(tmp_path)
    live_through_kills(site, rounds=60, seed=4)
    last = end_in_peace(site)
    check(site)
    assert server_answered(last)
    assert Outcome.MISSED in {record.outcome for record in site.records()}
