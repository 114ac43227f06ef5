"""A real SMTP server on loopback, with STARTTLS and login; it refuses and breaks as told."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from collector.settings import MailSettings
from tests.certificates import Certificate, self_signed

NAME, PASSWORD = "linewatch", "b1-mat"

_HANG_UP_SECONDS = 10.0
_POLL_SECONDS = 0.01


@dataclass
class Mailbox:
    """What the server does, and what it got.

    Attributes:
        got: mails that were taken, as they came.
        said: what it answers to each end of a mail, by turns; then it takes all.
        recipient: what it answers to a recipient; None: it takes him.
        hang_seconds: how long it waits before it takes a mail.
        late_seconds: how long it waits, once it took a mail, before it says so.
        drop: whether it breaks the connection off in the middle of a mail.
        secured: of each mail, whether it came by TLS, and from whom.
    """

    got: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    recipient: str | None = None
    hang_seconds: float = 0.0
    late_seconds: float = 0.0
    drop: bool = False
    secured: list[tuple[bool, Any]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse him."""
        del server, session, options
        if self.recipient is not None:
            return self.recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, or answer otherwise."""
        if self.hang_seconds:
            await asyncio.sleep(self.hang_seconds)
        if self.drop:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "451 gone"
        if self.said:
            return self.said.pop(0)
        assert isinstance(envelope.content, bytes)
        self.got.append(envelope.content)
        assert server.transport is not None
        by_tls = server.transport.get_extra_info("ssl_object") is not None
        self.secured.append((by_tls, session.auth_data))
        if self.late_seconds:
            await asyncio.sleep(self.late_seconds)
        return "250 2.0.0 taken"

    def mails(self) -> list[EmailMessage]:
        """Return what it got, read."""
        found = []
        for content in self.got:
            mail = message_from_bytes(content, policy=default)
            assert isinstance(mail, EmailMessage)
            found.append(mail)
        return found

    def wait_for(self, count: int, seconds: float = 20.0) -> None:
        """Wait until it got so many mails."""
        until = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < until, f"{len(self.got)} of {count} mails came"
            time.sleep(0.02)


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        port: on 127.0.0.1.
        certificate: its own, and the authority of it.
    """

    mailbox: Mailbox
    port: int
    certificate: Certificate

    def settings(self, **others: Any) -> MailSettings:
        """Return settings to send by it; others are changed."""
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "ca": self.certificate.certificate,
            "username": NAME,
            "password": PASSWORD,
            "sender": "do-kiem@phuong.example",
            "timeout_seconds": 5,
        }
        return MailSettings.model_validate(given | others)


class _OnAnyPort(Controller):
    """Listens on a free port, and knows which one before it looks whether it listens.

    Connections that are open in the end are closed: the library stops its loop in the middle of it.
    """

    def __init__(self, handler: object, **options: Any) -> None:
        self._made: list[SMTP] = []
        super().__init__(handler, **options)

    def factory(self) -> SMTP:
        """Return what talks with a client."""
        made: SMTP = super().factory()  # type: ignore[no-untyped-call]
        self._made.append(made)
        return made

    def stop(self, no_assert: bool = False) -> None:
        """Close what is open, and stop."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(_HANG_UP_SECONDS)
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        while talking := [one.transport for one in self._made if one.transport is not None]:
            for transport in talking:
                assert isinstance(transport, asyncio.Transport)
                transport.abort()
            await asyncio.sleep(_POLL_SECONDS)
        # By TLS the connection below is closed behind that.
        await asyncio.sleep(_POLL_SECONDS)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    del server, session, envelope, mechanism
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        NAME.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=False, auth_data=NAME if good else None)


@contextlib.contextmanager
def serving(folder: Path, security: str = "starttls") -> Iterator[Server]:
    """Run a server: with STARTTLS and a login, with TLS at once, or plain."""
    certificate = self_signed(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if security == "starttls":
        options = {
            "tls_context": context,
            "require_starttls": True,
            "authenticator": _authenticate,
            "auth_required": True,
        }
    elif security == "tls":
        options = {"ssl_context": context}
    controller = _OnAnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield Server(mailbox, controller.port, certificate)
    finally:
        controller.stop()
