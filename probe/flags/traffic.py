"""Rules for a speed test: what others moved meanwhile, at the interface and at the router."""

from collections.abc import Mapping
from typing import Final, Literal

from probe.flags.evidence import windows
from protocol.conditions import Conditions, During, WindowTraffic
from protocol.results import Speed

Way = Literal["received", "sent"]
Carried = Mapping[Way, int | None]

FRAME_OVERHEAD_BYTES: Final = {4: 74, 6: 94}
"""What a counter may count around a segment's payload: Ethernet's header and checksum (18), a VLAN
tag (4), IP (20, 40), TCP with timestamps (32): 5.1 % of a full segment over IPv4 and 6.6 % over
IPv6."""

ACKNOWLEDGEMENT_BYTES: Final = {4: 102, 6: 122}
"""The same around a segment without payload, with the longest header of TCP (60): after a loss it
lists what has arrived beyond the hole (SACK, RFC 2018)."""

UNKNOWN_SEGMENT_ALLOWANCE: Final = 0.10
"""The same where the size of the segments is not known: right down to segments of 740 bytes."""

UNKNOWN_ACKNOWLEDGEMENT_SHARE: Final = 0.05
"""Acknowledgements per byte the other way where they were not counted: one for each full segment
over IPv4, or for every second of 740 bytes. There is one for every second segment or fewer while
none is lost (RFC 9293, 3.8.6.3)."""

CROSS_TRAFFIC_SHARE: Final = 0.02
"""Other traffic above this share of what the test explains, either way, is cross traffic: along the
payload it may have taken as much from the result, against it the acknowledgements have to queue
behind it."""

CROSS_TRAFFIC_MINIMUM_BITS_PER_SECOND: Final[Mapping[Way, int]] = {
    "received": 64_000,
    "sent": 32_000,
}
"""Below it other traffic never counts: above these rates, down and up, the whiteboxes of the FCC's
Measuring Broadband America put a test off. The test's own small requests stay below: with headers
and acknowledgements 500 bytes down and 270 up, five times a second, 20 and 11 kbit/s."""

ROUTER_TRAFFIC_SHARE: Final = 0.05
"""The same for the router's counters, of the test's payload either way. They are read once a second
through the network that the test fills: the moment of a reading is known to a quarter of a second,
2.5 % of 10 s at each end, and a straight line to the next one may hold some of the other
direction's payload."""

ROUTER_READING_BYTES_PER_SECOND: Final = 3000
"""What reading them takes, either way: two requests a second, each on its own connection."""

ROUTER_SEES_SHARE: Final = 0.90
"""A router whose counter grew by less than this share of the test's payload does not count what its
hardware forwards: such a counter says nothing of others' traffic either."""


def cross_traffic(conditions: Conditions, speed: Speed) -> bool:
    """The interface carried more than a direction's test explains, in its window."""
    during, interface = conditions.during, conditions.before.interface
    if during is None or (interface is not None and interface.kind == "loopback"):
        # Loopback carries both directions of every program of the device: no line is behind it.
        return False
    if windows(conditions):
        return any(
            _beyond_test(
                window,
                {"received": window.interface_received_bytes, "sent": window.interface_sent_bytes},
                speed.ip_version,
                CROSS_TRAFFIC_SHARE,
                along="sent" if window is during.upload else "received",
            )
            for window in windows(conditions)
        )
    return _beyond_whole_test(during)


def router_traffic(conditions: Conditions, speed: Speed) -> bool:
    """The router carried more towards the carrier than the test explains."""
    during = conditions.during
    for window in windows(conditions):
        along: Way = "sent" if during is not None and window is during.upload else "received"
        carried: Carried = {
            "received": window.router_received_bytes,
            "sent": window.router_sent_bytes,
        }
        own = carried[along]
        sees = own is not None and own >= ROUTER_SEES_SHARE * window.test_bytes
        of = window.test_bytes
        if sees and _beyond_test(
            window, carried, speed.ip_version, ROUTER_TRAFFIC_SHARE, along=along, of=of
        ):
            return True
    return False


def _beyond_test(
    window: WindowTraffic,
    carried: Carried,
    ip_version: int | None,
    share: float,
    *,
    along: Way,
    of: int | None = None,
) -> bool:
    """Tell whether a direction's window carried more, either way, than its test explains.

    Explained are the test's segments the one way, and their acknowledgements the other.

    Args:
        window: the direction's.
        carried: by the counters in question.
        ip_version: the test's.
        share: what may be others', of what the test explains each way, or of ``of``.
        along: which way the payload went.
        of: bytes.
    """
    explained = _explained(window, ip_version)
    return any(
        count is not None
        and count - explained[way == along]
        > _tolerated(of or explained[way == along], window.duration_seconds, share, way)
        for way, count in carried.items()
    )


def _explained(window: WindowTraffic, ip_version: int | None) -> tuple[float, float]:
    """Return the bytes of the test's own frames: against its payload's way, and along it."""
    version = 6 if ip_version is None else ip_version
    payload, segment = window.test_bytes, window.segment_bytes
    headers = FRAME_OVERHEAD_BYTES[version] / segment if segment else UNKNOWN_SEGMENT_ALLOWANCE
    against = payload * UNKNOWN_ACKNOWLEDGEMENT_SHARE
    if window.acknowledgements is not None:
        against = window.acknowledgements * ACKNOWLEDGEMENT_BYTES[version]
    if window.router_sent_bytes is not None:
        against += ROUTER_READING_BYTES_PER_SECOND * window.duration_seconds
    return against, payload * (1 + headers)


def _beyond_whole_test(during: During) -> bool:
    """Tell the same of an engine that cannot say when its windows were.

    Headers are unknown then, and each way has the other's acknowledgements.
    """
    whole: tuple[tuple[Way, int | None, int | None, int | None], ...] = (
        (
            "received",
            during.interface_received_bytes,
            during.test_received_bytes,
            during.test_sent_bytes,
        ),
        ("sent", during.interface_sent_bytes, during.test_sent_bytes, during.test_received_bytes),
    )
    return any(
        carried is not None
        and own is not None
        and opposite is not None
        and carried
        - own * (1 + UNKNOWN_SEGMENT_ALLOWANCE)
        - opposite * UNKNOWN_ACKNOWLEDGEMENT_SHARE
        > _tolerated(own, during.duration_seconds, CROSS_TRAFFIC_SHARE, way)
        for way, carried, own, opposite in whole
    )


def _tolerated(own: float, seconds: float, share: float, way: Way) -> float:
    return max(share * own, CROSS_TRAFFIC_MINIMUM_BITS_PER_SECOND[way] / 8 * seconds)
