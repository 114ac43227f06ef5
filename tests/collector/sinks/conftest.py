"""Real series databases, one of each for all tests of a process, and ledgers to feed them from."""

import contextlib
from collections.abc import Iterator

import pytest

from collector.ledger.database import Database
from tests.collector.conftest import NewLedger, fill_registry
from tests.collector.sinks.far_ends import InInflux, InVictoria, Store
from tests.collector.sinks.ledgers import ARRIVAL, FedLedger
from tests.services import Service, influxdb, victoria_metrics


@pytest.fixture(scope="session")
def victoria_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a VictoriaMetrics."""
    with victoria_metrics(tmp_path_factory.mktemp("victoria")) as service:
        yield service


@pytest.fixture(scope="session")
def influx_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return an InfluxDB 1.x."""
    with influxdb(tmp_path_factory.mktemp("influx")) as service:
        yield service


@pytest.fixture
def victoria(victoria_service: Service) -> InVictoria:
    """Return a VictoriaMetrics that nothing is in."""
    store = InVictoria(victoria_service)
    store.empty()
    return store


@pytest.fixture
def influx(influx_service: Service) -> InInflux:
    """Return a database of an InfluxDB 1.x that nothing is in."""
    return InInflux(influx_service)


@pytest.fixture(params=["victoria", "influx"])
def store(request: pytest.FixtureRequest) -> Store:
    """Return a place at each of the real servers, by turns."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Iterator[FedLedger]:
    """Return a ledger that has a registry and no record."""
    with contextlib.closing(Database(new_ledger())) as database:
        fill_registry(database, ARRIVAL)
        yield FedLedger(database)
