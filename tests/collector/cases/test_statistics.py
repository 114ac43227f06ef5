"""What became of a month's complaints."""

from pathlib import Path

from collector.cases.calendar import vietnam
from collector.cases.opening import open_from
from collector.cases.statistics import of_month
from collector.domain.cases.steps import Role, Step
from collector.ledger import cases, registry, schema
from collector.ledger.database import Database
from tests.collector.cases.conftest import NOW
from tests.collector.cases.folders import material, write_month
from tests.collector.conftest import ON_BOTH


@ON_BOTH
def test_a_months_cases_are_counted_by_carrier(ledger: Database, tmp_path: Path) -> None:
    """In the order of their ids, each by the name that its newest case has; no other month's."""
    opened = (
        ("2026-10", "vnpt", "VNPT"),
        ("2026-09", "vnpt", "VNPT"),
        ("2026-10", "abc", "ABC"),
        ("2026-10", "vnpt", "VNPT mới"),
    )
    with ledger.write() as connection:
        registry.add(connection, schema.carriers, {"id": "abc", "name": "ABC"}, NOW)
        for number, (month, carrier, name) in enumerate(opened, start=1):
            folder = write_month(tmp_path / str(number), carrier=carrier, name=name, month=month)
            open_from(connection, material(folder), Role.CLERK, "", NOW)
            if number == 1:
                day = NOW.date()
                cases.add_event(connection, 1, Step.CLOSED, at=NOW, day=day, role=Role.CLERK)
        assert cases.read_months(connection) == ["2026-10", "2026-09"]
        found = of_month(connection, "2026-10", vietnam(), NOW.date())
        assert of_month(connection, "2026-08", vietnam(), NOW.date()) == []
    assert [(one.name, one.month.carrier, one.month.cases) for one in found] == [
        ("ABC", "abc", 1),
        ("VNPT mới", "vnpt", 2),
    ]
    assert found[1].month.states == {"draft": 1, "closed": 1}
