"""Probe and collector lose power at random moments, and no record is lost or doubled."""

import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.processes import Process, running
from tests.integration.support import (
    Part,
    register_probe,
    start_collector,
    verified_chains,
)

RECORDER = Path(__file__).with_name("recorder.py")
ROOT = Path(__file__).parents[2]
SHORT_ROUNDS, LONG_ROUNDS = 12, 300
SECONDS_BETWEEN_RECORDS = 0.004


@dataclass
class Fleet:
    """One collector and one recorder that come back after every power cut.

    Attributes:
        folder: of everything.
        port: of the collector, the same after each restart.
    """

    folder: Path
    port: int = 0
    collector: Part | None = None
    recorder: Process | None = None
    _collectors: ExitStack = field(default_factory=ExitStack)
    _recorders: ExitStack = field(default_factory=ExitStack)

    def start_collector(self) -> Part:
        """Start the collector where the first one was, on the ledger that is there."""
        self._collectors.close()
        self._collectors = ExitStack()
        part = self._collectors.enter_context(start_collector(self.folder, port=self.port))
        self.port = int(part.url.rpartition(":")[2])
        self.collector = part
        return part

    def start_recorder(self) -> Process:
        """Start the recorder on the spool that is there."""
        self._recorders.close()
        self._recorders = ExitStack()
        url = f"http://127.0.0.1:{self.port}"
        truth = self.folder / "truth"
        words = [str(self.folder / "probe"), url, str(truth), str(SECONDS_BETWEEN_RECORDS)]
        command = [sys.executable, str(RECORDER), *words]
        process = self._recorders.enter_context(
            running("recorder", command, self.folder, {"PYTHONPATH": str(ROOT)})
        )
        self.recorder = process
        return process

    def close(self) -> None:
        """Stop what runs; the recorder first, which delivers what it still has."""
        self._recorders.close()
        self._collectors.close()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a running fleet with an enrolled probe."""
    made = Fleet(tmp_path)
    register_probe(tmp_path, made.start_collector())
    try:
        yield made
    finally:
        made.close()


def cut_power(fleet: Fleet, rounds: int, seed: int) -> int:
    """Kill the recorder or the collector, or both, at random moments; return how many recorders."""
    chance = random.Random(seed)
    killed = 0
    fleet.start_recorder().wait_for("recording")
    for _ in range(rounds):
        time.sleep(chance.uniform(0.05, 0.6))
        victims = chance.choice(["recorder", "collector", "both"])
        if victims != "collector" and fleet.recorder:
            fleet.recorder.kill()
            killed += 1
        if victims != "recorder" and fleet.collector:
            fleet.collector.process.kill()
            time.sleep(chance.uniform(0, 0.3))
            fleet.start_collector()
        if victims != "collector":
            fleet.start_recorder().wait_for("recording")
    assert fleet.recorder is not None
    fleet.recorder.stop(90)
    return killed


def check(fleet: Fleet, killed: int) -> int:
    """Hold the ledger against the truth; return how many records it has."""
    truth = [line.split() for line in (fleet.folder / "truth").read_text().splitlines()]
    with sqlite3.connect(fleet.folder / "ledger.sqlite") as connection:
        rows = connection.execute(
            "SELECT chain, seq, hash FROM records ORDER BY chain, seq"
        ).fetchall()
        quarantined = connection.execute("SELECT count(*) FROM quarantine").fetchone()[0]
        gaps = connection.execute("SELECT count(*) FROM gaps").fetchone()[0]
    assert (quarantined, gaps) == (0, 0)
    stored = {(chain, seq): own for chain, seq, own in rows}
    assert len(stored) == len(rows)
    missing = [entry for entry in truth if stored.get((entry[0], int(entry[1]))) != entry[2]]
    assert missing == []
    # A record may be on the disk when the power goes before the recorder has written that down.
    assert len(truth) <= len(rows) <= len(truth) + killed
    assert sum(map(len, verified_chains(fleet.folder).values())) == len(rows)
    return len(rows)


@pytest.mark.timeout(300)
def test_power_cuts_lose_and_double_nothing(fleet: Fleet) -> None:
    """After kills of probe and collector at random moments the ledger holds each record that was
    ever accepted by the spool, once, and every chain and seal verifies from the first record.
    """
    killed = cut_power(fleet, SHORT_ROUNDS, seed=1)
    assert check(fleet, killed) > SHORT_ROUNDS


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_hundreds_of_power_cuts_lose_and_double_nothing(fleet: Fleet) -> None:
    """The same over hundreds of rounds."""
    killed = cut_power(fleet, LONG_ROUNDS, seed=2)
    assert check(fleet, killed) > LONG_ROUNDS
