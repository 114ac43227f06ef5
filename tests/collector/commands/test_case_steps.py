"""`linewatch case send`: by a real mail server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import CaseError
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
    made.run("case", "approve", "1", "--unsigned")
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


def test_a_password_is_never_shown(registry: Registry) -> None:
    """Neither by --check nor by an error."""
    assert PASSWORD not in registry.run("collector", "run", "--check").output
