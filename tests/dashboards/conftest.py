"""The engines that the dashboards' questions are asked, filled once for all tests."""

from collections.abc import Iterator

import pytest

from tests.dashboards.engines import Engines, filled


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Return VictoriaMetrics, InfluxDB and Prometheus with a simulated fleet in them."""
    with filled(tmp_path_factory.mktemp("engines")) as all_of_them:
        yield all_of_them
