"""Sends what the outbox holds: takes a mail, tries it, notes what came of it."""

import logging
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from random import Random
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from collector.cases.composing import as_bytes
from collector.cases.smtp import AttemptError, deliver, tls_of
from collector.domain.cases.steps import Role, State, Step
from collector.ledger import cases, outbox
from collector.ledger.database import Database
from collector.ledger.outbox import Mail
from collector.settings import MailSettings

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=2)
"""Waiting doubles with each attempt, up to this."""

COMPLAINT: Final = "complaint/"
"""What the keys of complaints begin with; a case's number follows."""

_LOG = logging.getLogger(__name__)


class Write(Protocol):
    """Runs a job in a transaction that writes; returns what it returns once it is committed."""

    def __call__(self, job: Callable[[Connection], Any]) -> Awaitable[Any]:
        """Return what the job returns."""


class Tried(Enum):
    """What came of a turn."""

    NOTHING = auto()
    """No mail's turn has come."""

    SENT = auto()
    FAILED = auto()
    GIVEN_UP = auto()


class Outgoing:
    """Sends mail, one at a time.

    Args:
        database: the ledger, to read.
        write: runs a job in a transaction.
        settings: of the server; it has a host.
        holder: this program's name, unlike any other's.
        now: the clock.
        zone: whose day it is.
        chance: spreads the waits.

    Raises:
        CaseError: the authority's file cannot be used.
    """

    def __init__(
        self,
        database: Database,
        write: Write,
        settings: MailSettings,
        *,
        holder: str,
        now: Callable[[], datetime],
        zone: ZoneInfo,
        chance: Random,
    ) -> None:
        self._database = database
        self._write = write
        self._settings = settings
        self._holder = holder
        self._now = now
        self._zone = zone
        self._chance = chance
        self._tls: ssl.SSLContext = tls_of(settings)

    async def turn(self, case: int | None = None) -> Tried:
        """Send the mail whose turn it is; return what came of it.

        Args:
            case: of this case alone, at once.

        Raises:
            LedgerError: the ledger does not answer. What was sent meanwhile may be sent again.
        """
        mail: Mail | None = await self._write(
            partial(outbox.take, holder=self._holder, now=self._now(), case=case)
        )
        if mail is None:
            return Tried.NOTHING
        message = await self._database.read(partial(_message, mail=mail))
        try:
            said = await deliver(self._settings, self._tls, mail.recipients, message)
        except AttemptError as error:
            return await self._failed(mail, error)
        await self._write(partial(self._note_sent, mail=mail, said=said))
        _LOG.info("%s: sent", mail.key)
        return Tried.SENT

    async def _failed(self, mail: Mail, error: AttemptError) -> Tried:
        next_at = self._now() + self._wait(mail.tries)
        if error.is_final or next_at >= mail.give_up_at:
            await self._write(partial(self._give_up, mail=mail, problem=str(error)))
            _LOG.error("%s: given up: %s", mail.key, error)
            return Tried.GIVEN_UP
        await self._write(
            partial(
                outbox.note_failed,
                key=mail.key,
                holder=self._holder,
                problem=str(error),
                next_at=next_at,
            )
        )
        _LOG.warning("%s: attempt %d failed: %s", mail.key, mail.tries, error)
        return Tried.FAILED

    def _wait(self, tries: int) -> timedelta:
        longest = min(LONGEST_WAIT, FIRST_WAIT * int(2 ** min(tries - 1, 10)))
        return longest * float(self._chance.uniform(0.5, 1))

    def _note_sent(self, connection: Connection, mail: Mail, said: str) -> None:
        now = self._now()
        if outbox.note_sent(connection, mail.key, self._holder, now):
            self._tell(connection, mail, Step.SENT, {"server": said})

    def _give_up(self, connection: Connection, mail: Mail, problem: str) -> None:
        if outbox.note_given_up(connection, mail.key, self._holder, problem):
            self._tell(connection, mail, Step.GAVE_UP, {"problem": problem})

    def _tell(
        self, connection: Connection, mail: Mail, step: Step, details: dict[str, Any]
    ) -> None:
        """Note in the case what became of its complaint; of a reminder its row says all."""
        case = cases.read_case(connection, mail.case_id)
        # A case that was closed while its mail was on its way stays closed.
        if not mail.key.startswith(COMPLAINT) or case.state is not State.APPROVED:
            return
        now = self._now()
        told = {"to": list(mail.recipients), "message_id": mail.message_id, **details}
        cases.add_event(
            connection,
            case.id,
            step,
            at=now,
            day=now.astimezone(self._zone).date(),
            role=Role.SYSTEM,
            details={**told, "tries": mail.tries},
        )


def _message(connection: Connection, mail: Mail) -> bytes:
    files = {one.number: one for one in cases.read_files(connection, mail.case_id)}
    attached = []
    for number in mail.files:
        content = cases.read_content(connection, mail.case_id, number)
        attached.append((files[number], content or b""))
    return as_bytes(mail, attached)
