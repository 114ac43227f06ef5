"""Composes mail: a complaint to a carrier, a reminder to a ward's clerk. Plain text, Vietnamese."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from collector.cases.words import day_in_words, left_in_words, month_in_words, size_in_words
from collector.domain.cases.deadlines import Deadline
from collector.errors import CaseError
from collector.ledger.cases import Case, CaseLine, KeptFile
from collector.ledger.large_files import LargeFiles
from collector.ledger.outbox import Mail
from collector.reports.names import ANNEX, ANNEXES, EVIDENCE, LETTER_PDF
from collector.settings import MailSettings

POLICY: Final = SMTP.clone(cte_type="7bit")
"""Every server takes it."""

ORDER: Final = tuple(dict.fromkeys((LETTER_PDF, ANNEX, EVIDENCE, *ANNEXES)))
"""The letter and all that it says goes with it, as they are attached: what matters most first."""

MOST_LINES: Final = 50
"""Of lines that are named in a mail; the annex has them all."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says.

    Attributes:
        files: numbers of those that are attached.
        linked: that it only names.
    """

    subject: str
    body: str
    files: Sequence[int] = ()
    linked: Sequence[KeptFile] = ()


def compose_complaint(
    case: Case,
    lines: Sequence[CaseLine],
    files: Sequence[KeptFile],
    settings: MailSettings,
) -> Text:
    """Return the mail that brings a complaint to its carrier.

    Args:
        case: which.
        lines: that failed.
        files: of the case.
        settings: how much is attached, and where larger files are.

    Raises:
        CaseError: there is no letter, or a file is too large and there is nowhere to link it.
    """
    going = going_out(files)
    if not any(one.name.lower().endswith(".pdf") for one in going):
        raise CaseError(
            f"case {case.id} has no letter as PDF: give the signed one: "
            f"linewatch case approve {case.id} --letter FILE"
        )
    attached, linked = _divide(going, settings.attachment_bytes)
    month = month_in_words(case.month) + (f" – {case.ward}" if case.ward else "")
    said = [
        f"Kính gửi: {case.carrier_name}",
        "",
        f"Qua đo kiểm chất lượng dịch vụ truy nhập Internet {month},",
        *_asked(lines),
        "",
        "Tệp gửi kèm (mã SHA-256 để đối chiếu):",
        *(_named(one) for one in attached),
        *_linked(linked, settings.link),
        "",
        f"Hồ sơ số {case.id}. Khi trả lời, đề nghị ghi số hồ sơ này.",
        "Thư do hệ thống giám sát chất lượng đường truyền Linewatch gửi.",
        "",
    ]
    subject = f"Kiến nghị về chất lượng dịch vụ Internet {month} (hồ sơ {case.id})"
    return Text(subject, "\n".join(said), [one.number for one in attached], linked)


def _asked(lines: Sequence[CaseLine]) -> Iterator[str]:
    """Yield which lines fail, and what is asked for."""
    yield f"{len(lines)} đường truyền của Quý doanh nghiệp chưa đạt:"
    for one in lines[:MOST_LINES]:
        yield f"- {one.site} ({one.line})"
    if len(lines) > MOST_LINES:
        yield f"- và {len(lines) - MOST_LINES} đường truyền khác, nêu trong phụ lục"
    yield ""
    yield "Đề nghị Quý doanh nghiệp xem xét, khắc phục và trả lời bằng văn bản."
    yield "Nội dung chi tiết ở công văn và phụ lục gửi kèm."


def _linked(files: Sequence[KeptFile], base: str | None) -> Iterator[str]:
    """Yield where files are that are too large to be attached.

    Raises:
        CaseError: nobody says where.
    """
    if not files:
        return
    if base is None:
        names = ", ".join(one.name for one in files)
        raise CaseError(
            f"{names}: too large to be attached (collector.mail.attachment_bytes), and "
            "collector.mail.link does not say where they are published"
        )
    yield ""
    yield "Tệp có dung lượng lớn, tải tại:"
    for one in files:
        # By its content: whatever is reported later, nothing else is ever there.
        yield f"{_named(one)}\n  {base.rstrip('/')}/{LargeFiles.name(one.sha256, one.name)}"


def going_out(files: Sequence[KeptFile]) -> list[KeptFile]:
    """Return the files that a carrier gets, the letter first: the signed one where there is one."""
    signed = [one for one in files if one.kind == "signed"]
    by_name = {one.name: one for one in files if one.kind == "folder"}
    # What else lies in the folder, a letter to be edited or a clerk's notes, is not for carriers.
    names = [name for name in ORDER if name in by_name]
    if signed:
        names = [name for name in names if name != LETTER_PDF]
    return [*signed[-1:], *(by_name[name] for name in names)]


def _divide(files: Sequence[KeptFile], most_bytes: int) -> tuple[list[KeptFile], list[KeptFile]]:
    """Return which files are attached and which are linked."""
    attached, linked, room = [], [], most_bytes
    for one in files:
        if one.is_kept and one.size_bytes <= room:
            attached.append(one)
            room -= one.size_bytes
        else:
            linked.append(one)
    return attached, linked


def _named(file: KeptFile) -> str:
    return f"- {file.name} ({size_in_words(file.size_bytes)})\n  SHA-256: {file.sha256}"


def compose_reminder(case: Case, deadline: Deadline) -> Text:
    """Return the mail that reminds a clerk of a deadline that is near or over."""
    rule = deadline.rule
    sure = "đã kiểm chứng" if rule.verified else "CHƯA KIỂM CHỨNG, cần đọc văn bản gốc"
    where = f" – {case.ward}" if case.ward else ""
    body = [
        f"Hồ sơ số {case.id}: kiến nghị {case.carrier_name}, {month_in_words(case.month)}{where}.",
        "",
        f"Việc của nhà mạng: {rule.asks.vi}.",
        f"Thời hạn: ngày {day_in_words(deadline.due)} ({left_in_words(deadline)}).",
        f"Căn cứ: {rule.source.vi} – {sure}.",
        *([rule.note.vi] if rule.note else []),
        "",
        "Nếu nhà mạng đã trả lời, ghi nhận bằng:",
        f"  linewatch case answer {case.id} --file TỆP",
        "Nếu quá hạn mà chưa trả lời, xem xét kiến nghị lên cơ quan quản lý:",
        f"  linewatch case escalate {case.id} --to 'Sở Khoa học và Công nghệ'",
        "",
    ]
    subject = f"Hồ sơ {case.id} ({case.carrier_name}): {rule.asks.vi.lower()}, "
    return Text(subject + left_in_words(deadline), "\n".join(body))


def message_id(what: str, ledger_id: str, sender: str) -> str:
    """Return a mail's Message-ID: the same for the same mail of the same ledger.

    Args:
        what: tells the mail from every other one.
        ledger_id: of the ledger.
        sender: an address.
    """
    digest = hashlib.sha256(f"{ledger_id} {what}".encode()).hexdigest()[:32]
    return f"<linewatch.{digest}@{sender.rpartition('@')[2]}>"


def as_bytes(mail: Mail, files: Sequence[tuple[KeptFile, bytes]]) -> bytes:
    """Return a mail as it goes to its server: the same bytes each time.

    Args:
        mail: of the outbox.
        files: those that are attached, with what is in them.
    """
    made = EmailMessage(policy=POLICY)
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.recipients)
    made["Subject"] = _in_a_line(mail.subject)
    made["Date"] = format_datetime(mail.composed_at)
    made["Message-ID"] = mail.message_id
    # Nobody's holiday answer is wanted.
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.body, charset="utf-8", cte="base64")
    for file, content in files:
        maintype, _, subtype = file.media_type.partition("/")
        made.add_attachment(content, maintype, subtype, filename=_in_a_line(file.name))
    if files:
        made.set_boundary(f"linewatch-{mail.message_id.partition('@')[0].rpartition('.')[2]}")
    return made.as_bytes(policy=POLICY)


def _in_a_line(text: str) -> str:
    """Return a text of the registry or of a file's name as a field of a mail takes it."""
    return " ".join(text.split())
