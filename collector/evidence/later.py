"""What may be called `later`: a record that came while the report was made, not judged. Pure.

Who might call any record so could take a line's best tests out of its month. A probe writes its
chain in order, and the collector stores each batch whole: what came after a line was judged is
behind all that was judged of it in the chain, and came after all of that. Where a gap of the chain
was filled meanwhile it is not so; then no evidence is written, and the report is made again.
"""

from dataclasses import dataclass, field
from datetime import datetime

from collector.evidence.format import Kind, Place


@dataclass(slots=True)
class LaterRows:
    """Holds places that are called `later` against those that were judged; all of a file.

    Attributes:
        span: of the month.
    """

    span: tuple[datetime, datetime]
    _chain: tuple[str, str] = ("", "")
    _in_chain: set[str] = field(default_factory=set)
    _first_later: dict[str, datetime] = field(default_factory=dict)
    _last_judged: dict[str, datetime] = field(default_factory=dict)

    def wrong_with(self, chain: tuple[str, str], place: Place) -> str | None:
        """Return what is wrong with a place, as a sentence; None: nothing is.

        Args:
            chain: a probe, and a chain of its; its places come in their order, one after another.
            place: of it.
        """
        if chain != self._chain:
            self._chain, self._in_chain = chain, set()
        is_later = place.kind is Kind.LATER
        at, came = place.measured_at, place.received_at
        of_month = at is not None and self.span[0] <= at < self.span[1]
        if not (of_month and place.line and came):
            return "it is called 'later', and is of no line's month" if is_later else None
        return self._later(place.line, came) if is_later else self._judged(place.line, came)

    def _later(self, line: str, came: datetime) -> str | None:
        self._in_chain.add(line)
        self._first_later[line] = min(came, self._first_later.get(line, came))
        judged = self._last_judged.get(line)
        if judged is not None and came <= judged:
            return (
                f"it is called 'later' and came at {came}: a record of its line that came at "
                f"{judged} was judged"
            )
        return None

    def _judged(self, line: str, came: datetime) -> str | None:
        self._last_judged[line] = max(came, self._last_judged.get(line, came))
        if line in self._in_chain:
            # Said once, not of all that follow.
            self._in_chain.remove(line)
            return (
                "records of its line that are before it in the chain are called 'later', and it "
                "was judged"
            )
        later = self._first_later.get(line)
        if later is not None and came >= later:
            del self._first_later[line]
            return (
                f"it was judged and came at {came}: a record of its line that came at {later} is "
                "called 'later'"
            )
        return None
