"""The agent's metrics, read from its parts when they are asked for.

The parts count for themselves; nothing is counted twice and nothing is registered at import. Two
equations hold at every moment, and an alert watches them:

- slots = measured + failed + skipped + missed (`linewatch_probe_slots_total` by outcome);
- records found + appended = records acknowledged + records in the spool.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from probe.errors import SpoolError
from probe.parts import Parts
from probe.spool_rows import Fill
from protocol.records import LatencyRecord, ReachRecord, SpeedRecord
from protocol.results import Ipv6State, Latency, Speed, Transfer

_PREFIX = "linewatch_probe"


def make_registry(parts: Parts) -> CollectorRegistry:
    """Return a registry with the agent's metrics and its process's."""
    registry = CollectorRegistry()
    ProcessCollector(namespace=_PREFIX, registry=registry)
    registry.register(AgentMetrics(parts))
    return registry


class AgentMetrics(Collector):
    """The metrics of one agent. What is not known is absent, never zero."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self) -> list[Metric]:
        """Return nothing: the registry need not read the parts to know the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics as of now."""
        yield from self._slots()
        yield from self._results()
        yield from self._spool()
        yield from self._uplink()
        yield from self._clock()

    def _slots(self) -> Iterator[Metric]:
        journal = self._parts.journal
        slots = _counter("slots", "Slots that ended, by task and outcome.", ("task", "outcome"))
        for (task, outcome), count in sorted(journal.outcomes.items()):
            slots.add_metric([task.value, outcome.value], count)
        yield slots
        room = _gauge(
            "slots_without_room",
            "Parts of today's schedule that find no room on their line, by task.",
            labels=("task",),
        )
        for task, count in self._parts.planner.without_room.items():
            room.add_metric([task.value], count)
        yield room
        last = _gauge(
            "last_slot_timestamp_seconds",
            "Planned moment of the newest record, by path and task.",
            labels=("path", "task"),
        )
        for (path, task), record in sorted(journal.latest.items()):
            last.add_metric([path, task.value], record.slot.timestamp())
        yield last

    def _results(self) -> Iterator[Metric]:
        labels = ("path",)
        download = _gauge("download_bits_per_second", "Newest download rate.", labels=labels)
        upload = _gauge("upload_bits_per_second", "Newest upload rate.", labels=labels)
        trip = _gauge(
            "round_trip_median_seconds", "Newest median of the latency task.", labels=labels
        )
        lost = _gauge("lost_ratio", "Newest share of packets lost.", labels=labels)
        ipv6 = _gauge(
            "ipv6_ready",
            "1: IPv6 worked at the newest reach test, 0: not; state says how far it came.",
            labels=("path", "state"),
        )
        for (path, _), record in sorted(self._parts.journal.latest.items()):
            if isinstance(record, ReachRecord) and record.reach and record.reach.ipv6:
                state = record.reach.ipv6.state
                if state is not Ipv6State.UNKNOWN:
                    ready = state in (Ipv6State.READY, Ipv6State.SLOWER)
                    ipv6.add_metric([path, state.value], ready)
            if isinstance(record, SpeedRecord) and isinstance(record.speed, Speed):
                _add(download, path, _rate(record.speed.download))
                _add(upload, path, _rate(record.speed.upload))
            if isinstance(record, LatencyRecord) and isinstance(record.latency, Latency):
                _add(trip, path, record.latency.round_trip.median_seconds)
                _add(lost, path, record.latency.lost_ratio)
        yield from (download, upload, trip, lost, ipv6)

    def _spool(self) -> Iterator[Metric]:
        spool, journal = self._parts.spool, self._parts.journal
        counts = spool.counts
        for name, text, value in (
            ("spool_appended", "Records put into the spool.", counts.appended),
            ("spool_acknowledged", "Records that the collector has accepted.", counts.acknowledged),
            (
                "spool_given_way",
                "Records that gave way because the spool was full.",
                counts.given_way,
            ),
            ("spool_damaged_records", "Records found damaged on the disk.", counts.damaged_lines),
            (
                "spool_damaged_files",
                "Spool files found damaged and replaced.",
                counts.damaged_files,
            ),
            (
                "spool_append_failures",
                "Times that the spool could not be written.",
                counts.append_failures,
            ),
            ("records_lost", "Records lost because the disk stayed full.", journal.lost),
        ):
            yield _counter(name, text, value=value)
        yield _gauge(
            "spool_found_records", "Records in the spool when it was opened.", counts.found
        )
        yield _gauge(
            "spool_maximum_bytes",
            "Size above which records give way.",
            self._parts.settings.spool.maximum_bytes,
        )
        yield _gauge(
            "records_in_memory", "Records that wait for room on the disk.", journal.waiting()
        )
        try:
            fill = spool.fill()
        except SpoolError:
            fill = None
        yield from self._fill(fill)

    def _fill(self, fill: Fill | None) -> Iterator[Metric]:
        oldest = fill.oldest_slot if fill else None
        yield _gauge(
            "spool_records", "Records that wait for the collector.", fill.records if fill else None
        )
        yield _gauge("spool_used_bytes", "Size of the spool.", fill.used_bytes if fill else None)
        yield _gauge(
            "spool_oldest_age_seconds",
            "Age of the record that waits longest.",
            (self._parts.clock.now() - oldest).total_seconds() if oldest else None,
        )

    def _uplink(self) -> Iterator[Metric]:
        uplink = self._parts.uplink
        records = _counter("delivered_records", "Records delivered, by their fate.", ("fate",))
        for fate in ("stored", "duplicate", "quarantined"):
            records.add_metric([fate], getattr(uplink.counts, fate))
        yield records
        requests = _counter(
            "collector_requests",
            "Requests to the collector, by status; none: no answer.",
            ("status",),
        )
        for status, count in sorted(uplink.counts.requests.items()):
            requests.add_metric([status], count)
        yield requests
        state = uplink.state
        yield _gauge("collector_reachable", "1 while the collector answers.", state.reachable)
        yield _gauge("collector_revoked", "1 while the collector refuses the key.", state.revoked)
        yield _gauge(
            "held_chains", "Chains that wait because a record is refused.", len(state.held_chains)
        )
        delivered = state.delivered_at
        yield _gauge(
            "delivered_timestamp_seconds",
            "Last accepted delivery.",
            delivered.timestamp() if delivered else None,
        )

    def _clock(self) -> Iterator[Metric]:
        clock = self._parts.clock
        state = clock.state()
        yield _gauge("clock_trusted", "1 while somebody vouches for the clock.", clock.trusted)
        yield _gauge("clock_synchronised", "1 while the kernel says so.", state.synchronised)
        yield _gauge(
            "clock_offset_seconds", "True time minus the device's clock.", state.offset_seconds
        )
        yield _gauge(
            "clock_collector_difference_seconds",
            "The collector's time minus the probe's.",
            clock.collector_difference_seconds(),
        )


def _gauge(
    name: str, text: str, value: float | None = None, labels: tuple[str, ...] | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", text, value=value, labels=labels)


def _counter(
    name: str, text: str, labels: tuple[str, ...] | None = None, value: float | None = None
) -> CounterMetricFamily:
    return CounterMetricFamily(f"{_PREFIX}_{name}", text, value=value, labels=labels)


def _add(family: GaugeMetricFamily, path: str, value: float | None) -> None:
    if value is not None:
        family.add_metric([path], value)


def _rate(transfer: Transfer | None) -> float | None:
    return transfer.bits_per_second if transfer else None
