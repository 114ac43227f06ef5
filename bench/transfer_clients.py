"""One client of the transfer bench: moves bytes over loopback, tells what it cost, as JSON.

Run as a program, so that the CPU time of its process is that of the client alone. The arguments are
what to use, which way, the server's URL, the seconds and the streams.
"""

import contextlib
import json
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final, Literal

import speedtest

from bench.speedtest_net import USUAL, speedtest_net
from probe.transfer import backend, direction
from probe.transfer.dial import Dialer, Target
from probe.transfer.framing import request_head, take_head
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from probe.transfer.kernel import end, source_bytes
from probe.transfer.ndt7 import Ndt7Download, Ndt7Upload
from probe.transfer.ramp import Fixed
from probe.transfer.stream import Stream
from probe.transfer.streams import DownloadStream, UploadStream
from protocol.constants import GARBAGE_CHUNK_BYTES, GARBAGE_MAX_CHUNKS
from protocol.messages import ServerEntry
from protocol.ndt7 import DOWNLOAD_PATH, DURATION_SECONDS, UPLOAD_PATH

Way = Literal["receive", "send"]
WAYS: Final[tuple[Way, ...]] = ("receive", "send")

PLAIN_BYTES: Final = 1024 * 1024
"""What one call of the plain loops moves: large enough that the copy is what costs."""

UPLOAD_BYTES: Final = 4 * 1024**3
"""The length of a plain upload: the most that the server takes in one request."""

WARM_UP_SECONDS: Final = 1.0
"""Excluded from a tool's count: buffers grow, processors speed up."""


class ClientError(Exception):
    """It did not measure."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One client's run: payload bytes, seconds, and the CPU seconds of its process meanwhile."""

    moved_bytes: int
    seconds: float
    cpu_seconds: float

    @property
    def gigabits_per_second(self) -> float:
        """The rate."""
        return 8e-9 * self.moved_bytes / self.seconds

    @property
    def cpu_seconds_per_gigabyte(self) -> float:
        """The price."""
        return self.cpu_seconds / (self.moved_bytes / 1e9)


@contextmanager
def _metered(report: Callable[[], int]) -> Iterator[list[Cost]]:
    """Meter this process from the end of the warm-up to the end of the block."""
    costs: list[Cost] = []
    before = (report(), time.monotonic(), _own_cpu_seconds())
    yield costs
    costs.append(
        Cost(report() - before[0], time.monotonic() - before[1], _own_cpu_seconds() - before[2])
    )


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def linewatch_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move bytes as a measurement does, samples and all."""
    guard = Guard(time.monotonic() + seconds + 30)
    dialer = Dialer(Target.of(url), guard)
    client = Client(dialer)
    found = backend.find(client, ServerEntry(name="bench", url=url))
    client.close()
    kind = DownloadStream if way == "receive" else UploadStream
    streams: list[Stream] = []
    marks: list[tuple[float, int, float]] = []

    def mark(share: float, rate: float) -> None:
        del rate
        if (not marks and share * (WARM_UP_SECONDS + seconds) >= WARM_UP_SECONDS) or share >= 1:
            moved = sum(stream.moved() for stream in streams)
            marks.append((time.monotonic(), moved, _own_cpu_seconds()))

    def new_stream(number: int) -> Stream:
        streams.append(kind(number, dialer, found))
        return streams[-1]

    plan = direction.Plan(Fixed(stream_count, WARM_UP_SECONDS), seconds)
    direction.run(new_stream, plan, guard, mark, direction.Run())
    (t0, b0, c0), (t1, b1, c1) = marks[0], marks[-1]
    return Cost(b1 - b0, t1 - t0, c1 - c0)


def ndt7_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move bytes in ndt7's messages, on one WebSocket a stream."""
    dialer = Dialer(Target.of(url), Guard(time.monotonic() + seconds + 30))
    kind, path = (Ndt7Download, DOWNLOAD_PATH) if way == "receive" else (Ndt7Upload, UPLOAD_PATH)
    streams = [kind(dialer, path, DURATION_SECONDS) for _ in range(stream_count)]
    for stream in streams:
        stream.start()
        stream.go()
    time.sleep(WARM_UP_SECONDS)
    with _metered(lambda: sum(stream.moved() for stream in streams)) as costs:
        time.sleep(seconds)
    for stream in streams:
        stream.end()
        if stream.failure is not None:
            raise ClientError(stream.failure.detail)
    return costs[0]


def plain_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move the same bytes with the plain calls: `recv_into` a buffer, `send` from memory."""
    dialer = Dialer(Target.of(url), Guard(time.monotonic() + seconds + 30))
    counts = [0] * stream_count
    loop = _plain_receive if way == "receive" else _plain_send

    def until_end(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # its end, below
            loop(connection, counts, number)

    connections = [dialer.dial() for _ in counts]
    for connection in connections:
        connection.settimeout(None)
    threads = [
        threading.Thread(target=until_end, args=(connection, number), daemon=True)
        for number, connection in enumerate(connections)
    ]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_SECONDS)
    with _metered(lambda: sum(counts)) as costs:
        time.sleep(seconds)
    for connection, thread in zip(connections, threads, strict=True):
        end(connection)
        thread.join()
        connection.close()
    return costs[0]


def _plain_receive(connection: socket.socket, counts: list[int], number: int) -> None:
    buffer = bytearray(PLAIN_BYTES)
    while True:
        connection.sendall(request_head("GET", "bench", "/garbage.php?ckSize=1024"))
        head = b""
        while (taken := take_head(head)) is None:
            head += connection.recv(4096)
        left = GARBAGE_MAX_CHUNKS * GARBAGE_CHUNK_BYTES - len(taken[1])
        while left:
            count = connection.recv_into(buffer, min(left, PLAIN_BYTES))
            if not count:
                return
            left -= count
            counts[number] += count


def _plain_send(connection: socket.socket, counts: list[int], number: int) -> None:
    data = source_bytes()[:PLAIN_BYTES]
    while True:
        connection.sendall(request_head("POST", "bench", "/empty.php", UPLOAD_BYTES))
        left = UPLOAD_BYTES
        while left:
            count = connection.send(data[: min(left, PLAIN_BYTES)])
            left -= count
            counts[number] += count
        connection.recv(4096)


def speedtest_client(way: Way, url: str, seconds: float, stream_count: int) -> Cost:
    """Move bytes as speedtest-cli's own transfer does, as many as it always does, in its pieces."""
    del seconds  # it ends by itself when its pieces are moved
    with speedtest_net() as service:
        service.configuration = USUAL
        os.environ |= {"http_proxy": service.url, "no_proxy": "127.0.0.1"}
        test = speedtest.Speedtest()
        test.get_best_server(test.set_mini_server(url))
    transfer = test.download if way == "receive" else test.upload
    with _metered(lambda: test.results.bytes_received + test.results.bytes_sent) as costs:
        transfer(threads=stream_count)
    return costs[0]


CLIENTS: Final[dict[str, Callable[[Way, str, float, int], Cost]]] = {
    "linewatch": linewatch_client,
    "ndt7": ndt7_client,
    "plain loop": plain_client,
    "speedtest-cli": speedtest_client,
}


def main(arguments: list[str]) -> None:
    """Be one client; print its cost."""
    name, way, url, seconds, stream_count = arguments
    try:
        cost = CLIENTS[name](WAYS[WAYS.index(way)], url, float(seconds), int(stream_count))
    except ClientError as error:
        sys.exit(str(error))
    print(json.dumps(asdict(cost)))


if __name__ == "__main__":
    main(sys.argv[1:])
