"""What chaos tests kill and bring back: collectors, their PostgreSQL, the far ends of their sinks.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import yaml
from prometheus_client.parser import text_string_to_metric_families

from bench.processes import LINEWATCH, Process, running
from collector.settings import LedgerSettings
from tests.collector import postgres
from tests.services import Service, fetch, influxdb, influxql, victoria_metrics

LAUNCHER: Final = Path(__file__).with_name("chaos_collector.py")
TOP: Final = Path(__file__).parents[2]
READY_SECONDS: Final = 60.0
DATABASE: Final = "linewatch"

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
    """A server that a sink writes to; the sink has its name.

    Attributes:
        name: victoriametrics or influxdb.
        start: runs it in a folder, on a port.
        settings: of the sink, besides its name and where it writes to.
    """

    name: str
    folder: Path
    start: Callable[..., AbstractContextManager[Service]]
    settings: Mapping[str, Any]
    port: int = 0
    _service: Service | None = None
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def service(self) -> Service:
        """The server, while it runs."""
        assert self._service is not None
        return self._service

    def sink(self) -> dict[str, Any]:
        """Return the settings of its sink."""
        return {"name": self.name, "url": self.service.url, **self.settings}

    def revive(self) -> None:
        """Start it."""
        self._running.close()
        self._running = ExitStack()
        made = self.start(self.folder / self.name, port=self.port)
        self._service = self._running.enter_context(made)
        self.port = self._service.port

    def kill(self) -> None:
        """Kill it: what it took in the last seconds may be lost."""
        self.service.process.kill()
        self._service = None

    def close(self) -> None:
        """End it if it runs."""
        if self._service is not None:
            self.kill()
        self._running.close()


@contextlib.contextmanager
def far_ends(folder: Path) -> Iterator[list[FarEnd]]:
    """Run a VictoriaMetrics and an InfluxDB 1.x with an empty database."""
    influx = {"version": 1, "bucket": DATABASE}
    made = [
        FarEnd("victoriametrics", folder, victoria_metrics, {}),
        FarEnd("influxdb", folder, influxdb, influx),
    ]
    with ExitStack() as ends:
        for one in made:
            ends.callback(one.close)
            one.revive()
        influxql(made[-1].service.url, f"CREATE DATABASE {DATABASE}")
        yield made


@dataclass(frozen=True)
class World:
    """All that runs.

    Attributes:
        ledger: its settings.
        collectors: on it.
        far_ends: of their sinks.
        database: the server of the ledger; None: a file.
    """

    ledger: LedgerSettings
    collectors: Sequence[Collector]
    far_ends: Sequence[FarEnd]
    database: PostgreSql | None

    @property
    def parts(self) -> list[Part]:
        """Everything that can be killed."""
        database = [self.database] if self.database else []
        return [*self.collectors, *self.far_ends, *database]

    def wait_until_well(self) -> None:
        """Return once all collectors answer."""
        for collector in self.collectors:
            collector.wait_until_well()


@contextlib.contextmanager
def world(
    kind: str, folder: Path, lease_seconds: float | None = None, **limits: float
) -> Iterator[World]:
    """Run collectors on an empty ledger, and the far ends of their sinks.

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
        ends = made.enter_context(far_ends(folder))
        settings = {
            "ledger": section,
            "limits": {"retry_after_seconds": RETRY_AFTER_SECONDS, **limits},
            "sinks": {"influxdb": [one.sink() for one in ends]},
        }
        names = ["collector1", "collector2"] if database else ["collector"]
        collectors = [Collector(name, folder, settings, lease_seconds) for name in names]
        for collector in collectors:
            made.callback(collector.close)
            collector.revive()
        running_world = World(LedgerSettings(**section), collectors, ends, database)
        running_world.wait_until_well()
        yield running_world


def free_port() -> int:
    """Return a free port from below those that the system gives to others while a part is off."""
    for port in random.sample(range(20000, 30000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")
