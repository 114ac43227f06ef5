"""What stands in the columns of a list, and the words by which clerks head them.

How a header is compared with them: `collector.sheets.headers`.
"""

from collections.abc import Mapping
from typing import Any, Final

from collector.sheets.fields.kind import Field, Kind
from collector.sheets.fields.letters import CARRIERS, PERSONS, ROLES, WARDS
from collector.sheets.fields.lines import LINES, SITE_KINDS, TECHNOLOGIES

__all__ = [
    "EXAMPLE",
    "KINDS",
    "LINES",
    "NUMBER",
    "OFFERED",
    "Field",
    "Kind",
]

KINDS: Final = (LINES, CARRIERS, WARDS, PERSONS)

OFFERED: Final[Mapping[str, Mapping[Any, str]]] = {
    "technology": TECHNOLOGIES,
    "site_kind": SITE_KINDS,
    "role": ROLES,
}
"""How a clerk writes what is stored as a word of ours, in the fields that have a list of them."""

EXAMPLE: Final = "VÍ DỤ"
"""What the first column of the template's example says; such a row is passed over."""

NUMBER: Final = "STT"
"""The header of the first column, which nobody reads."""
