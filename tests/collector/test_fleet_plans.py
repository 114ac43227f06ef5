"""The fleet's plan is made now and then, nobody waits for a new one, and the last one stays."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from collector import fleet_plans
from collector.beside import done_beside
from collector.errors import LedgerError
from collector.fleet_plans import PLAN_SECONDS, FleetPlans, make_plan, read_plan
from collector.ledger.database import Database
from collector.ledger.fleet import FleetPlan, read_fleet
from collector.ledger.schema import probe_paths
from collector.settings import CollectorSettings, LedgerSettings
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry, register
from tests.collector.device import Device


class Maker:
    """Makes a new plan each time, once it may; or fails."""

    def __init__(self) -> None:
        self.made = 0
        self.fails: Exception | None = None
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self) -> FleetPlan:
        """Count, and answer."""
        self.made += 1
        await self.may.wait()
        if self.fails:
            raise self.fails
        return FleetPlan(budgets={"made": float(self.made)})


async def settle() -> None:
    """Let what is ready be done."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_plan_is_kept_for_its_time_and_serves_while_the_next_is_made() -> None:
    """Made once for all who wait for the first; when it is old another is made, and until that is
    there everybody gets the last one at once.
    """
    maker, now = Maker(), [0.0]
    plans = FleetPlans(maker, lambda: now[0])
    first = await asyncio.gather(*(plans.current() for _ in range(3)))
    assert [plan.budgets for plan in first] == [{"made": 1.0}] * 3
    now[0] = PLAN_SECONDS
    assert (await plans.current()).budgets == {"made": 1.0}
    assert maker.made == 1
    now[0] += 1
    maker.may.clear()
    for _ in range(3):
        assert (await plans.current()).budgets == {"made": 1.0}
        await settle()
    assert maker.made == 2
    maker.may.set()
    await settle()
    assert (await plans.current()).budgets == {"made": 2.0}
    assert maker.made == 2


@pytest.mark.parametrize("error", [LedgerError("away"), KeyError("nobody foresaw this")])
async def test_the_last_plan_stays_where_no_other_can_be_made(error: Exception) -> None:
    """Whatever the reason: it serves for another while, then it is tried again."""
    maker, now = Maker(), [0.0]
    plans = FleetPlans(maker, lambda: now[0])
    await plans.current()
    now[0] += PLAN_SECONDS + 1
    maker.fails = error
    for _ in range(2):
        assert (await plans.current()).budgets == {"made": 1.0}
        await settle()
    assert maker.made == 2
    maker.fails = None
    now[0] += PLAN_SECONDS + 1
    await plans.current()
    await settle()
    assert (await plans.current()).budgets == {"made": 3.0}


async def test_without_any_plan_the_ledgers_error_is_the_answer() -> None:
    """The probe keeps its last instruction, and asks again later."""
    maker = Maker()
    maker.fails = LedgerError("away")
    plans = FleetPlans(maker)
    for _ in range(2):
        with pytest.raises(LedgerError, match="away"):
            await plans.current()
    assert maker.made == 2


@ON_BOTH
async def test_a_large_fleets_plan_is_that_of_another_process(
    new_ledger: NewLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same as one made here; a small fleet needs no process."""
    settings = CollectorSettings(ledger=new_ledger())
    with contextlib.closing(Database(settings.ledger)) as database:
        fill_registry(database, datetime.now(UTC))
        register(database, Device("p1"), "l1", datetime.now(UTC))
        with database.write() as connection:
            connection.execute(probe_paths.update().values(schedule=None))
        here = database.read_now(lambda connection: read_fleet(connection, settings))
        assert list(here.fleet.places) == [("p1", "default")]
        asked: list[CollectorSettings] = []

        async def beside(
            seconds: float,
            work: Callable[[CollectorSettings], FleetPlan],
            wanted: CollectorSettings,
        ) -> FleetPlan:
            asked.append(wanted)
            return await done_beside(seconds, work, wanted)

        monkeypatch.setattr(fleet_plans, "done_beside", beside)
        assert await make_plan(database, settings) == here
        assert asked == []
        monkeypatch.setattr(fleet_plans, "SMALL_FLEET", 0)
        assert await make_plan(database, settings) == here
        assert asked == [settings]


async def test_the_other_process_says_why_there_is_no_plan() -> None:
    """A ledger that it cannot use is the error here, too."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    settings = CollectorSettings(ledger=LedgerSettings.model_validate({"url": url}))
    with pytest.raises(LedgerError, match="reading the ledger"):
        await done_beside(60, read_plan, settings)


async def test_a_plan_that_is_being_made_ends_with_the_collector() -> None:
    """Closing waits for no plan, and is no error where none was asked for."""
    maker = Maker()
    maker.may.clear()
    plans = FleetPlans(maker)
    await plans.close()
    waiting = asyncio.create_task(plans.current())
    await settle()
    await plans.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
