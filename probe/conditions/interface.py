"""The interface of a path: what it is, how fast it is linked, what it has carried."""

from pathlib import Path
from typing import Final, Literal

from probe.conditions.files import number, text
from protocol.records import InterfaceState

Kind = Literal["wired", "wifi", "modem", "loopback", "virtual", "unknown"]

_ARPHRD_ETHER: Final = 1
_ARPHRD_LOOPBACK: Final = 772
_MODEM_TYPES: Final = frozenset({512, 519})
"""Hardware types (include/uapi/linux/if_arp.h): PPP, and raw IP of cellular modems."""

_MODEM_DRIVERS: Final = frozenset({"qmi_wwan", "cdc_mbim", "cdc_ncm", "huawei_cdc_ncm", "sierra"})
"""USB modems that look like Ethernet; the driver tells them apart."""

_BITS_PER_MEGABIT: Final = 1_000_000
_SPEED_UNKNOWN: Final = frozenset({-1, 0, 0xFFFF, 0xFFFF_FFFF})
"""What drivers say in `speed` (megabits) when there is no link to have one."""


def read_interface(name: str, root: Path = Path("/")) -> InterfaceState | None:
    """Return an interface's state, or None where there is no such interface."""
    folder = root / "sys/class/net" / name
    if not folder.is_dir():
        return None
    megabits = number(folder / "speed")
    duplex = text(folder / "duplex")
    counters = folder / "statistics"
    return InterfaceState(
        name=name,
        kind=_kind(folder),
        # Loopback and some virtual interfaces never say more than "unknown" while they work.
        up=text(folder / "operstate") in {"up", "unknown"},
        speed_bits_per_second=(
            None if megabits is None or megabits in _SPEED_UNKNOWN else megabits * _BITS_PER_MEGABIT
        ),
        duplex="full" if duplex == "full" else "half" if duplex == "half" else None,
        mtu_bytes=number(folder / "mtu"),
        received_bytes=number(counters / "rx_bytes"),
        sent_bytes=number(counters / "tx_bytes"),
        received_errors=number(counters / "rx_errors"),
        sent_errors=number(counters / "tx_errors"),
        received_dropped=number(counters / "rx_dropped"),
        sent_dropped=number(counters / "tx_dropped"),
    )


def read_carried(name: str, root: Path = Path("/")) -> tuple[int | None, int | None]:
    """Return the bytes that an interface has received and sent since boot."""
    counters = root / "sys/class/net" / name / "statistics"
    return number(counters / "rx_bytes"), number(counters / "tx_bytes")


def _kind(folder: Path) -> Kind:
    hardware = number(folder / "type")
    if hardware == _ARPHRD_LOOPBACK:
        return "loopback"
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wifi"
    driver = (folder / "device/driver").resolve().name
    described = text(folder / "uevent") or ""
    if "DEVTYPE=wwan" in described or driver in _MODEM_DRIVERS or hardware in _MODEM_TYPES:
        return "modem"
    if not (folder / "device").exists():
        return "virtual"
    return "wired" if hardware == _ARPHRD_ETHER else "unknown"
