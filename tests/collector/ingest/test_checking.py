"""Where batches are checked: threads and processes find the same, and a process may die."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.errors import LedgerBusyError
from collector.ingest.checking import Checkers
from collector.ingest.verify import TooLargeError
from collector.settings import LimitSettings
from protocol.chain import ChainError
from protocol.constants import MAX_RECORD_BYTES
from tests.collector.device import Device, rewrite

IN_PROCESSES = LimitSettings(verifying_processes=1)


@pytest.fixture
async def apart() -> AsyncIterator[Checkers]:
    """Return checkers that are a process."""
    checkers = Checkers(IN_PROCESSES)
    yield checkers
    checkers.close()


def _device() -> Device:
    device = Device("p1")
    device.fill(3, datetime(2026, 11, 20, tzinfo=UTC))
    return device


def _children(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def _checkers(parent: int) -> list[int]:
    """Return the children that check: the standard library has one of its own to clean up."""
    return [
        child
        for child in _children(parent)
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]


async def test_a_process_finds_what_a_thread_finds(apart: Checkers) -> None:
    """The same batch for good bodies, the same error with its place for bad ones."""
    beside = Checkers(LimitSettings())
    device = _device()
    key = device.key.public_key()
    changed = rewrite(device.lines[1], software="other")
    bodies = [
        device.batch(),
        device.seal([device.lines[0], changed, device.lines[2]]),
        device.seal([device.lines[0], device.lines[2]]),
        device.seal(device.lines, Device("p2").key),
        device.seal([b" " * MAX_RECORD_BYTES + device.lines[0]]),
        b"nothing",
    ]
    told = []
    for body in bodies:
        found = [
            await asyncio.gather(one.check(body, "p1", key), return_exceptions=True)
            for one in (apart, beside)
        ]
        first, second = (each[0] for each in found)
        if isinstance(first, ChainError | TooLargeError):
            assert type(first) is type(second)
            assert (str(first), first.__dict__) == (str(second), second.__dict__)
        else:
            assert first == second
        told.append(type(first).__name__)
    assert told == ["Batch", *["ChainError"] * 3, "TooLargeError", "ChainError"]
    beside.close()


async def test_a_process_that_dies_is_replaced(apart: Checkers) -> None:
    """What it was checking is to be sent again, and the next batch is checked by another one."""
    device = _device()
    key = device.key.public_key()
    await apart.check(device.batch(), "p1", key)
    for child in _checkers(os.getpid()):
        os.kill(child, signal.SIGKILL)
    with pytest.raises(LedgerBusyError):
        await apart.check(device.batch(), "p1", key)
    assert (await apart.check(device.batch(), "p1", key)).links[-1].seq == 2


PROGRAM = """
import asyncio, sys, time
from collector.ingest.checking import Checkers
from tests.collector.ingest.test_checking import IN_PROCESSES, _device
async def main():
    device = _device()
    await Checkers(IN_PROCESSES).check(device.batch(), "p1", device.key.public_key())
    print("checked", flush=True)
    time.sleep(100)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_no_process_outlives_a_collector_that_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the collector ends its checkers too: nobody is there to end them."""
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "program.py"],
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"checked\n"
    children = _children(process.pid)
    assert children
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30
    left = children
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [child for child in left if _runs(child)]
    assert not left


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
