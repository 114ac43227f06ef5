"""Another program as a child: its end, its bounds, and that nothing of it is left."""

import sys
import threading
import time
from pathlib import Path

import pytest

from probe.engine import MeasurementError
from probe.transfer import child
from probe.transfer.child import Ended, run
from probe.transfer.guard import Guard
from protocol.failures import Failure

PYTHON = sys.executable


def script(text: str) -> list[str]:
    """Return a program that runs a line of Python."""
    return [PYTHON, "-S", "-c", text]


def failure(
    arguments: list[str], seconds: float = 20, guard: Guard | None = None
) -> MeasurementError:
    """Return what a program ended by that did not end by itself."""
    with pytest.raises(MeasurementError) as caught:
        run(arguments, guard or Guard(time.monotonic() + 30), seconds, bool)
    return caught.value


def writes_its_id(folder: Path) -> list[str]:
    """Return a program that writes its process's id to a file and then does not end."""
    return script(
        f"import os, time; open({str(folder / 'new')!r}, 'w').write(str(os.getpid()));"
        f"os.rename({str(folder / 'new')!r}, {str(folder / 'id')!r}); time.sleep(60)"
    )


def process_of(folder: Path) -> Path:
    """Return where the kernel shows the program's process, zombies too."""
    return Path("/proc") / (folder / "id").read_text()


def test_a_program_that_ends_gives_what_it_said() -> None:
    """Both streams and the code are told, and the time goes by in ticks meanwhile."""
    ticks: list[float] = []
    text = "import sys, time; time.sleep(0.6); print('out'); sys.exit('err')"
    ended = run(script(text), Guard(time.monotonic() + 30), 20, ticks.append)
    assert ended == Ended(1, b"out\n", b"err\n")
    assert len(ticks) >= 2
    assert ticks == sorted(ticks)


def test_a_program_without_end_is_killed_and_not_left(tmp_path: Path) -> None:
    """After its time it is killed and its process is gone, not a zombie."""
    error = failure(writes_its_id(tmp_path), seconds=1.5)
    assert error.report.code is Failure.DEADLINE
    assert not process_of(tmp_path).exists()


def test_a_stop_kills_it(tmp_path: Path) -> None:
    """A stop of the probe ends it in the midst of its work."""
    stop = threading.Event()

    def ask() -> None:
        while not (tmp_path / "id").exists():
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=ask, daemon=True).start()
    error = failure(writes_its_id(tmp_path), guard=Guard(time.monotonic() + 30, stop))
    assert error.report.code is Failure.PROBE_STOPPING
    assert not process_of(tmp_path).exists()


def test_a_program_that_says_too_much_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program says is bounded, so that it cannot fill the device's memory."""
    monkeypatch.setattr(child, "MAX_OUTPUT_BYTES", 100_000)
    error = failure(["yes"])
    assert error.report.code is Failure.BAD_ANSWER
    assert "100000 bytes" in error.report.detail


def test_a_program_that_closes_its_output_is_still_waited_for() -> None:
    """One that says nothing more has not ended: its code is that of its end."""
    text = "import os, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(7)"
    assert run(script(text), Guard(time.monotonic() + 30), 20, bool).code == 7


@pytest.mark.parametrize(
    "program, told", [("no-such-program", "sudo apt install no-such-program"), ("/etc/passwd", "")]
)
def test_a_program_that_cannot_start_is_told(program: str, told: str) -> None:
    """One that is not installed, or not a program, ends with what to do."""
    error = failure([program])
    assert error.report.code is Failure.LOCAL_RESOURCE
    assert told in error.report.detail
