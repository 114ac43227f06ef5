"""The network as the probe finds it: name servers, IPv4, IPv6, and addresses translated twice."""

import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from probe import quantities, words
from probe.acceptance.finding import Both, Finding, Result
from probe.engine import MeasurementError
from probe.transfer.guard import Guard
from probe.transfer.names import NameServers
from protocol.failures import Failure
from protocol.results import Ipv6Readiness, Ipv6State, ReachTarget

_CARRIER_NAT: Final = IPv4Network("100.64.0.0/10")
"""Between a carrier's translator and its customers (RFC 6598)."""

_PRIVATE: Final = tuple(
    IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
"""RFC 1918."""


def ask_name_servers(names: NameServers, host: str, guard: Guard) -> dict[str, float | None]:
    """Return how many seconds each of a path's name servers took to answer; None: it did not.

    Each is asked once for a name below ``host`` that nobody asked for before.
    """
    answers: dict[str, float | None] = {}
    for address in names.addresses:
        one = NameServers((address,), names.interface, names.port)
        try:
            answers[address] = one.ask(f"{secrets.token_hex(4)}.{host}", "A", guard, 1).seconds
        except (MeasurementError, OSError):
            answers[address] = None
    return answers


def dns(answers: Mapping[str, float | None]) -> Finding:
    """Do the name servers answer, all of them?"""
    if not answers:
        said = Both("Chưa đặt máy chủ tên miền nào.", "No name server is configured.")
        return Finding("dns", Result.MEND, said, _DNS_ADVICE)
    parts = {
        address: (None if seconds is None else quantities.milliseconds(seconds, 0))
        for address, seconds in answers.items()
    }
    said = Both(
        "; ".join(
            f"{name}: {took.vi if took else 'không trả lời'}" for name, took in parts.items()
        ),
        "; ".join(f"{name}: {took.en if took else 'no answer'}" for name, took in parts.items()),
    )
    if not any(parts.values()):
        return Finding("dns", Result.MEND, said, _DNS_ADVICE)
    if not all(parts.values()):
        return Finding("dns", Result.WARN, said, _DNS_ADVICE)
    return Finding("dns", Result.OK, said)


_DNS_ADVICE: Final = Both(
    "Kiểm tra máy chủ tên miền trên bộ định tuyến; xóa địa chỉ không trả lời.",
    "Check the name servers on the router; remove those that do not answer.",
)


def ipv4(targets: Sequence[ReachTarget]) -> Finding:
    """Does IPv4 lead to the router and beyond?"""
    gateway = next((each for each in targets if each.name == "gateway"), None)
    beyond = [each for each in targets if each.name in {"server", "ipv4"} and each.ip_version != 6]  # noqa: PLR2004 - IPv6
    beyond = [each for each in beyond if words.applies(each)]
    if any(each.reached for each in beyond):
        reached = next(each for each in beyond if each.reached)
        took = quantities.milliseconds(reached.round_trip_seconds or 0)
        said = Both(
            f"Tới được {reached.target}, {took.vi}.", f"Reaches {reached.target}, {took.en}."
        )
        return Finding("ipv4", Result.OK, said)
    if beyond:
        failure = beyond[0].failure
        why = words.failure(failure.code) if failure else ("", "")
        said = Both(f"Không tới được máy chủ đo. {why[0]}", f"The server is out of reach. {why[1]}")
        return Finding("ipv4", Result.MEND, said, _ROUTER)
    if gateway is not None and gateway.reached:
        said = Both(
            f"Bộ định tuyến {gateway.target} trả lời; chưa biết xa hơn vì không có máy chủ đo.",
            f"The router {gateway.target} answers; nothing is known beyond without a server.",
        )
        return Finding("ipv4", Result.OK, said)
    failure = gateway.failure if gateway is not None else None
    if failure is None or failure.code is Failure.NO_ROUTE:
        said = Both("Không có tuyến mặc định.", "There is no default route.")
        return Finding("ipv4", Result.MEND, said, _ROUTER)
    # Many routers ignore pings, and not every user may send them.
    said = Both(
        "Bộ định tuyến không trả lời ping, và không có máy chủ đo để hỏi.",
        "The router answers no pings, and there is no server to ask.",
    )
    return Finding("ipv4", Result.UNKNOWN, said, _NAME_A_SERVER)


_NAME_A_SERVER: Final = Both("Chạy lại với --server URL.", "Run it again with --server URL.")

_ROUTER: Final = Both(
    "Kiểm tra dây, bộ định tuyến và đường truyền.", "Check the cable, the router and the line."
)


def ipv6(readiness: Ipv6Readiness | None) -> Finding:
    """How far IPv6 goes. A line without it can be certified all the same."""
    state = readiness.state if readiness is not None else Ipv6State.UNKNOWN
    vi, en = words.IPV6[state]
    said = Both(f"{vi[0].upper()}{vi[1:]}.", f"{en[0].upper()}{en[1:]}.")
    if state is Ipv6State.READY:
        return Finding("ipv6", Result.OK, said)
    if state is Ipv6State.UNKNOWN:
        return Finding("ipv6", Result.UNKNOWN, said)
    advice = Both(
        "Không cản trở việc chứng nhận qua IPv4. Bật IPv6 trên bộ định tuyến hoặc hỏi nhà mạng.",
        "Does not hinder certifying over IPv4. Switch IPv6 on at the router, or ask the carrier.",
    )
    return Finding("ipv6", Result.WARN, said, advice)


@dataclass(frozen=True, slots=True)
class Translation:
    """What tells how often the probe's IPv4 address is translated.

    Attributes:
        local: the interface's own address; None where it has none.
        hops: who answered for the first routers on the way out; None for one that did not.
        external: what the router says of its own outer address (UPnP); None where it does not.
        seen: the address that a server saw; None where it was not asked, or stands inside.
    """

    local: str | None
    hops: tuple[str | None, ...] = ()
    external: str | None = None
    seen: str | None = None


def translated(reading: Translation) -> Finding:
    """One translation is a house's own router; two, or the carrier's, are worth knowing."""
    if reading.local is None:
        said = Both("Cổng mạng không có địa chỉ IPv4.", "The interface has no IPv4 address.")
        return Finding("nat", Result.UNKNOWN, said)
    if _is(reading.local, (_CARRIER_NAT,)) or _is(_outside(reading), (_CARRIER_NAT,)):
        return _by_carrier(reading)
    if not _is(reading.local, _PRIVATE):
        said = Both(
            f"Không: {reading.local} không phải địa chỉ riêng.",
            f"No: {reading.local} is not a private address.",
        )
        return Finding("nat", Result.OK, said)
    if reading.external is not None:
        return _by_external(reading, reading.external)
    return _by_hops(reading)


def _by_hops(reading: Translation) -> Finding:
    second = _outside(reading)
    if second is None:
        said = Both(
            "Chặng thứ hai không trả lời, bộ định tuyến không cho biết địa chỉ ngoài (UPnP).",
            "The second hop does not answer, and the router does not tell its address (UPnP).",
        )
        return Finding("nat", Result.UNKNOWN, said)
    if _is(second, _PRIVATE):
        said = Both(
            f"Có thể có: chặng 1 là {reading.hops[0] or '?'}, chặng 2 là {second}, đều là địa chỉ "
            "riêng (một số nhà mạng cũng dùng địa chỉ riêng).",
            f"Probably: hop 1 is {reading.hops[0] or '?'}, hop 2 is {second}, both private (some "
            "carriers use such addresses too).",
        )
        return Finding("nat", Result.WARN, said, _BRIDGE)
    return _once(f"hop 2 is {second}", f"chặng 2 là {second}")


def _outside(reading: Translation) -> str | None:
    return reading.external or (reading.hops[1] if len(reading.hops) > 1 else None)


def _by_carrier(reading: Translation) -> Finding:
    address = reading.local if _is(reading.local, (_CARRIER_NAT,)) else _outside(reading)
    said = Both(
        f"NAT của nhà mạng (CGNAT): {address} thuộc 100.64.0.0/10.",
        f"The carrier's NAT (CGNAT): {address} is of 100.64.0.0/10.",
    )
    advice = Both(
        "Không cản trở phép đo; ghi lại cho người vận hành.",
        "Does not hinder measuring; note it for the operator.",
    )
    return Finding("nat", Result.WARN, said, advice)


def _by_external(reading: Translation, external: str) -> Finding:
    if _is(external, _PRIVATE):
        said = Both(
            f"Có: phía ngoài của bộ định tuyến là địa chỉ riêng {external}.",
            f"Yes: the router's outer address {external} is private.",
        )
        return Finding("nat", Result.WARN, said, _BRIDGE)
    if reading.seen is not None and reading.seen != external:
        said = Both(
            f"Bộ định tuyến có {external}, máy chủ thấy {reading.seen}: còn một lần NAT nữa.",
            f"The router has {external}, the server saw {reading.seen}: another NAT in between.",
        )
        return Finding("nat", Result.WARN, said, _BRIDGE)
    return _once(f"its outer address is {external}", f"phía ngoài là {external}")


def _once(en: str, vi: str) -> Finding:
    said = Both(f"Không: chỉ một lần, ở bộ định tuyến ({vi}).", f"No, once, at the router ({en}).")
    return Finding("nat", Result.OK, said)


_BRIDGE: Final = Both(
    "Đặt modem của nhà mạng ở chế độ cầu (bridge), hoặc cắm đầu đo thẳng vào nó.",
    "Put the carrier's modem into bridge mode, or plug the probe straight into it.",
)


def is_public(address: str | None) -> bool:
    """Return whether an address is one of the Internet's."""
    try:
        return ipaddress.ip_address(address or "").is_global
    except ValueError:
        return False


def _is(address: str | None, networks: Sequence[IPv4Network]) -> bool:
    try:
        return any(IPv4Address(address or "") in network for network in networks)
    except ValueError:
        return False
