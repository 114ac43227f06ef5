"""What a device is certified for, kept and read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from probe.ceiling import CEILING_NAME, keep_ceiling, read_ceiling
from protocol.conditions import Ceiling

DEVICE = Ceiling(
    download_bits_per_second=940_000_000,
    upload_bits_per_second=930_000_000,
    certified_at=datetime(2026, 11, 1, 3, tzinfo=UTC),
    interface="eth0",
)


def test_a_ceiling_is_of_its_interface_alone(tmp_path: Path) -> None:
    """What was certified over the cable says nothing of Wi-Fi, nor of an unknown interface."""
    keep_ceiling(tmp_path, DEVICE)
    assert read_ceiling(tmp_path, "eth0") == DEVICE
    assert read_ceiling(tmp_path, "wlan0") is read_ceiling(tmp_path, None) is None


def test_each_interface_keeps_its_own(tmp_path: Path) -> None:
    """A USB adapter is certified beside the built-in port, not by it, and each once."""
    adapter = DEVICE.model_copy(update={"interface": "eth1", "upload_bits_per_second": 1})
    keep_ceiling(tmp_path, DEVICE.model_copy(update={"upload_bits_per_second": 2}))
    keep_ceiling(tmp_path, DEVICE)
    keep_ceiling(tmp_path, adapter)
    assert read_ceiling(tmp_path, "eth0") == DEVICE
    assert read_ceiling(tmp_path, "eth1") == adapter


def test_a_device_that_was_never_certified_has_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No file is no ceiling, silently; a damaged one is none either, said, and
    certifying anew mends it.
    """
    assert read_ceiling(tmp_path, "eth0") is None
    assert not caplog.records
    (tmp_path / CEILING_NAME).write_text("{}")
    assert read_ceiling(tmp_path, "eth0") is None
    assert CEILING_NAME in caplog.text
    keep_ceiling(tmp_path, DEVICE)
    assert read_ceiling(tmp_path, "eth0") == DEVICE
