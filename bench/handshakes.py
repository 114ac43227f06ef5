"""The round trip of an idle line as two kernels see it: that of TCP's handshakes.

No program has to wake for them, so the figure is the line's, the emulator's own time included.
Run as a program, at the line's probe end, with the server's address and port; prints seconds.
"""

import socket
import statistics
import sys
import time
from typing import Final

from probe.transfer.kernel import tcp_state

COUNT: Final = 20
_PAUSE_SECONDS: Final = 0.05
_TIMEOUT_SECONDS: Final = 5.0


def median_seconds(host: str, port: int) -> float:
    """Return the median round trip of handshakes, one after the other.

    Raises:
        OSError: nothing answers there.
    """
    trips = []
    for _ in range(COUNT):
        with socket.create_connection((host, port), _TIMEOUT_SECONDS) as connection:
            # Smoothed over the handshake alone: nothing else was sent yet.
            found = tcp_state(connection)
        if found is not None and found.smoothed_rtt_seconds:
            trips.append(found.smoothed_rtt_seconds)
        time.sleep(_PAUSE_SECONDS)
    return statistics.median(trips)


if __name__ == "__main__":
    print(median_seconds(sys.argv[1], int(sys.argv[2])))
