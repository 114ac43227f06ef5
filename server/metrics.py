"""What /metrics tells, on a registry of its own."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Metrics:
    """The server's counters. Conservation law: connections accepted = refused + closed + open.

    Args:
        registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.accepted = Counter(
            "linewatch_server_connections_accepted",
            "Connections accepted, refused ones too.",
            registry=registry,
        )
        self.refused = Counter(
            "linewatch_server_connections_refused",
            "Connections answered 503 or closed at once, by the limit that was reached.",
            ["reason"],
            registry=registry,
        )
        self.closed = Counter(
            "linewatch_server_connections_closed",
            "Connections that were served and have ended.",
            registry=registry,
        )
        self.timed_out = Counter(
            "linewatch_server_connections_timed_out",
            "Connections that the server ended because they were idle, stalled or too long.",
            registry=registry,
        )
        self.requests = Counter(
            "linewatch_server_requests",
            "Requests answered, by resource and status.",
            ["resource", "status"],
            registry=registry,
        )
        self.tests = Counter(
            "linewatch_server_tests",
            "Tests begun that named themselves; browsers' tests do not.",
            registry=registry,
        )
        self.moved = Counter(
            "linewatch_server_payload_bytes",
            "Payload moved by downloads (taken by the kernel) and uploads (received).",
            ["direction"],
            registry=registry,
        )
        self.waited = Counter(
            "linewatch_server_waited_seconds",
            "Waits of connections whose address took more than its share of the processor.",
            registry=registry,
        )
        self.stamp = Counter(
            "linewatch_server_stamp_packets",
            "STAMP packets received, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        for direction in ("download", "upload"):
            self.moved.labels(direction)

    def watch(self, name: str, meaning: str, read: Callable[[], float | None]) -> None:
        """Register a gauge that is read when it is asked for; absent where it reads None."""
        self.registry.register(_Watched(name, meaning, read))

    def say(self, name: str, meaning: str, value: float) -> None:
        """Register a gauge that does not change."""
        Gauge(name, meaning, registry=self.registry).set(value)


class _Watched(Collector):
    """A gauge without a value where there is none: absent is never zero."""

    def __init__(self, name: str, meaning: str, read: Callable[[], float | None]) -> None:
        self._name = name
        self._meaning = meaning
        self._read = read

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self._name, self._meaning)
        value = self._read()
        if value is not None:
            family.add_metric([], value)
        yield family
