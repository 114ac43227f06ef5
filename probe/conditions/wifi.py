"""The radio link of a Wi-Fi interface: /proc/net/wireless and the wireless extensions' ioctls."""

import array
import fcntl
import socket
import struct
from pathlib import Path
from typing import Final

from probe.conditions.files import text
from protocol.conditions import WifiState

_SIOCGIWFREQ: Final = 0x8B05
_SIOCGIWRATE: Final = 0x8B21
"""include/uapi/linux/wireless.h. mac80211 drivers, those of the Pi among them, answer both."""

_NAME_BYTES: Final = 16
_SIGNAL_COLUMN: Final = 3
_UNSIGNED_WRAP: Final = 256
"""Some drivers show the signal as an unsigned byte: -60 dBm as 196."""


def read_wifi(name: str, root: Path = Path("/")) -> WifiState | None:
    """Return the radio link of an interface, or None where it is not Wi-Fi or not associated."""
    signal = _signal(name, root)
    if signal is None:
        return None
    return WifiState(
        signal_dbm=signal,
        rate_bits_per_second=_ask(name, _SIOCGIWRATE, "=i"),
        frequency_hertz=_frequency(name),
    )


def _signal(name: str, root: Path) -> float | None:
    for line in (text(root / "proc/net/wireless") or "").splitlines():
        interface, separator, rest = line.strip().partition(":")
        columns = rest.split()
        if separator and interface == name and len(columns) >= _SIGNAL_COLUMN:
            try:
                level = float(columns[_SIGNAL_COLUMN - 1].rstrip("."))
            except ValueError:
                return None
            return level - _UNSIGNED_WRAP if level > 0 else level
    return None


def _frequency(name: str) -> int | None:
    answer = _answer(name, _SIOCGIWFREQ)
    if answer is None:
        return None
    # struct iw_freq: mantissa times ten to the exponent; small numbers are channels, not hertz.
    mantissa, exponent = struct.unpack_from("=ih", answer, _NAME_BYTES)
    hertz = mantissa * 10**exponent if exponent >= 0 else 0
    return hertz if hertz > 1_000_000 else None  # noqa: PLR2004 - no Wi-Fi is below 1 MHz


def _ask(name: str, request: int, layout: str) -> int | None:
    answer = _answer(name, request)
    if answer is None:
        return None
    value: int = struct.unpack_from(layout, answer, _NAME_BYTES)[0]
    return value if value > 0 else None


def _answer(name: str, request: int) -> bytes | None:
    buffer = array.array("B", name.encode()[: _NAME_BYTES - 1].ljust(32, b"\0"))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking, request, buffer, True)
    except OSError:
        return None
    return buffer.tobytes()
