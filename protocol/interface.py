"""What an interface's driver says, read alike wherever it is read."""

from typing import Final

_BITS_PER_MEGABIT: Final = 1_000_000
_UNKNOWN_MEGABITS: Final = frozenset({-1, 0, 0xFFFF, 0xFFFF_FFFF})
"""What drivers say when there is no link to have a speed."""


def speed_bits_per_second(told: int | None) -> int | None:
    """Return an interface's speed each way; None where its driver knows none.

    Args:
        told: what `speed` of the interface's folder in /sys/class/net holds, in megabits; None
            where it cannot be read.
    """
    return None if told is None or told in _UNKNOWN_MEGABITS else told * _BITS_PER_MEGABIT
