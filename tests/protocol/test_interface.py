"""What an interface's driver says of its speed."""

import pytest

from protocol.interface import speed_bits_per_second


@pytest.mark.parametrize(
    "told, speed",
    [
        (1000, 1_000_000_000),
        (10, 10_000_000),
        (None, None),
        (-1, None),
        (0, None),
        (65_535, None),
        (4_294_967_295, None),
    ],
)
def test_a_driver_that_knows_no_speed_is_not_taken_by_its_word(
    told: int | None, speed: int | None
) -> None:
    """Without a link drivers write -1 or zero, or -1 in an unsigned number of 16 or 32 bits."""
    assert speed_bits_per_second(told) == speed
