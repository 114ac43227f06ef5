"""A letter as PDF."""

from dataclasses import asdict
from datetime import datetime

from collector.papers.content import COPIES, COUNTRY, MOTTO, TO, Letter
from collector.papers.typesetting import typeset


def as_pdf(letter: Letter, moment: datetime) -> bytes:
    """Return a letter as PDF.

    Args:
        letter: what it says.
        moment: that the file says it was made at; not the letter's date, which a clerk fills in.

    Raises:
        PaperError: it cannot be set.
    """
    fixed = {"country": COUNTRY, "motto": MOTTO, "to": TO, "copies": COPIES}
    return typeset("letter.typ", {"letter": asdict(letter), **fixed}, moment)
