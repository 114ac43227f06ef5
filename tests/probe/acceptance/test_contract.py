"""What a contract promises, as a technician writes it."""

import pytest

from probe.acceptance.contract import Contract


@pytest.mark.parametrize(
    "text,download,upload",
    [
        ("300/100", 300e6, 100e6),
        ("300", 300e6, 300e6),
        (" 62.5/12.25 ", 62.5e6, 12.25e6),
        ("62,5/12,25", 62.5e6, 12.25e6),
    ],
)
def test_each_direction_is_a_promise_of_its_own(text: str, download: float, upload: float) -> None:
    """Down, then up, in Mbit/s; one number is promised both ways, so that none goes unchecked."""
    assert Contract.of(text) == (download, upload)


@pytest.mark.parametrize(
    "text",
    ["", "0", "300/0", "300/", "/100", "-5", "300/100/5", "1e3", "nan", "1.000", "500/1,000"],
)
def test_what_is_no_promise_is_refused(text: str) -> None:
    """Nothing above zero, no number at all, or one that two languages read differently."""
    with pytest.raises(ValueError, match="no rate in Mbit/s"):
        Contract.of(text)
