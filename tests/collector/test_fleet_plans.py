"""The fleet's plan is read now and then, and outlives a ledger that cannot be read."""

import pytest

from collector.errors import LedgerError
from collector.fleet_plans import PLAN_SECONDS, FleetPlans
from collector.ledger.database import Database
from collector.ledger.fleet import FleetPlan
from collector.settings import CollectorSettings


class Ledger(Database):
    """Answers with a new plan each time, or not at all."""

    def __init__(self) -> None:
        self.reads = 0
        self.fails = False

    async def read(self, query: object) -> FleetPlan:  # type: ignore[override] # one query here
        """Count, and answer."""
        del query
        self.reads += 1
        if self.fails:
            raise LedgerError("away")
        return FleetPlan(budgets={"read": float(self.reads)})


async def test_a_plan_is_kept_for_its_time_and_longer_where_there_is_no_other() -> None:
    """Read once, again when it is old, and the last one stays where the ledger is away."""
    ledger, now = Ledger(), [0.0]
    plans = FleetPlans(ledger, CollectorSettings(), lambda: now[0])
    assert (await plans.current()).budgets == {"read": 1.0}
    now[0] = PLAN_SECONDS
    assert (await plans.current()).budgets == {"read": 1.0}
    now[0] += 1
    assert (await plans.current()).budgets == {"read": 2.0}
    now[0] += PLAN_SECONDS + 1
    ledger.fails = True
    assert (await plans.current()).budgets == {"read": 2.0}
    assert (await plans.current()).budgets == {"read": 2.0}
    assert ledger.reads == 3


async def test_without_any_plan_the_ledgers_error_is_the_answer() -> None:
    """The probe keeps its last instruction, and asks again later."""
    ledger = Ledger()
    ledger.fails = True
    with pytest.raises(LedgerError, match="away"):
        await FleetPlans(ledger, CollectorSettings()).current()
