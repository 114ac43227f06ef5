"""What a contract promises, as a technician writes it."""

import pytest

from probe.acceptance.contract import Contract


@pytest.mark.parametrize(
    "text,download,upload",
    [("300/100", 300e6, 100e6), ("300", 300e6, 300e6), (" 62.5/12.5 ", 62.5e6, 12.5e6)],
)
def test_each_direction_is_a_promise_of_its_own(text: str, download: float, upload: float) -> None:
    """Down, then up, in Mbit/s; one number is promised both ways, so that none goes unchecked."""
    assert Contract.of(text) == (download, upload)


def test_it_is_written_as_it_is_read() -> None:
    """The page repeats what the technician said."""
    assert str(Contract.of("300/62.5")) == "300/62.5"


@pytest.mark.parametrize(
    "text", ["", "0", "300/0", "300/", "/100", "-5", "300/100/5", "1e3", "nan"]
)
def test_what_is_no_promise_is_refused(text: str) -> None:
    """Nothing above zero, or no number at all."""
    with pytest.raises(ValueError, match="no rate in Mbit/s"):
        Contract.of(text)
