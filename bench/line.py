"""A line of known speed on one machine: three network namespaces and a token bucket each way.

    server ── eth0   to-server ── router ── to-probe   eth0 ── probe
                     └ tbf: upload          └ tbf: download

The token buckets sit on the router, as in an access line: the queue builds up ahead of the
bottleneck and not in the sender's own kernel, where TCP's small queues would see it and hold back.
The line adds no delay of its own but the queue's; `bench.emulated_line` makes one that does.

Segmentation offload stays on. A token bucket counts a super-packet as the frames that it becomes
on a wire (headers included), and cuts up those above its burst, so the shape stays exact; with
offload off, two cores do not carry 900 Mbit/s of 1514-byte frames over four interfaces.
"""

import json
from contextlib import ExitStack
from typing import Any, ClassVar, Final

from bench.namespaces import (
    ADDRESSES,
    DIRECTIONS,
    ENDS,
    ETHERNET_HEADER_BYTES,
    FAMILIES,
    MTU_BYTES,
    PREFIX_BITS,
    Carried,
    Direction,
    Family,
    Namespaces,
    Place,
    call,
)

BURST_SECONDS: Final = 0.010
"""A bucket holds what its line carries in this time: above a timer's lateness, and below 0.1 % of
a measuring window of 10 s."""

BURST_MINIMUM_BYTES: Final = 10 * (MTU_BYTES + ETHERNET_HEADER_BYTES)
"""A smaller bucket than ten frames loses rate to timers on slow lines."""

_GATEWAYS: Final[dict[Place, dict[Family, str]]] = {
    "server": {4: "198.18.0.1", 6: "2001:2::1"},
    "probe": {4: "198.18.1.1", 6: "2001:2:0:1::1"},
}
_BOTTLENECKS: Final[dict[Direction, str]] = {"download": "to-probe", "upload": "to-server"}


def burst_bytes(shape_bits_per_second: int) -> int:
    """Return the size of the token bucket of a line of this rate."""
    return max(BURST_MINIMUM_BYTES, round(shape_bits_per_second * BURST_SECONDS / 8))


class Line(Namespaces):
    """A line between a server and a probe; a context manager that takes everything down again.

    Args:
        down_bits_per_second: rate of the token bucket towards the probe, frames and headers.
        up_bits_per_second: the same towards the server.
        queue_seconds: how long a frame may wait ahead of the bottleneck before frames are dropped.
        congestion_control: see `Namespaces`.

    Raises:
        LineError: see `Namespaces`.
    """

    places: ClassVar[tuple[Place, ...]] = ("server", "router", "probe")
    programs: ClassVar[tuple[str, ...]] = ("ip", "tc")

    def __init__(
        self,
        down_bits_per_second: int,
        up_bits_per_second: int,
        *,
        queue_seconds: float = 0.05,
        congestion_control: str | None = None,
    ) -> None:
        super().__init__(congestion_control)
        self.rates: dict[Direction, int] = {
            "download": down_bits_per_second,
            "upload": up_bits_per_second,
        }
        self._queue_seconds = queue_seconds

    def connect(self, undo: ExitStack) -> None:
        """Lay both wires, address them and shape the router's ends."""
        del undo  # it all goes with the namespaces
        for end in ENDS:
            self._lay_wire(end)
        for end in ENDS:
            self._address(end)
        for direction in DIRECTIONS:
            self._shape(direction)

    def carried(self, direction: Direction) -> Carried:
        """Return the bottleneck's own counters."""
        device = _BOTTLENECKS[direction]
        router = self.namespaces["router"]
        text = call("tc", "-n", router, "-s", "-j", "qdisc", "show", "dev", device)
        queue: dict[str, Any] = json.loads(text)[0]
        return Carried(queue["bytes"], queue["packets"], queue["drops"])

    def _lay_wire(self, end: Place) -> None:
        """Lay the wire between an end and the router."""
        router = self.namespaces["router"]
        wire = ("link", "add", "dev", "eth0", "mtu", str(MTU_BYTES), "type", "veth")
        peer = ("peer", "name", f"to-{end}", "mtu", str(MTU_BYTES), "netns", router)
        self.ip(end, *wire, *peer)
        self.ip(end, "link", "set", "eth0", "up")
        self.ip("router", "link", "set", f"to-{end}", "up")

    def _address(self, end: Place) -> None:
        """Give an end and the router's side of its wire their addresses and routes."""
        for family in FAMILIES:
            near, gateway = ADDRESSES[end][family], _GATEWAYS[end][family]
            bits = PREFIX_BITS[family]
            self.ip(end, "address", "add", f"{near}/{bits}", "dev", "eth0")
            self.ip("router", "address", "add", f"{gateway}/{bits}", "dev", f"to-{end}")
            self.route(end, family, "via", gateway)

    def _shape(self, direction: Direction) -> None:
        rate = self.rates[direction]
        bucket = ("tbf", "rate", f"{rate}bit", "burst", f"{burst_bytes(rate)}b")
        queue = ("latency", f"{self._queue_seconds * 1e6:.0f}us")
        router = self.namespaces["router"]
        place = ("qdisc", "add", "dev", _BOTTLENECKS[direction], "root")
        call("tc", "-n", router, *place, *bucket, *queue)
