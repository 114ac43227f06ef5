"""Measures in a network namespace whose interface goes down for a while.

`unshare --net python -m tests.probe.engines.without_network AT SECONDS WAY` takes the interface
down AT seconds after the start, for SECONDS, and prints lost, received and the failure's code as
JSON. WAY is `loopback`, where a reflector answers, or `cable`, at whose other end nobody does.
"""

import json
import subprocess
import sys
import threading

from probe.engines.stamp import StampEngine
from protocol.results import Latency
from tests.probe.engines.test_stamp import order, reflector


def ip(words: str) -> None:
    """Run a command of ip."""
    subprocess.run(["ip", *words.split()], check=True)


def main() -> None:
    """Measure once, 30 packets in 1.5 s."""
    at, seconds = map(float, sys.argv[1:3])
    interface = {"loopback": "lo", "cable": "near"}[sys.argv[3]]
    ip("link add near type veth peer name far")
    ip("address add 192.0.2.1/24 dev near")
    for name in ("lo", "near", "far"):
        ip(f"link set {name} up")
    ended = threading.Event()

    def interrupt() -> None:
        if not ended.wait(at):
            ip(f"link set {interface} down")
        if not ended.wait(seconds):
            ip(f"link set {interface} up")

    with reflector(lambda _, packet: [packet]) as address:
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        engine = StampEngine(packets=30, interval_seconds=0.05, straggler_seconds=0.3)
        measured = engine.measure(order(address if interface == "lo" else "192.0.2.2:9"))
        ended.set()
        interrupting.join()
    assert isinstance(measured.section, Latency)
    trips = measured.section.round_trip
    code = measured.failure.code if measured.failure else None
    result = [trips.sent - trips.received, trips.received, code]
    print(json.dumps(result))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
