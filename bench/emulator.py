"""An emulator of a line: what goes in on one TUN device comes out of the other, late or never.

Token buckets shape rates and know nothing of delay, jitter and loss; not every kernel has netem.
This program does, for each direction:

    in → buffer → bottleneck (rate) → loss at random → delay and jitter → out

What does not fit into the buffer is dropped; nothing is reordered. It runs as a process of its own
(`bench.emulated_line` starts it) and writes what it did to a log, the truth that measurements are
held against: every `LOG_SECONDS` what was delivered, lost and dropped in each direction, and of
every small packet with data (a request, an answer, a STAMP packet) how long it was on its way.

Segmentation offload is on, or Python could not carry 900 Mbit/s. A super-packet is cut into pieces
of at most `PIECE_SECONDS` of the line's time, every segment counts as the frame that it becomes on
Ethernet, and a lost segment is cut out of it.
"""

import ctypes
import errno
import fcntl
import json
import os
import random
import select
import signal
import struct
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final, TextIO

from bench.superpacket import TCP, UDP, VIRTIO, Superpacket

FRAME_BYTES: Final = 14
"""Counted for each frame besides its IP packet, as the kernel's token buckets count: Ethernet's
header without preamble and checksum."""

PIECE_SECONDS: Final = 0.001
"""The longest that a piece occupies the bottleneck, unless it is a single segment."""

LOG_SECONDS: Final = 0.1

SMALL_BYTES: Final = 1000
"""Packets below it that carry data are requests and answers: their times are logged."""

_READS_AT_ONCE: Final = 16
"""Packets taken from a device before what is due goes out."""

_MOST_BYTES: Final = 65536 + VIRTIO.size
_TUN: Final = "/dev/net/tun"
_TUNSETIFF: Final = 0x400454CA
_TUNSETOFFLOAD: Final = 0x400454D0
_IFF_TUN_NO_PI_VNET_HDR: Final = 0x0001 | 0x1000 | 0x4000
_CHECKSUMS_TSO4_TSO6: Final = 0x01 | 0x02 | 0x04
"""include/uapi/linux/if_tun.h."""

_PR_SET_TIMERSLACK: Final = 29
"""include/uapi/linux/prctl.h: sleeps end when they should, not up to 50 µs later."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One direction of a line.

    Attributes:
        bits_per_second: of the bottleneck; frames count with `FRAME_BYTES`.
        delay_seconds: one way, behind the bottleneck.
        jitter_seconds: up to as much is added, evenly distributed; a packet that would overtake
            another comes out right behind it.
        loss_ratio: the share of frames that vanish behind the bottleneck.
        buffer_bytes: what may wait ahead of the bottleneck.
    """

    bits_per_second: float
    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    loss_ratio: float = 0.0
    buffer_bytes: int = 1_000_000


@dataclass(slots=True)
class Counts:
    """What a direction did since its start. Bytes are frames' unless they are payload's."""

    delivered_bytes: int = 0
    delivered_frames: int = 0
    payload_bytes: int = 0
    lost_frames: int = 0
    dropped_frames: int = 0
    udp_in: int = 0
    udp_delivered: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Segments of a packet behind the bottleneck, and when they come out."""

    due: float
    data: bytes
    frames: int
    frame_bytes: int
    payload_bytes: int
    is_udp: bool


class Way:
    """One direction: pure but for its random numbers; time is what the caller says.

    Args:
        shape: what it does to packets.
        seed: of losses and jitter.
    """

    def __init__(self, shape: Shape, seed: int) -> None:
        self.counts = Counts()
        self.underway: deque[Piece] = deque()
        self._shape = shape
        self._random = random.Random(seed)  # noqa: S311 - losses, not secrets
        self._free_at = 0.0
        self._last_due = 0.0
        self._piece_bytes = shape.bits_per_second / 8 * PIECE_SECONDS

    def enter(self, packet: Superpacket, now: float) -> None:
        """Take a packet in: queue, drop or lose its segments."""
        if packet.protocol == UDP:
            self.counts.udp_in += 1
        headers = packet.headers_bytes + FRAME_BYTES
        each = headers + packet.segment_bytes
        most = max(1, int(self._piece_bytes // each))
        first = 0
        while first < packet.segments:
            count = min(most, packet.segments - first)
            waiting = max(0.0, self._free_at - now) * self._shape.bits_per_second / 8
            room = self._shape.buffer_bytes - waiting
            fitting = min(count, int(room // each)) if room > 0 else 0
            if not fitting:
                self.counts.dropped_frames += packet.segments - first
                return
            payload = packet.payload_of(first, fitting)
            frame_bytes = payload + fitting * headers
            self._free_at = max(now, self._free_at) + frame_bytes * 8 / self._shape.bits_per_second
            self._pass_on(packet, first, fitting)
            first += fitting

    def _pass_on(self, packet: Superpacket, first: int, count: int) -> None:
        """Send segments that have left the bottleneck on their way, without those that are lost."""
        shape = self._shape
        jitter = self._random.uniform(0.0, shape.jitter_seconds) if shape.jitter_seconds else 0.0
        due = max(self._last_due, self._free_at + shape.delay_seconds + jitter)
        self._last_due = due
        start = first
        if shape.loss_ratio:
            for segment in range(first, first + count):
                if self._random.random() < shape.loss_ratio:
                    self.counts.lost_frames += 1
                    self._append(packet, start, segment - start, due)
                    start = segment + 1
        self._append(packet, start, first + count - start, due)

    def _append(self, packet: Superpacket, first: int, count: int, due: float) -> None:
        if not count:
            return
        payload = packet.payload_of(first, count)
        frame_bytes = payload + count * (packet.headers_bytes + FRAME_BYTES)
        data = packet.part(first, count)
        is_tcp = packet.protocol == TCP
        self.underway.append(
            Piece(due, data, count, frame_bytes, payload if is_tcp else 0, packet.protocol == UDP)
        )

    def left(self, piece: Piece) -> None:
        """Count a piece that came out."""
        counts = self.counts
        counts.delivered_bytes += piece.frame_bytes
        counts.delivered_frames += piece.frames
        counts.payload_bytes += piece.payload_bytes
        counts.udp_delivered += piece.is_udp


class Log:
    """Writes the truth, a line of JSON for each thing, and keeps the file whole on a stop."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._next = 0.0

    def counts(self, now: float, ways: tuple[Way, Way]) -> None:
        """Write the counts, if it is time."""
        if now >= self._next:
            self._next = now + LOG_SECONDS
            self._write({"at": now, "ways": [asdict(way.counts) for way in ways]})

    def small(self, now: float, way: int, packet: Superpacket, sojourn: float) -> None:
        """Write how long a small packet that came in at ``now`` takes."""
        self._write({"at": now, "way": way, "ports": packet.ports, "seconds": sojourn})

    def _write(self, line: object) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


class Emulator:
    """Moves packets between two devices until it is stopped.

    Args:
        devices: descriptors of the two TUN devices.
        shapes: of the way from the first to the second, and back.
        log: the truth.
        seed: of all randomness.
    """

    def __init__(
        self, devices: tuple[int, int], shapes: tuple[Shape, Shape], log: Log, seed: int
    ) -> None:
        self._devices = devices
        self._ways = (Way(shapes[0], seed), Way(shapes[1], seed + 1))
        self._log = log
        self._stopping = False

    def stop(self) -> None:
        """End `run` soon."""
        self._stopping = True

    def run(self) -> None:
        """Carry packets until `stop`."""
        while not self._stopping:
            now = time.monotonic()
            self._log.counts(now, self._ways)
            due = [way.underway[0].due for way in self._ways if way.underway]
            pause = max(0.0, min([*due, now + LOG_SECONDS]) - now)
            ready = select.select(self._devices, (), (), pause)[0]
            for number, device in enumerate(self._devices):
                if device in ready:
                    self._take(number, device)
            self._give()

    def _take(self, number: int, device: int) -> None:
        way = self._ways[number]
        for _ in range(_READS_AT_ONCE):
            try:
                data = os.read(device, _MOST_BYTES)
            except BlockingIOError:
                return
            now = time.monotonic()
            packet = Superpacket.of(data)
            before = len(way.underway)
            way.enter(packet, now)
            is_small = packet.payload_bytes > 0 and len(data) < SMALL_BYTES
            if is_small and len(way.underway) > before:
                self._log.small(now, number, packet, way.underway[-1].due - now)

    def _give(self) -> None:
        for number, way in enumerate(self._ways):
            device = self._devices[1 - number]
            underway = way.underway
            while underway and underway[0].due <= time.monotonic():
                piece = underway.popleft()
                try:
                    os.write(device, piece.data)
                except OSError as error:
                    if error.errno != errno.EIO:  # which says that the far end is not up
                        raise
                else:
                    way.left(piece)


def open_device(name: str) -> int:
    """Return the descriptor of a new TUN device that is there until it is closed."""
    device = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_NO_PI_VNET_HDR))
    fcntl.ioctl(device, _TUNSETOFFLOAD, _CHECKSUMS_TSO4_TSO6)
    return device


def main() -> None:
    """Run with one argument, JSON: devices, shapes, log, seed. Says 'ready' when both devices are.

    Ends on SIGTERM, with its devices.
    """
    plan = json.loads(sys.argv[1])
    # What else runs on the machine must not become the line's delay.
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
    first, second = (open_device(name) for name in plan["devices"])
    there, back = (Shape(**shape) for shape in plan["shapes"])
    with open(plan["log"], "w", encoding="ascii") as file:  # noqa: PTH123 - a path out of JSON
        emulator = Emulator((first, second), (there, back), Log(file), plan["seed"])
        signal.signal(signal.SIGTERM, lambda *_: emulator.stop())
        print("ready", flush=True)
        emulator.run()


if __name__ == "__main__":
    main()
