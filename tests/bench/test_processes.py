"""Real processes for benches and integration tests."""

import sys
import time
from pathlib import Path

import pytest

from bench.processes import ProcessError, proportional_bytes, resident_bytes, running

SAYS_READY = "import time; print('ready on 42'); time.sleep(60)"
IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up');time.sleep(60)"
)
HOLDS = "import os, time; held = bytearray(50_000_000)"
LASTS = "while other or os.getppid() == own: time.sleep(0.05)"
BURNS = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt'); time.sleep(60)"


def python(code: str) -> list[str]:
    """Return the command line of a small program."""
    return [sys.executable, "-c", code]


def test_waits_until_the_program_says_what_is_expected(tmp_path: Path) -> None:
    """The match of the expected line is returned, and the program is gone after the block."""
    with running("small", python(SAYS_READY), tmp_path) as process:
        assert process.wait_for(r"ready on (\d+)").group(1) == "42"
    assert process.popen.returncode == -15
    assert (tmp_path / "small.log").read_text() == "ready on 42\n"


def test_a_program_that_ends_early_is_quoted(tmp_path: Path) -> None:
    """A program that ends before it was ready makes an error with its last words."""
    failing = python("import sys; sys.exit('no such disk')")
    with (
        pytest.raises(ProcessError, match=r"(?s)small ended with 1 .*no such disk"),
        running("small", failing, tmp_path) as process,
    ):
        process.wait_for("ready")


def test_waiting_has_an_end(tmp_path: Path) -> None:
    """A program that never says what is expected makes an error after the time allowed."""
    with (
        pytest.raises(ProcessError, match=r"no 'never' within 0\.2 s"),
        running("small", python(SAYS_READY), tmp_path) as process,
    ):
        process.wait_for("never", seconds=0.2)
    assert process.popen.returncode == -9


def test_a_program_that_does_not_stop_is_killed_and_told_of(tmp_path: Path) -> None:
    """Ignoring SIGTERM is an error, and the program is gone all the same."""
    with running("small", python(IGNORES_TERM), tmp_path) as process:
        process.wait_for("up")
        with pytest.raises(ProcessError, match=r"did not stop within 0\.2 s"):
            process.stop(seconds=0.2)
    assert process.popen.returncode == -9


def test_a_killed_program_can_be_started_again_in_its_folder(tmp_path: Path) -> None:
    """After a kill the same name runs again; its log goes on, and the old one is not mistaken."""
    for _ in range(2):
        with running("small", python(SAYS_READY), tmp_path) as process:
            process.wait_for("ready")
            process.kill()
    assert (tmp_path / "small.log").read_text().count("ready") == 2


def test_cpu_seconds_are_the_programs_own(tmp_path: Path) -> None:
    """A program that computed for 0.3 s has used that much, and waiting adds nothing."""
    with running("small", python(BURNS), tmp_path) as process:
        process.wait_for("burnt")
        used = process.cpu_seconds()
        time.sleep(0.2)
        assert 0.28 <= used < 5
        assert process.cpu_seconds() - used <= 0.02


def test_memory_that_is_shared_counts_once(tmp_path: Path) -> None:
    """What a process and its copy share is half of either; what one alone holds is its own."""
    alone = python(f"{HOLDS}; print('up'); time.sleep(60)")
    copied = python(
        f"{HOLDS}; own = os.getpid(); other = os.fork(); print('up', flush=True)\n{LASTS}"
    )
    with (
        running("alone", alone, tmp_path) as one,
        running("two", copied, tmp_path) as two,
    ):
        one.wait_for("up")
        two.wait_for(r"up\s+up")
        assert proportional_bytes(one.popen.pid) > 50_000_000
        assert 25_000_000 < proportional_bytes(two.popen.pid) < 45_000_000
        assert resident_bytes(two.popen.pid) > 50_000_000
