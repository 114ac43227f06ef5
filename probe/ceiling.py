"""What this device is certified to measure: kept by the acceptance test, told by every record."""

import logging
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from probe.files import write_atomically
from protocol.records import Ceiling, encode

CEILING_NAME: Final = "ceiling.json"

log = logging.getLogger(__name__)


def read_ceiling(directory: Path, interface: str | None) -> Ceiling | None:
    """Return the ceiling of a state directory, or None where there is none for the interface.

    Args:
        directory: the probe's state directory.
        interface: the one that is measured over.
    """
    path = directory / CEILING_NAME
    try:
        ceiling = Ceiling.model_validate_json(path.read_bytes())
    except (FileNotFoundError, PermissionError):
        # Who measures by hand may not look into the agent's folder.
        return None
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be used, the device counts as not certified: %s", path, error)
        return None
    return ceiling if ceiling.interface in (None, interface) else None


def keep_ceiling(directory: Path, ceiling: Ceiling) -> None:
    """Keep a ceiling, in place of an earlier one.

    Raises:
        OSError: it cannot be written.
    """
    write_atomically(directory / CEILING_NAME, encode(ceiling))
