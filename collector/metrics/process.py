"""What `/metrics` says of the running collector: its writer, its bodies, its doors."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collector.api.bodies import BodyBudget
from collector.door import Door
from collector.housekeeping import House
from collector.ledger.writer import Writer
from collector.metrics.ledger import DISK_FREE, DISK_SIZE


class ProcessMetrics(Collector):
    """What the running collector's writer and door do; begins at 0 with each start.

    Args:
        writer: of the ledger.
        bodies: the requests' bodies.
        doors: the door, once it is open.
        house: how the ledger's housekeeping goes.
        folder: where the ledger's file is; None: it is in another database.
    """

    def __init__(
        self,
        writer: Writer,
        bodies: BodyBudget,
        doors: list[Door],
        house: House,
        folder: Path | None,
    ) -> None:
        self._folder = folder
        self._house = house
        self._writer = writer
        self._bodies = bodies
        self._doors = doors

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        writer = self._writer
        counts = writer.counts
        for name, text, value in (
            ("queue_jobs", "Jobs that wait for the ledger's writer.", writer.queued_jobs),
            ("queue_bytes", "Memory that waiting jobs hold.", writer.queued_bytes),
            ("failing", "1: the last attempt to write the ledger failed.", int(counts.failing)),
        ):
            yield GaugeMetricFamily(f"linewatch_collector_writer_{name}", text, value=value)
        for name, text, number in (
            ("commits", "Transactions committed.", counts.commits),
            ("jobs", "Jobs in committed transactions.", counts.jobs),
            ("failures", "Transactions that could not be committed.", counts.failures),
            ("refused", "Jobs refused because too much waited.", counts.refused),
            ("busy_seconds", "Time spent in committed transactions.", counts.commit_seconds),
        ):
            yield CounterMetricFamily(f"linewatch_collector_writer_{name}", text, value=number)
        yield GaugeMetricFamily(
            "linewatch_collector_body_bytes",
            "Memory that bodies hold until they are checked.",
            value=self._bodies.held_bytes,
        )
        yield CounterMetricFamily(
            "linewatch_collector_bodies_refused",
            "Bodies refused because too many were held at once, in all or of one probe.",
            value=self._bodies.refused,
        )
        yield from self._housekeeping()
        yield from self._disk()
        for door in self._doors:
            yield GaugeMetricFamily(
                "linewatch_collector_connections", "Open connections.", value=door.counts.open
            )
            yield CounterMetricFamily(
                "linewatch_collector_connections_refused",
                "Connections refused: too many, in all or of one address.",
                value=door.counts.refused,
            )
            yield CounterMetricFamily(
                "linewatch_collector_connections_evicted",
                "Idle connections closed to make room for new ones.",
                value=door.counts.evicted,
            )

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the doors are not open yet."""
        return iter(())

    def _housekeeping(self) -> Iterator[Metric]:
        """Yield how the rounds go that make months ahead and fold old latency."""
        house = self._house
        yield CounterMetricFamily(
            "linewatch_collector_housekeeping_rounds",
            "Rounds of housekeeping that were done to their end.",
            value=house.rounds,
        )
        yield CounterMetricFamily(
            "linewatch_collector_housekeeping_failures",
            "Rounds of housekeeping in which something failed: the log says what.",
            value=house.failures,
        )
        yield GaugeMetricFamily(
            "linewatch_collector_unreadable_latency_records",
            "Old latency records that are not folded, as this version does not read their model.",
            value=house.unreadable,
        )

    def _disk(self) -> Iterator[Metric]:
        """Yield what the disk of the ledger's file holds; nothing of another database's."""
        if self._folder is None:
            return
        usage = shutil.disk_usage(self._folder)
        yield GaugeMetricFamily(
            "linewatch_collector_disk_free_bytes",
            DISK_FREE,
            value=usage.free,
        )
        yield GaugeMetricFamily(
            "linewatch_collector_disk_size_bytes",
            DISK_SIZE,
            value=usage.total,
        )
