"""Whether this machine's clock is synchronised, as its kernel says."""

import ctypes

_TIMEX_BYTES = 512
"""More than any architecture's struct timex; zeroed, it asks and sets nothing (adjtimex(2))."""

_TIME_ERROR = 5
"""What adjtimex returns while the clock is not synchronised."""


def is_synchronised() -> bool:
    """Tell whether the kernel vouches for its clock; False also where it cannot be asked."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return bool(0 <= state != _TIME_ERROR)
