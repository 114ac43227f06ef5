"""The readers of conditions, on made trees of the kernel's files and on this machine's own."""

from pathlib import Path

import pytest

from probe.conditions.device import CpuTimes, read_cpu_times, read_device, read_model
from probe.conditions.interface import read_interface
from probe.conditions.route import default_gateway, interface_of, interface_towards
from probe.conditions.watch import Watch, snapshot
from probe.conditions.wifi import read_wifi
from probe.engine import Measurement
from tests.probe.support import wait_until


def put(root: Path, files: dict[str, str]) -> None:
    """Write files below ``root``."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


ETHERNET = {
    "sys/class/net/eth0/type": "1\n",
    "sys/class/net/eth0/operstate": "up\n",
    "sys/class/net/eth0/speed": "1000\n",
    "sys/class/net/eth0/duplex": "full\n",
    "sys/class/net/eth0/mtu": "1500\n",
    "sys/class/net/eth0/device/vendor": "0x0\n",
    "sys/class/net/eth0/statistics/rx_bytes": "1234\n",
    "sys/class/net/eth0/statistics/tx_bytes": "99\n",
}


def test_a_wired_interface_is_read_whole(tmp_path: Path) -> None:
    """Speed is in bits per second, and a counter that the kernel does not show is null."""
    put(tmp_path, ETHERNET)
    state = read_interface("eth0", tmp_path)
    assert state is not None
    assert (state.kind, state.up, state.duplex, state.mtu_bytes) == ("wired", True, "full", 1500)
    assert state.speed_bits_per_second == 1_000_000_000
    assert (state.received_bytes, state.sent_bytes, state.sent_errors) == (1234, 99, None)


@pytest.mark.parametrize("said", ["-1", "0", "65535", "4294967295"])
def test_a_speed_that_the_driver_does_not_know_is_null(tmp_path: Path, said: str) -> None:
    """A driver's placeholder never becomes a speed."""
    put(tmp_path, ETHERNET | {"sys/class/net/eth0/speed": said})
    state = read_interface("eth0", tmp_path)
    assert state is not None
    assert state.speed_bits_per_second is None


@pytest.mark.parametrize(
    "files,kind",
    [
        ({"type": "772"}, "loopback"),
        ({"type": "1", "wireless/x": "", "device/x": ""}, "wifi"),
        ({"type": "1", "uevent": "DEVTYPE=wwan\n", "device/x": ""}, "modem"),
        ({"type": "519", "device/x": ""}, "modem"),
        ({"type": "1"}, "virtual"),
        ({"type": "32", "device/x": ""}, "unknown"),
    ],
)
def test_kinds_of_interfaces_are_told_apart(
    tmp_path: Path, files: dict[str, str], kind: str
) -> None:
    """Loopback, Wi-Fi, modem and virtual interfaces are recognised by what sysfs shows."""
    put(tmp_path, {f"sys/class/net/x0/{name}": content for name, content in files.items()})
    state = read_interface("x0", tmp_path)
    assert state is not None
    assert state.kind == kind


@pytest.mark.parametrize(
    "driver, maker, kind",
    [
        ("qmi_wwan", "2c7c", "modem"),
        ("rndis_host", "18d1", "modem"),
        ("cdc_ether", "12d1", "modem"),
        ("cdc_ether", "0bda", "wired"),
        ("cdc_ncm", "0bda", "wired"),
        ("cdc_ncm", "1e0e", "modem"),
        ("r8152", "0bda", "wired"),
    ],
)
def test_usb_modems_are_told_from_usb_adapters(
    tmp_path: Path, driver: str, maker: str, kind: str
) -> None:
    """By their driver, and where modems and adapters share one, by who made them."""
    put(
        tmp_path,
        {
            "sys/class/net/x0/type": "1",
            "sys/devices/usb1/1-1/idVendor": f"{maker}\n",
            "sys/devices/usb1/1-1/1-1:1.0/x": "",
            f"sys/bus/usb/drivers/{driver}/x": "",
        },
    )
    function = tmp_path / "sys/devices/usb1/1-1/1-1:1.0"
    (tmp_path / "sys/class/net/x0/device").symlink_to(function)
    (function / "driver").symlink_to(tmp_path / "sys/bus/usb/drivers" / driver)
    state = read_interface("x0", tmp_path)
    assert state is not None
    assert state.kind == kind


@pytest.mark.parametrize(
    "ports, kind",
    [
        (["eth0"], "wired"),
        (["veth0", "eth0"], "wired"),
        (["eth0", "wlan0"], "wifi"),
        (["eth0", "wwan0"], "modem"),
        (["veth0"], "virtual"),
        (["br0"], "virtual"),
    ],
)
def test_what_stands_on_ports_is_of_their_kind(tmp_path: Path, ports: list[str], kind: str) -> None:
    """A VLAN on a bridge is Wi-Fi or a modem if any of its ports is, and else wired; one that
    stands on nothing, or on itself, is virtual.
    """
    net = "sys/class/net"
    put(
        tmp_path,
        {
            f"{net}/eth0/type": "1",
            f"{net}/eth0/device/x": "",
            f"{net}/wlan0/wireless/x": "",
            f"{net}/wwan0/type": "519",
            f"{net}/veth0/type": "1",
            f"{net}/br0/type": "1",
            f"{net}/br0.5/type": "1",
        },
    )
    for upper, lowers in (("br0", ports), ("br0.5", ["br0"])):
        for lower in lowers:
            (tmp_path / net / upper / f"lower_{lower}").symlink_to(tmp_path / net / lower)
    state = read_interface("br0.5", tmp_path)
    assert state is not None
    assert state.kind == kind


def test_an_interface_that_is_not_there_is_none(tmp_path: Path) -> None:
    """A missing interface is no interface, not an empty one."""
    assert read_interface("eth7", tmp_path) is None


@pytest.mark.parametrize("level,expected", [("-57.", -57.0), ("199.", -57.0)])
def test_wifi_signal_is_read_in_both_spellings(tmp_path: Path, level: str, expected: float) -> None:
    """A signal written as an unsigned byte is the same as the signed one."""
    table = f"Inter-| sta\n face | tus\n wlan9: 0000   53.  {level}  -256        0      0\n"
    put(tmp_path, {"proc/net/wireless": table})
    state = read_wifi("wlan9", tmp_path)
    assert state is not None
    assert state.signal_dbm == expected
    assert state.rate_bits_per_second is None
    assert read_wifi("eth0", tmp_path) is None


def test_a_raspberry_pis_power_and_heat_are_read(tmp_path: Path) -> None:
    """Under-voltage and throttling come from the firmware's bits of this moment."""
    put(
        tmp_path,
        {
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
            "sys/class/thermal/thermal_zone0/temp": "61800\n",
            "proc/loadavg": "0.42 0.30 0.20 1/100 1\n",
            "proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    2048 kB\n",
            "proc/device-tree/model": "Raspberry Pi 4 Model B\0",
        },
    )
    state = read_device(tmp_path)
    assert (state.undervoltage, state.throttled) == (True, True)
    assert state.temperature_celsius == 61.8
    assert state.load_1m == 0.42
    assert state.memory_available_bytes == 2048 * 1024
    assert read_model(tmp_path) == "Raspberry Pi 4 Model B"


def test_what_happened_since_boot_is_not_now(tmp_path: Path) -> None:
    """The firmware's sticky bits (upper half) do not make the present moment under-powered."""
    put(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": "0x50000"})
    state = read_device(tmp_path)
    assert (state.undervoltage, state.throttled) == (False, False)


def test_a_board_that_tells_nothing_is_null_everywhere(tmp_path: Path) -> None:
    """Without the kernel's files every condition is null, never zero."""
    assert set(read_device(tmp_path).model_dump().values()) == {None}
    assert read_model(tmp_path) is None
    assert read_cpu_times(tmp_path) == CpuTimes()


def test_a_cores_busy_share_is_between_two_readings(tmp_path: Path) -> None:
    """Of 100 ticks 25 were spent, idle and waiting for disks excluded."""
    put(tmp_path, {"proc/stat": "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 10 0 5 80 5 0 0 0 3 0\n"})
    before = read_cpu_times(tmp_path)
    put(tmp_path, {"proc/stat": "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 25 0 15 150 10 0 0 0 9 0\n"})
    assert read_cpu_times(tmp_path).busy_since(before) == {"cpu0": 0.25}


def test_default_gateways_are_read_in_both_families(tmp_path: Path) -> None:
    """The route with the lowest metric wins, and a reject route is no gateway."""
    put(
        tmp_path,
        {
            "proc/net/route": (
                "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"
                "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\n"
                "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\n"
            ),
            "proc/net/ipv6_route": (
                f"{'0' * 32} 00 {'0' * 32} 00 fe80000000000000000000000000000a "
                "00000064 00000001 00000000 00000003 eth0\n"
                f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 0 00200200 lo\n"
            ),
        },
    )
    assert default_gateway(4, root=tmp_path) == ("192.168.1.1", "eth0")
    assert default_gateway(4, "wlan0", tmp_path) == ("192.168.2.1", "wlan0")
    assert default_gateway(6, root=tmp_path) == ("fe80::a", "eth0")
    assert default_gateway(6, "wlan0", tmp_path) is None


def test_the_interface_towards_loopback_is_loopback() -> None:
    """The routing table is asked without a packet being sent, and a bad name is no interface."""
    assert interface_towards("127.0.0.1") == "lo"
    assert interface_of("::1") == "lo"
    assert interface_towards("no-such-name.invalid") is None


def test_a_watch_sees_what_ran_between_two_snapshots() -> None:
    """The watch ends, its ratios are shares, and the test's own bytes are passed on."""
    before = snapshot("lo", clock_synchronised=True)
    watch = Watch(interval=0.05)
    sum(range(2_000_000))
    after = snapshot("lo", clock_synchronised=True)
    measured = Measurement(None, received_bytes=7, sent_bytes=9)
    during = watch.stop().during(before, after, measured)
    assert (during.test_received_bytes, during.test_sent_bytes) == (7, 9)
    assert during.process_cpu_ratio is not None
    assert during.process_cpu_ratio > 0
    assert during.machine_cpu_ratio is not None
    assert 0 <= during.machine_cpu_ratio <= 1
    assert during.interface_received_bytes is not None


def test_power_that_failed_only_under_load_is_told_afterwards(tmp_path: Path) -> None:
    """Under-voltage that was over before the test ended is in the snapshot after it."""
    bits = "sys/devices/platform/soc/soc:firmware/get_throttled"
    put(tmp_path, {bits: "0x0"})
    watch = Watch(tmp_path, interval=0.02)
    put(tmp_path, {bits: "0x10001"})
    wait_until(lambda: watch.load.undervoltage)
    put(tmp_path, {bits: "0x10000"})
    now = snapshot(None, clock_synchronised=True, root=tmp_path)
    assert now.device.undervoltage is False
    after = watch.stop().after(now)
    assert (after.device.undervoltage, after.device.throttled) == (True, False)


@pytest.mark.parametrize(
    "before,after,found",
    [
        ("0x0", "0x10000", (True, False)),
        ("0x10000", "0x50000", (False, True)),
        ("0x50000", "0x50000", (False, False)),
    ],
)
def test_a_dip_between_two_readings_is_told_by_the_firmware(
    tmp_path: Path, before: str, after: str, found: tuple[bool, bool]
) -> None:
    """What the firmware remembers since boot counts where it did not remember it before."""
    bits = "sys/devices/platform/soc/soc:firmware/get_throttled"
    put(tmp_path, {bits: before})
    watch = Watch(tmp_path, interval=60)
    put(tmp_path, {bits: after})
    now = snapshot(None, clock_synchronised=True, root=tmp_path)
    device = watch.stop().after(now).device
    assert (device.undervoltage, device.throttled) == found
