"""Gives a mail to an SMTP server: one attempt, within a time, by TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import Final

import aiosmtplib

from collector.errors import CaseError
from collector.settings import MailSettings

ATTEMPT_SECONDS: Final = 480.0
"""A whole attempt, files included; shorter than `collector.ledger.outbox.LEASE`."""

_GOODBYE_SECONDS: Final = 2.0
_LONGEST_REPLY: Final = 300
_PERMANENT: Final = 500


class AttemptError(Exception):
    """The server did not take a mail.

    Attributes:
        is_final: it will never take this one: another attempt is of no use.
    """

    def __init__(self, said: str, *, is_final: bool = False) -> None:
        super().__init__(said)
        self.is_final = is_final


def tls_of(settings: MailSettings) -> ssl.SSLContext:
    """Return what connections to the server are secured with.

    Raises:
        CaseError: the file of the authority cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=settings.ca)
    except (OSError, ssl.SSLError) as error:
        raise CaseError(f"collector.mail.ca: {settings.ca}: cannot be used: {error}") from None


async def deliver(
    settings: MailSettings, tls: ssl.SSLContext, recipients: Sequence[str], message: bytes
) -> str:
    """Return what the server said when it took a mail.

    Args:
        settings: which server, and how.
        tls: see `tls_of`.
        recipients: all of them, or none, get it.
        message: as it goes over the line.

    Raises:
        AttemptError: it did not; says why, and whether another attempt is of use.
    """
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        # Its own login, below, comes only after TLS.
        start_tls=settings.security == "starttls",
        use_tls=settings.security == "tls",
        tls_context=tls if settings.security != "none" else None,
        timeout=settings.timeout_seconds,
    )
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            return await _talk(client, settings, recipients, message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [one.code for one in error.recipients]
        said = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
        raise AttemptError(_short(said), is_final=min(codes) >= _PERMANENT) from None
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        said = f"{error.code} {error.message}"
        raise AttemptError(_short(said), is_final=error.code >= _PERMANENT) from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        # What is wrong with the server, the way to it or the settings may be mended.
        said = str(error) or type(error).__name__
        raise AttemptError(_short(f"{settings.host}:{settings.port}: {said}")) from None
    finally:
        client.close()


async def _talk(
    client: aiosmtplib.SMTP, settings: MailSettings, recipients: Sequence[str], message: bytes
) -> str:
    await client.connect()
    if settings.username is not None and settings.password is not None:
        await client.login(settings.username, settings.password.get_secret_value())
    refused, said = await client.sendmail(settings.sender or "", list(recipients), message)
    # The mail is taken: what becomes of the goodbye does not matter.
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await client.quit()
    if refused:
        left_out = ", ".join(f"{name} ({code} {why})" for name, (code, why) in refused.items())
        said = f"{said}; not for {left_out}"
    return _short(said)


def _short(said: str) -> str:
    return " ".join(said.split())[:_LONGEST_REPLY]
