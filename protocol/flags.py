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


MEANINGS: dict[Flag, str] = {
    Flag.EARLY_STOPPED: "The test ended when its rate had converged (profile quick).",
    Flag.CLOCK_UNSYNCHRONISED: "The probe's clock was not synchronised when the test ran.",
    Flag.WIFI: "The test ran over Wi-Fi, which may be slower than the line behind it.",
    Flag.CROSS_TRAFFIC: "The interface carried other traffic during the test.",
    Flag.DEVICE_CPU: "A core of the probe was too busy in some second to be sure of the rate.",
    Flag.DEVICE_POWER: "The probe was short of voltage or throttled around or during the test.",
    Flag.INTERFACE_SPEED: "The result is close to the speed of the probe's own interface.",
    Flag.PATH_CHANGED: "The interface, the gateway or the address changed during the test.",
    Flag.SERVER_LIMITED: "The server was too loaded to be sure of the rate.",
    Flag.COUNTS_DISAGREE: "Probe and server counted different numbers of bytes.",
    Flag.STREAM_LOST: "At least one stream broke during the test; the others went on.",
}
