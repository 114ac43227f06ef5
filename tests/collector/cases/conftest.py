"""A mail server, and a ledger with a case that is ready to be sent."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.cases.opening import open_from
from collector.domain.cases.steps import Role, Step
from collector.ledger import cases, registry, schema
from collector.ledger.database import Database
from tests.collector.cases import mail_server
from tests.collector.cases.folders import material, write_month
from tests.collector.conftest import NewLedger, fill_registry
from tests.collector.letters import fill_letters

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=ZONE)
"""A Monday morning."""


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[mail_server.Server]:
    """Return a mail server with STARTTLS and a login."""
    folder = tmp_path / "mail"
    folder.mkdir()
    with mail_server.serving(folder) as made:
        yield made


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Iterator[Database]:
    """Return a ledger with a carrier, a ward and its clerk."""
    with contextlib.closing(Database(new_ledger())) as database:
        fill_registry(database, NOW)
        with database.write() as connection:
            fill_letters(connection, NOW)
            clerk = {"id": "van-thu", "ward_id": "thach-khoi", "role": "clerk", "name": "Không Tên"}
            clerk |= {"email": "van.thu@phuong.example"}
            registry.add(connection, schema.persons, clerk, NOW)
        yield database


@pytest.fixture
def approved(ledger: Database, tmp_path: Path) -> Database:
    """Return a ledger whose case 1 is approved."""
    folder = write_month(tmp_path / "reports")
    with ledger.write() as connection:
        number = open_from(connection, material(folder), Role.CLERK, "", NOW)
        cases.add_event(connection, number, Step.APPROVED, at=NOW, day=NOW.date(), role=Role.SIGNER)
    assert number == 1
    return ledger
