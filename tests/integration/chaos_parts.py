"""What chaos tests kill and bring back: collectors, their PostgreSQL, a far end of their sinks.

Each part keeps its port and its folder over its ends. All of them are gone after the block that
they were made in, whatever state they are in; only what was started here is ever killed.
"""

import contextlib
import random
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import yaml
from prometheus_client.parser import text_string_to_metric_families

from bench.processes import LINEWATCH, Process, running
from collector.settings import LedgerSettings
from tests.collector import postgres
from tests.services import Service, fetch, victoria_metrics

LAUNCHER: Final = Path(__file__).with_name("chaos_collector.py")
TOP: Final = Path(__file__).parents[2]
READY_SECONDS: Final = 60.0
SINK: Final = "series"

DURABLE: Final = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""A PostgreSQL that keeps what it has confirmed."""

RETRY_AFTER_SECONDS: Final = 1
"""What the collectors here ask to wait."""


class Part(Protocol):
    """Something that is killed."""

    name: str

    def kill(self) -> None:
        """End it at once, as by SIGKILL."""

    def revive(self) -> None:
        """Start it where it was; may return before it is of use."""


@dataclass
class Collector:
    """A collector of a ledger.

    Attributes:
        name: its own.
        folder: for its configuration and its log.
        section: `collector` of its configuration, its port aside.
        lease_seconds: of its sinks; None: as it is made.
        restarts: how often it ended by itself, and was started again.
    """

    name: str
    folder: Path
    section: Mapping[str, Any]
    lease_seconds: float | None
    restarts: int = 0
    port: int = 0
    _process: Process | None = None
    _running: ExitStack = field(default_factory=ExitStack)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """Where it listens, when it does."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.popen.pid

    def revive(self) -> None:
        """Start it; it takes a second or two until it listens."""
        self.port = self.port or free_port()
        self._running.close()
        self._running = ExitStack()
        configuration = self.folder / f"{self.name}.yaml"
        section = {**self.section, "listen": f"127.0.0.1:{self.port}"}
        configuration.write_text(yaml.safe_dump({"collector": section}), encoding="utf-8")
        program = [LINEWATCH]
        if self.lease_seconds is not None:
            program = [sys.executable, str(LAUNCHER), str(self.lease_seconds)]
        words = [*program, "collector", "run", "--config", str(configuration)]
        started = running(self.name, words, self.folder, {"PYTHONPATH": str(TOP)})
        self._process = self._running.enter_context(started)

    def kill(self) -> None:
        """Kill it."""
        with self._one_at_a_time:
            assert self._process is not None
            self._process.kill()
            self._process = None

    def look_after(self) -> None:
        """Start it again where it ended by itself, as systemd does: PostgreSQL was not there."""
        with self._one_at_a_time:
            if self._process is not None and self._process.popen.poll() is not None:
                self.restarts += 1
                self.revive()

    def wait_until_well(self) -> None:
        """Return once it answers, and its ledger too."""
        ends = time.monotonic() + READY_SECONDS
        while not self._is_well():
            assert time.monotonic() < ends, self.said()
            self.look_after()
            time.sleep(0.05)

    def _is_well(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:  # urllib's own are of it too
            return False

    def metrics(self) -> dict[str, float]:
        """Return the sum of each metric over its labels."""
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(fetch(f"{self.url}/metrics")):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def said(self) -> str:
        """Return the end of what it printed."""
        return (self.folder / f"{self.name}.log").read_text(errors="replace")[-4000:]

    def stop(self) -> int:
        """Let it end by itself; return its exit code."""
        assert self._process is not None
        return self._process.stop(30)

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self.kill()
        self._running.close()


@dataclass
class PostgreSql:
    """The database of the collectors; made running."""

    server: postgres.Server
    name: str = "postgresql"

    def kill(self) -> None:
        """Kill all of its processes."""
        self.server.kill()

    def revive(self) -> None:
        """Start it; it recovers first."""
        self.server.start()


@dataclass
class FarEnd:
    """A VictoriaMetrics that the sink `SINK` writes to."""

    folder: Path
    name: str = "victoriametrics"
    port: int = 0
    _service: Service | None = None
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def service(self) -> Service:
        """The server, while it runs."""
        assert self._service is not None
        return self._service

    def revive(self) -> None:
        """Start it."""
        self._running.close()
        self._running = ExitStack()
        made = victoria_metrics(self.folder / self.name, port=self.port)
        self._service = self._running.enter_context(made)
        self.port = self._service.port

    def kill(self) -> None:
        """Kill it: what it took in the last seconds is lost."""
        self.service.process.kill()
        self._service = None

    def close(self) -> None:
        """End it if it runs."""
        if self._service is not None:
            self.kill()
        self._running.close()


@dataclass(frozen=True)
class World:
    """All that runs.

    Attributes:
        ledger: its settings.
        collectors: on it.
        far_end: of their sink.
        database: the server of the ledger; None: a file.
    """

    ledger: LedgerSettings
    collectors: Sequence[Collector]
    far_end: FarEnd
    database: PostgreSql | None

    @property
    def parts(self) -> list[Part]:
        """Everything that can be killed."""
        others: list[Part] = [self.far_end]
        return [*self.collectors, *others, *([self.database] if self.database else [])]

    def wait_until_well(self) -> None:
        """Return once all collectors answer."""
        for collector in self.collectors:
            collector.wait_until_well()


@contextlib.contextmanager
def world(
    kind: str, folder: Path, lease_seconds: float | None = None, **limits: float
) -> Iterator[World]:
    """Run collectors on an empty ledger, and the far end of their sink.

    Args:
        kind: `sqlite`, with one collector; `postgresql`, with two.
        folder: for everything but PostgreSQL's data.
        lease_seconds: see `Collector`.
        limits: of the collectors.
    """
    with ExitStack() as made:
        database = None
        section: dict[str, Any] = {"latency_days": None, "path": str(folder / "ledger.sqlite")}
        if kind == "postgresql":
            database = PostgreSql(made.enter_context(postgres.serving(**DURABLE)))
            kept = database.server.settings(database.server.new_database())
            assert kept.url is not None
            section["url"] = kept.url.get_secret_value()
        far_end = FarEnd(folder)
        made.callback(far_end.close)
        far_end.revive()
        settings = {
            "ledger": section,
            "limits": {"retry_after_seconds": RETRY_AFTER_SECONDS, **limits},
            "sinks": {"influxdb": [{"name": SINK, "url": far_end.service.url}]},
        }
        names = ["collector1", "collector2"] if database else ["collector"]
        collectors = [Collector(name, folder, settings, lease_seconds) for name in names]
        for collector in collectors:
            made.callback(collector.close)
            collector.revive()
        running_world = World(LedgerSettings(**section), collectors, far_end, database)
        running_world.wait_until_well()
        yield running_world


def free_port() -> int:
    """Return a free port from below those that the system gives to others while a part is off."""
    for port in random.sample(range(20000, 30000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")
