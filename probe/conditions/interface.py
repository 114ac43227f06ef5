"""The interface of a path: what it is, how fast it is linked, what it has carried."""

from pathlib import Path
from typing import Final, Literal

from probe.conditions.files import number, text
from protocol.conditions import InterfaceState
from protocol.interface import speed_bits_per_second

Kind = Literal["wired", "wifi", "modem", "loopback", "virtual", "unknown"]

_ARPHRD_ETHER: Final = 1
_ARPHRD_LOOPBACK: Final = 772
_MODEM_TYPES: Final = frozenset({512, 519})
"""Hardware types (include/uapi/linux/if_arp.h): PPP, and raw IP of cellular modems."""

_MODEM_DRIVERS: Final = frozenset(
    {"qmi_wwan", "cdc_mbim", "huawei_cdc_ncm", "sierra_net", "hso", "rndis_host", "ipheth"}
)
"""USB modems and telephones that look like Ethernet; these drivers serve nothing else."""

_ADAPTER_DRIVERS: Final = frozenset({"cdc_ether", "cdc_ncm"})
"""USB classes of modems and of Ethernet adapters (those of 2.5 Gbit/s) alike: the kernel marks some
of the modems as WWAN, the maker tells of the others (sticks that are a router of their own)."""

_MODEM_MAKERS: Final = frozenset(
    {"1199", "12d1", "1410", "19d2", "1bbb", "1bc7", "1e0e", "2c7c", "2cb7", "2dee"}
)
"""USB vendors that make modems and no adapters, by usb.ids: Sierra, Huawei, Novatel, ZTE, TCL
(Alcatel), Telit, SIMCom, Quectel, Fibocom, MeiG."""

_KINDS_BELOW: Final[tuple[Kind, ...]] = ("wifi", "modem", "wired")
"""A bridge, bond or VLAN is the first of these that it stands on: what limits it most."""

_MOST_LAYERS: Final = 4
"""A VLAN on a bridge on a bond on a port; and an end, should the kernel show a circle."""


def read_interface(name: str, root: Path = Path("/")) -> InterfaceState | None:
    """Return an interface's state, or None where there is no such interface."""
    folder = root / "sys/class/net" / name
    if not folder.is_dir():
        return None
    duplex = text(folder / "duplex")
    counters = folder / "statistics"
    return InterfaceState(
        name=name,
        kind=_kind(folder),
        # Loopback and some virtual interfaces never say more than "unknown" while they work.
        up=text(folder / "operstate") in {"up", "unknown"},
        speed_bits_per_second=speed_bits_per_second(number(folder / "speed")),
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


def _kind(folder: Path, layers: int = _MOST_LAYERS) -> Kind:
    hardware = number(folder / "type")
    if hardware == _ARPHRD_LOOPBACK:
        return "loopback"
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wifi"
    driver = (folder / "device/driver").resolve().name
    described = text(folder / "uevent") or ""
    if "DEVTYPE=wwan" in described or driver in _MODEM_DRIVERS or hardware in _MODEM_TYPES:
        return "modem"
    if driver in _ADAPTER_DRIVERS and _maker(folder) in _MODEM_MAKERS:
        return "modem"
    if not (folder / "device").exists():
        below = {_kind(lower, layers - 1) for lower in folder.glob("lower_*")} if layers else set()
        return next((kind for kind in _KINDS_BELOW if kind in below), "virtual")
    return "wired" if hardware == _ARPHRD_ETHER else "unknown"


def _maker(folder: Path) -> str | None:
    """Return the USB vendor of an interface's device, or None: it is of one of its functions."""
    return text((folder / "device").resolve().parent / "idVendor")
