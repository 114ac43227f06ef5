"""The dashboards, each described once."""

from typing import Final

from dashboards.boards import carrier, city, collector, fleet, line, readiness, ward
from dashboards.spec import Dashboard

BOARDS: Final[tuple[Dashboard, ...]] = (
    city.BOARD,
    ward.BOARD,
    line.BOARD,
    carrier.BOARD,
    readiness.BOARD,
    fleet.BOARD,
    collector.BOARD,
)
"""In the order of the links between them."""
