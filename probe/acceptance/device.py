"""The device: power, heat, clock, disk, software."""

import os
import platform
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from probe import quantities, words
from probe.acceptance.finding import Both, Finding, Result
from probe.conditions.device import read_heat_headroom, read_power, read_temperature
from probe.conditions.files import text
from probe.conditions.load import Load
from probe.flags.device import SLOWED_FREQUENCY_RATIO
from protocol.constants import CLOCK_TOLERANCE_SECONDS
from protocol.records import ClockState

HOT_MARGIN_CELSIUS: Final = 10.0
"""Closer than this to the limit under half a minute of load, a board in a closed cupboard, or in
April, reaches it."""

DISK_RESERVE_BYTES: Final = 200_000_000
"""What a system needs besides the spool: journal, updates."""

_VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
_UNSURE: Final = frozenset({"overlay", "overlayfs", "aufs"})

_TIME_SERVICES: Final = {
    "systemd-timesyn": "systemd-timesyncd",
    "chronyd": "chrony",
    "ntpd": "ntpd",
    "openntpd": "openntpd",
}
"""Programs that set clocks, as the kernel cuts their names to 15 letters."""


@dataclass(frozen=True, slots=True)
class Strain:
    """What the load did to the device.

    Attributes:
        start_celsius, hottest_celsius: before the load, and at most; None where not told.
        headroom_celsius: at its end, below the nearest limit; None where there is none.
        limit_reached: whether a limit was reached.
        slowest_clock: the lowest clock of a working core, as a share of its highest.
        undervoltage, throttled: during the load; None where the board does not tell.
        undervoltage_since_boot: the same since boot.
    """

    start_celsius: float | None
    hottest_celsius: float | None
    headroom_celsius: float | None
    limit_reached: bool
    slowest_clock: float | None
    undervoltage: bool | None
    throttled: bool | None
    undervoltage_since_boot: bool | None


def strain(load: Load, start_celsius: float | None, root: Path = Path("/")) -> Strain:
    """Return what a load did, at its end.

    Args:
        load: what was read meanwhile.
        start_celsius: the temperature before.
        root: the file system's root.
    """
    power = read_power(root)
    clocks = [second.clock for second in load.seconds if second.clock is not None]
    known = [value for value in (start_celsius, load.hottest, read_temperature(root)) if value]
    return Strain(
        start_celsius=start_celsius,
        hottest_celsius=max(known, default=None),
        headroom_celsius=read_heat_headroom(root),
        limit_reached=bool(load.heat_limit_reached),
        slowest_clock=min(clocks, default=None),
        undervoltage=None if power.undervoltage is None else load.undervoltage,
        throttled=None if power.throttled is None else load.throttled,
        undervoltage_since_boot=power.undervoltage_since_boot,
    )


def power(seen: Strain) -> Finding:
    """Undervoltage and throttling under load, and undervoltage since boot."""
    supply = Both(
        "Dùng bộ nguồn chính hãng và dây nguồn ngắn; rút các thiết bị USB khác.",
        "Use the official power supply and a short lead; unplug other USB devices.",
    )
    if seen.undervoltage:
        said = Both("Thiếu điện áp khi có tải.", "Undervoltage under load.")
        return Finding("power", Result.MEND, said, supply)
    if seen.throttled:
        said = Both("Bị giảm tốc khi có tải.", "Throttled under load.")
        return Finding("power", Result.MEND, said, supply)
    if seen.undervoltage_since_boot:
        said = Both(
            "Đủ điện áp khi có tải, nhưng đã thiếu điện áp từ lúc bật máy.",
            "Enough voltage under load, but too little of it since boot.",
        )
        return Finding("power", Result.WARN, said, supply)
    if seen.undervoltage is None and seen.throttled is None:
        said = Both("Bo mạch không cho biết điện áp.", "The board does not tell its voltage.")
        return Finding("power", Result.UNKNOWN, said)
    return Finding("power", Result.OK, Both("Đủ điện áp khi có tải.", "Enough voltage under load."))


def heat(seen: Strain) -> Finding:
    """Temperature and clock under load."""
    said = _temperatures(seen)
    cooler = Both(
        "Để nơi thoáng, tránh nắng và các thiết bị nóng; gắn tản nhiệt.",
        "Put it where air moves, away from the sun and hot devices; fit a heat sink.",
    )
    slowed = seen.slowest_clock is not None and seen.slowest_clock < SLOWED_FREQUENCY_RATIO
    if seen.limit_reached or slowed:
        clock = quantities.percent(seen.slowest_clock or 0).en
        more = Both(
            f" Bộ xử lý chạy ở {clock} xung nhịp." if slowed else " Đã chạm ngưỡng nóng.",
            f" The processor ran at {clock} of its clock." if slowed else " A limit was reached.",
        )
        return Finding("heat", Result.MEND, Both(said.vi + more.vi, said.en + more.en), cooler)
    if seen.hottest_celsius is None:
        return Finding("heat", Result.UNKNOWN, said)
    if seen.headroom_celsius is not None and seen.headroom_celsius < HOT_MARGIN_CELSIUS:
        return Finding("heat", Result.WARN, said, cooler)
    return Finding("heat", Result.OK, said)


def _temperatures(seen: Strain) -> Both:
    if seen.hottest_celsius is None:
        return Both("Thiết bị không có cảm biến nhiệt.", "The device has no temperature sensor.")
    start = seen.start_celsius if seen.start_celsius is not None else seen.hottest_celsius
    said = Both(
        f"{start:.0f} °C lúc đầu, cao nhất {seen.hottest_celsius:.0f} °C khi có tải",
        f"{start:.0f} °C at first, {seen.hottest_celsius:.0f} °C at most under load",
    )
    if seen.headroom_celsius is None:
        return Both(f"{said.vi}.", f"{said.en}.")
    left = f"{seen.headroom_celsius:.0f} °C"
    return Both(f"{said.vi}; còn cách ngưỡng {left}.", f"{said.en}; {left} below the limit.")


@dataclass(frozen=True, slots=True)
class TimeReading:
    """What is known of the clock.

    Attributes:
        state: what the probe's clock says of itself.
        service: the program that sets it; None where none runs.
        kernel_offset_seconds: what the kernel has left to correct; None where it does not tell.
        server_difference_seconds: the measurement server's Date minus this clock, good to a second;
            None where no server told.
    """

    state: ClockState
    service: str | None
    kernel_offset_seconds: float | None
    server_difference_seconds: float | None


def time_service(root: Path = Path("/")) -> str | None:
    """Return the program that sets this device's clock, or None where none runs."""
    for place in (root / "proc").glob("[0-9]*/comm"):
        found = _TIME_SERVICES.get(text(place) or "")
        if found:
            return found
    return None


def clock(reading: TimeReading) -> Finding:
    """Is the clock synchronised, by whom, and does the server's agree?"""
    difference = reading.server_difference_seconds
    agrees = None if difference is None else abs(difference) <= CLOCK_TOLERANCE_SECONDS
    synchronised = bool(reading.state.synchronised)
    said = _time_said(reading, synchronised=synchronised)
    ntp = Both(
        "Bật đồng bộ giờ (sudo timedatectl set-ntp true) và cho cổng UDP 123 đi qua.",
        "Switch synchronisation on (sudo timedatectl set-ntp true), and let UDP port 123 through.",
    )
    if agrees is False:
        return Finding("clock", Result.MEND, said, ntp)
    if not synchronised:
        return Finding("clock", Result.WARN, said, ntp)
    return Finding("clock", Result.OK, said)


def _time_said(reading: TimeReading, *, synchronised: bool) -> Both:
    by = reading.service
    vi = ["Đã đồng bộ" if synchronised else "Chưa đồng bộ"]
    en = ["Synchronised" if synchronised else "Not synchronised"]
    if by is not None:
        vi[0] += f", dịch vụ {by}"
        en[0] += f", by {by}" if synchronised else f", though {by} runs"
    elif not synchronised:
        vi[0] += ", không có dịch vụ đồng bộ nào"
        en[0] += ", no program sets it"
    if synchronised and reading.kernel_offset_seconds is not None:
        offset = quantities.Quantity(f"{reading.kernel_offset_seconds * 1e3:+.1f} ms")
        vi.append(f"còn lệch {offset.vi}")
        en.append(f"{offset.en} left to correct")
    difference = reading.server_difference_seconds
    if difference is not None:
        span = _difference(difference)
        vi.append(f"máy chủ đo lệch {span.vi}")
        en.append(f"the server's clock differs by {span.en}")
    return Both(f"{'; '.join(vi)}.", f"{'; '.join(en)}.")


def _difference(seconds: float) -> Both:
    if abs(seconds) <= 1:
        return Both("không quá 1 giây", "a second at most")
    whole = timedelta(seconds=abs(seconds)).total_seconds()
    return Both(*words.ago(whole))


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the spool lies: its folder, free bytes, the file system's type."""

    place: Path
    free_bytes: int
    kind: str | None


def read_disk(directory: Path, root: Path = Path("/")) -> Disk | None:
    """Return the disk of a folder, or of the nearest one above that exists; None: not readable."""
    place = next((each for each in (directory, *directory.parents) if _is_there(each)), Path("/"))
    try:
        figures = os.statvfs(place)
    except OSError:
        return None
    return Disk(place, figures.f_bavail * figures.f_frsize, _file_system(place.resolve(), root))


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:
        return False


def _file_system(place: Path, root: Path) -> str | None:
    """Return the type of the file system that a place is on: its longest mount point's."""
    best: tuple[int, str] | None = None
    for line in (text(root / "proc/mounts") or "").splitlines():
        mount, kind = line.split()[1:3]
        if place.is_relative_to(mount) and (best is None or len(mount) >= best[0]):
            best = (len(mount), kind)
    return best[1] if best else None


def disk(reading: Disk | None, spool_bytes: int) -> Finding:
    """Room and kind of the disk that keeps the records until the collector has them."""
    if reading is None:
        said = Both("Không đọc được ổ đĩa.", "The disk cannot be read.")
        return Finding("disk", Result.UNKNOWN, said)
    free = quantities.size(reading.free_bytes)
    said = Both(
        f"Còn trống {free.vi} ({reading.kind or 'không rõ loại'}, {reading.place}).",
        f"{free.en} free ({reading.kind or 'of unknown kind'}, {reading.place}).",
    )
    if reading.kind in _VOLATILE:
        advice = Both(
            "Bản ghi sẽ mất khi mất điện: đặt probe.state_directory trên thẻ nhớ hoặc ổ đĩa.",
            "Records are lost in a power cut: put probe.state_directory on the card or a disk.",
        )
        return Finding("disk", Result.MEND, said, advice)
    if reading.free_bytes < spool_bytes + DISK_RESERVE_BYTES:
        need = quantities.size(spool_bytes + DISK_RESERVE_BYTES)
        advice = Both(
            f"Cần ít nhất {need.vi} trống: xóa bớt, dùng thẻ lớn hơn, hoặc giảm "
            "probe.spool.maximum_bytes.",
            f"At least {need.en} are needed: make room, use a larger card, or lower "
            "probe.spool.maximum_bytes.",
        )
        return Finding("disk", Result.MEND, said, advice)
    if reading.kind in _UNSURE:
        advice = Both(
            "Hệ tệp phủ: kiểm tra rằng thư mục này còn nguyên sau khi khởi động lại.",
            "An overlay: see that this folder survives a restart.",
        )
        return Finding("disk", Result.WARN, said, advice)
    return Finding("disk", Result.OK, said)


def software(version: str, cores: int | None) -> Finding:
    """What runs here: for the files, nothing to judge."""
    parts = (
        f"linewatch {version}",
        f"Python {platform.python_version()}",
        f"Linux {platform.release()}",
        platform.machine(),
    )
    listed = " · ".join(parts)
    return Finding(
        "software",
        Result.OK,
        Both(f"{listed} · {cores} nhân", f"{listed} · {cores} cores"),
    )
