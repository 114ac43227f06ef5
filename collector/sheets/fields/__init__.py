"""What stands in the columns of a list, and the words by which clerks head them.

How a header is compared with them: `collector.sheets.headers`.
"""

from typing import Final

from collector.sheets.fields.kind import Field, Kind
from collector.sheets.fields.letters import CARRIERS, PERSONS, ROLES, WARDS
from collector.sheets.fields.lines import LINES, SITE_KINDS, TECHNOLOGIES

__all__ = [
    "EXAMPLE",
    "KINDS",
    "LINES",
    "NUMBER",
    "ROLES",
    "SITE_KINDS",
    "TECHNOLOGIES",
    "Field",
    "Kind",
]

KINDS: Final = (LINES, CARRIERS, WARDS, PERSONS)

EXAMPLE: Final = "VÍ DỤ"
"""What the first column of the template's example says; such a row is passed over."""

NUMBER: Final = "STT"
"""The header of the first column, which nobody reads."""
