"""A test to a real server, as measurements are made: port, cable and far end too."""

from probe import quantities, words
from probe.acceptance.finding import Both, Finding, Result
from probe.measurement import Taken
from protocol.flags import Flag
from protocol.results import Speed

DEVICE_FLAGS = frozenset({Flag.DEVICE_CPU, Flag.DEVICE_HEAT, Flag.DEVICE_POWER})
"""Flags that say that the device itself was, or may have been, what limited the result."""


def reference(taken: Taken | None) -> Finding:
    """What a test to a server gave, and whether the device kept up with it."""
    if taken is None:
        return Finding(
            "reference",
            Result.UNKNOWN,
            Both("Không có máy chủ để đo thử.", "There is no server to test with."),
            Both(
                "Chạy lại với --server URL, tốt nhất là máy chủ đo trong cùng mạng nội bộ.",
                "Run it again with --server URL, best of a measurement server on the same network.",
            ),
        )
    section = taken.section
    rates = rates_of(taken)
    if rates is None or not isinstance(section, Speed):
        code = taken.failure.code if taken.failure else None
        vi, en = words.failure(code) if code else ("", "")
        advice = Both(
            "Kiểm tra địa chỉ máy chủ và đường truyền, rồi chạy lại.",
            "Check the server's address and the line, then run it again.",
        )
        said = Both(f"Không đo được. {vi}", f"Could not be measured. {en}")
        return Finding("reference", Result.WARN, said, advice)
    down, up = map(quantities.rate, rates)
    during = taken.conditions.during if taken.conditions else None
    busy = during.busiest_core_ratio if during else None
    core = "" if busy is None else quantities.percent(busy).en
    said = Both(
        f"{down.vi} chiều xuống, {up.vi} chiều lên, tới {section.server.url}; nhân bận nhất "
        f"{core or 'chưa rõ'}.",
        f"{down.en} down, {up.en} up to {section.server.url}; busiest core {core or 'unknown'}.",
    )
    if is_device_limited(taken):
        advice = Both(
            "Thiết bị là giới hạn của phép đo này: mức chứng nhận không cao hơn. Tắt chương trình "
            "khác trên thiết bị rồi chạy lại.",
            "The device limited this test: it is certified for no more. End other programs on it "
            "and run it again.",
        )
        return Finding("reference", Result.WARN, said, advice)
    return Finding("reference", Result.OK, said)


def rates_of(taken: Taken | None) -> tuple[float, float] | None:
    """Return download and upload in bits per second; None where either is missing."""
    section = taken.section if taken else None
    if not isinstance(section, Speed) or section.download is None or section.upload is None:
        return None
    return section.download.bits_per_second, section.upload.bits_per_second


def is_device_limited(taken: Taken | None) -> bool:
    """Return whether the device itself was flagged in a test."""
    return taken is not None and bool(DEVICE_FLAGS & set(taken.flags))
