"""A ward's clerk, for benches and tests: goes by the commands at given moments, and reads its mail.

The commands, the ledger, the mail server and its talk are the real ones; the clock alone is given.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from unittest import mock

from docx import Document

from tests.collector.commands.support import Registry
from tests.collector.papers.office import convert

CLOCKS: Final = ("cases", "case_steps", "report", "report_yearly")
"""The modules of `collector.commands` that ask for this moment."""

DAYS_OFF: Final = frozenset(
    date.fromisoformat(day)
    for day in (
        *("2024-01-01", "2024-02-08", "2024-02-09", "2024-02-12", "2024-02-13", "2024-02-14"),
        *("2024-04-18", "2024-04-29", "2024-04-30", "2024-05-01", "2024-09-02", "2024-09-03"),
        *("2025-01-01", "2025-01-27", "2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31"),
    )
)
"""From Monday to Friday, January 2024 to March 2025, as they were announced: two Tết among them."""

_SATURDAY: Final = 5
_HASHED: Final = re.compile(r"^- (.+) \([^()]*\)\n +SHA-256: ([0-9a-f]{64})$", re.MULTILINE)


def is_working(day: date) -> bool:
    """Return whether a carrier's people work, by the list above and no other calendar."""
    return day.weekday() < _SATURDAY and day not in DAYS_OFF


def working_day(day: date, behind: int) -> date:
    """Return the working day so many behind a day; of 0 the day itself or the first one after."""
    left = behind
    # Ends: the list has no more than a week's days in a row.
    while left > 0 or not is_working(day):
        day += timedelta(1)
        left -= is_working(day)
    return day


@contextlib.contextmanager
def clock(moment: datetime) -> Iterator[None]:
    """Let it be that moment for the commands."""
    with contextlib.ExitStack() as stack:
        for name in CLOCKS:
            place = f"collector.commands.{name}.now"
            stack.enter_context(mock.patch(place, return_value=moment.astimezone(UTC)))
        yield


@dataclass(frozen=True, slots=True)
class Clerk:
    """Runs commands at moments.

    Attributes:
        registry: with the ledger and its configuration.
    """

    registry: Registry

    def run(self, moment: datetime, *words: str) -> str:
        """Return what a command prints.

        Raises:
            LinewatchError: it was refused.
        """
        with clock(moment):
            done = self.registry.run(*words)
        assert done.exit_code == 0, f"{' '.join(words)}: {done.output}"  # noqa: S101 - a bench
        return done.stdout

    def json(self, moment: datetime, *words: str) -> Any:  # noqa: ANN401 - JSON
        """Return what a command prints for machines."""
        with clock(moment):
            return self.registry.json(*words)

    def is_good(self, file: Path) -> bool:
        """Return whether `evidence verify` finds nothing wrong with a file."""
        return self.registry.run("evidence", "verify", str(file)).exit_code == 0


def numbered_letter(letter: Path, number: str, day: date, folder: Path) -> Path:
    """Return a letter as PDF, which was given its number and day, as a clerk does by LibreOffice.

    Args:
        letter: the DOCX of a month.
        number: that it gets.
        day: on which it is signed.
        folder: for what is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = Document(str(letter))
    filled = {
        "Số: ………/": f"Số: {number}/",
        "ngày …… tháng …… năm ………": f"ngày {day:%d} tháng {day:%m} năm {day:%Y}",
    }
    found = 0
    for table in document.tables:
        for cell in table.rows[0].cells:
            for run in (run for one in cell.paragraphs for run in one.runs):
                for before, after in filled.items():
                    found += before in run.text
                    run.text = run.text.replace(before, after)
    assert found == len(filled), f"{letter}: number and day have no place"  # noqa: S101 - a bench
    named = folder / "cong-van.docx"
    document.save(str(named))
    made = folder / "cong-van.pdf"
    made.write_bytes(convert(named, "pdf", folder))
    return made


def files_of(mail: EmailMessage) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Return what is attached to a mail, by its name, and the SHA-256 that it says of files."""
    attached = {}
    for one in mail.iter_attachments():
        content = one.get_payload(decode=True)
        assert isinstance(content, bytes)  # noqa: S101 - a file
        attached[str(one.get_filename())] = content
    body = mail.get_body(("plain",))
    text = body.get_content().replace("\r\n", "\n") if body else ""
    return attached, dict(_HASHED.findall(text))


def wrong_files(mail: EmailMessage, kept: Mapping[str, bytes]) -> list[str]:
    """Return which files of a mail are not what its sender has, attached or as its text says.

    Args:
        mail: of a complaint.
        kept: the sender's files by their names.
    """
    attached, said = files_of(mail)
    wrong = {name for name, content in attached.items() if kept.get(name) != content}
    wrong |= set(attached) - set(said)
    wrong |= {name for name, digest in said.items() if digest != _sha256(kept.get(name, b""))}
    return sorted(wrong)


def flipped(content: bytes, place: int) -> bytes:
    """Return a file with one byte of it changed."""
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
