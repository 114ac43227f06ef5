"""One text in both languages."""

from typing import NamedTuple


class Both(NamedTuple):
    """A text in Vietnamese and in English."""

    vi: str
    en: str
