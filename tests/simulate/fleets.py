"""The fleets that the tests of `simulate` share: small, and full of trouble."""

from datetime import date
from functools import cache

from simulate import Batch, Fleet, FleetPlan, rhythm

TROUBLED = FleetPlan(
    probes=10, days=3, seed=7, schedule=rhythm(48, 1800, 1800), trouble=12.0, batch_records=60
)
"""Every kind of record in a few thousand."""

SMALL = FleetPlan(probes=3, days=2, seed=4, start=date(2026, 9, 30), schedule=rhythm(6, 7200, None))


@cache
def troubled() -> tuple[Fleet, tuple[Batch, ...]]:
    """Return the troubled fleet and all its batches, made once."""
    fleet = Fleet(TROUBLED)
    return fleet, tuple(fleet.batches())
