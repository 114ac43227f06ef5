"""What a column of a list is about, and what a sheet of one kind has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from collector.sheets import values

Reader = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Field:
    """What a column is about.

    Attributes:
        name: of the field; a column of the registry, mostly.
        vietnamese: the header in the template.
        english: the same below it.
        note: for the clerk, in Vietnamese.
        example: in the template's row that import passes over.
        read: turns a cell's value into what is stored.
        words: other headers that mean it, folded, divided by commas.
        choices: what a cell can say; none: anything.
        width: of the template's column, in letters.
    """

    name: str
    vietnamese: str
    english: str
    note: str
    example: str
    read: Reader = values.read_text
    words: str = ""
    choices: Sequence[str] = ()
    width: int = 18

    @property
    def is_speed(self) -> bool:
        """Whether its numbers are of Mbit/s, or of what the header says."""
        return self.name.endswith("_bits_per_second")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sheet.

    Attributes:
        name: what its rows are.
        title: of the template's sheet.
        fields: its columns.
        needed: of each group one column at least, or it is no sheet of this kind.
        says: the fields of which a row needs one to be a row; others may be notes and signatures.
    """

    name: str
    title: str
    fields: Sequence[Field]
    needed: Sequence[Sequence[str]]
    says: Sequence[str]

    def field(self, name: str) -> Field:
        """Return one of its fields."""
        return next(field for field in self.fields if field.name == name)
