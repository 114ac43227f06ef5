"""Numbers for people: their size, and the signs of each language."""

import pytest

from probe.quantities import Quantity, megabits, milliseconds, percent, rate, size


@pytest.mark.parametrize(
    "count, text",
    [
        (999, "999 B"),
        (1500, "1.5 kB"),
        (2_500_000, "2.5 MB"),
        (3 * 10**9, "3.0 GB"),
        (1_234_500_000_000, "1,234.5 GB"),
    ],
)
def test_sizes_are_decimal(count: int, text: str) -> None:
    """Sizes are told in SI units."""
    assert size(count).en == text


@pytest.mark.parametrize(
    "bits_per_second, text",
    [
        (1_500_000, "1.50 Mbit/s"),
        (123_456_000, "123.5 Mbit/s"),
        (9.4e9, "9,400 Mbit/s"),
        (9.9994e9, "9,999 Mbit/s"),
        (9.9996e9, "10.0 Gbit/s"),
        (2.6e10, "26.0 Gbit/s"),
    ],
)
def test_rates_read_well(bits_per_second: float, text: str) -> None:
    """Three digits or more, in Mbit/s as contracts have it; in Gbit/s from 10,000 Mbit/s on."""
    assert rate(bits_per_second).en == text


@pytest.mark.parametrize(
    "quantity, vietnamese, english, either",
    [
        (rate(2_125e6), "2.125 Mbit/s", "2,125 Mbit/s", "2\N{NO-BREAK SPACE}125 Mbit/s"),
        (rate(860.6e6), "860,6 Mbit/s", "860.6 Mbit/s", "860,6 Mbit/s"),
        (megabits(1_234.5e6), "1.234,5", "1,234.5", "1\N{NO-BREAK SPACE}234,5"),
        (size(2_100_000_000), "2,1 GB", "2.1 GB", "2,1 GB"),
        (milliseconds(1.2345, 2), "1.234,50 ms", "1,234.50 ms", "1\N{NO-BREAK SPACE}234,50 ms"),
        (percent(0.005, 1), "0,5 %", "0.5 %", "0,5 %"),
    ],
)
def test_a_number_has_the_signs_of_its_language(
    quantity: Quantity, vietnamese: str, english: str, either: str
) -> None:
    """The comma is Vietnamese's decimal sign and parts English's thousands; a number that stands
    for readers of both has a space there, so that nobody takes 2125 for 2.125.
    """
    assert (quantity.vi, quantity.en, quantity.both) == (vietnamese, english, either)
