"""The registry of engines. A new engine is a file here, its test, and a line below."""

from probe.engine import Engine
from probe.engines import http, ookla, reach, stamp
from protocol.records import Task

ENGINES: dict[str, Engine] = {
    "http": Engine("http", "1", Task.SPEED, 90.0, http.HttpEngine().measure),
    "ookla": Engine("ookla", "1", Task.SPEED, 105.0, ookla.OOKLA.measure),
    "stamp": Engine("stamp", "2", Task.LATENCY, 75.0, stamp.StampEngine().measure),
    "reach": Engine("reach", "2", Task.REACH, 30.0, reach.ReachEngine().measure),
}
"""Name → engine. The longest that a measurement takes:

- `http` chooses a server where none is named (12 s), connects (10 s for the name, 5 s each), asks
  21 small requests (2 s), runs two directions of 13.5 s and asks what the server saw: 31 s on a
  good line, the rest is for bad ones;
- `ookla` asks speedtest.net (25 s), then does as `http`; a slot keeps its line for 120 s;
- `stamp` sends for 60 s and waits 2 s;
- `reach` asks its targets side by side.
"""
