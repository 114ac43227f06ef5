"""Rules for a speed test: what others moved meanwhile, at the interface and at the router."""

from typing import Final

from probe.flags.evidence import windows
from protocol.records import Conditions, Speed, WindowTraffic

FRAME_OVERHEAD_BYTES: Final = {4: 74, 6: 94}
"""What a counter may count around a segment's payload: Ethernet's header and checksum (18), a VLAN
tag (4), IP (20, 40), TCP with timestamps (32): 5.1 % of a full segment over IPv4 and 6.6 % over
IPv6."""

UNKNOWN_SEGMENT_ALLOWANCE: Final = 0.10
"""The same where the size of the segments is not known: right down to segments of 740 bytes."""

ACKNOWLEDGEMENT_SHARE: Final = 0.05
"""Bytes of acknowledgements per byte of payload the other way: one of 66 bytes for two segments of
1448 is 2.3 %; one for each, as after a loss, 4.6 %."""

CROSS_TRAFFIC_SHARE: Final = 0.02
"""Other traffic above this share of the test's own bytes of a direction is cross traffic: it may
have taken as much from the result."""

CROSS_TRAFFIC_MINIMUM_BITS_PER_SECOND: Final = 64_000
"""Below it other traffic never counts: the FCC's threshold for downloads (64 kbit/s)."""

ROUTER_TRAFFIC_SHARE: Final = 0.05
"""The same for the router's counters. They are read once a second through the network that the test
fills: the moment of a reading is known to a quarter of a second, 2.5 % of 10 s at each end."""

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
                (window.interface_received_bytes, window.interface_sent_bytes),
                speed.ip_version,
                CROSS_TRAFFIC_SHARE,
                upload=window is during.upload,
            )
            for window in windows(conditions)
        )
    # An engine that cannot say when its windows were: the whole test, headers unknown.
    whole = (
        (during.interface_received_bytes, during.test_received_bytes, during.test_sent_bytes),
        (during.interface_sent_bytes, during.test_sent_bytes, during.test_received_bytes),
    )
    return any(
        carried is not None
        and own is not None
        and opposite is not None
        and _other_bytes(carried, own * (1 + UNKNOWN_SEGMENT_ALLOWANCE), opposite)
        > _tolerated(own, during.duration_seconds, CROSS_TRAFFIC_SHARE)
        for carried, own, opposite in whole
    )


def router_traffic(conditions: Conditions, speed: Speed) -> bool:
    """The router carried more towards the carrier than the test explains."""
    during = conditions.during
    for window in windows(conditions):
        upload = during is not None and window is during.upload
        carried = (window.router_received_bytes, window.router_sent_bytes)
        own = carried[upload]
        sees = own is not None and own >= ROUTER_SEES_SHARE * window.test_bytes
        if sees and _beyond_test(
            window, carried, speed.ip_version, ROUTER_TRAFFIC_SHARE, upload=upload
        ):
            return True
    return False


def _beyond_test(
    window: WindowTraffic,
    carried: tuple[int | None, int | None],
    ip_version: int | None,
    share: float,
    *,
    upload: bool,
) -> bool:
    """Tell whether a direction's window carried more, either way, than its test explains.

    Args:
        window: the direction's.
        carried: (received, sent) by the counters in question.
        ip_version: the test's.
        share: of the test's bytes, what may be others'.
        upload: which direction the window is of.
    """
    payload = window.test_bytes
    own = payload * (1 + _header_share(window.segment_bytes, ip_version))
    tolerated = _tolerated(payload, window.duration_seconds, share)
    along, against = (carried[1], carried[0]) if upload else carried
    return (along is not None and along - own > tolerated) or (
        against is not None and _other_bytes(against, 0, payload) > tolerated
    )


def _header_share(segment_bytes: int | None, ip_version: int | None) -> float:
    if not segment_bytes:
        return UNKNOWN_SEGMENT_ALLOWANCE
    return FRAME_OVERHEAD_BYTES[6 if ip_version is None else ip_version] / segment_bytes


def _other_bytes(carried: int, own: float, opposite: int) -> float:
    """Return the bytes of a direction that neither the test nor its acknowledgements explain."""
    return carried - own - ACKNOWLEDGEMENT_SHARE * opposite


def _tolerated(own: int, seconds: float, share: float) -> float:
    return max(share * own, CROSS_TRAFFIC_MINIMUM_BITS_PER_SECOND / 8 * seconds)
