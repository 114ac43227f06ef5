"""What mails say, and that they are the same to the byte."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest

from collector.cases.calendar import rules, vietnam
from collector.cases.composing import as_bytes, compose_complaint, compose_reminder, message_id
from collector.domain.cases.deadlines import deadlines
from collector.domain.cases.steps import State
from collector.errors import CaseError
from collector.ledger.cases import Case, CaseLine, KeptFile
from collector.ledger.outbox import Mail
from collector.reports.names import ANNEXES
from collector.settings import MailSettings
from tests.collector.cases.conftest import NOW
from tests.collector.domain.cases.histories import sent

LINES = [CaseLine("l1", "Nhà văn hóa số 1", []), CaseLine("l2", "Trụ sở", [])]
CASE = Case(3, "vnpt", "VNPT", "2026-10", "Thạch Khôi", State.APPROVED, NOW, sent())


def kept(number: int, name: str, size: int = 1000, kind: str = "folder") -> KeptFile:
    """Return a file of a case."""
    media_type = "application/pdf" if name.endswith("pdf") else "application/zip"
    digest = f"{number}" * 64
    return KeptFile(number, kind, name, media_type, digest, size, size < 10**7, NOW)


FOLDER = [
    kept(1, "annex.pdf"),
    kept(2, "data.xlsx"),
    kept(3, "evidence.zip"),
    kept(4, "letter.docx"),
    kept(5, "letter.pdf"),
    kept(6, "summary.json"),
    kept(8, "ghi chú của văn thư.pdf"),
]


def settings(**given: object) -> MailSettings:
    """Return settings of mail."""
    return MailSettings.model_validate(given)


def test_a_complaint_says_what_it_is_about_and_what_it_brings() -> None:
    """In Vietnamese: month, ward, lines, each file with its SHA-256. No letter that is still to be
    edited goes out, and nothing that somebody else put into the folder.
    """
    text = compose_complaint(CASE, LINES, FOLDER, settings())
    assert text.subject == (
        "Kiến nghị về chất lượng dịch vụ Internet tháng 10/2026 – Thạch Khôi (hồ sơ 3)"
    )
    assert text.files == [5, 1, 3, 2, 6]
    for said in (
        "Kính gửi: VNPT",
        "2 đường truyền của Quý doanh nghiệp chưa đạt:",
        "- Nhà văn hóa số 1 (l1)",
        "trả lời bằng văn bản",
        "SHA-256: " + "5" * 64,
        "Hồ sơ số 3.",
    ):
        assert said in text.body
    assert "docx" not in text.body
    assert "ghi chú" not in text.body
    assert max(map(len, text.body.splitlines())) < 100


def test_the_signed_letter_goes_out_in_place_of_the_draft() -> None:
    """As the signer left it."""
    signed = kept(7, "12-UBND-VHXH.pdf", kind="signed")
    text = compose_complaint(CASE, LINES, [*FOLDER, signed], settings())
    assert text.files == [7, 1, 3, 2, 6]
    assert "letter.pdf" not in text.body


def test_all_that_the_letter_lists_goes_with_it() -> None:
    """Whatever the letter says is enclosed: attached, or linked where it is too large."""
    folder = [kept(number, name) for number, name in enumerate(["letter.pdf", *ANNEXES], 1)]
    text = compose_complaint(CASE, LINES, folder, settings())
    assert sorted(text.files) == [one.number for one in folder]
    given = settings(link="https://reports.example/lw/", attachment_bytes=2500)
    text = compose_complaint(CASE, LINES, folder, given)
    assert all(f"- {one.name} (" in text.body for one in folder)
    assert text.body.count("https://reports.example/lw/") == len(folder) - 2 == len(text.linked)


def test_what_is_too_large_is_linked_with_its_hash() -> None:
    """What does not fit beside what matters more; where it is published the settings say."""
    large = [one if one.number != 3 else kept(3, "evidence.zip", 10**9) for one in FOLDER]
    given = settings(link="https://reports.example/lw/", attachment_bytes=2500)
    text = compose_complaint(CASE, LINES, large, given)
    assert text.files == [5, 1]
    linked = text.body.partition("tải tại:")[2]
    assert "evidence.zip (953,7 MB)\n  SHA-256: " + "3" * 64 in linked
    assert f"https://reports.example/lw/{'3' * 64}.zip" in linked
    assert f"https://reports.example/lw/{'2' * 64}.xlsx" in linked
    with pytest.raises(CaseError, match=r"evidence\.zip: too large.*collector\.mail\.link"):
        compose_complaint(CASE, LINES, large, settings())


def test_a_complaint_without_a_letter_is_none() -> None:
    """The sentence says how to give one."""
    with pytest.raises(CaseError, match=r"no letter as PDF.*case approve 3 --letter FILE"):
        compose_complaint(CASE, LINES, [kept(4, "letter.docx")], settings())


def test_a_reminder_says_what_is_due_and_that_nobody_read_the_rule() -> None:
    """With its source, and what to do next."""
    (first, *_) = deadlines(rules(), CASE.events, vietnam(), NOW.date() + timedelta(days=1))
    near = compose_reminder(CASE, first)
    assert near.subject == ("Hồ sơ 3 (VNPT): trả lời khiếu nại bằng văn bản, còn 1 ngày làm việc")
    assert "Thời hạn: ngày 04/11/2026 (còn 1 ngày làm việc)." in near.body
    assert "QCVN 34:2014/BTTTT" in near.body
    assert "CHƯA KIỂM CHỨNG" in near.body
    assert "linewatch case answer 3" in near.body
    (over, *_) = deadlines(rules(), CASE.events, vietnam(), NOW.date() + timedelta(days=4))
    assert compose_reminder(CASE, over).subject.endswith("đã quá hạn 2 ngày làm việc")


def test_a_mail_is_the_same_bytes_each_time() -> None:
    """With names and texts in Vietnamese, in lines and letters that every server takes; what has
    lines of its own in a name makes no field of the mail.
    """
    mail = Mail(
        key="complaint/3",
        case_id=3,
        message_id=message_id("complaint/3", "ledger", "a@phuong.example"),
        sender="a@phuong.example",
        recipients=["b@mang.example"],
        subject="Kiến nghị\r\nBcc: x@y.example về chất lượng",
        body="Kính gửi\n\nđường truyền",
        files=[1],
        composed_at=NOW,
        state="waiting",
        tries=1,
        next_at=NOW,
        give_up_at=NOW,
        problem=None,
        sent_at=None,
    )
    file = kept(1, "công văn\nsố 12.pdf")._replace(kind="signed")
    made = as_bytes(mail, [(file, b"%PDF \x00\xff")])
    assert made == as_bytes(mail, [(file, b"%PDF \x00\xff")])
    assert made.isascii()
    assert max(map(len, made.split(b"\r\n"))) < 998
    read = message_from_bytes(made, policy=default)
    assert read["Subject"] == "Kiến nghị Bcc: x@y.example về chất lượng"
    assert read["Bcc"] is None
    assert read["Message-ID"] == mail.message_id
    assert read["Message-ID"].endswith("@phuong.example>")
    assert read["Date"] == "Mon, 02 Nov 2026 09:00:00 +0700"
    body, attachment = read.iter_parts()
    assert body.get_content().replace("\r\n", "\n").strip() == mail.body
    assert attachment.get_filename() == "công văn số 12.pdf"
    assert attachment.get_content() == b"%PDF \x00\xff"


def test_other_mails_and_other_ledgers_have_other_ids() -> None:
    """So that a mail server's memory of one never stops another."""
    made = {
        message_id(key, ledger, "a@b.example")
        for key in ("complaint/1", "complaint/2", "reminder/1/reply/near")
        for ledger in ("one", "two")
    }
    assert len(made) == 6
