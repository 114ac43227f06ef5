"""What is measured, and how it is said wherever it is shown."""

from dataclasses import dataclass, replace
from typing import Final

from dashboards.queries import OWN, RANGE, RATES, STEP, Metrics, Series, Statistic, Tag, among
from dashboards.spec import Panel, Target, Variable
from dashboards.words import (
    BITS,
    CONTRACT_SHARE,
    GREEN,
    OF_ANSWERS,
    OF_CONTRACT,
    OF_LOSS,
    OF_ROUND_TRIP,
    ORANGE,
    PLAIN,
    SECONDS,
    SHARE,
    Steps,
    Text,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of lines.

    Attributes:
        least: the shortest step of a chart: no shorter than results come.
    """

    title: Text
    measurement: str
    field: str
    unit: str
    steps: Steps = PLAIN
    statistic: Statistic = "median"
    counts: Tag = OWN
    per: str | None = None
    least: str = "3h"

    def ask(self, *where: Tag, by: tuple[str, ...] = (), over: str = STEP) -> Series:
        """Return the question for it."""
        conditions = (self.counts, *where)
        return Series(self.measurement, self.field, self.statistic, conditions, by, over, self.per)

    def column(self, *where: Tag, by: tuple[str, ...]) -> Target:
        """Return it as a table's column."""
        ask = self.ask(*where, by=by, over=RANGE)
        return Target(ask, str(self.title), self.unit, self.steps)

    def chart(self, *where: Tag, by: tuple[str, ...], name: str) -> Panel:
        """Return it as a chart, a series for each group."""
        return Panel(
            self.title,
            "chart",
            (Target(self.ask(*where, by=by), name),),
            self._about,
            unit=self.unit,
            steps=self.steps,
            least=self.least,
        )

    def stat(self, *where: Tag, width: int = 4) -> Panel:
        """Return it as one number."""
        return Panel(
            self.title,
            "stat",
            (Target(self.ask(*where, over=RANGE)),),
            self._about,
            width=width,
            height=4,
            unit=self.unit,
            steps=self.steps,
        )

    @property
    def _about(self) -> Text | None:
        """What has to be said of it: that lower bounds are in it, where they are."""
        return ABOUT_BOUNDS if self.counts == RATES else None


DOWNLOAD_SHARE: Final = Measure(
    Text("Tải xuống so với hợp đồng", "Download against contract"),
    "speed",
    "download_bits_per_second",
    SHARE,
    OF_CONTRACT,
    counts=RATES,
    per="contracted_download_bits_per_second",
)
UPLOAD_SHARE: Final = Measure(
    Text("Tải lên so với hợp đồng", "Upload against contract"),
    "speed",
    "upload_bits_per_second",
    SHARE,
    OF_CONTRACT,
    counts=RATES,
    per="contracted_upload_bits_per_second",
)
DOWNLOAD: Final = Measure(
    Text("Tốc độ tải xuống", "Download speed"),
    "speed",
    "download_bits_per_second",
    BITS,
    counts=RATES,
)
UPLOAD: Final = Measure(
    Text("Tốc độ tải lên", "Upload speed"), "speed", "upload_bits_per_second", BITS, counts=RATES
)
IDLE: Final = Measure(
    Text("Độ trễ khi rỗi", "Latency, idle"),
    "speed",
    "idle_latency_seconds",
    SECONDS,
    OF_ROUND_TRIP,
)
LOADED: Final = Measure(
    Text("Độ trễ khi đang tải xuống", "Latency while downloading"),
    "speed",
    "download_latency_seconds",
    SECONDS,
    OF_ROUND_TRIP,
)
ROUND_TRIP: Final = Measure(
    Text("Thời gian khứ hồi trung bình", "Mean round trip"),
    "latency",
    "round_trip_seconds",
    SECONDS,
    OF_ROUND_TRIP,
    statistic="mean",
    least="1h",
)
"""A mean, as the standard's figure is: an InfluxDB 1 took a minute for a city's medians of it."""

LOSS: Final = Measure(
    Text("Tỷ lệ mất gói", "Packet loss"),
    "latency",
    "lost_ratio",
    SHARE,
    OF_LOSS,
    statistic="mean",
    least="1h",
)
ANSWERS: Final = Measure(
    Text("Có kết nối (IPv4)", "Reachable (IPv4)"),
    "reach",
    "ipv4_reached",
    SHARE,
    OF_ANSWERS,
    statistic="mean",
    least="1h",
)

OVERVIEW: Final = (DOWNLOAD_SHARE, UPLOAD_SHARE, DOWNLOAD, IDLE, LOADED, ROUND_TRIP, LOSS, ANSWERS)
"""The columns of the tables that hold carriers, wards or lines beside each other."""

ABOUT_BOUNDS: Final = Text(
    "Trung vị của các kết quả tính cho đường truyền; cận dưới (thiết bị hoặc máy chủ bị giới hạn) "
    "góp giá trị của chúng, kết quả có cờ khác không tính. Xem biểu đồ «Kết quả được tính là gì».",
    "Median of what counts for the line; lower bounds (device or server was the limit) count with "
    "their value, so the truth is no lower; results with other flags do not count. See the panel "
    "'What results count as'.",
)

ABOUT_BELOW: Final = Text(
    "Đường có trung vị tải xuống dưới 0,8 hợp đồng. Cận dưới góp giá trị của chúng: con số thật có "
    "thể nhỏ hơn.",
    "Lines whose median download is under 0.8 of the contract. Lower bounds count with their "
    "value: the true number may be smaller.",
)

TITLES: Final = {
    "ward": Text("Phường/xã", "Ward"),
    "carrier": Text("Nhà mạng", "Carrier"),
    "line": Text("Đường truyền", "Line"),
    "site": Text("Địa điểm", "Site"),
    "probe": Text("Thiết bị đo", "Probe"),
}

WARD: Final = Variable("ward", TITLES["ward"])
CARRIER: Final = Variable("carrier", TITLES["carrier"])
ANY_WARD: Final = among("ward", "$ward")
ANY_CARRIER: Final = among("carrier", "$carrier")


def overview(*where: Tag, by: tuple[str, ...]) -> tuple[Target, ...]:
    """Return a table's columns; ``by``: what a row is first, then what is told of it."""
    first, *others = OVERVIEW
    bounds = (Tag("counts_as", "at_least"), Tag("outcome", "measured"), *where)
    return (
        first.column(*where, by=by),
        *(measure.column(*where, by=by[:1]) for measure in others),
        Target(
            count("speed", *bounds, by=by[:1], over=RANGE),
            str(Text("Số lần đo là cận dưới", "Tests that are lower bounds")),
        ),
    )


def firing(names: str, *matchers: str) -> str:
    """Return the alerts of `alerts.yml` that fire, by a regular expression of their names."""
    conditions = ('alertstate="firing"', f'alertname=~"{names}"', *matchers)
    return f"ALERTS{{{','.join(conditions)}}}"


def count(measurement: str, *where: Tag, by: tuple[str, ...] = (), over: str = STEP) -> Series:
    """Return how many records there are."""
    return Series(measurement, "records", "sum", where, by, over)


def standing(*where: Tag, width: int = 12) -> Panel:
    """Return what measured speed tests count as, shown as what they are."""
    measured = Tag("outcome", "measured")
    return Panel(
        Text("Kết quả được tính là gì", "What results count as"),
        "bars",
        (Target(count("speed", measured, *where, by=("counts_as",)), "{counts_as}"),),
        Text(
            "line: của đường truyền; at_least: cận dưới của nó; wifi: của cả Wi-Fi; aside: để "
            "riêng vì có cờ, không tính vào đâu.",
            "line: the line's; at_least: its lower bound; wifi: of Wi-Fi and line together; aside: "
            "set aside for its flags, it counts nowhere.",
        ),
        width=width,
        least="6h",
        stacked=True,
    )


def outcomes(*where: Tag, width: int = 12) -> Panel:
    """Return how slots ended, by task."""
    tasks = ("speed", "latency", "reach")
    return Panel(
        Text("Các lượt đo kết thúc thế nào", "How slots ended"),
        "bars",
        tuple(
            Target(count(task, *where, by=("outcome",)), f"{task} {{outcome}}") for task in tasks
        ),
        width=width,
        least="6h",
        stacked=True,
    )


def failures(*where: Tag, width: int = 12) -> Panel:
    """Return why slots were not measured."""
    broken = among("outcome", "failed|skipped|missed")
    return Panel(
        Text("Vì sao không đo được", "Why it was not measured"),
        "bars",
        tuple(
            Target(count(task, broken, *where, by=("failure",)), f"{task} {{failure}}")
            for task in ("speed", "latency", "reach")
        ),
        width=width,
        least="6h",
        stacked=True,
    )


def below_contract(*where: Tag, width: int = 4) -> Panel:
    """Return how many lines have a median under the share of the contract that is asked for."""
    ask = replace(DOWNLOAD_SHARE.ask(*where, over=RANGE), below=CONTRACT_SHARE)
    return Panel(
        Text("Đường dưới 0,8 hợp đồng", "Lines below 0.8 of contract"),
        "stat",
        (Target(ask),),
        ABOUT_BELOW,
        width=width,
        height=4,
        steps=((None, GREEN), (1.0, ORANGE)),
        nothing="0",
    )


def now_stat(title: Text, expression: str, *, unit: str, steps: Steps, width: int = 4) -> Panel:
    """Return one number of `/metrics`, its newest."""
    ask = Metrics(expression, over=RANGE)
    return Panel(title, "stat", (Target(ask),), width=width, height=4, unit=unit, steps=steps)
