"""Rules for every task: the clock, the way out, and whose loss a loss is."""

from math import comb
from typing import Final

from probe.flags.evidence import Evidence
from protocol.conditions import InterfaceState, Snapshot
from protocol.results import Latency

LOSS_SIGNIFICANCE: Final = 0.01
"""How unlikely the server's surplus of lost packets over its neighbour's must be by chance, where
both lose alike (Fisher's exact test, one-sided): then the loss is not the line's, or not alone. By
chance one minute in a hundred is set aside, which takes nothing from a month of them; at the usual
5 % it would be one in twenty, and at 0.1 % a server had to lose 4 % beside a neighbour that loses
none before it were seen (the project's own choice)."""


def clock_unsynchronised(evidence: Evidence) -> bool:
    """Nobody vouched for the clock: neither the kernel nor the collector."""
    return evidence.clock.source == "none"


def wifi(evidence: Evidence) -> bool:
    """The interface is a Wi-Fi radio."""
    interface = evidence.conditions.before.interface
    return interface is not None and interface.kind == "wifi"


def path_changed(evidence: Evidence) -> bool:
    """Gateway, interface or address differ after from before.

    Of the interface its speed, its duplex and whether it is up; one that is gone is a change, as is
    a gateway. Of the addresses the local and the public one, where both moments tell it.
    """
    before, after = evidence.conditions.before, evidence.conditions.after
    if after is None:
        return False
    if before.gateway != after.gateway or _left_from_elsewhere(before, after):
        return True
    if before.interface is None or after.interface is None:
        return before.interface is not None
    return _link(before.interface) != _link(after.interface)


def _left_from_elsewhere(before: Snapshot, after: Snapshot) -> bool:
    pairs = (
        (before.local_address, after.local_address),
        (before.public_address, after.public_address),
    )
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _link(interface: InterfaceState) -> tuple[object, ...]:
    return interface.name, interface.speed_bits_per_second, interface.duplex, interface.up


def other_carrier(evidence: Evidence) -> bool:
    """The public address is known, and none of the line's carrier's."""
    return evidence.conditions.by_carrier is False


def server_loss(evidence: Evidence) -> bool:
    """The server lost more packets than its neighbour did, and not by chance."""
    section = evidence.section
    if not isinstance(section, Latency) or section.neighbour is None:
        return False
    neighbour, trips = section.neighbour, section.round_trip
    chance = surplus_probability(
        trips.sent - trips.received, trips.sent, neighbour.sent - neighbour.received, neighbour.sent
    )
    return chance < LOSS_SIGNIFICANCE


def surplus_probability(lost: int, sent: int, lost_beside: int, sent_beside: int) -> float:
    """Return how likely at least ``lost`` of ``sent`` are lost, where both sides lose alike.

    The upper tail of the hypergeometric distribution: of all lost packets, any were as likely to
    be among the ``sent`` as their number says (Fisher's exact test, one-sided).
    """
    all_lost = lost + lost_beside
    most = min(all_lost, sent)
    ways = sum(comb(sent, k) * comb(sent_beside, all_lost - k) for k in range(lost, most + 1))
    return ways / comb(sent + sent_beside, all_lost)
