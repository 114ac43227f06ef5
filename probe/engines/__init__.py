"""The registry of engines. A new engine is a file here, its test, and a line below."""

from probe.engine import Engine, Measurement, Order
from probe.engines import http, reach, stamp
from protocol.records import Task

# What few probes use is loaded where it is used: an agent at rest is a megabyte smaller.


def _ookla(order: Order) -> Measurement:
    from probe.engines.ookla import OOKLA  # noqa: PLC0415

    return OOKLA.measure(order)


def _ndt7(order: Order) -> Measurement:
    from probe.engines.ndt7 import Ndt7Engine  # noqa: PLC0415

    return Ndt7Engine().measure(order)


def _iperf3(order: Order) -> Measurement:
    from probe.engines.iperf3 import Iperf3Engine  # noqa: PLC0415

    return Iperf3Engine().measure(order)


ENGINES: dict[str, Engine] = {
    "http": Engine("http", "2", Task.SPEED, 100.0, http.HttpEngine().measure),
    "ookla": Engine("ookla", "2", Task.SPEED, 105.0, _ookla),
    "ndt7": Engine("ndt7", "1", Task.SPEED, 75.0, _ndt7, ("full",)),
    "iperf3": Engine("iperf3", "1", Task.SPEED, 75.0, _iperf3),
    "stamp": Engine("stamp", "2", Task.LATENCY, 75.0, stamp.StampEngine().measure),
    "reach": Engine("reach", "2", Task.REACH, 30.0, reach.ReachEngine().measure),
}
"""Name → engine. The longest that a measurement takes:

- `http` chooses a server where none is named (12 s), connects (10 s for the name, 5 s each), asks
  21 small requests (2 s), runs two directions of 12 to 20.5 s and asks what the server saw: 28 s
  on a good line, the rest is for bad ones;
- `ookla` asks speedtest.net (25 s), then does as `http`; a slot keeps its line for 120 s;
- `ndt7` connects twice (the name once) and shakes hands (5 s), and runs two directions of 10 s with
  goodbyes of up to 3 s;
- `iperf3` resolves the name (10 s) and runs two directions of 13 s, each with up to 13 s more to
  connect and to exchange results; another far end is asked for the address (2 s, three times);
- `stamp` sends for 60 s and waits 2 s;
- `reach` asks its targets side by side.
"""
