"""A probe that records without measuring: real spool, real uplink, hundreds of records a minute.

Run as a process, so that it can be killed at any moment. What it was told is on the disk it writes
down in a file of its own, the truth: `chain seq hash`, one line for each record.

    python tests/integration/recorder.py STATE_DIRECTORY COLLECTOR_URL TRUTH_FILE SECONDS_BETWEEN
"""

import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from probe import identity
from probe.client import CollectorClient
from probe.clock import Clock
from probe.quiet import Quiet
from probe.settings import UplinkSettings
from probe.spool import Spool
from probe.spool_rows import Entry, Worth
from probe.uplink import Listener, Uplink
from protocol.chain import hash_line
from protocol.model import encode
from protocol.records import Method, Outcome, ReachRecord, Task
from protocol.results import Reach

SPOOL_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 60


def entry(probe: str, clock: Clock, number: int, noted: list[str]) -> Entry:
    """Return a reach record; what it became is put in ``noted`` when it is built."""
    now = clock.now()

    def build(chain: str, seq: int, prev: str) -> bytes:
        line = encode(
            ReachRecord(
                task=Task.REACH,
                reach=Reach(targets=()),
                probe=probe,
                chain=chain,
                seq=seq,
                prev=prev,
                path="default",
                slot=now,
                started_at=now,
                clock=clock.state(),
                method=Method(name="reach", version="1"),
                software=f"recorder {number}",
                outcome=Outcome.MEASURED,
                failure=None,
                flags=(),
                conditions=None,
            )
        )
        noted[:] = [f"{chain} {seq} {hash_line(line)}\n"]
        return line

    return Entry(
        build=build,
        task=Task.REACH,
        path="default",
        slot=now,
        worth=Worth.REACH,
        planned=False,
        trusted=True,
    )


def main(state: Path, url: str, truth: Path, pause: float) -> None:
    """Append until SIGTERM, delivering all the while; then deliver the rest and end."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    who = identity.load(state, url)
    clock = Clock()
    spool = Spool(state, who.probe, SPOOL_BYTES, lambda: datetime.now(UTC))
    uplink = Uplink(
        identity=who,
        client=CollectorClient(url, clock),
        spool=spool,
        clock=clock,
        quiet=Quiet(),
        settings=UplinkSettings(
            deliver_seconds=0.05, retry_minimum_seconds=0.05, retry_maximum_seconds=0.5
        ),
        listener=Listener(instruction=lambda *_: None, clock_corrected=lambda: None),
    )
    uplink.start()
    noted: list[str] = []
    number = 0
    with truth.open("a") as file:
        while not stopping.wait(pause):
            spool.append([entry(who.probe, clock, number, noted)])
            file.write(noted[0])
            file.flush()
            os.fsync(file.fileno())
            number += 1
            if number == 1:
                print("recording", flush=True)  # noqa: T201 - the test waits for this word
    patience = threading.Event()
    for _ in range(DRAIN_SECONDS * 10):
        if spool.fill().records == 0:
            break
        patience.wait(0.1)
    uplink.stop(5)
    spool.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
