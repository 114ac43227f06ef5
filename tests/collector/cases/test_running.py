"""A running collector sends what waits, and reminds."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from collector.cases import running
from collector.cases.opening import open_from
from collector.cases.posting import queue_complaint
from collector.domain.cases.steps import Role, State, Step
from collector.ledger import cases, outbox, registry, schema
from tests.collector.cases.conftest import NOW
from tests.collector.cases.folders import LARGE, material, write_month
from tests.collector.cases.mail_server import Server
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.letters import fill_letters


async def started(start: Start, mail: Server, folder: Path) -> Running:
    """Start a collector whose case 1 is approved."""
    settings = mail.settings()
    given = settings.model_dump() | {"password": "b1-mat"}
    made: Running = await start(now=lambda: NOW + timedelta(days=1), mail=given)
    with made.database.write() as connection:
        fill_letters(connection, NOW)
        clerk = {"id": "van-thu", "ward_id": "thach-khoi", "role": "clerk", "name": "Không Tên"}
        registry.add(connection, schema.persons, clerk | {"email": "v@phuong.example"}, NOW)
        open_from(connection, material(write_month(folder / "reports")), Role.CLERK, "", NOW)
        cases.add_event(connection, 1, Step.APPROVED, at=NOW, day=NOW.date(), role=Role.SIGNER)
    return made


async def until(collector: Running, holds: Callable[[Connection], bool]) -> None:
    """Wait until something holds in the ledger, 10 s at most."""
    async with asyncio.timeout(10):
        while not collector.database.read_now(holds):  # noqa: ASYNC110 - another task does it
            await asyncio.sleep(0.02)


@ON_BOTH
async def test_a_collector_sends_and_reminds_by_itself(
    start: Start, mail: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is queued goes out within a moment; a deadline that is near is told to the clerk."""
    monkeypatch.setattr(running, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(running, "REMIND_EVERY", timedelta(0))
    collector = await started(start, mail, tmp_path)
    with collector.database.write() as connection:
        queue_complaint(connection, 1, mail.settings(), LARGE, Role.CLERK, NOW)
    await asyncio.to_thread(mail.mailbox.wait_for, 1)
    await until(collector, lambda c: cases.read_case(c, 1).state is State.SENT)
    with collector.database.write() as connection:
        # As if it had been sent the day before: the first deadline is near.
        connection.execute(
            schema.case_events.update()
            .where(schema.case_events.c.step == "sent")
            .values(day=NOW.date().isoformat())
        )
    await asyncio.to_thread(mail.mailbox.wait_for, 2)
    complaint, reminder = mail.mailbox.mails()
    assert complaint["To"] == "khieunai@mang.example"
    assert reminder["To"] == "v@phuong.example"
    assert "còn 1 ngày làm việc" in reminder["Subject"]
    await until(collector, lambda c: not outbox.counts(c)["waiting"])
    assert collector.database.read_now(outbox.counts) == {"waiting": 0, "sent": 2, "given_up": 0}


async def test_a_ledger_that_is_away_stops_no_mail_for_good(
    start: Start,
    mail: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said once, and goes on when the ledger is back."""
    monkeypatch.setattr(running, "POLL_SECONDS", 0.02)
    collector = await started(start, mail, tmp_path)
    with collector.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
    await asyncio.sleep(0.3)
    with collector.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO outbox")
        queue_complaint(connection, 1, mail.settings(), LARGE, Role.CLERK, NOW)
    await asyncio.to_thread(mail.mailbox.wait_for, 1)
    said = [one for one in caplog.messages if "mail is left for later" in one]
    assert len(said) == 1
