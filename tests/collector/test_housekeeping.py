"""What a running collector does for its ledger by itself."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from collector.housekeeping import keep
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.schema import latency_hours, records
from collector.ledger.writer import Writer
from collector.settings import LimitSettings
from simulate import Fleet, FleetPlan, rhythm
from simulate.sending import Sender, parcel
from tests.collector.conftest import Running

PLAN = FleetPlan(
    probes=1, days=1, seed=3, start=date(2026, 3, 1), schedule=rhythm(0, 600, None), trouble=0.0
)
NOW = datetime(2026, 4, 10, tzinfo=UTC)


@pytest.fixture
async def writer(collector: Running) -> AsyncIterator[Writer]:
    """Yield a writer of a ledger with a simulated day."""
    fleet = Fleet(PLAN)
    content = RegistryFile.model_validate_json(json.dumps(fleet.registry()))
    with collector.database.write() as connection:
        import_registry(connection, content, datetime.now(UTC))
    await Sender([collector.url], fleet.keys()).send(parcel(batch) for batch in fleet.batches())
    made = Writer(collector.database, LimitSettings())
    made.start()
    yield made
    made.close()


async def test_old_latency_is_folded_and_young_stays(collector: Running, writer: Writer) -> None:
    """A round does nothing while the records are young, and folds them once they are old enough;
    where all are kept, it never does.
    """
    stored = collector.count(records)
    assert stored > 100
    assert await keep(writer, NOW, 60) == 0
    assert await keep(writer, NOW + timedelta(days=1000), None) == 0
    assert collector.count(records) == stored
    assert await keep(writer, NOW, 30) == stored
    assert collector.count(records) == 0
    assert 24 <= collector.count(latency_hours) <= 26
    assert await keep(writer, NOW, 30) == 0
