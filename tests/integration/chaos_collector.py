"""`linewatch`, whose sinks wait less: argument 1 is the seconds that a sink's lease lasts.

A collector that is killed leaves its sinks to nobody for a minute; a short test has none to lose.
"""

import sys
from datetime import timedelta

from collector.sinks import keeping, running
from linewatch import main

if __name__ == "__main__":
    seconds = float(sys.argv.pop(1))
    keeping.LEASE = timedelta(seconds=seconds)  # type: ignore[misc]  # final for all others
    running.POLL_SECONDS = running.LONGEST_WAIT_SECONDS = seconds / 2  # type: ignore[misc]
    main()
