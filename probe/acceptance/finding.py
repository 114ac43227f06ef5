"""What a check found: one of four results, a sentence, and what to do. In both languages."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

Language = Literal["vi", "en"]


class Both(NamedTuple):
    """A text in the two languages that technicians read."""

    vi: str
    en: str

    def of(self, language: Language) -> str:
        """Return it in one of them."""
        return self.vi if language == "vi" else self.en


class Result(StrEnum):
    """How a check ended.

    Attributes:
        OK: nothing to do.
        WARN: measures well enough to certify; somebody should know.
        UNKNOWN: could not be found out here, which hinders nothing.
        MEND: nothing is certified before this is mended.
    """

    OK = "ok"
    WARN = "warn"
    UNKNOWN = "unknown"
    MEND = "mend"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name, as in `probe.acceptance.words.CHECKS`.
        result: how it ended.
        said: what was read.
        advice: what to do; None where nothing is.
    """

    check: str
    result: Result
    said: Both
    advice: Both | None = None
