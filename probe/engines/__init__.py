"""The registry of engines. A new engine is a file here, its test, and a line below."""

from probe.engine import Engine
from probe.engines import http, reach, stamp
from protocol.records import Task

ENGINES: dict[str, Engine] = {
    "http": Engine("http", "1", Task.SPEED, 75.0, http.HttpEngine().measure),
    "stamp": Engine("stamp", "2", Task.LATENCY, 75.0, stamp.StampEngine().measure),
    "reach": Engine("reach", "2", Task.REACH, 30.0, reach.ReachEngine().measure),
}
"""Name → engine. The longest that a measurement takes:

- `http` connects (10 s for the name, 5 s each), asks 21 small requests (2 s), runs two
  directions of 13.5 s and asks what the server saw: 31 s on a good line, the rest is for bad ones;
- `stamp` sends for 60 s and waits 2 s;
- `reach` asks its targets side by side.
"""
