"""Measures against a reflector on a loopback of its own that goes down for a while.

Run in a network namespace: `unshare --net python -m tests.probe.engines.without_network AT SECONDS
ECHOES` takes the loopback down AT seconds after the start, for SECONDS, and prints lost, received and
the failure's code as JSON. The reflector sends ECHOES answers to each packet.
"""

import json
import subprocess
import sys
import threading

from probe.engines.stamp import StampEngine
from protocol.records import Latency
from tests.probe.engines.test_stamp import order, reflector


def set_loopback(state: str) -> None:
    """Take the namespace's loopback up or down."""
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def main() -> None:
    """Measure once, 30 packets in 1.5 s."""
    at, seconds, echoes = map(float, sys.argv[1:])
    set_loopback("up")
    ended = threading.Event()

    def interrupt() -> None:
        if not ended.wait(at):
            set_loopback("down")
        if not ended.wait(seconds):
            set_loopback("up")

    with reflector(lambda _, packet: [packet] * int(echoes)) as address:
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        engine = StampEngine(packets=30, interval_seconds=0.05, straggler_seconds=0.3)
        measured = engine.measure(order(address))
        ended.set()
        interrupting.join()
    assert isinstance(measured.section, Latency)
    trips = measured.section.round_trip
    code = measured.failure.code if measured.failure else None
    print(json.dumps([trips.sent - trips.received, trips.received, code]))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
