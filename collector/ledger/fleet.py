"""The fleet's speed tests by the registry: what every path wishes, and what it is given.

The same registry and seed give every collector the same answer, so none has to tell another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, func, select

from collector.domain.allotment import DIRECTION_SECONDS, Fleet, allot
from collector.domain.rows import Wish
from collector.ledger.instruction import read_families
from collector.ledger.schema import facts, lines, probe_paths, probes, servers
from collector.settings import CollectorSettings
from protocol.messages import FleetPlace, MeasuredPath, Schedule, Window

UNKNOWN_BITS_PER_SECOND = 1_000_000_000
"""What a line of unknown speed is taken for: most access lines carry less."""

_SEED = "fleet_seed"
"""The migration that makes the table of facts draws it."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What `collector.domain.allotment` gives the paths, ready for instructions.

    Attributes:
        fleet: places, thinned windows, loads.
        budgets: of the servers that have one, bits per second each way.
    """

    fleet: Fleet = field(default_factory=lambda: Fleet({}, {}, {}))
    budgets: Mapping[str, float] = field(default_factory=dict)

    def given(self, probe: str, path: MeasuredPath) -> MeasuredPath:
        """Return a path with its place in the fleet, its windows thinned and its share of data."""
        key = (probe, path.name)
        place: FleetPlace | None = self.fleet.places.get(key)
        if place is None:
            return path
        changes: dict[str, object] = {"fleet_place": place}
        windows, speed = self.fleet.windows.get(key), path.schedule.speed
        if windows is not None and speed is not None:
            thinned = speed.model_copy(update={"windows": windows})
            changes["schedule"] = path.schedule.model_copy(update={"speed": thinned})
        if (budget := self.fleet.data_budgets.get(key)) is not None:
            changes["monthly_data_budget_bytes"] = budget
        return path.model_copy(update=changes)


def count_paths(connection: Connection) -> int:
    """Return how many paths there are: how large a fleet is."""
    return connection.execute(select(func.count()).select_from(probe_paths)).scalar_one()


def read_fleet(connection: Connection, settings: CollectorSettings) -> FleetPlan:
    """Return the plan for every path that has speed tests of its own."""
    seed = connection.scalar(select(facts.c.value).where(facts.c.name == _SEED))
    if seed is None:
        return FleetPlan()
    budgets = {
        name: float(budget)
        for name, budget in connection.execute(
            select(servers.c.id, servers.c.budget_bits_per_second).where(
                servers.c.budget_bits_per_second.is_not(None)
            )
        )
    }
    first = connection.scalar(select(servers.c.id).order_by(servers.c.created_at, servers.c.id))
    if first in budgets:
        budgets[""] = budgets[first]
    return FleetPlan(allot(_wishes(connection, settings.schedule), budgets, seed), budgets)


def _wishes(connection: Connection, usual: Schedule) -> list[Wish]:
    query = (
        select(
            probe_paths,
            *(
                func.coalesce(lines.c[f"contracted_{way}"], lines.c[f"declared_{way}"]).label(way)
                for way in ("download_bits_per_second", "upload_bits_per_second")
            ),
        )
        .join_from(probe_paths, probes)
        .outerjoin(lines, lines.c.id == probe_paths.c.line_id)
        .where(probes.c.revoked_at.is_(None))
        .order_by(probe_paths.c.probe_id, probe_paths.c.name)
    )
    rows = connection.execute(query).mappings().all()
    beside = _count_beside(rows)
    # Most paths have the same few plans: each text is read once.
    plans: dict[str | None, tuple[Window, ...]] = {None: _windows(usual)}
    wishes = []
    for row in rows:
        text = row["schedule"]
        if text not in plans:
            plans[text] = _windows(Schedule.model_validate_json(text))
        windows = plans[text]
        if row["beside"] is None and any(window.tests for window in windows):
            wishes.append(_wish(row, windows, beside.get((row["probe_id"], row["name"]), 0)))
    return wishes


def _windows(schedule: Schedule) -> tuple[Window, ...]:
    return schedule.speed.windows if schedule.speed else ()


def _count_beside(rows: Sequence[RowMapping]) -> dict[tuple[str, str], int]:
    """Return how many paths are measured beside each, where there are any."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["beside"] is not None:
            key = (row["probe_id"], row["beside"])
            counts[key] = counts.get(key, 0) + 1
    return counts


def _wish(row: RowMapping, windows: tuple[Window, ...], beside: int) -> Wish:
    ways = [row["download_bits_per_second"], row["upload_bits_per_second"]]
    together = 1 + beside
    return Wish(
        probe=row["probe_id"],
        path=row["name"],
        bits_per_second=max(way or UNKNOWN_BITS_PER_SECOND for way in ways) * together,
        servers=tuple((row["servers"] or "").split()),
        families=len(read_families(row["families"])),
        windows=windows,
        # Of an unknown speed nothing is foretold: the probe itself keeps to its budget.
        test_bytes=sum(ways) * DIRECTION_SECONDS / 8 * together if all(ways) else 0.0,
        monthly_budget_bytes=row["monthly_data_budget_bytes"],
        line=row["line_id"],
    )
