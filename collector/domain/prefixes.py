"""A carrier's networks, from the lists that people and registries keep. Pure.

A line is one network, with or without the number of the autonomous system (AS) that announces it:

    203.0.113.0/24                a list of one's own; # and % begin a comment
    203.0.113.0/24  AS64500       the same with the AS
    203.0.113.0     24    64500   CAIDA's pfx2as; 64500_64501 and 64500,64501 are several origins
    64500   203.0.113.0/24   310  RIPE's riswhoisdump
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from protocol.messages import MAX_CARRIER_PREFIXES

Network = IPv4Network | IPv6Network

_SHORTEST: Final = {4: 8, 6: 16}
"""A shorter prefix is no carrier's: registries give out at most a /8 and a /16. The default route,
which such lists have too, would make every address the carrier's."""

_AS: Final = re.compile(r"(?:AS)?(\d{1,10}(?:[_,]\d{1,10})*)", re.IGNORECASE)


class PrefixError(ValueError):
    """The list cannot be used; says in which line and why."""


def parse_prefixes(lines: Iterable[str], systems: Collection[int] = ()) -> tuple[Network, ...]:
    """Return the networks of a list, as few as cover the same addresses.

    Args:
        lines: the list's.
        systems: only networks that one of these ASes announces; none: the list has no ASes.

    Raises:
        PrefixError: a line is none, the list has ASes and none was asked for, nothing is left, or
            more than a probe takes.
    """
    found: list[Network] = []
    for number, line in enumerate(lines, 1):
        words = re.split(r"[#%]", line, maxsplit=1)[0].split()
        if words:
            network = _network(words, systems, number)
            if network is not None:
                found.append(network)
    if not found:
        asked = f" of AS {', '.join(map(str, sorted(systems)))}" if systems else ""
        raise PrefixError(f"the list has no network{asked}")
    by_family = (
        ipaddress.collapse_addresses([each for each in found if isinstance(each, IPv4Network)]),
        ipaddress.collapse_addresses([each for each in found if isinstance(each, IPv6Network)]),
    )
    collapsed: tuple[Network, ...] = (*by_family[0], *by_family[1])
    if len(collapsed) > MAX_CARRIER_PREFIXES:
        raise PrefixError(
            f"the list has {len(collapsed)} networks that do not join; a probe takes "
            f"{MAX_CARRIER_PREFIXES}: leave out what no line of the carrier uses"
        )
    return collapsed


def _network(words: list[str], systems: Collection[int], number: int) -> Network | None:
    """Return a line's network; None where another AS announces it."""
    text, announced = _columns(words, number)
    if announced and not systems:
        raise PrefixError(
            f"line {number}: the list names the AS of each network: say which with --asn"
        )
    if systems and not announced:
        raise PrefixError(f"line {number}: the list names no AS, so --asn cannot choose")
    if systems and not announced & set(systems):
        return None
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise PrefixError(f"line {number}: {error}") from None
    if network.prefixlen < _SHORTEST[network.version]:
        raise PrefixError(f"line {number}: {text} is too wide to be one carrier's")
    return network


def _columns(words: list[str], number: int) -> tuple[str, set[int]]:
    """Return the network's text and the ASes of a line."""
    match words:
        case [network]:
            return network, set()
        case [network, origin] if "/" in network and _AS.fullmatch(origin):
            return network, _systems(origin)
        case [address, length, origin] if length.isdecimal() and _AS.fullmatch(origin):
            return f"{address}/{length}", _systems(origin)
        case [origin, network, *_] if "/" in network and _AS.fullmatch(origin):
            return network, _systems(origin)
    raise PrefixError(f"line {number}: '{' '.join(words)[:60]}' is no network")


def _systems(text: str) -> set[int]:
    return {int(each) for each in re.findall(r"\d+", text)}
