"""`linewatch case send`: by a real mail server."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.errors import CaseError
from collector.ledger import outbox
from collector.ledger.database import Database
from collector.settings import LedgerSettings
from tests.collector.cases import mail_server
from tests.collector.cases.folders import write_month
from tests.collector.cases.mail_server import NAME, PASSWORD, Server
from tests.collector.commands.support import Registry


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Server]:
    """Return a mail server with STARTTLS and a login."""
    folder = tmp_path / "mail"
    folder.mkdir()
    with mail_server.serving(folder) as made:
        yield made


@pytest.fixture
def registry(tmp_path: Path, mail: Server) -> Registry:
    """Return a registry whose case 1 is approved, and which sends by the server."""
    more = (
        f", mail: {{host: 127.0.0.1, port: {mail.port}, ca: {mail.certificate.certificate}, "
        f"username: {NAME}, password: {PASSWORD}, sender: do-kiem@phuong.example}}"
    )
    made = Registry(tmp_path, more).filled()
    made.run("carrier", "set", "vnpt", "--complaint-email", "khieunai@mang.example")
    made.run("case", "open", str(write_month(tmp_path / "reports")))
    made.run("case", "approve", "1", "--unsigned", "--by", "signer")
    return made


def test_a_complaint_is_sent_here_and_now(registry: Registry, mail: Server) -> None:
    """For who runs no collector; the case is sent, and is not sent again."""
    said = registry.run("case", "send", "1", "--now").stdout
    assert "case 1: in the outbox, to khieunai@mang.example" in said
    assert "case 1: sent" in said
    (got,) = mail.mailbox.mails()
    assert got["From"] == "do-kiem@phuong.example"
    told = registry.json("case", "show", "1")
    assert told["state"] == "sent"
    assert [one["state"] for one in told["mail"]] == ["sent"]
    with pytest.raises(CaseError, match="case 1 was sent already"):
        registry.run("case", "send", "1", "--now")
    assert len(mail.mailbox.got) == 1


def test_what_waits_is_sent_at_once_when_asked_to(registry: Registry, mail: Server) -> None:
    """What went wrong is said, and that a running collector goes on."""
    registry.run("case", "send", "1")
    with pytest.raises(CaseError, match="case 1 is in the outbox already"):
        registry.run("case", "send", "1")
    mail.mailbox.said = ["450 come later"]
    with pytest.raises(CaseError, match=r"not sent: 450 come later.*tries again"):
        registry.run("case", "send", "1", "--now")
    assert "waiting, 1 attempts: 450 come later" in registry.run("case", "show", "1").stdout
    assert "case 1: sent" in registry.run("case", "send", "1", "--now").stdout


def test_what_was_given_up_is_said_and_can_be_sent_again(registry: Registry, mail: Server) -> None:
    """Once the address is mended, for instance."""
    mail.mailbox.recipient = "550 no such user"
    with pytest.raises(CaseError, match=r"550 no such user.*given up"):
        registry.run("case", "send", "1", "--now")
    assert registry.json("case", "show", "1")["state"] == "approved"
    mail.mailbox.recipient = None
    assert "case 1: sent" in registry.run("case", "send", "1", "--now").stdout


def test_a_closed_case_sends_nothing_any_more(registry: Registry, mail: Server) -> None:
    """What waited is given up, with why."""
    registry.run("case", "send", "1")
    registry.run("case", "close", "1", "--note", "nhầm")
    (waiting,) = registry.json("case", "show", "1")["mail"]
    assert (waiting["state"], waiting["problem"]) == ("given_up", "the case was closed first")
    with pytest.raises(CaseError, match="case 1 is closed"):
        registry.run("case", "send", "1", "--now")
    assert mail.mailbox.got == []


def test_what_went_by_post_does_not_go_by_mail_too(registry: Registry, mail: Server) -> None:
    """What waits is given up; while a server is given it, it cannot be said what became of it."""
    registry.run("case", "send", "1")
    database = Database(LedgerSettings(path=registry.ledger))
    with contextlib.closing(database), database.write() as connection:
        outbox.take(connection, "another", datetime.now(UTC))
    with pytest.raises(CaseError, match="case 1: its mail is being sent just now"):
        registry.run("case", "send", "1", "--by-post")
    assert registry.json("case", "show", "1")["state"] == "approved"
    database = Database(LedgerSettings(path=registry.ledger))
    with contextlib.closing(database), database.write() as connection:
        outbox.note_failed(connection, "complaint/1", "another", "450 later", datetime.now(UTC))
    registry.run("case", "send", "1", "--by-post")
    told = registry.json("case", "show", "1")
    assert told["state"] == "sent"
    (waiting,) = told["mail"]
    assert (waiting["state"], waiting["problem"]) == ("given_up", "it went by post")
    with pytest.raises(CaseError, match="case 1 was sent already"):
        registry.run("case", "send", "1", "--now")
    assert mail.mailbox.got == []


def test_a_mail_given_up_goes_to_the_address_that_was_mended(
    registry: Registry, mail: Server
) -> None:
    """Not to the one that refused it."""
    mail.mailbox.recipient = "550 no such user"
    with pytest.raises(CaseError, match="given up"):
        registry.run("case", "send", "1", "--now")
    mail.mailbox.recipient = None
    registry.run("carrier", "set", "vnpt", "--complaint-email", "moi@mang.example")
    assert "to moi@mang.example" in registry.run("case", "send", "1", "--now").stdout
    (got,) = mail.mailbox.mails()
    assert got["To"] == "moi@mang.example"


def test_a_password_is_never_shown(registry: Registry) -> None:
    """Neither by --check nor by an error."""
    assert PASSWORD not in registry.run("collector", "run", "--check").output
