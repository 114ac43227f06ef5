"""What is found wrong with evidence, and where."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

MOST_TOLD: Final = 200
"""Faults that are named; of a file that is wrong all over the rest are counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it has to be.

    Attributes:
        what: a sentence.
        member: of the file, where it is about one.
        probe, chain, seq: the place of the record that it is about.
        line: the line's id.
        figure: of the summary, as a path in it.
    """

    what: str
    member: str | None = None
    probe: str | None = None
    chain: str | None = None
    seq: int | None = None
    line: str | None = None
    figure: str | None = None

    def __str__(self) -> str:
        """Return where it is and what is wrong, in a line."""
        places = (
            ("member", self.member),
            ("probe", self.probe),
            ("chain", self.chain),
            ("seq", self.seq),
            ("line", self.line),
            ("figure", self.figure),
        )
        where = " ".join(f"{name} {value}" for name, value in places if value is not None)
        return f"{where}: {self.what}" if where else self.what


class Note:
    """Kinds of what is no fault, and yet limits what the file proves; each a sentence with {n}."""

    FOLDED = "{n} records were folded into hours: their numbers are the collector's word"
    BEFORE_FOLDED = (
        "{n} records have folded ones between them and the next seal: that they were not changed "
        "is the collector's word"
    )
    MISSING = "{n} places of chains are missing: nobody can say what was there"
    TOMBSTONES = "{n} records were lost on the probe: their places are there as tombstones"
    BEFORE_TOMBSTONE = (
        "{n} records have a tombstone between them and the next seal: that they were not changed "
        "is the collector's word"
    )
    INVALID = "{n} links of chains are no valid records, and are not judged"
    LATER = (
        "{n} records came while the report was made, by the collector's word, and are not judged: "
        "the last ones of their line"
    )
    KEPT_APART = "{n} lines came that are no part of their chain, and are not in the file"
    UNANCHORED = (
        "{n} records were dated by a clock that the file has no record of: their moments are the "
        "collector's word"
    )
    UNTIMED = "{n} records have a moment that nobody vouches for; they do not count"
    BEFORE_ENROLMENT = (
        "{n} seals came before the enrolment of their key, as they do where a registry was moved"
    )
    NOT_COVERED = "{n} lines of the summary are not in the file, which has the failed ones alone"


@dataclass(slots=True)
class Findings:
    """All that is found while a file is gone through.

    Attributes:
        faults: the first of them.
        count: how many there are.
        notes: how often each kind was met, see `Note`.
    """

    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, fault: Fault) -> None:
        """Keep a fault; of too many, that there is one more."""
        self.count += 1
        if len(self.faults) < MOST_TOLD:
            self.faults.append(fault)

    def note(self, kind: str, count: int = 1) -> None:
        """Count something that limits what the file proves."""
        self.notes[kind] += count

    @property
    def sentences(self) -> list[str]:
        """The notes, as people read them."""
        found = [getattr(Note, name) for name in vars(Note) if name.isupper()]
        return [kind.format(n=self.notes[kind]) for kind in found if self.notes[kind]]
