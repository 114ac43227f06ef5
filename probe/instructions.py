"""What the collector asks of this probe, kept on the disk for days when it is away."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, ValidationError

from probe.errors import CollectorError
from probe.files import write_atomically
from protocol.constants import SCHEMA
from protocol.messages import Instruction
from protocol.model import Model, Text, encode

INSTRUCTION_NAME: Final = "instruction.json"

log = logging.getLogger(__name__)


class KeptInstruction(Model):
    """An instruction in force.

    Attributes:
        etag: the collector's name for this version of it; null where it gave none.
        since: from when on it is in force; null where nobody vouched for the clock then.
    """

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    etag: Text | None
    since: AwareDatetime | None
    instruction: Instruction


def check(instruction: Instruction, probe: str) -> None:
    """Raise unless this probe can follow the instruction.

    Raises:
        CollectorError: it is for another probe, or contradicts itself.
    """
    if instruction.probe != probe:
        raise CollectorError(f"the instruction is for probe {instruction.probe}, this is {probe}")
    names = [path.name for path in instruction.paths]
    if len(set(names)) != len(names):
        raise CollectorError("the instruction has two paths of the same name")
    zone(instruction)


def zone(instruction: Instruction) -> ZoneInfo:
    """Return the zone of an instruction's schedules.

    Raises:
        CollectorError: there is no such zone.
    """
    try:
        return ZoneInfo(instruction.timezone)
    except (KeyError, ValueError, OSError):
        raise CollectorError(
            f"the instruction's time zone {instruction.timezone!r} does not exist"
        ) from None


class InstructionKeeper:
    """The instruction of one state directory.

    Args:
        directory: where it is kept.
        probe: whom it must be for.
    """

    def __init__(self, directory: Path, probe: str) -> None:
        self._path = directory / INSTRUCTION_NAME
        self._probe = probe

    def load(self) -> KeptInstruction | None:
        """Return the kept instruction, or None where there is none that can be followed."""
        try:
            kept = KeptInstruction.model_validate_json(self._path.read_bytes())
            check(kept.instruction, self._probe)
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, CollectorError) as error:
            log.warning("%s cannot be used, the collector is asked anew: %s", self._path, error)
            return None
        return kept

    def keep(
        self, instruction: Instruction, etag: str | None, since: datetime | None
    ) -> KeptInstruction:
        """Keep an instruction; return it as it is in force from now on.

        A disk that is full does not keep it from being followed, only from being remembered.
        """
        kept = KeptInstruction(etag=etag, since=since, instruction=instruction)
        try:
            write_atomically(self._path, encode(kept))
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)
        return kept
