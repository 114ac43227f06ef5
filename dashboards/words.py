"""What people read on the dashboards: both languages, and colours that mean the same everywhere."""

from typing import Final, NamedTuple


class Text(NamedTuple):
    """A text in Vietnamese and in English."""

    vi: str
    en: str

    def __str__(self) -> str:
        """Return both, the Vietnamese first; once where they are the same."""
        return self.vi if self.vi == self.en else f"{self.vi} / {self.en}"


GREEN: Final = "green"
ORANGE: Final = "orange"
RED: Final = "red"
BLUE: Final = "blue"
GREY: Final = "#8e8e8e"

Steps = tuple[tuple[float | None, str], ...]
"""Colours, each from a value on; the first from below everything (None)."""

PLAIN: Final[Steps] = ((None, BLUE),)
"""A number that is neither good nor bad."""

OF_CONTRACT: Final[Steps] = ((None, RED), (0.8, ORANGE), (1.0, GREEN))
"""Share of the contracted rate: QCVN 34:2019's 0.8, as docs/method.md has it."""

CONTRACT_SHARE: Final = 0.8
"""As above: the pages' state `below` begins under it (`collector.domain.line_state`)."""

OF_ANSWERS: Final[Steps] = ((None, RED), (0.95, ORANGE), (0.995, GREEN))
"""Share of checks that were answered: QCVN 34:2019's 0.995, as docs/method.md has it."""

OF_LOSS: Final[Steps] = ((None, GREEN), (0.01, ORANGE), (0.03, RED))
"""Lost packets: calls begin to break up at one in a hundred."""

OF_ROUND_TRIP: Final[Steps] = ((None, GREEN), (0.05, ORANGE), (0.15, RED))
"""Round trips: QCVN 34:2019's 0.05 s, as docs/method.md has it, and three times that."""

OF_SILENCE: Final[Steps] = ((None, GREEN), (1800.0, ORANGE), (7200.0, RED))
"""Since something was heard: the alerts' half an hour, the pages' two hours."""

OF_LAG: Final[Steps] = ((None, GREEN), (60.0, ORANGE), (900.0, RED))
"""Seconds that a copy is behind; the alert's quarter of an hour."""

NONE_IS_GOOD: Final[Steps] = ((None, GREEN), (1.0, RED))
"""A count of what should not be."""

ONE_IS_GOOD: Final[Steps] = ((None, RED), (1.0, GREEN))
"""1: yes, and that is good."""

OF_FREE: Final[Steps] = ((None, RED), (0.1, ORANGE), (0.25, GREEN))
"""Share that is free; the alert's tenth."""

BITS: Final = "bps"
SECONDS: Final = "s"
SHARE: Final = "percentunit"
COUNT: Final = "short"
BYTES: Final = "bytes"
