"""The path's interface and its cable: how fast it is linked, and whether frames arrive whole."""

import array
import fcntl
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probe import quantities
from probe.acceptance.contract import Contract
from probe.acceptance.finding import Both, Finding, Result
from probe.conditions.files import number
from probe.conditions.interface import read_interface
from probe.flags.device import INTERFACE_SPEED_RATIO, growth, is_damaged
from protocol.conditions import InterfaceState

SLOW_LINK: Final = 100_000_000
"""What a damaged pair of wires, or a socket with two pairs, leaves of a gigabit link."""

USB_SHARE: Final = 0.6
"""Of a USB port's bits so many carry Ethernet: the Raspberry Pi 3B+ gives 300 Mbit/s on the 480 of
USB 2.0, by its maker's own product brief."""

TELLING_BYTES: Final = 10_000_000
"""A cable that carried less during the test was not tested: 7000 full frames."""

_SIOCETHTOOL: Final = 0x8946
_ETHTOOL_GSET: Final = 0x1
_SUPPORTED: Final = ((0x1000, 10_000), (0x8000, 2_500), (0x30, 1_000), (0xC, 100), (0x3, 10))
"""Bits of `struct ethtool_cmd.supported`, and Mbit/s (include/uapi/linux/ethtool.h)."""

_MEGA: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """An interface at one moment.

    Attributes:
        state: what records hold of it.
        supported_bits_per_second: the fastest link that its adapter knows; None where not told.
        bus_bits_per_second: of the USB port that it hangs on; None where it hangs on none.
        link_changes: how often the link came or went since boot.
    """

    state: InterfaceState
    supported_bits_per_second: int | None = None
    bus_bits_per_second: int | None = None
    link_changes: int | None = None

    @property
    def limit_bits_per_second(self) -> float | None:
        """What the link lets through without being the limit itself; None where not known."""
        limits = []
        if self.state.speed_bits_per_second is not None:
            limits.append(INTERFACE_SPEED_RATIO * self.state.speed_bits_per_second)
        if self.bus_bits_per_second is not None:
            limits.append(USB_SHARE * self.bus_bits_per_second)
        return min(limits, default=None)


def read_link(name: str, root: Path = Path("/")) -> Link | None:
    """Return an interface's link, or None where there is no such interface."""
    state = read_interface(name, root)
    if state is None:
        return None
    folder = root / "sys/class/net" / name
    # Of an adapter on USB, `device` is one of the functions of what is plugged in.
    plugged = (folder / "device").resolve().parent
    megabits = number(plugged / "speed") if (plugged / "idVendor").exists() else None
    return Link(
        state,
        supported_bits_per_second=_supported(name) if state.kind == "wired" else None,
        bus_bits_per_second=None if megabits is None else megabits * _MEGA,
        link_changes=number(folder / "carrier_changes"),
    )


def interface(link: Link | None, contract: Contract | None) -> Finding:
    """Speed and duplex of the interface, against what adapter and contract could do.

    A link carries as much each way, so the contract's faster direction is what it has to carry.
    """
    if link is None:
        return _interface(
            Result.MEND,
            Both("Không có cổng mạng nào dẫn ra ngoài.", "No interface leads outside."),
            Both(
                "Cắm dây mạng vào bộ định tuyến và chờ thiết bị nhận địa chỉ; hoặc chỉ rõ cổng "
                "bằng --interface.",
                "Plug the cable into the router and wait until the device has an address; or name "
                "the interface with --interface.",
            ),
        )
    return _interface(*_judged(link, max(contract) if contract else None, _described(link)))


def cable(before: Link | None, after: Link | None) -> Finding:
    """Damaged frames and lost links, those during the load before all."""
    if before is None or after is None or before.state.name != after.state.name:
        return Finding("cable", Result.UNKNOWN, Both("Chưa thử được.", "Could not be tested."))
    earlier, later = before.state, after.state
    errors = growth(earlier.received_errors, later.received_errors) + growth(
        earlier.sent_errors, later.sent_errors
    )
    carried = growth(earlier.received_bytes, later.received_bytes) + growth(
        earlier.sent_bytes, later.sent_bytes
    )
    drops = growth(before.link_changes, after.link_changes)
    moved = quantities.size(carried)
    said = Both(
        f"{errors} khung tin lỗi và {drops} lần ngắt hoặc nối lại trong {moved.vi} vừa truyền qua.",
        f"{errors} damaged frames and {drops} changes of the link in the {moved.en} just carried.",
    )
    if drops or is_damaged(errors, carried):
        return Finding("cable", Result.MEND, said, _CHANGE_CABLE)
    if carried < TELLING_BYTES:
        advice = Both(
            "Chạy lại với --server URL để có tải chạy qua dây.",
            "Run it again with --server URL, so that the cable carries a load.",
        )
        return Finding("cable", Result.UNKNOWN, said, advice)
    since_boot = (later.received_errors or 0) + (later.sent_errors or 0)
    if is_damaged(since_boot, (later.received_bytes or 0) + (later.sent_bytes or 0)):
        whole = Both(
            f"{said.vi} Từ lúc bật máy: {since_boot} khung tin lỗi.",
            f"{said.en} Since boot: {since_boot} damaged frames.",
        )
        return Finding("cable", Result.WARN, whole, _CHANGE_CABLE)
    return Finding("cable", Result.OK, said)


_CHANGE_CABLE: Final = Both(
    "Thay dây mạng (Cat 5e trở lên), cắm chặt hai đầu; nếu còn lỗi thì đổi cổng của bộ định tuyến.",
    "Change the cable (Cat 5e or better), plug both ends in firmly; then try another port of the "
    "router.",
)


def _interface(result: Result, said: Both, advice: Both | None = None) -> Finding:
    return Finding("interface", result, said, advice)


def _judged(
    link: Link, contract: float | None, said: Both
) -> tuple[Result, Both] | tuple[Result, Both, Both]:
    """Return the first of the reasons that applies, the gravest before the others."""
    state, limit = link.state, link.limit_bits_per_second
    reasons = (
        (not state.up, Result.MEND, _DOWN),
        (state.kind == "wifi", Result.MEND, _WIFI),
        (state.duplex == "half", Result.MEND, _HALF_DUPLEX),
        (_could_do_more(link, contract), Result.MEND, _SLOW),
        (limit is None, Result.WARN, _SPEED_UNKNOWN),
        (bool(contract and limit and limit < contract), Result.WARN, _BELOW_CONTRACT),
        (state.kind == "virtual", Result.WARN, _VIRTUAL),
    )
    for applies, result, advice in reasons:
        if applies:
            return result, said, advice
    return Result.OK, said


_DOWN: Final = Both("Cắm dây hoặc bật cổng mạng.", "Plug it in, or switch it on.")
_WIFI: Final = Both(
    "Không chứng nhận qua Wi-Fi được: cắm dây mạng rồi chạy lại với cổng có dây.",
    "Nothing is certified over Wi-Fi: plug in a cable and run it again over that.",
)
_HALF_DUPLEX: Final = Both(
    "Bán song công: thay dây mạng, và đặt cổng của bộ định tuyến ở chế độ tự động.",
    "Half duplex: change the cable, and set the router's port to automatic.",
)
_SLOW: Final = Both(
    "Cổng nối chậm hơn mức có thể: dùng dây đủ bốn đôi (Cat 5e trở lên), hoặc đổi cổng của bộ định "
    "tuyến.",
    "The link is slower than it could be: use a cable with four pairs (Cat 5e or better), or "
    "another port of the router.",
)
_SPEED_UNKNOWN: Final = Both(
    "Cổng không cho biết tốc độ: mức chứng nhận chỉ theo bộ xử lý và phép đo đối chiếu.",
    "The interface does not tell its speed: certified by processor and reference test alone.",
)
_BELOW_CONTRACT: Final = Both(
    "Chậm hơn gói cước: dùng thiết bị có cổng mạng nhanh hơn.",
    "Slower than the contract: use a device with a faster port.",
)
_VIRTUAL: Final = Both(
    "Cổng ảo: không thấy được cổng và dây thật bên dưới.",
    "A virtual interface: the real port and cable below it are not seen.",
)


def _could_do_more(link: Link, contract: float | None) -> bool:
    """Tell whether the link is below its adapter's best where that matters.

    It does at 10 and 100 Mbit/s, and where the contract is above what the link lets through. Of an
    adapter that does not tell its best, a contract that the link cannot carry says the same.
    """
    speed, best = link.state.speed_bits_per_second, link.supported_bits_per_second
    if speed is None or link.state.kind != "wired":
        return False
    short = contract is not None and contract > INTERFACE_SPEED_RATIO * speed
    if best is None:
        return short
    return best > speed and (speed <= SLOW_LINK or short)


def _described(link: Link) -> Both:
    state = link.state
    known = [Both(state.name, state.name), _KINDS[state.kind]]
    if state.speed_bits_per_second is not None:
        speed = quantities.rate(state.speed_bits_per_second)
        known.append(Both(speed.vi, speed.en))
    if state.duplex is not None:
        known.append(_DUPLEX[state.duplex])
    if link.bus_bits_per_second is not None:
        bus = quantities.rate(link.bus_bits_per_second)
        known.append(Both(f"USB {bus.vi}", f"USB {bus.en}"))
    return Both(" · ".join(each.vi for each in known), " · ".join(each.en for each in known))


_KINDS: Final = {
    "wired": Both("có dây", "wired"),
    "wifi": Both("Wi-Fi", "Wi-Fi"),
    "modem": Both("modem", "modem"),
    "loopback": Both("nội bộ", "loopback"),
    "virtual": Both("ảo", "virtual"),
    "unknown": Both("không rõ loại", "of unknown kind"),
}
_DUPLEX: Final = {
    "full": Both("song công", "full duplex"),
    "half": Both("bán song công", "half duplex"),
}


def _supported(name: str) -> int | None:
    """Return the fastest link that an adapter says it knows, in bits per second (ethtool's GSET).

    Asking needs no privilege. Adapters of 2.5 Gbit/s over copper may say 1: the old request has no
    bit for them.
    """
    command = array.array("B", struct.pack("=I", _ETHTOOL_GSET).ljust(44, b"\0"))
    request = struct.pack("16sP", name.encode()[:15], command.buffer_info()[0]).ljust(40, b"\0")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking, _SIOCETHTOOL, request)
    except OSError:
        return None
    bits: int = struct.unpack_from("=I", command, 4)[0]
    return next((megabits * _MEGA for mask, megabits in _SUPPORTED if bits & mask), None)
