"""When a measurement is flagged: each flag's rule, once, with its constants and their reasons.

Pure: from what was measured to `protocol.flags.Flag`. What only the engine can see (both ends'
counts, the addresses of its first and its last connection) it tells; what of that is unfair is said
here alone. What is not known raises nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final

from probe.flags import any_task, course, device, ends, traffic
from probe.flags.evidence import Evidence as Evidence
from protocol.conditions import Conditions
from protocol.flags import Flag
from protocol.results import Speed

RULES: Final[Mapping[Flag, Callable[[Evidence], bool]]] = {
    Flag.CLOCK_UNSYNCHRONISED: any_task.clock_unsynchronised,
    Flag.WIFI: any_task.wifi,
    Flag.PATH_CHANGED: any_task.path_changed,
    Flag.OTHER_CARRIER: any_task.other_carrier,
    Flag.EARLY_STOPPED: course.early_stopped,
    Flag.TOO_SHORT: course.too_short,
    Flag.STREAM_LOST: course.stream_lost,
    Flag.COUNTS_DISAGREE: course.counts_disagree,
    Flag.SERVER_LOSS: any_task.server_loss,
}

SPEED_RULES: Final[Mapping[Flag, Callable[[Conditions, Speed], bool]]] = {
    Flag.CROSS_TRAFFIC: traffic.cross_traffic,
    Flag.ROUTER_TRAFFIC: traffic.router_traffic,
    Flag.DEVICE_CPU: device.device_cpu,
    Flag.DEVICE_POWER: device.device_power,
    Flag.DEVICE_HEAT: device.device_heat,
    Flag.INTERFACE_SPEED: device.interface_speed,
    Flag.HALF_DUPLEX: device.half_duplex,
    Flag.INTERFACE_ERRORS: device.interface_errors,
    Flag.CERTIFIED_CEILING: device.certified_ceiling,
    Flag.SERVER_LIMITED: ends.server_limited,
    Flag.RECEIVER_LIMITED: ends.receiver_limited,
    Flag.SENDER_LIMITED: ends.sender_limited,
}
"""Of a speed test only: a busy core says nothing against a minute of small packets."""


def flags_of(evidence: Evidence) -> frozenset[Flag]:
    """Return the flags that clock, device, surroundings and the far end raise."""
    raised = {flag for flag, rule in RULES.items() if rule(evidence)}
    section = evidence.section
    if isinstance(section, Speed):
        raised |= {f for f, rule in SPEED_RULES.items() if rule(evidence.conditions, section)}
    return frozenset(raised)
