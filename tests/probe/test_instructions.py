"""Instructions: kept over restarts, refused where they cannot be followed."""

from pathlib import Path

import pytest

from probe.errors import CollectorError
from probe.instructions import INSTRUCTION_NAME, InstructionKeeper, check, zone
from tests.probe.support import NOW, instruction, path


def test_kept_instruction_comes_back(tmp_path: Path) -> None:
    """What was kept is found again with its ETag and since when it is in force."""
    keeper = InstructionKeeper(tmp_path, "probe-1")
    assert keeper.load() is None
    kept = keeper.keep(instruction(), '"v1"', NOW)
    assert keeper.load() == kept
    assert (kept.etag, kept.since) == ('"v1"', NOW)


def test_what_cannot_be_followed_is_not_loaded(tmp_path: Path) -> None:
    """A damaged file, and one of another probe, are as if they were not there."""
    InstructionKeeper(tmp_path, "probe-1").keep(instruction(), None, NOW)
    assert InstructionKeeper(tmp_path, "probe-2").load() is None
    (tmp_path / INSTRUCTION_NAME).write_bytes(b"\xff\xfe")
    assert InstructionKeeper(tmp_path, "probe-1").load() is None


def test_full_disk_does_not_keep_it_from_being_followed(tmp_path: Path) -> None:
    """An instruction that cannot be written is returned all the same."""
    keeper = InstructionKeeper(tmp_path / "missing", "probe-1")
    assert keeper.keep(instruction(), None, NOW).instruction == instruction()


def test_contradictions_are_told() -> None:
    """Another probe's instruction, equal paths and unknown zones are refused with a sentence."""
    check(instruction(), "probe-1")
    with pytest.raises(CollectorError, match="for probe probe-1, this is probe-2"):
        check(instruction(), "probe-2")
    with pytest.raises(CollectorError, match="two paths of the same name"):
        check(instruction(path(), path()), "probe-1")
    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(CollectorError, match="does not exist"):
            zone(instruction().model_copy(update={"timezone": name}))
