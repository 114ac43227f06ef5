"""A probe's side in tests: a key, a chain of valid records, batches, seals and tokens."""

import base64
import itertools
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol import chain, tokens
from protocol.constants import GENESIS_HASH
from protocol.model import encode
from protocol.records import RECORD

_CHAINS = itertools.count()


def latency_summary(seconds: float) -> dict[str, Any]:
    """Return round trips of one length."""
    return {
        "minimum_seconds": seconds,
        "median_seconds": seconds,
        "p95_seconds": seconds,
        "jitter_seconds": 0.0,
        "sent": 20,
        "received": 20,
        "round_trips_seconds": [seconds] * 20,
    }


def transfer(bits_per_second: float) -> dict[str, Any]:
    """Return one direction of ten seconds, one stream, a sample every 100 ms."""
    total = int(bits_per_second * 10 / 8)
    return {
        "bits_per_second": bits_per_second,
        "bytes": total,
        "duration_seconds": 10.0,
        "warm_up_seconds": 3.0,
        "total_bytes": total,
        "counted_by": "receiver",
        "stream_count": 1,
        "streams": [{"bytes": total, "probe_tcp": None, "server_tcp": None}],
        "samples": [[tenth / 10, total * tenth // 100] for tenth in range(1, 101)],
        "server": None,
    }


SERVER = {
    "url": "http://192.0.2.1:8080/",
    "address": "192.0.2.1",
    "name": "hn1",
    "software": None,
    "tests_running": 1,
    "cpu_ratio": 0.1,
}


@dataclass
class Device:
    """A probe with one chain.

    Attributes:
        probe: its id.
        key: its key.
        chain: its chain's name.
        boot_id: of its present boot.
        lines: the records made so far, by seq from 0.
    """

    probe: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    chain: str = field(default_factory=lambda: f"c{next(_CHAINS)}-{uuid.uuid4().hex[:8]}")
    boot_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    booted_at: datetime = datetime(2026, 11, 20, tzinfo=UTC)
    lines: list[bytes] = field(default_factory=list)

    @property
    def public_key(self) -> str:
        """The public half, as the protocol carries it."""
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def token(self, now: datetime | None = None) -> str:
        """Return a fresh token."""
        return tokens.mint(self.key, self.probe, now or datetime.now(UTC))

    def record(self, started_at: datetime, **changes: Any) -> dict[str, Any]:
        """Return the next record as JSON's types; a speed test unless ``changes`` say else."""
        prev = chain.read_link(self.lines[-1]).hash if self.lines else GENESIS_HASH
        monotonic = (started_at - self.booted_at).total_seconds()
        made: dict[str, Any] = {
            "schema": 1,
            "probe": self.probe,
            "chain": self.chain,
            "seq": len(self.lines),
            "prev": prev,
            "path": "default",
            "slot": started_at.isoformat(),
            "started_at": started_at.isoformat(),
            "clock": {
                "synchronised": True,
                "offset_seconds": 0.001,
                "source": "kernel",
                "boot_id": self.boot_id,
                "monotonic_seconds": max(monotonic, 0.0),
            },
            "method": {"name": "http", "version": "1", "profile": "full"},
            "software": "linewatch 0.1.0",
            "outcome": "measured",
            "failure": None,
            "flags": [],
            "conditions": None,
            "task": "speed",
        }
        made |= changes
        if made["task"] == "speed" and "speed" not in made:
            made["speed"] = {
                "download": transfer(300e6),
                "upload": transfer(150e6),
                "latency": {
                    "idle": latency_summary(0.004),
                    "download": latency_summary(0.03),
                    "upload": latency_summary(0.05),
                },
                "server": SERVER,
                "ip_version": 4,
            }
        return made

    def add(self, started_at: datetime, **changes: Any) -> bytes:
        """Make the next record valid, append it to the chain, and return its line."""
        line = encode(RECORD.validate_python(self.record(started_at, **changes)))
        self.lines.append(line)
        return line

    def add_reach(self, started_at: datetime, **changes: Any) -> bytes:
        """As `add`, a small record."""
        section = {
            "targets": [
                {
                    "name": name,
                    "target": "192.0.2.1",
                    "ip_version": version,
                    "reached": True,
                    "round_trip_seconds": 0.002,
                    "failure": None,
                }
                for name, version in (("gateway", 4), ("ipv4", 4))
            ]
        }
        return self.add(started_at, **{"task": "reach", "reach": section, **changes})

    def add_failed(self, started_at: datetime, task: str = "speed") -> bytes:
        """As `add`, a test that failed."""
        failure = {"code": "refused", "detail": "connection refused"}
        changes = {"outcome": "failed", "failure": failure, "task": task, task: None}
        return self.add(started_at, **changes)

    def add_untimed(self, claimed: datetime, monotonic_seconds: float, **changes: Any) -> bytes:
        """As `add_reach`, made before the clock was set."""
        clock = {
            "synchronised": False,
            "offset_seconds": None,
            "source": "none",
            "boot_id": self.boot_id,
            "monotonic_seconds": monotonic_seconds,
        }
        return self.add_reach(claimed, clock=clock, **changes)

    def fill(self, count: int, start: datetime, *, every_seconds: int = 300) -> None:
        """Add many small records."""
        for number in range(count):
            self.add_reach(start + timedelta(seconds=number * every_seconds))

    def batch(self, first: int = 0, end: int | None = None) -> bytes:
        """Return the lines from seq ``first`` up to, not with, ``end``, sealed."""
        return self.seal(self.lines[first:end])

    def seal(self, lines: Iterable[bytes], key: Ed25519PrivateKey | None = None) -> bytes:
        """Return lines as a batch, sealed over the last one."""
        lines = list(lines)
        sealed = chain.seal(key or self.key, chain.read_link(lines[-1]))
        return chain.write_batch(lines, sealed)

    def copy(self) -> "Device":
        """Return the device as its storage is now: what a restored copy would go on from."""
        return Device(
            self.probe, self.key, self.chain, self.boot_id, self.booted_at, list(self.lines)
        )


def rewrite(line: bytes, **changes: Any) -> bytes:
    """Return a line with keys changed, as someone with an editor would."""
    return json.dumps(json.loads(line) | changes).encode()
