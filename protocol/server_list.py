"""LibreSpeed's server lists: what its page, its command and its list service write, as our entries.

A list is a JSON array of objects with ``name``, ``server`` (an address, or ``//host/`` for "http or
https, as you like"), ``dlURL``, ``ulURL``, ``pingURL`` and ``getIpURL`` relative to it, and more
that is not needed here (GitHub librespeed/speedtest, speedtest.js; librespeed/speedtest-cli,
defs/server.go).
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from protocol.messages import BackendPaths, ServerEntry

MAX_LISTED: Final = 200
"""Servers of a list that are read: LibreSpeed's public list has some fifty."""

_PATHS: Final = ("dlURL", "ulURL", "pingURL", "getIpURL")
_NAME_LETTERS: Final = 50
"""Of a name; the rest of the 64 that a name may have tells two of the same name apart."""


class ListFault(ValueError):  # noqa: N818 - what is wrong, in words
    """What is wrong with a list or with one of its servers."""


@dataclass(frozen=True, slots=True)
class ServerList:
    """A list as it was understood.

    Attributes:
        entries: the servers that can be used, in the list's order, no name twice.
        faults: what cannot be used and why, a sentence for each entry.
    """

    entries: tuple[ServerEntry, ...]
    faults: tuple[str, ...]


def parse(text: str | bytes) -> ServerList:
    """Return the servers of a list; an entry with a fault is left out and told.

    Raises:
        ListFault: it is no list at all.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListFault(f"it is not JSON: {error}") from None
    if not isinstance(found, list):
        raise ListFault("it is no list of servers: a JSON array was expected")
    entries: dict[str, ServerEntry] = {}
    faults = []
    for number, each in enumerate(found[:MAX_LISTED], start=1):
        try:
            entry = _entry(each)
        except ValueError as error:
            faults.append(f"entry {number}{_called(each)}: {error}")
            continue
        name = next(name for name in _names(entry.name, each.get("id")) if name not in entries)
        entries[name] = entry.model_copy(update={"name": name})
    if len(found) > MAX_LISTED:
        faults.append(f"{len(found) - MAX_LISTED} more: a list may have {MAX_LISTED} servers")
    return ServerList(tuple(entries.values()), tuple(faults))


def _entry(listed: object) -> ServerEntry:
    if not isinstance(listed, dict):
        raise ListFault("it is no object")
    name, server = listed.get("name"), listed.get("server")
    if not isinstance(name, str) or not name.strip():
        raise ListFault("it has no name")
    if not isinstance(server, str):
        raise ListFault("it has no server address (server)")
    sponsor = listed.get("sponsorName")
    return ServerEntry(
        name=_slug(name) or "server",
        url=_url(server.strip()),
        network=sponsor[:500] if isinstance(sponsor, str) and sponsor else None,
        paths=_paths({key: listed[key] for key in _PATHS if key in listed}),
    )


def _url(server: str) -> str:
    # As LibreSpeed's command does; https costs a small device more than the line may carry.
    url = f"http:{server}" if server.startswith("//") else server
    parts = urlsplit(url)
    wrong = parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > 500  # noqa: PLR2004 - Text
    if wrong or any(mark.isspace() or not mark.isprintable() for mark in url):
        raise ListFault(
            f"'{server[:100]}' is no server's address: it reads like http://host/ or //host/"
        )
    return url


def _paths(given: dict[str, object]) -> BackendPaths:
    for key, path in given.items():
        if not isinstance(path, str):
            raise ListFault(f"its {key} is no text")
        if "://" in path or path.startswith("//"):
            raise ListFault(f"its {key} is no path below its server, but an address of its own")
    try:
        return BackendPaths.model_validate(given)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        raise ListFault(f"its {key} is no path: {given[key]!r:.100}") from None


def _slug(name: str) -> str:
    """Return a name of letters and digits: 'Hà Nội, Viettel' becomes 'ha-noi-viettel'."""
    plain = unicodedata.normalize("NFKD", name.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(mark for mark in plain if mark.isascii()).lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_NAME_LETTERS].strip("-")


def _names(name: str, number: object) -> Iterator[str]:
    """Yield names for a server, the first that is free counts: the same for the same list."""
    yield name
    if isinstance(number, int) and 0 <= number < 10**9:
        yield f"{name}-{number}"
    for count in range(2, MAX_LISTED + 2):
        yield f"{name}-no{count}"


def _called(listed: object) -> str:
    name = listed.get("name") if isinstance(listed, dict) else None
    return f" ('{name[:60]}')" if isinstance(name, str) and name else ""
