"""Up to which rate a device is certified: the least of what processor, link and reference allow."""

from dataclasses import dataclass
from typing import Final, Literal

from probe import quantities
from probe.acceptance.contract import Contract
from probe.acceptance.finding import Both, Finding, Result
from probe.acceptance.loopback import Cost
from probe.flags.device import BUSY_CORE_RATIO

FRAME_COST: Final = 6.0
"""How many times as much a bit costs from a real adapter as over loopback, where 64 KB travel as
one packet and no adapter is involved. Over a wire between two namespaces, every frame of 1514 bytes
by itself and its checksum in software, it was 5.0 times downwards and 4.1 upwards; and one more for
the adapter's own driver, which such a wire does not have."""

ONE_CORE: Final = 1
"""Cores that are counted on: the adapters of small boards interrupt a single one, and a direction
that fills it is limited however idle the others are."""

STEP: Final = 1_000_000
"""Certified are whole Mbit/s, rounded down."""

LimitedBy = Literal["cpu", "link", "reference"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The rate that a direction is certified for, and what limits it."""

    bits_per_second: int
    by: LimitedBy


def processor_limit(cost: Cost) -> float:
    """Return the rate at which a core is as busy as the flag `device_cpu` allows."""
    return ONE_CORE * BUSY_CORE_RATIO / (FRAME_COST * cost.core_seconds_per_bit)


def limit(cost: Cost, link: float | None, reference: float | None) -> Limit:
    """Return what a direction is certified for.

    Args:
        cost: of the direction over loopback.
        link: what the interface lets through; None where that is not known.
        reference: what a test to a server showed where the device itself was its limit; None where
            it was not, or there was no test.
    """
    known: list[tuple[float, LimitedBy]] = [(processor_limit(cost), "cpu")]
    if link is not None:
        known.append((link, "link"))
    if reference is not None:
        known.append((reference, "reference"))
    rate, by = min(known)
    return Limit(int(rate // STEP) * STEP, by)


def processor(costs: tuple[Cost, Cost], link: float | None, contract: Contract | None) -> Finding:
    """The processor's ceiling, download and upload."""
    down, up = (processor_limit(cost) for cost in costs)
    said = _carries(costs)
    if contract is not None and (down < contract.download or up < contract.upload):
        advice = Both(
            "Yếu hơn gói cước: dùng thiết bị mạnh hơn, hoặc tắt chương trình khác trên thiết bị.",
            "Weaker than the contract: use a stronger device, or end other programs on it.",
        )
        return Finding("cpu", Result.WARN, said, advice)
    if link is not None and min(down, up) < link:
        advice = Both(
            "Bộ xử lý là giới hạn, không phải cổng mạng; đủ dùng nếu gói cước thấp hơn mức này.",
            "The processor is the limit, not the port; enough for a contract below it.",
        )
        return Finding("cpu", Result.WARN, said, advice)
    return Finding("cpu", Result.OK, said)


def _carries(costs: tuple[Cost, Cost]) -> Both:
    down, up = (quantities.rate(processor_limit(cost)) for cost in costs)
    inside = [quantities.rate(cost.bits_per_second) for cost in costs]
    return Both(
        f"Đủ sức cho khoảng {down.vi} chiều xuống, {up.vi} chiều lên qua cổng mạng (truyền nội bộ: "
        f"{' / '.join(rate.vi for rate in inside)}).",
        f"Carries about {down.en} down, {up.en} up over a port (over loopback: "
        f"{' / '.join(rate.en for rate in inside)}).",
    )


def processor_unknown(reason: str) -> Finding:
    """The loopback run did not end well: nothing can be certified."""
    return Finding(
        "cpu",
        Result.MEND,
        Both(f"Không đo được: {reason}", f"Could not be measured: {reason}"),
        Both(
            "Chạy lại; nếu vẫn lỗi thì báo người vận hành.", "Run it again; then tell the operator."
        ),
    )
