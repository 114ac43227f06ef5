"""The closed list of what can make a measurement unfair as evidence.

A flagged record is kept and shown; it does not count against a carrier. The rule that raises a
flag stands in `probe.flags`, once; its meaning for people stands here.
"""

from enum import StrEnum


class Flag(StrEnum):
    """A reason not to hold a result against a carrier. Each member's meaning is `MEANINGS`'."""

    EARLY_STOPPED = "early_stopped"
    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"
    WIFI = "wifi"
    CROSS_TRAFFIC = "cross_traffic"
    DEVICE_CPU = "device_cpu"
    DEVICE_POWER = "device_power"
    INTERFACE_SPEED = "interface_speed"
    PATH_CHANGED = "path_changed"
    SERVER_LIMITED = "server_limited"
    COUNTS_DISAGREE = "counts_disagree"
    STREAM_LOST = "stream_lost"
    ROUTER_TRAFFIC = "router_traffic"
    DEVICE_HEAT = "device_heat"
    HALF_DUPLEX = "half_duplex"
    INTERFACE_ERRORS = "interface_errors"
    CERTIFIED_CEILING = "certified_ceiling"
    OTHER_CARRIER = "other_carrier"
    RECEIVER_LIMITED = "receiver_limited"
    SENDER_LIMITED = "sender_limited"
    TOO_SHORT = "too_short"
    SERVER_LOSS = "server_loss"


ELSEWHERE = frozenset({Flag.OTHER_CARRIER, Flag.PATH_CHANGED})
"""What these stand on was measured over something else than the line, at least for a part: it says
nothing of the line, not even that it is up."""

AT_LEAST = frozenset(
    {Flag.INTERFACE_SPEED, Flag.CERTIFIED_CEILING, Flag.DEVICE_CPU, Flag.SERVER_LIMITED}
)
"""Each of them says that the device or the server was the limit, or may have been, at a rate that
the line did carry: where a result has no other flag, the line carries at least what was measured.
The other flags do not say this: of some the count itself is in doubt, of some the way."""


MEANINGS: dict[Flag, str] = {
    Flag.EARLY_STOPPED: "The test ended before its full length (profile quick).",
    Flag.CLOCK_UNSYNCHRONISED: "The probe's clock was not synchronised when the test ran.",
    Flag.WIFI: "The test ran over Wi-Fi, which may be slower than the line behind it.",
    Flag.CROSS_TRAFFIC: "The interface carried other traffic during the test.",
    Flag.DEVICE_CPU: "The probe's processor was too busy in some second to be sure of the rate.",
    Flag.DEVICE_POWER: "The probe was short of voltage or throttled around or during the test.",
    Flag.INTERFACE_SPEED: "The result is close to the speed of the probe's own interface.",
    Flag.PATH_CHANGED: "The interface, the gateway or the address changed during the test.",
    Flag.SERVER_LIMITED: "The server or its link was too loaded to be sure of the rate.",
    Flag.COUNTS_DISAGREE: "Probe and server counted different numbers of bytes.",
    Flag.STREAM_LOST: "At least one stream broke during the test; the others went on.",
    Flag.ROUTER_TRAFFIC: "Other devices behind the router used the line during the test.",
    Flag.DEVICE_HEAT: "The probe was at its limit of heat, or its processor was slowed down.",
    Flag.HALF_DUPLEX: "The probe's interface was linked at half duplex: a bad cable or port.",
    Flag.INTERFACE_ERRORS: "The probe's interface received or sent damaged frames.",
    Flag.CERTIFIED_CEILING: "The result is above what this device is certified to measure.",
    Flag.OTHER_CARRIER: "The test left by another network than that of the line's carrier.",
    Flag.RECEIVER_LIMITED: "The receiving end's buffers held the sender back.",
    Flag.SENDER_LIMITED: "The sending end's own buffers held it back.",
    Flag.TOO_SHORT: "The measuring window was too short, or the probe stood still within it.",
    Flag.SERVER_LOSS: "More packets were lost to this server than to a neighbouring one.",
}
