"""What a device is certified for, by interface: the acceptance test keeps it, records tell it."""

import logging
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from probe.files import write_atomically
from protocol.conditions import Ceiling
from protocol.model import Model, encode

CEILING_NAME: Final = "ceiling.json"

log = logging.getLogger(__name__)


class Ceilings(Model):
    """What the file holds.

    Attributes:
        ceilings: one for each interface that was certified.
    """

    ceilings: tuple[Ceiling, ...]


def read_ceiling(directory: Path, interface: str | None) -> Ceiling | None:
    """Return what was certified over an interface; None where nothing was.

    Args:
        directory: the probe's state directory.
        interface: the one that is measured over; None where it is not known.
    """
    if interface is None:
        return None
    try:
        kept = _read(directory)
    except (OSError, ValidationError) as error:
        path = directory / CEILING_NAME
        log.warning("%s cannot be used, the device counts as not certified: %s", path, error)
        return None
    return kept.get(interface)


def keep_ceiling(directory: Path, ceiling: Ceiling) -> None:
    """Keep a ceiling beside those of other interfaces, in place of an earlier one of its own.

    Raises:
        OSError: it cannot be written.
    """
    try:
        kept = _read(directory)
    except ValidationError:
        kept = {}  # said where it was read; certifying anew is what mends it
    kept[ceiling.interface] = ceiling
    whole = Ceilings(ceilings=tuple(kept.values()))
    write_atomically(directory / CEILING_NAME, encode(whole))


def _read(directory: Path) -> dict[str, Ceiling]:
    """Return the ceilings by interface.

    Raises:
        OSError: the file cannot be read.
        ValidationError: it is damaged.
    """
    try:
        data = (directory / CEILING_NAME).read_bytes()
    except (FileNotFoundError, PermissionError):
        # Who measures by hand may not look into the agent's folder.
        return {}
    kept = Ceilings.model_validate_json(data).ceilings
    return {ceiling.interface: ceiling for ceiling in kept}
