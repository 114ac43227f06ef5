"""What `/metrics` says of mail: what waits, what was given up."""

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from collector.errors import LedgerError
from collector.ledger import outbox
from collector.ledger.database import Database


class OutboxMetrics(Collector):
    """The outbox, by the ledger, whoever sends it.

    Args:
        database: the ledger.
        now: the clock.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the families; none while the ledger cannot be read."""
        try:
            counts, oldest = self._database.read_now(_read)
        except LedgerError:
            return
        age = (self._now() - oldest).total_seconds() if oldest else 0.0
        for name, text, value in (
            ("waiting", "Mails that wait to be sent.", counts[outbox.WAITING]),
            (
                "given_up",
                "Mails that are tried no more, and were not sent.",
                counts[outbox.GIVEN_UP],
            ),
            ("sent", "Mails that a server took.", counts[outbox.SENT]),
        ):
            yield GaugeMetricFamily(f"linewatch_collector_outbox_{name}", text, value)
        yield GaugeMetricFamily(
            "linewatch_collector_outbox_oldest_age_seconds",
            "Since the mail was composed that waits longest; 0: none waits.",
            max(age, 0.0),
        )

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: registering must not read the ledger."""
        return iter(())


def _read(connection: Connection) -> tuple[dict[str, int], datetime | None]:
    return outbox.counts(connection), outbox.oldest_waiting(connection)
