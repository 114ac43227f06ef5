"""Why a verdict is what it is, in a sentence for people: Vietnamese first, and English."""

from collections.abc import Mapping
from typing import Final

from collector.domain.findings import Finding, Reason
from collector.domain.quantities import COUNTED as COUNTS_OF_DAYS
from collector.domain.quantities import MEGABIT, MILLISECOND, RATES, TIMES, Quantity, Statistic
from collector.domain.samples import FROM_TESTS
from collector.domain.standard import Indicator, Reference, Standard, Words

_VIETNAMESE_SIGNS: Final = str.maketrans(",.", ".,")

_SENTENCES: Final = {
    Reason.KEPT: Words(
        vi="Đạt: {value}, giới hạn {limit}; cả khoảng tin cậy 95 % đều đạt{bounds}.",
        en="Kept: {value}, the limit is {limit}; the whole 95 % interval keeps it{bounds}.",
    ),
    Reason.KEPT_NARROWLY: Words(
        vi="Đạt sát giới hạn: {value}, giới hạn {limit}, nhưng khoảng tin cậy 95 % ({low} đến "
        "{high}) còn chứa giới hạn{bounds}.",
        en="Kept narrowly: {value}, the limit is {limit}, but the 95 % interval ({low} to "
        "{high}) still holds the limit{bounds}.",
    ),
    Reason.BROKEN: Words(
        vi="Không đạt: {value}, giới hạn {limit}; ngay cả cận có lợi nhất cho nhà mạng của "
        "khoảng tin cậy 95 % ({end}) cũng không đạt{bounds}{witness}{alone}.",
        en="Not kept: {value}, the limit is {limit}; even the end of the 95 % interval that is"
        " best for the carrier ({end}) does not keep it{bounds}{witness}{alone}.",
    ),
    Reason.NOT_FOR_TECHNOLOGY: Words(
        vi="Tiêu chuẩn này không dành cho công nghệ của đường truyền.",
        en="The standard is not for the line's technology.",
    ),
    Reason.NO_NUMBER: Words(
        vi="Tiêu chuẩn chưa có trị số cho chỉ tiêu này; cần đọc văn bản và điền vào tệp tiêu "
        "chuẩn.",
        en="The standard's file has no number for this indicator yet: somebody has to read the"
        " text and fill it in.",
    ),
    Reason.NO_TERMS: Words(
        vi="Chưa khai báo tốc độ mà chỉ tiêu này so với (hợp đồng, công bố hoặc tối thiểu).",
        en="The speed that this indicator goes by (contracted, declared or minimum) is not "
        "registered.",
    ),
    Reason.NO_VALUES: Words(
        vi="Không có số đo hợp lệ nào.",
        en="There is no measurement that counts.",
    ),
    Reason.FEW_DAYS: Words(
        vi="Chỉ có {days} ngày có số đo hợp lệ, cần ít nhất {wanted} ngày.",
        en="Only {days} days have measurements that count; at least {wanted} are needed.",
    ),
    Reason.FEW_TESTS: Words(
        vi="Chỉ có {tests} số đo hợp lệ được tính, cần ít nhất {wanted}.",
        en="Only {tests} measurements count; at least {wanted} are needed.",
    ),
    Reason.FEW_BEYOND: Words(
        vi="Quá ít số đo ở phía xa của phân vị này, cần ít nhất {wanted}.",
        en="Too few measurements are beyond this quantile; at least {wanted} are needed.",
    ),
    Reason.FEW_WATCHED: Words(
        vi="Chỉ theo dõi được {share} thời gian, cần ít nhất {wanted}.",
        en="Only {share} of the time was watched; at least {wanted} is needed.",
    ),
    Reason.NO_CAMPAIGN: Words(
        vi="Trong thời gian này không có đủ ngày với đủ số lần đo như chiến dịch đo đòi hỏi.",
        en="These days have no campaign: not enough days with as many tests as its rule asks for.",
    ),
    Reason.OPEN: Words(
        vi="Chưa kết luận được: {value} không đạt giới hạn {limit}, nhưng khoảng tin cậy 95 % "
        "({low} đến {high}) còn chứa giới hạn{bounds}.",
        en="Open: {value} does not keep the limit {limit}, but the 95 % interval ({low} to "
        "{high}) still holds it{bounds}.",
    ),
    Reason.BOUNDS: Words(
        vi="Chưa kết luận được: {bounds} số đo chỉ là cận dưới (thiết bị hoặc máy chủ là giới "
        "hạn), kết quả phụ thuộc vào giá trị thật của chúng.",
        en="Open: {bounds} measurements are lower bounds only (device or server was the "
        "limit), and the result depends on what they hide.",
    ),
    Reason.ALIKE: Words(
        vi="Chưa kết luận được: các ngày liền nhau quá giống nhau nên khoảng tin cậy phải rộng"
        " hơn, và khi đó còn chứa giới hạn {limit}.",
        en="Open: neighbouring days are so alike that the interval has to be wider, and then "
        "it holds the limit {limit}.",
    ),
    Reason.WITNESS_MISSING: Words(
        vi="Chưa kết luận được: tiêu chuẩn đòi hỏi một máy chủ thứ hai ở mạng khác xác nhận, "
        "nhưng không có đủ số đo tới máy chủ như vậy.",
        en="Open: the standard asks that a second server of another network agrees, and there "
        "are not enough measurements to one.",
    ),
    Reason.WITNESS_DISAGREES: Words(
        vi="Chưa kết luận được: số đo tới máy chủ thứ hai ({server}) thì đạt.",
        en="Open: measured to the second server ({server}) the limit is kept.",
    ),
    Reason.PROBES_DISAGREE: Words(
        vi="Chưa kết luận được: thiết bị đo đã được thay trong thời gian này, và riêng số đo của "
        "thiết bị {probe} thì đạt.",
        en="Open: the probe was replaced within these days, and by what {probe} measured alone "
        "the limit is kept.",
    ),
    Reason.FAMILY: Words(
        vi="Chưa kết luận được: không đạt nếu xét riêng, nhưng chưa đủ chắc chắn khi xét cùng "
        "{family} chỉ tiêu (phương pháp Holm).",
        en="Open: not kept if looked at alone, but not sure enough among {family} questions "
        "(Holm's method).",
    ),
}

_COUNTED: Final = {
    Reason.KEPT: Words(
        vi="Đạt: {value}, giới hạn {limit}{bounds}.",
        en="Kept: {value}, the limit is {limit}{bounds}.",
    ),
    Reason.BROKEN: Words(
        vi="Không đạt: {value}, giới hạn {limit}{bounds}.",
        en="Not kept: {value}, the limit is {limit}{bounds}.",
    ),
}
"""Of figures without an interval."""

_WATCHED: Final = {
    Reason.KEPT: Words(
        vi="Đạt: {value}, giới hạn {limit}; cả khoảng có thể, do các lần kiểm tra cách nhau vài "
        "phút ({low} đến {high}), đều đạt.",
        en="Kept: {value}, the limit is {limit}; the whole possible range, as checks are some "
        "minutes apart ({low} to {high}), keeps it.",
    ),
    Reason.KEPT_NARROWLY: Words(
        vi="Đạt sát giới hạn: {value}, giới hạn {limit}, nhưng khoảng có thể, do các lần kiểm tra "
        "cách nhau vài phút ({low} đến {high}), còn chứa giới hạn.",
        en="Kept narrowly: {value}, the limit is {limit}, but the possible range, as checks are "
        "some minutes apart ({low} to {high}), still holds the limit.",
    ),
    Reason.BROKEN: Words(
        vi="Không đạt: {value}, giới hạn {limit}; ngay cả cận có lợi nhất cho nhà mạng của khoảng "
        "có thể, do các lần kiểm tra cách nhau vài phút ({end}), cũng không đạt.",
        en="Not kept: {value}, the limit is {limit}; even the end of the possible range, as checks "
        "are some minutes apart, that is best for the carrier ({end}) does not keep it.",
    ),
    Reason.OPEN: Words(
        vi="Chưa kết luận được: {value} không đạt giới hạn {limit}, nhưng khoảng có thể, do các "
        "lần kiểm tra cách nhau vài phút ({low} đến {high}), còn chứa giới hạn.",
        en="Open: {value} does not keep the limit {limit}, but the possible range, as checks are "
        "some minutes apart ({low} to {high}), still holds it.",
    ),
}
"""Of availability: watched, not sampled. Its range is from the longest that outages can have been
to the shortest, and no confidence interval."""

_BOUNDS: Final = Words(
    vi="; {} số đo là cận dưới, được tính theo hướng có lợi cho nhà mạng",
    en="; {} measurements are lower bounds, credited in the carrier's favour",
)

_WITNESS: Final = Words(
    vi="; máy chủ thứ hai ({}) xác nhận",
    en="; the second server ({}) agrees",
)

_ALONE: Final = Words(
    vi="; chỉ đo tới một máy chủ, chưa có máy chủ ở mạng khác xác nhận",
    en="; measured to one server, no server of another network has confirmed it",
)

_REFERENCES: Final = {
    Reference.DECLARED: Words(vi="tốc độ công bố", en="the declared speed"),
    Reference.CONTRACTED: Words(vi="tốc độ hợp đồng", en="the contracted speed"),
    Reference.MINIMUM: Words(vi="tốc độ tối thiểu", en="the minimum speed"),
}


def sentence(finding: Finding, indicator: Indicator) -> Words:
    """Return why a finding says what it does, numbers as people write them."""
    special: Mapping[Reason, Words] = {}
    if finding.low is None:
        special = _COUNTED
    elif indicator.quantity is Quantity.AVAILABILITY:
        special = _WATCHED
    words = special.get(finding.reason) or _SENTENCES[finding.reason]
    return Words(
        vi=words.vi.format_map(_parts(finding, indicator, vietnamese=True)),
        en=words.en.format_map(_parts(finding, indicator, vietnamese=False)),
    )


def reference_name(reference: Reference) -> Words:
    """Return what a limit is a share of."""
    return _REFERENCES[reference]


def shown(value: float | None, indicator: Indicator, *, vietnamese: bool) -> str:
    """Return an indicator's figure (bit/s, seconds, a share or days) as people write it."""
    if value is None:
        return "–"
    if indicator.statistic in COUNTS_OF_DAYS:
        return f"{value:.0f} {'ngày' if vietnamese else 'days'}"
    is_share = indicator.statistic is Statistic.SHARE
    if indicator.quantity in RATES and not is_share:
        text = f"{value / MEGABIT:,.1f} Mbit/s"
    elif indicator.quantity in TIMES and not is_share:
        text = f"{value / MILLISECOND:,.1f} ms"
    else:
        text = _percent(value)
    return _signed(text, vietnamese=vietnamese)


def indicator_of(standard: Standard, name: str) -> Indicator:
    """Return an indicator of a standard by its id."""
    return next(one for one in standard.indicators if one.id == name)


def asked_in(standard: Standard, indicator: Indicator, window: str | None) -> Words:
    """Return what is asked in words: the indicator, and in which hours."""
    name = indicator.name
    found = next((one.name for one in standard.windows if one.id == window), None)
    if found is None:
        return name
    return Words(vi=f"{name.vi}, {found.vi}", en=f"{name.en}, {found.en}")


def limit_in_words(indicator: Indicator, limit: float | None, *, vietnamese: bool) -> str:
    """Return a limit with its side: ≥ 120,0 Mbit/s."""
    side = "≥" if indicator.limit.side == "at_least" else "≤"
    return f"{side} {shown(limit, indicator, vietnamese=vietnamese)}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _signed(text: str, *, vietnamese: bool) -> str:
    """Return a number with the signs of the language: 1.074,0 or 1,074.0."""
    return text.translate(_VIETNAMESE_SIGNS) if vietnamese else text


def _parts(finding: Finding, indicator: Indicator, *, vietnamese: bool) -> dict[str, str]:
    """Return what the sentences name."""
    at_least = indicator.limit.side == "at_least"
    figures = {
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "limit": finding.limit,
        "end": finding.high if at_least else finding.low,
    }
    parts = {name: shown(one, indicator, vietnamese=vietnamese) for name, one in figures.items()}
    for name, words, said in (
        ("bounds", _BOUNDS, finding.bounds),
        ("witness", _WITNESS, finding.witness),
        ("alone", _ALONE, not finding.witness and indicator.quantity in FROM_TESTS),
    ):
        text = words.vi if vietnamese else words.en
        parts[name] = text.format(said) if said else ""
    for name, one in finding.details.items():
        if isinstance(one, float):
            parts[name] = _signed(_percent(one), vietnamese=vietnamese)
        else:
            parts[name] = str(one)
    return parts
