"""The far end on this device, where it is not as it should be."""

import time
from pathlib import Path

import pytest

from probe.acceptance.far_end import far_end
from probe.engine import MeasurementError
from probe.transfer.guard import Guard
from protocol.failures import Failure


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("said", ["", "printf 12; "])
def test_one_that_says_nothing_whole_ends_with_the_guard_and_is_gone(
    said: str, tmp_path: Path
) -> None:
    """No answer, or half a line, keeps nobody waiting beyond the guard; the child does not stay."""
    noted = tmp_path / "pid"
    command = ["sh", "-c", f"echo $$ > {noted}; {said}exec sleep 60"]
    begun = time.monotonic()
    with (
        pytest.raises(MeasurementError) as caught,
        far_end(Guard(begun + 1.0), command),
    ):
        pass
    assert caught.value.report.code is Failure.DEADLINE
    assert time.monotonic() - begun < 30
    # A shell that did not come to run within the second has noted nothing.
    assert not [each for each in _words(noted) if Path(f"/proc/{each}").exists()]


def test_one_that_ends_is_told_as_such() -> None:
    """A child that could not start is an error of this device, at once."""
    with pytest.raises(OSError, match="has ended"), far_end(Guard(time.monotonic() + 60), ["true"]):
        pass
