"""What stands in a letter, whichever way it is set: DOCX and PDF are made of the same. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BLANK: Final = "…" * 12
"""For what the registry does not have: a clerk fills it in."""


class Mark(StrEnum):
    """How a few words differ from those around them."""

    PLAIN = "plain"
    STRONG = "strong"
    CHECK = "check"
    """For the clerk's eyes: to be looked up, and removed before the letter is signed."""


class Kind(StrEnum):
    """What a paragraph is."""

    BASIS = "basis"
    """Căn cứ …"""

    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    """With what is not divided well: addresses, digests. Not justified."""

    CLOSING = "closing"
    """The last ones; on the page of the signature, which must not stand alone."""

    NOTE = "note"
    """Below a table, smaller."""


@dataclass(frozen=True, slots=True)
class Run:
    """Some words of a paragraph."""

    text: str
    mark: Mark = Mark.PLAIN


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    kind: Kind
    runs: Sequence[Run]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        head: what stands over each column.
        widths_mm: of the columns.
        rows: each of as many cells as `head`, or of one, which is as wide as all.
    """

    head: Sequence[str]
    widths_mm: Sequence[int]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of an authority (công văn), by Nghị định 30/2020/NĐ-CP.

    Attributes:
        superior, authority: the letterhead's left side; no superior: the authority alone.
        number: "Số: …/UBND-VHXH", the number itself left to the clerk.
        subject: "V/v …".
        dated: place and date, the date left to the clerk.
        recipient: who it is to; `recipient_address` where to, None: not known.
        body: what it says.
        copies: "Nơi nhận".
        signature: the lines above the name.
        signer: the name.
        title: of a report: its kind (BÁO CÁO), what it is of; it has no recipient above it. A
            letter has none.
    """

    superior: str | None
    authority: str
    number: str
    subject: str
    dated: str
    recipient: str
    recipient_address: str | None
    body: Sequence[Paragraph | Table]
    copies: Sequence[str]
    signature: Sequence[str]
    signer: str
    title: Sequence[str] = ()


COUNTRY: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO: Final = "Độc lập - Tự do - Hạnh phúc"
TO: Final = "Kính gửi:"
COPIES: Final = "Nơi nhận:"


def texts_of(letter: Letter) -> Iterator[str]:
    """Yield all that stands in a letter, paragraph by paragraph."""
    yield from (one for one in (letter.superior, letter.authority) if one)
    yield letter.number
    yield from filter(None, [letter.subject])
    yield from (COUNTRY, MOTTO, letter.dated)
    yield from letter.title or [f"{TO} {letter.recipient}"]
    yield from filter(None, [letter.recipient_address])
    for block in letter.body:
        if isinstance(block, Paragraph):
            yield "".join(run.text for run in block.runs)
        else:
            yield from block.head
            for row in block.rows:
                yield from row
    yield from (COPIES, *letter.copies, *letter.signature, letter.signer)
