"""The machine's load, from files like the kernel's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.load import CpuMeter


def _stat(folder: Path, *ticks: int) -> Path:
    file = folder / "stat"
    file.write_text(f"cpu  {' '.join(map(str, ticks))}\ncpu0 1 2 3\n", encoding="ascii")
    return file


def test_is_the_busy_share_between_two_readings(tmp_path: Path) -> None:
    """User, system and stolen time are busy; idle and waiting for a disk are not."""
    meter = CpuMeter(_stat(tmp_path, 100, 0, 100, 1000, 0, 0, 0, 0, 0, 0))
    assert meter.ratio is None
    _stat(tmp_path, 110, 0, 110, 1060, 10, 0, 0, 10, 0, 0)
    assert meter.measure() == pytest.approx(0.3)


@given(st.lists(st.lists(st.integers(0, 10**9), min_size=8, max_size=10), min_size=2, max_size=5))
def test_is_never_outside_its_range(
    tmp_path_factory: pytest.TempPathFactory, readings: list[list[int]]
) -> None:
    """Whatever the counters do, also backwards, the share is from 0 to 1 or not known."""
    folder = tmp_path_factory.mktemp("stat")
    meter = CpuMeter(_stat(folder, *readings[0]))
    for ticks in readings[1:]:
        _stat(folder, *ticks)
        ratio = meter.measure()
        assert ratio is None or 0 <= ratio <= 1


def test_is_absent_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    """Without the file, or with an unknown format, the load is not known: not zero."""
    assert CpuMeter(tmp_path / "none").measure() is None
    strange = tmp_path / "strange"
    strange.write_text("cpu what\n", encoding="ascii")
    assert CpuMeter(strange).measure() is None


def test_reads_this_machine() -> None:
    """The real file can be read."""
    meter = CpuMeter()
    sum(range(2_000_000))  # some ticks pass
    ratio = meter.measure()
    assert ratio is None or 0 <= ratio <= 1
