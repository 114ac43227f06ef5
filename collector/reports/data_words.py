"""What the columns of a month's data mean, and the words in them: Vietnamese, and English."""

from typing import Final

from collector.domain.line_month import Exclusion
from collector.domain.standard import Words
from collector.web.texts.words import WORDS
from protocol.failures import Failure
from protocol.flags import Flag

COLUMN_WORDS: Final = {
    "line": Words(vi="Mã đường truyền trong danh sách", en="The line's id in the registry"),
    "site": Words(vi="Điểm đo", en="The site"),
    "ward": Words(vi="Phường, xã", en="The ward"),
    "measured_at": Words(
        vi="Thời điểm đo, giờ địa phương; của lần đo không thực hiện được là thời điểm dự kiến",
        en="When it was measured, local time; of a slot without a test its planned moment",
    ),
    "counts": Words(
        vi="yes: được tính; witness: đo tới máy chủ ở mạng khác, dùng để xác nhận; no: không tính",
        en="yes: it counts; witness: to a server of another network, which confirms; no: it does "
        "not count",
    ),
    "reason": Words(vi="Lý do không tính, xem bên dưới", en="Why it does not count, see below"),
    "detail": Words(vi="Cờ hoặc mã lỗi, xem bên dưới", en="Flags or the failure's code, see below"),
    "server": Words(vi="Máy chủ đo", en="The measurement server"),
    "download_bits_per_second": Words(vi="Tốc độ tải xuống, bit/s", en="Download, bit/s"),
    "upload_bits_per_second": Words(vi="Tốc độ tải lên, bit/s", en="Upload, bit/s"),
    "rates_are_lower_bounds": Words(
        vi="yes: thiết bị hoặc máy chủ là giới hạn, đường truyền đạt ít nhất tốc độ này",
        en="yes: device or server was the limit, the line carries at least these rates",
    ),
    "idle_latency_seconds": Words(
        vi="Độ trễ ngay trước phép đo, trung vị, giây", en="Latency just before it, median, seconds"
    ),
    "download_latency_seconds": Words(
        vi="Độ trễ khi đang tải xuống, trung vị, giây", en="Latency under download, median, seconds"
    ),
    "upload_latency_seconds": Words(
        vi="Độ trễ khi đang tải lên, trung vị, giây", en="Latency under upload, median, seconds"
    ),
    "probe": Words(vi="Thiết bị đo", en="The probe"),
    "chain": Words(
        vi="Chuỗi bản ghi trong tệp bằng chứng", en="The chain of records in the evidence"
    ),
    "seq": Words(vi="Số thứ tự trong chuỗi", en="The record's number in its chain"),
}

REASON_WORDS: Final = {
    Exclusion.FLAGGED: Words(
        vi="Có cờ: kết quả có thể không phải do đường truyền", en="A flag sets it aside"
    ),
    Exclusion.ELSEWHERE: Words(
        vi="Đo qua đường truyền hoặc lối khác", en="Measured over another line or way"
    ),
    Exclusion.OTHER_SERIES: Words(
        vi="Thuộc chuỗi số đo khác (máy chủ, giao thức IP hoặc thiết bị khác)",
        en="Of another series (server, IP version or probe)",
    ),
    Exclusion.NOT_FULL: Words(
        vi="Đo nhanh, không dùng làm bằng chứng", en="A quick test, which is no evidence"
    ),
    Exclusion.UNTIMED: Words(
        vi="Không xác định được chắc chắn thời điểm", en="Nobody vouches for its moment"
    ),
    Exclusion.SERVER_FAILED: Words(
        vi="Không thành công do máy chủ đo", en="Failed by the measurement server"
    ),
    Exclusion.IN_OUTAGE: Words(
        vi="Trong lúc mất kết nối; đã tính vào độ khả dụng",
        en="While the line was out, which availability counts",
    ),
    Exclusion.FAILED: Words(vi="Không thành công vì lý do khác", en="Failed otherwise"),
    Exclusion.SKIPPED: Words(vi="Bỏ qua, không đo", en="Skipped, not tried"),
    Exclusion.MISSED: Words(vi="Lỡ, thiết bị đo không hoạt động", en="Missed, the probe was away"),
    Exclusion.LOST: Words(
        vi="Thiết bị không giữ được bản ghi", en="The probe could not keep the record"
    ),
}


def flag_words(flag: Flag) -> Words:
    """Return what a flag says, in a sentence."""
    return _of(f"flag_{flag.value}")


def failure_words(failure: Failure) -> Words:
    """Return what a failure is, in a sentence."""
    return _of(f"failure_{failure.value}")


def detail_words(detail: str) -> Words:
    """Return an exclusion's detail in words as few as there are; what has none, as it is."""
    failure = WORDS.get(f"failure_{detail}")
    if failure is not None:
        return Words(vi=failure.vi.rstrip("."), en=failure.en.rstrip("."))
    named = [one for flag in detail.split() if (one := WORDS.get(f"flag_name_{flag}")) is not None]
    if not named or len(named) < len(detail.split()):
        return Words(vi=detail or "–", en=detail or "–")
    return Words(vi=", ".join(one.vi for one in named), en=", ".join(one.en for one in named))


def _of(name: str) -> Words:
    both = WORDS[name]
    return Words(vi=both.vi, en=both.en)
