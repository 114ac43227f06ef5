"""A process that fills and empties a spool until it is killed; tells what it was told.

Prints a line for each append that returned (`a SEQ HASH`) and each acknowledgement (`k SEQ`).
"""

import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from probe.spool import Spool
from probe.spool_rows import Entry, Worth
from protocol.chain import hash_line
from protocol.records import Task

SLOT = datetime(2026, 11, 21, tzinfo=UTC)


def tell(text: str) -> None:
    """Tell the test, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(directory: Path, seed: int) -> None:
    """Append and acknowledge without end."""
    drawn = random.Random(seed)
    spool = Spool(directory, "probe-1", 64 * 1024 * 1024, lambda: SLOT)
    told: list[str] = []

    def build(chain: str, seq: int, prev: str) -> bytes:
        content = {"probe": "probe-1", "chain": chain, "seq": seq, "prev": prev}
        line = json.dumps({**content, "padding": "x" * drawn.randrange(5000)}).encode()
        told.append(f"a {chain} {seq} {hash_line(line)}")
        return line

    while True:
        entries = [
            Entry(build, Task.SPEED, "eth0", SLOT, Worth.EVIDENCE, planned=True, trusted=True)
            for _ in range(drawn.randrange(1, 4))
        ]
        spool.append(entries)
        tell("\n".join(told))
        told.clear()
        batch = spool.batch(max_records=3) if drawn.random() < 0.3 else None
        if batch:
            tell(f"k {batch.last.chain} {batch.last.seq}")
            spool.acknowledge(batch.last.chain, batch.last.seq + 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
