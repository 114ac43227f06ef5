"""One attempt at a real SMTP server: taken, refused, hanging, broken off, not secured."""

import socket
import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.cases.smtp import AttemptError, deliver, tls_of
from collector.errors import CaseError
from collector.settings import MailSettings
from tests.collector.cases import mail_server
from tests.collector.cases.mail_server import Server

MESSAGE = b"Subject: a\r\nMessage-ID: <a@b>\r\n\r\nxin chao\r\n.\r\n..\r\n"
TO = ["khieunai@mang.example"]


async def attempt(settings: MailSettings) -> AttemptError:
    """Return how an attempt failed."""
    with pytest.raises(AttemptError) as failed:
        await deliver(settings, tls_of(settings), TO, MESSAGE)
    assert mail_server.PASSWORD not in str(failed.value)
    return failed.value


async def test_a_mail_is_taken_by_tls_and_with_a_login(mail: Server) -> None:
    """To the byte, lines of single dots among them."""
    settings = mail.settings()
    assert "taken" in await deliver(settings, tls_of(settings), TO, MESSAGE)
    assert mail.mailbox.got == [MESSAGE]
    assert mail.mailbox.secured == [(True, mail_server.NAME)]


@pytest.mark.parametrize("security", ["tls", "none"])
async def test_tls_at_once_and_plain_on_this_machine(tmp_path: Path, security: str) -> None:
    """As the settings say."""
    with mail_server.serving(tmp_path, security) as server:
        settings = server.settings(security=security, username=None, password=None)
        await deliver(settings, tls_of(settings), TO, MESSAGE)
        assert server.mailbox.secured == [(security == "tls", None)]


async def test_without_starttls_nothing_is_said(tmp_path: Path) -> None:
    """Neither the password nor the mail goes over a line that is not secured."""
    with mail_server.serving(tmp_path, "none") as server:
        failed = await attempt(server.settings())
        assert "STARTTLS" in str(failed)
        assert not failed.is_final
        assert server.mailbox.got == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(mail: Server) -> None:
    """It may be anybody's server."""
    failed = await attempt(mail.settings(ca=None))
    assert "certificate" in str(failed).lower()
    assert mail.mailbox.got == []


async def test_a_wrong_password_may_be_mended(mail: Server) -> None:
    """The mail is not given up for it."""
    failed = await attempt(mail.settings(password="wrong"))
    assert "535" in str(failed) or "uthent" in str(failed)
    assert not failed.is_final


@pytest.mark.parametrize("code,is_final", [("450 later", False), ("554 never", True)])
async def test_refusals_of_a_mail_are_for_now_or_for_good(
    mail: Server, code: str, is_final: bool
) -> None:
    """By the server's code, for what it says of the mail."""
    mail.mailbox.said = [code]
    failed = await attempt(mail.settings())
    assert code in str(failed)
    assert failed.is_final is is_final


@pytest.mark.parametrize("code,is_final", [("452 full", False), ("550 nobody", True)])
async def test_refusals_of_a_recipient_are_for_now_or_for_good(
    mail: Server, code: str, is_final: bool
) -> None:
    """Whoever it is is named."""
    mail.mailbox.recipient = code
    failed = await attempt(mail.settings())
    assert f"{TO[0]}: {code}" in str(failed)
    assert failed.is_final is is_final


async def test_a_server_that_hangs_is_left_after_a_time(mail: Server) -> None:
    """The attempt ends by itself."""
    mail.mailbox.hang_seconds = 3
    failed = await attempt(mail.settings(timeout_seconds=0.5))
    assert not failed.is_final


async def test_a_connection_that_breaks_in_the_middle_of_a_mail_failed(mail: Server) -> None:
    """Nobody knows whether it was taken: it is tried again, under the same Message-ID."""
    mail.mailbox.drop = True
    assert not (await attempt(mail.settings())).is_final


async def test_nobody_there_is_said_with_the_place(mail: Server) -> None:
    """A port that is closed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    failed = await attempt(mail.settings(port=port))
    assert f"127.0.0.1:{port}" in str(failed)


def test_an_authority_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before anything is sent."""
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        settings = MailSettings(host="127.0.0.1", sender="a@b.example", ca=tmp_path / name)
        with pytest.raises(CaseError, match=r"collector\.mail\.ca"):
            tls_of(settings)
    assert isinstance(tls_of(MailSettings()), ssl.SSLContext)


@pytest.mark.parametrize(
    "given,sentence",
    [
        ({"host": "mail.example"}, "sender is needed with host"),
        ({"host": "mail.example", "sender": "a@b.example", "security": "none"}, "this machine"),
        ({"sender": "A <a@b.example>"}, "an e-mail address is needed"),
        ({"sender": "a@b.example\nBcc: c@d.example"}, "an e-mail address is needed"),
        ({"username": "a"}, "username and password are needed together"),
        ({"link": "ftp://x"}, "an address is needed"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, str], sentence: str) -> None:
    """Each by a sentence; the password is in none."""
    with pytest.raises(ValidationError, match=sentence):
        MailSettings.model_validate(given)
    good = MailSettings.model_validate({"username": "a", "password": "b1-mat"})
    assert "b1-mat" not in repr(good)
