"""The rules on the interface and its cable."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probe.acceptance.contract import Contract
from probe.acceptance.finding import Result
from probe.acceptance.link import Link, cable, interface, read_link
from protocol.conditions import InterfaceState
from tests.probe.conditions.test_readers import ETHERNET, put

GIGABIT = InterfaceState(
    name="eth0",
    kind="wired",
    up=True,
    speed_bits_per_second=1_000_000_000,
    duplex="full",
    mtu_bytes=1500,
    received_bytes=0,
    sent_bytes=0,
    received_errors=0,
    sent_errors=0,
    received_dropped=0,
    sent_dropped=0,
)


def linked(supported: int | None = 1_000_000_000, **changed: Any) -> Link:
    """Return a gigabit link, changed."""
    return Link(GIGABIT.model_copy(update=changed), supported, None, 1)


@pytest.mark.parametrize(
    "link,contract,result",
    [
        (linked(), None, Result.OK),
        (linked(), 800e6, Result.OK),
        (linked(), 900e6, Result.WARN),
        (linked(supported=2_500_000_000), 900e6, Result.MEND),
        (linked(supported=2_500_000_000), None, Result.OK),
        (linked(speed_bits_per_second=100_000_000), None, Result.MEND),
        (linked(speed_bits_per_second=10_000_000), None, Result.MEND),
        (linked(supported=100_000_000, speed_bits_per_second=100_000_000), None, Result.OK),
        (linked(supported=None, speed_bits_per_second=100_000_000), 300e6, Result.MEND),
        (linked(supported=None, speed_bits_per_second=100_000_000), 50e6, Result.OK),
        (linked(duplex="half"), None, Result.MEND),
        (linked(kind="wifi"), None, Result.MEND),
        (linked(up=False), None, Result.MEND),
        (linked(speed_bits_per_second=None), None, Result.WARN),
        (linked(kind="virtual"), None, Result.WARN),
        (None, None, Result.MEND),
    ],
)
def test_an_interface_certifies_where_it_gives_what_it_could(
    link: Link | None, contract: float | None, result: Result
) -> None:
    """Wi-Fi, half duplex, and a link below adapter or contract are mended first; it is the
    contract's faster direction that the link has to carry.
    """
    finding = interface(link, Contract(1e6, contract) if contract else None)
    assert finding.result is result
    assert (finding.advice is None) == (result is Result.OK)


def carried(megabytes: int, **changed: Any) -> Link:
    """Return the link after it received so much."""
    return linked(received_bytes=megabytes * 10**6, **changed)


@pytest.mark.parametrize(
    "before,after,result",
    [
        (linked(), carried(1000), Result.OK),
        (linked(), carried(1000, received_errors=1), Result.OK),
        (linked(), carried(1000, received_errors=100), Result.MEND),
        (linked(), carried(1000, sent_errors=100), Result.MEND),
        (linked(), replace(carried(1000), link_changes=3), Result.MEND),
        (linked(received_errors=500), carried(1000, received_errors=500), Result.WARN),
        (linked(), carried(1), Result.UNKNOWN),
        (None, None, Result.UNKNOWN),
    ],
)
def test_a_cable_is_judged_by_what_its_counters_grew_under_load(
    before: Link | None, after: Link | None, result: Result
) -> None:
    """Damaged frames and lost links during the load are mended; without a load nothing is said."""
    assert cable(before, after).result is result


def test_an_adapter_on_usb_is_limited_by_its_bus(tmp_path: Path) -> None:
    """A gigabit port that hangs on USB 2.0 gives three tenths of a gigabit."""
    plugged = "sys/devices/usb1/1-1"
    put(tmp_path, ETHERNET | {f"{plugged}/speed": "480\n", f"{plugged}/idVendor": "0424\n"})
    (tmp_path / plugged / "1-1:1.0").mkdir()
    put(tmp_path, {"sys/class/net/eth0/carrier_changes": "2\n"})
    device = tmp_path / "sys/class/net/eth0/device"
    (device / "vendor").unlink()
    device.rmdir()
    device.symlink_to(tmp_path / plugged / "1-1:1.0")
    link = read_link("eth0", tmp_path)
    assert link is not None
    assert (link.bus_bits_per_second, link.link_changes) == (480_000_000, 2)
    assert link.limit_bits_per_second == pytest.approx(288e6)


def test_a_port_on_the_board_has_no_bus(tmp_path: Path) -> None:
    """Its link alone limits it, to the share that raises no flag."""
    put(tmp_path, ETHERNET)
    link = read_link("eth0", tmp_path)
    assert link is not None
    assert link.bus_bits_per_second is None
    assert link.limit_bits_per_second == pytest.approx(850e6)
