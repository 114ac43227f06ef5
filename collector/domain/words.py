"""Vietnamese and English words, compared as people type them: without marks, in small letters."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")
_NUMBER: Final = re.compile(r"([0-9]{1,18})")
"""Longer ones are several: of thousands of digits Python makes no number."""


def plain(text: str) -> str:
    """Return a text as people type it in haste: small letters without any marks."""
    apart = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def fold(text: str) -> str:
    """Return the words of a text alone, plain, one space between: what is alike is equal."""
    return _NOT_A_WORD.sub(" ", plain(text)).strip()


@lru_cache(1 << 14)
def in_order(name: str) -> tuple[list[str | int], str]:
    """Return what names are sorted by as people count: house 2 is before house 10, Đ beside D."""
    parts = _NUMBER.split(plain(name))
    # Every other part is a number, so that none is compared with a word.
    return [int(one) if place % 2 else one for place, one in enumerate(parts)], name


def slug(text: str, most: int) -> str:
    """Return a text as a name of the registry, of so many letters at most; '' of signs alone."""
    return fold(text).replace(" ", "-")[:most].strip("-")


def clean(text: str) -> str:
    """Return a text as it is stored: composed letters, and single spaces between its words."""
    return " ".join(unicodedata.normalize("NFC", text).split())
