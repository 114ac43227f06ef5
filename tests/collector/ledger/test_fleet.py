"""What the registry's paths wish, and what they are given of the fleet's plan."""

from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, update

from collector.ledger import registry, schema
from collector.ledger.database import Database
from collector.ledger.fleet import FleetPlan, read_fleet
from collector.ledger.instruction import read_instruction
from collector.settings import CollectorSettings
from protocol.messages import MeasuredPath, Schedule, SpeedSchedule, Window
from tests.collector.conftest import NO_SCHEDULE, ON_BOTH, NewLedger, fill_registry

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVENING = Schedule(
    speed=SpeedSchedule(windows=(Window(name="evening", start=time(19), end=time(23), tests=4),)),
    latency=None,
    reach=None,
)

pytestmark = ON_BOTH


@pytest.fixture
def database(new_ledger: NewLedger) -> Any:
    """Yield a ledger with a carrier, a site and two lines."""
    made = Database(new_ledger())
    fill_registry(made, NOW)
    yield made
    made.close()


def add_probe(database: Database, name: str, *paths: MeasuredPath) -> None:
    """Register a probe, its paths with plans of their own."""
    with database.write() as connection:
        registry.add_probe(connection, name, "nvh-1", list(paths), timedelta(hours=1), NOW)
        for path in paths:
            connection.execute(
                update(schema.probe_paths)
                .where(
                    schema.probe_paths.c.probe_id == name, schema.probe_paths.c.name == path.name
                )
                .values(schedule=path.schedule.model_dump_json(), beside=path.beside)
            )


def add_server(database: Database, name: str, budget: int | None = None) -> None:
    """Register a server."""
    row = {"id": name, "url": f"http://{name}", "engine": "http", "budget_bits_per_second": budget}
    with database.write() as connection:
        registry.add(connection, schema.servers, row, NOW)


def plan_of(database: Database) -> FleetPlan:
    """Return the fleet's plan."""
    return database.read_now(lambda connection: read_fleet(connection, CollectorSettings()))


def test_every_path_with_speed_tests_of_its_own_has_a_place(database: Database) -> None:
    """Not those without speed tests, those beside another, and those of a revoked probe."""
    wired = MeasuredPath(name="eth0", line="l1", schedule=EVENING)
    wifi = MeasuredPath(name="wlan0", line="l1", beside="eth0", schedule=EVENING)
    add_probe(database, "p1", wired, wifi)
    add_probe(database, "p2", MeasuredPath(name="eth0", line="l2", schedule=NO_SCHEDULE))
    add_probe(database, "p3", wired)
    with database.write() as connection:
        connection.execute(
            update(schema.probes).where(schema.probes.c.id == "p3").values(revoked_at=NOW)
        )
    plan = plan_of(database)
    assert set(plan.fleet.places) == {("p1", "eth0")}
    load = plan.fleet.loads[""]
    assert load.paths == 1
    # The line's upload is not known, so it is taken for 1 Gbit/s, twice: beside it is the Wi-Fi.
    assert load.peak_bits_per_second - load.mean_bits_per_second == 2e9
    assert plan == plan_of(database)


def test_a_budget_thins_plans_and_the_instruction_says_so(database: Database) -> None:
    """A server's budget takes tests from paths that go there; the instruction has their windows."""
    add_server(database, "main", budget=40_000_000_000)
    with database.write() as connection:
        connection.execute(update(schema.lines).values(contracted_upload_bits_per_second=1))
    for number in range(200):
        add_probe(
            database,
            f"p{number}",
            MeasuredPath(name="eth0", line="l1", servers=("main",), schedule=EVENING),
        )
    free = plan_of(database)
    assert free.fleet.windows == {}
    peak = free.fleet.loads["main"].peak_bits_per_second
    with database.write() as connection:
        connection.execute(update(schema.servers).values(budget_bits_per_second=int(0.8 * peak)))
    plan = plan_of(database)
    assert plan.budgets["main"] == int(0.8 * peak)
    assert plan.fleet.loads["main"].peak_bits_per_second <= 0.8 * peak
    instruction = database.read_now(lambda c: read_instruction(c, "p7", CollectorSettings()))
    (path,) = (plan.given("p7", path) for path in instruction.paths)
    assert path.schedule.speed is not None
    assert path.schedule.speed.windows[0].tests < 4
    assert path.fleet_place == plan.fleet.places["p7", "eth0"]


def test_two_probes_of_a_line_are_told_their_shares_of_its_data(database: Database) -> None:
    """Also of a line whose speeds are not known: each probe keeps to what it is told."""
    for name in ("p1", "p2"):
        path = MeasuredPath(
            name="eth0", line="l1", schedule=EVENING, monthly_data_budget_bytes=30_000_000_000
        )
        add_probe(database, name, path)
    plan = plan_of(database)
    for name in ("p1", "p2"):
        instruction = database.read_now(
            partial(read_instruction, probe=name, settings=CollectorSettings())
        )
        (path,) = instruction.paths
        assert plan.given(name, path).monthly_data_budget_bytes == 15_000_000_000


def test_the_budget_of_the_first_server_is_of_paths_that_name_none(database: Database) -> None:
    """Paths without servers go to the first of the list, and load it."""
    add_server(database, "first", budget=5)
    plan = plan_of(database)
    assert plan.budgets == {"first": 5.0, "": 5.0}


def test_without_a_seed_every_probe_draws_alone(database: Database) -> None:
    """A ledger that has lost its seed still gives instructions."""
    path = MeasuredPath(name="eth0", line="l1", schedule=EVENING)
    add_probe(database, "p1", path)
    with database.write() as connection:
        connection.execute(delete(schema.facts))
    plan = plan_of(database)
    assert plan == FleetPlan()
    assert plan.given("p1", path) == path
