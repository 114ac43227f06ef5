"""Speeds as people write them: 300M, 1G, 1.5G. Decimal prefixes, bits per second."""

import re
from typing import Final

_FACTORS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SPEED: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmg]?)(?:bit/s|bps|b/s)?", re.IGNORECASE)


def parse_speed(text: str) -> int:
    """Return bits per second.

    Raises:
        ValueError: it is no speed above zero.
    """
    match = _SPEED.fullmatch(text.strip())
    value = round(float(match[1]) * _FACTORS[match[2].lower()]) if match else 0
    if value <= 0:
        msg = f"'{text}' is no speed: write 300M for 300 Mbit/s, 1G for 1 Gbit/s"
        raise ValueError(msg)
    return value


def show_speed(bits_per_second: float | None) -> str:
    """Return a speed for people, in Mbit/s; a dash where there is none."""
    return "–" if bits_per_second is None else f"{bits_per_second / 1e6:,.6g} Mbit/s"
