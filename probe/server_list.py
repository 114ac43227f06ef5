"""Reads the list of servers that the settings or a person name."""

import logging
from pathlib import Path
from typing import Final

from protocol.errors import ConfigurationError
from protocol.messages import ServerEntry
from protocol.server_list import ListFault, parse

MAX_LIST_BYTES: Final = 1024 * 1024
"""A longer file is no list of servers: one server takes some 300 bytes."""

log = logging.getLogger(__name__)


def read_list(file: Path | None) -> tuple[ServerEntry, ...]:
    """Return the servers of a list file; none without a file. Entries with faults are logged.

    Raises:
        ConfigurationError: it cannot be read, is no list, or has no server that can be used.
    """
    if file is None:
        return ()
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    if len(text) > MAX_LIST_BYTES:
        raise ConfigurationError(f"{file}: is longer than a list of servers may be")
    try:
        found = parse(text)
    except ListFault as error:
        raise ConfigurationError(f"{file}: {error}") from None
    for fault in found.faults:
        log.warning("%s: %s", file, fault)
    if not found.entries:
        reason = found.faults[0] if found.faults else "the list is empty"
        raise ConfigurationError(f"{file}: no server in it can be used: {reason}")
    return found.entries
