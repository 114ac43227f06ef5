"""The outbox is sent: once, whatever goes wrong, by a real server."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from collector.cases.outgoing import FIRST_WAIT, LONGEST_WAIT, Outgoing, Tried
from collector.cases.posting import queue_complaint
from collector.commands.ledger import write_beside
from collector.domain.cases.steps import Role, State, Step
from collector.ledger import cases, outbox
from collector.ledger.database import Database
from collector.ledger.outbox import LEASE, Mail
from collector.settings import MailSettings
from tests.collector.cases.conftest import NOW, ZONE
from tests.collector.cases.folders import FILES, LARGE
from tests.collector.cases.mail_server import Server
from tests.collector.conftest import ON_BOTH


@dataclass
class Clock:
    """A clock that is set."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        """Return what it shows."""
        return self.now


def outgoing(
    ledger: Database, settings: MailSettings, clock: Callable[[], datetime], holder: str = "one"
) -> Outgoing:
    """Return what sends."""
    return Outgoing(
        ledger,
        partial(write_beside, ledger),
        settings,
        holder=holder,
        now=clock,
        zone=ZONE,
        chance=Random(1),
    )


def queue(ledger: Database, settings: MailSettings) -> Mail:
    """Put case 1's complaint into the outbox."""
    with ledger.write() as connection:
        return queue_complaint(connection, 1, settings, LARGE, Role.CLERK, NOW)


def mail_of(ledger: Database) -> Mail:
    """Return case 1's complaint."""
    found = ledger.read_now(lambda c: outbox.read(c, "complaint/1"))
    assert found is not None
    return found


def steps(ledger: Database) -> list[Step]:
    """Return what happened to case 1."""
    return [event.step for event in ledger.read_now(lambda c: cases.read_case(c, 1)).events]


@ON_BOTH
async def test_a_complaint_is_sent_with_its_files(approved: Database, mail: Server) -> None:
    """Letter, annex and evidence as they were; the case is sent on the day of the server's yes."""
    settings = mail.settings()
    queued = queue(approved, settings)
    sender = outgoing(approved, settings, Clock(NOW + timedelta(days=1)))
    assert await sender.turn() is Tried.SENT
    (got,) = mail.mailbox.mails()
    assert got["To"] == "khieunai@mang.example"
    assert got["Message-ID"] == queued.message_id
    names = [part.get_filename() for part in got.iter_attachments()]
    assert names == ["letter.pdf", "annex.pdf", "evidence.zip", "data.xlsx", "summary.json"]
    contents = {part.get_filename(): part.get_content() for part in got.iter_attachments()}
    assert contents["annex.pdf"] == FILES["annex.pdf"]
    case = approved.read_now(lambda c: cases.read_case(c, 1))
    assert case.state is State.SENT
    event = case.events[-1]
    assert (event.step, event.role) == (Step.SENT, Role.SYSTEM)
    assert event.day == NOW.date() + timedelta(days=1)
    assert event.details["to"] == ["khieunai@mang.example"]
    assert "taken" in event.details["server"]
    assert await sender.turn() is Tried.NOTHING
    assert len(mail.mailbox.got) == 1


@ON_BOTH
async def test_a_server_that_refuses_for_now_is_tried_again(
    approved: Database, mail: Server
) -> None:
    """After ever longer waits, with the same bytes; the case stays approved meanwhile."""
    settings = mail.settings()
    queue(approved, settings)
    mail.mailbox.said = ["450 one", "451 two", "452 three"]
    clock = Clock()
    sender = outgoing(approved, settings, clock)
    waits = []
    for said in ("450 one", "451 two", "452 three"):
        assert await sender.turn() is Tried.FAILED
        assert await sender.turn() is Tried.NOTHING
        found = mail_of(approved)
        assert said in (found.problem or "")
        waits.append(found.next_at - clock.now)
        clock.now = found.next_at
    assert FIRST_WAIT / 2 <= waits[0] <= FIRST_WAIT
    assert waits[0] < waits[1] < waits[2]
    assert approved.read_now(lambda c: cases.read_case(c, 1)).state is State.APPROVED
    assert await sender.turn() is Tried.SENT
    assert (mail_of(approved).tries, mail_of(approved).problem) == (4, None)
    assert len(mail.mailbox.got) == 1


async def test_waits_grow_to_a_bound(approved: Database, mail: Server) -> None:
    """However long the server is away."""
    sender = outgoing(approved, mail.settings(), Clock())
    waits = [sender._wait(tries) for tries in (1, 5, 50, 5000)]
    assert max(waits) <= LONGEST_WAIT
    assert min(waits[2:]) >= LONGEST_WAIT / 2


@ON_BOTH
async def test_a_refusal_for_good_is_given_up_at_once_and_shown(
    approved: Database, mail: Server
) -> None:
    """The case says why, and is sent again when somebody asks to: the same mail."""
    settings = mail.settings()
    first = queue(approved, settings)
    mail.mailbox.recipient = "550 no such user"
    sender = outgoing(approved, settings, Clock())
    assert await sender.turn() is Tried.GIVEN_UP
    assert mail_of(approved).state == outbox.GIVEN_UP
    assert steps(approved)[-1] is Step.GAVE_UP
    event = approved.read_now(lambda c: cases.read_case(c, 1)).events[-1]
    assert "550 no such user" in event.details["problem"]
    mail.mailbox.recipient = None
    assert queue(approved, settings).message_id == first.message_id
    assert await sender.turn() is Tried.SENT
    assert steps(approved)[-3:] == [Step.GAVE_UP, Step.QUEUED, Step.SENT]


async def test_a_server_that_is_away_too_long_is_given_up(approved: Database, mail: Server) -> None:
    """After the hours of the settings."""
    settings = mail.settings(give_up_hours=1)
    queue(approved, settings)
    mail.mailbox.said = ["450 later"] * 100
    clock = Clock()
    sender = outgoing(approved, settings, clock)
    tried = Tried.FAILED
    for _ in range(20):
        tried = await sender.turn()
        if tried is Tried.GIVEN_UP:
            break
        clock.now = mail_of(approved).next_at
    assert tried is Tried.GIVEN_UP
    assert clock.now <= NOW + timedelta(hours=1)
    assert mail_of(approved).tries > 3


@ON_BOTH
async def test_two_collectors_send_a_mail_once(approved: Database, mail: Server) -> None:
    """Whoever takes it first; the other one finds nothing while it is on its way."""
    settings = mail.settings()
    queue(approved, settings)
    mail.mailbox.hang_seconds = 0.3
    senders = [outgoing(approved, settings, Clock(), holder=f"{n}") for n in range(4)]
    tried = await asyncio.gather(*(one.turn() for one in senders))
    assert sorted(one.name for one in tried) == ["NOTHING", "NOTHING", "NOTHING", "SENT"]
    assert len(mail.mailbox.got) == 1


async def test_a_case_that_was_closed_meanwhile_stays_closed(
    approved: Database, mail: Server
) -> None:
    """Its mail was on its way already: the outbox says that it went, the case moves no more."""
    settings = mail.settings()
    queue(approved, settings)
    mail.mailbox.hang_seconds = 0.5
    sending = asyncio.create_task(outgoing(approved, settings, Clock()).turn())
    await asyncio.sleep(0.2)
    with approved.write() as connection:
        cases.add_event(
            connection, 1, Step.CLOSED, at=NOW, day=NOW.date(), role=Role.CLERK, note="thôi"
        )
    assert await sending is Tried.SENT
    assert approved.read_now(lambda c: cases.read_case(c, 1)).state is State.CLOSED
    assert mail_of(approved).state == outbox.SENT


def configuration(ledger: Database, settings: MailSettings, folder: Path) -> Path:
    """Write what the command needs to use the same ledger and server."""
    mail: dict[str, Any] = settings.model_dump(mode="json")
    mail["password"] = settings.password.get_secret_value() if settings.password else None
    url = ledger.engine.url.render_as_string(hide_password=False)
    place = folder / "config.yaml"
    place.write_text(yaml.safe_dump({"collector": {"ledger": {"url": url}, "mail": mail}}))
    return place


@pytest.mark.parametrize("noticed", ["before", "after"])
@ON_BOTH
async def test_a_sender_that_is_killed_loses_nothing(
    approved: Database, mail: Server, tmp_path: Path, noticed: str
) -> None:
    """With SIGKILL in the middle of a mail: another one sends it after the lease. What the server
    had taken before the kill comes twice, under one Message-ID; what it had not comes once.
    """
    settings = mail.settings(timeout_seconds=30)
    queue(approved, settings)
    mail.mailbox.hang_seconds, mail.mailbox.late_seconds = (3, 0) if noticed == "before" else (0, 3)
    place = configuration(approved, settings, tmp_path)
    words = ["-m", "linewatch", "case", "send", "1", "--now", "--config", str(place)]
    sending = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.DEVNULL
    )
    until = time.monotonic() + 30
    while mail_of(approved).tries == 0 or (noticed == "after" and not mail.mailbox.got):
        assert time.monotonic() < until, "it did not begin"
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    assert sending.returncode is None
    sending.kill()
    assert await sending.wait() == -signal.SIGKILL
    assert mail_of(approved).state == outbox.WAITING
    assert len(mail.mailbox.got) == (noticed == "after")
    mail.mailbox.hang_seconds = mail.mailbox.late_seconds = 0
    clock = Clock(datetime.now(ZONE))
    other = outgoing(approved, settings, clock, holder="two")
    assert await other.turn() is Tried.NOTHING
    clock.now += LEASE + timedelta(seconds=1)
    assert await other.turn() is Tried.SENT
    ids = [one["Message-ID"] for one in mail.mailbox.mails()]
    assert ids == [mail_of(approved).message_id] * (2 if noticed == "after" else 1)
    assert len(set(mail.mailbox.got)) == 1
    assert steps(approved).count(Step.SENT) == 1


async def test_a_ledger_that_is_away_in_the_end_sends_again(
    approved: Database, mail: Server
) -> None:
    """The server took the mail, and that could not be noted: the same mail comes once more."""
    settings = mail.settings()
    queue(approved, settings)
    clock = Clock()
    writes = 0

    async def failing(job: Any) -> Any:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise OSError("the disk is gone")
        return await write_beside(approved, job)

    sender = outgoing(approved, settings, clock)
    sender._write = failing
    with contextlib.suppress(OSError):
        await sender.turn()
    clock.now += LEASE + timedelta(seconds=1)
    assert await sender.turn() is Tried.SENT
    assert len(mail.mailbox.got) == 2
    assert mail.mailbox.got[0] == mail.mailbox.got[1]
    assert steps(approved).count(Step.SENT) == 1
