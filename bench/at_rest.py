"""What an agent costs between its speed tests, and how long the command line takes to answer.

Server, collector and agent run as processes on loopback. The agent does one full speed test, so
that what that loads and leaves is there, and is then watched while it waits, pings and asks how far
the line reaches.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console
from rich.text import Text

import linewatch_demo as demo
from bench.marks import marked
from bench.processes import LINEWATCH, cpu_seconds, resident_bytes, running

MOST_RESIDENT_BYTES: Final = 60 * 1024**2
"""60 MiB, as top and systemd count: 62.9 million bytes; both are printed."""

MOST_OF_A_CORE: Final = 0.003
MOST_START_SECONDS: Final = 0.3

STARTS: Final = 9
"""How often a program is started; the median is told."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds and uses.

    Attributes:
        resident_bytes: of memory, the most that was seen of readings every second.
        core_share: CPU seconds per second, over the whole time.
        seconds: how long it was watched.
    """

    resident_bytes: int
    core_share: float
    seconds: float


def schedule(profile: str) -> dict[str, object]:
    """Return when the agent is to do what.

    No speed test but the first, and each other task once in five minutes: a collector asks for
    latency a third as often by itself.
    """
    never = {"name": "none", "start": "00:00", "end": "00:00", "tests": 0}
    return {
        "speed": {"windows": [never], "profile": profile},
        "latency": {"every_seconds": 300},
        "reach": {"every_seconds": 300},
    }


def watched(pid: int, seconds: float) -> Footprint:
    """Watch a process for some seconds."""
    began, before = time.monotonic(), cpu_seconds(pid)
    resident: list[int] = []
    while not resident or time.monotonic() < began + seconds:
        time.sleep(min(1.0, seconds))
        resident.append(resident_bytes(pid))
    used, elapsed = cpu_seconds(pid) - before, time.monotonic() - began
    return Footprint(max(resident), used / elapsed, elapsed)


def agent_at_rest(
    folder: Path, seconds: float, console: Console, profile: str = "full"
) -> Footprint:
    """Run an agent in an empty folder, let it do a speed test, and watch it rest.

    Raises:
        DemoError: a step of the set-up failed.
        ProcessError: a program did not start, or the first record did not come.
    """
    settings = demo.configuration(folder)
    settings["collector"]["schedule"] = schedule(profile)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    with ExitStack() as stack, console.status("server and collector start") as status:
        for name in ("server", "collector"):
            command = demo.command(folder, name, "run")
            process = stack.enter_context(running(name, command, folder))
            page = process.wait_for(r"listening on (\S+)").group(1)
        demo.register(folder, page)
        status.update("the agent does a speed test")
        command = demo.command(folder, "probe", "run", "--now")
        agent = stack.enter_context(running("agent", command, folder))
        agent.wait_for("Measured: speed", demo.FIRST_RESULT_SECONDS)
        status.update(f"the agent rests for {seconds:.0f} s")
        return watched(agent.popen.pid, seconds)


def start_seconds(command: Sequence[str]) -> float:
    """Return the median of the seconds that a program takes from its start to its end."""
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def lines(rest: Footprint, start: float, python: float) -> Iterator[Text]:
    """Yield a sentence for each bar.

    Args:
        rest: of the agent.
        start: seconds that ``linewatch --version`` takes.
        python: seconds that the interpreter takes to do nothing.
    """
    yield marked(
        f"agent at rest: at most {MOST_RESIDENT_BYTES / 1024**2:.0f} MiB resident: "
        f"{rest.resident_bytes / 1024**2:.1f} ({rest.resident_bytes / 1e6:.1f} million bytes)",
        good=rest.resident_bytes <= MOST_RESIDENT_BYTES,
    )
    yield marked(
        f"agent at rest: at most {MOST_OF_A_CORE:.1%} of a core: {rest.core_share:.2%} "
        f"(over {rest.seconds:.0f} s)",
        good=rest.core_share <= MOST_OF_A_CORE,
    )
    yield marked(
        f"linewatch --version: at most {MOST_START_SECONDS} s: {start:.2f} "
        f"(python that does nothing: {python:.2f})",
        good=start <= MOST_START_SECONDS,
    )


def print_lines(seconds: float, console: Console) -> None:
    """Measure and print all."""
    with tempfile.TemporaryDirectory() as folder:
        rest = agent_at_rest(Path(folder), seconds, console)
    nothing = start_seconds([sys.executable, "-c", "pass"])
    for line in lines(rest, start_seconds([LINEWATCH, "--version"]), nothing):
        console.print(line)
