"""What `/metrics` says of the sinks."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.sinks.keeping import Lag, State, lag_of, read
from collector.sinks.running import SinkTask


class SinkMetrics(Collector):
    """The sinks of the settings: how far each is, by the ledger, whoever feeds it.

    Args:
        database: the ledger.
        tasks: of this collector.
        now: the clock.
    """

    def __init__(
        self, database: Database, tasks: list[SinkTask], now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the families; what the ledger says is absent while it cannot be read."""
        failures = CounterMetricFamily(
            "linewatch_sink_failures",
            "Attempts of this collector to write to a sink that failed, since its start.",
            labels=("sink",),
        )
        failing = GaugeMetricFamily(
            "linewatch_sink_failing",
            "1: this collector's last attempt to write to the sink failed.",
            labels=("sink",),
        )
        for task in self._tasks:
            failures.add_metric([task.name], task.counts.failures)
            failing.add_metric([task.name], int(task.counts.failing))
        yield failures
        yield failing
        try:
            found = self._database.read_now(self._read)
        except LedgerError:
            found = []
        yield from _families(found)

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: registering must not read the ledger."""
        return iter(())

    def _read(self, connection: Connection) -> list[tuple[State, Lag]]:
        now = self._now()
        states = [read(connection, task.name) for task in self._tasks]
        return [(state, lag_of(connection, state, now)) for state in states]


def _families(found: Sequence[tuple[State, Lag]]) -> Iterator[Metric]:
    """Yield what the ledger says of each sink."""
    gauge = partial(GaugeMetricFamily, labels=("sink",))
    records = gauge("linewatch_sink_lag_records", "Records that the sink does not have yet.")
    seconds = gauge(
        "linewatch_sink_lag_seconds",
        "Since the first record that the sink does not have yet arrived; 0: it has all.",
    )
    written = gauge(
        "linewatch_sink_written_records",
        "Records that the sink has taken since it was filled from the beginning.",
    )
    held = gauge(
        "linewatch_sink_held_back_records",
        "Records that are not written, as nobody vouches for their moment; tombstones among them.",
    )
    aside = gauge(
        "linewatch_sink_set_aside_records", "Records that the sink refused and will never take."
    )
    for state, lag in found:
        records.add_metric([state.name], lag.records)
        seconds.add_metric([state.name], lag.seconds)
        written.add_metric([state.name], state.written)
        held.add_metric([state.name], state.held_back)
        aside.add_metric([state.name], state.set_aside)
    yield from (records, seconds, written, held, aside)
