"""Real processes for benches and integration tests: started, waited for, stopped, never left."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.errors import LinewatchError

LINEWATCH: Final = str(Path(sys.executable).with_name("linewatch"))
"""The command of the environment that runs this."""

READY_SECONDS: Final = 20.0
"""How long a program may take to say that it is ready."""

STOP_SECONDS: Final = 10.0
"""How long a program may take to stop cleanly before it is killed."""

_POLL_SECONDS: Final = 0.02
_CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")


class ProcessError(LinewatchError):
    """A program did not start, or did not say what was waited for."""


@dataclass(frozen=True, slots=True)
class Process:
    """A running program and all that it printed.

    Attributes:
        name: for messages.
        popen: the process; its id is the program's own.
        log: the file that takes its standard output and standard error.
        log_start: where in the file this run begins, after what earlier ones printed.
    """

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    log_start: int = 0

    def text(self) -> str:
        """Return what the program printed so far in this run."""
        return self.log.read_bytes()[self.log_start :].decode(errors="replace")

    def wait_for(self, pattern: str, seconds: float = READY_SECONDS) -> re.Match[str]:
        """Return the first match of a regular expression in what the program prints.

        Raises:
            ProcessError: the program ended first, or ``seconds`` passed; says what it printed.
        """
        deadline = time.monotonic() + seconds
        while True:
            # Asked before reading: what a program printed last is still seen after its end.
            code = self.popen.poll()
            found = re.search(pattern, self.text(), re.MULTILINE)
            if found:
                return found
            if code is not None:
                raise ProcessError(
                    f"{self.name} ended with {code} before '{pattern}'{self._said()}"
                )
            if time.monotonic() >= deadline:
                raise ProcessError(f"{self.name}: no '{pattern}' within {seconds} s{self._said()}")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask the program to stop (SIGTERM) and return its exit code.

        Raises:
            ProcessError: it did not stop within ``seconds``; it is killed then.
        """
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessError(
                f"{self.name} did not stop within {seconds} s{self._said()}"
            ) from None

    def kill(self) -> None:
        """End the program at once (SIGKILL), as a power cut would."""
        self.popen.kill()
        self.popen.wait()

    def cpu_seconds(self) -> float:
        """Return the CPU time, user and system, that the program itself has used so far."""
        return cpu_seconds(self.popen.pid)

    def _said(self) -> str:
        text = self.text().strip()
        return f"; it printed:\n{text[-4000:]}" if text else "; it printed nothing"


def cpu_seconds(pid: int, *, ended_children: bool = False) -> float:
    """Return the CPU time, user and system, that a process has used so far.

    Args:
        pid: of the process.
        ended_children: add that of the processes that it started and that have ended.
    """
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    # Behind the name, which may hold spaces: utime and stime are fields 14 and 15, cutime and
    # cstime 16 and 17 (proc(5)).
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended_children else 13])) / _CLOCK_TICKS


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds in pages that are there (RSS)."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def proportional_bytes(pid: int) -> int:
    """Return the memory that a process holds, of shared pages its share (PSS).

    The sum of several processes is what they hold together: that of `resident_bytes` counts the
    libraries that they share once for each.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(text.partition("\nPss:")[2].split()[0]) * 1024


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """Run a program in a folder until the block ends, then stop it, or kill it.

    Args:
        name: of the program; its log is ``folder``/``name``.log, appended to.
        command: the program and its arguments.
        folder: where it runs.
        environ: added to this process's environment.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        log_start = output.tell()
        popen = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = Process(name, popen, log, log_start)
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    process.stop()
