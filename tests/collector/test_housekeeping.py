"""What a running collector does for its ledger by itself."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from collector.housekeeping import AGAIN_SECONDS, EVERY_SECONDS, House, keep, pause_seconds
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.schema import latency_hours, records
from collector.ledger.writer import Writer
from collector.settings import LimitSettings
from simulate import Fleet, FleetPlan, rhythm
from simulate.sending import Sender, parcel
from tests.collector.conftest import ON_BOTH, Running

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
    house = House()
    stored = collector.count(records)
    assert stored > 100
    await keep(collector.database, writer, NOW, 60, house)
    await keep(collector.database, writer, NOW + timedelta(days=1000), None, house)
    assert collector.count(records) == stored
    await keep(collector.database, writer, NOW, 30, house)
    assert collector.count(records) == 0
    assert 24 <= collector.count(latency_hours) <= 26
    await keep(collector.database, writer, NOW, 30, house)
    assert house == House(rounds=4)


@ON_BOTH
async def test_a_record_of_another_model_stays_and_is_told(
    collector: Running, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """A record that today's model does not read stays as it is, once said in the log and counted;
    all others are folded.
    """
    oldest = select(func.min(records.c.id)).scalar_subquery()
    with collector.database.write() as connection:
        odd = b'{"schema":77,"task":"latency"}'
        connection.execute(update(records).where(records.c.id == oldest).values(line=odd))
    house = House()
    for _ in range(2):
        await keep(collector.database, writer, NOW, 30, house)
    assert house == House(rounds=2, unreadable=1)
    assert collector.count(records) == 1
    told = [one for one in caplog.messages if "stay as they are" in one]
    assert len(told) == 1
    assert told[0].startswith("1 latency records")


async def test_a_chore_that_fails_does_not_keep_the_others_from_being_done(
    collector: Running,
    writer: Writer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever error a chore ends with is logged and counted, the others are done, and the next
    round comes sooner.
    """

    def broken(*_: object) -> None:
        raise KeyError("nobody foresaw this")

    house = House()
    with monkeypatch.context() as patched:
        patched.setattr("collector.housekeeping.ensure_month", broken)
        await keep(collector.database, writer, NOW, 30, house)
    assert collector.count(records) == 0
    assert house == House(failures=1, failing=1)
    assert pause_seconds(house) == AGAIN_SECONDS
    assert "nobody foresaw this" in caplog.text
    assert pause_seconds(House(failing=10**6)) == EVERY_SECONDS
    await keep(collector.database, writer, NOW, 30, house)
    assert house == House(rounds=1, failures=1)
    assert pause_seconds(house) == EVERY_SECONDS
