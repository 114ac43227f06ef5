"""IPv6 and Wi-Fi: how far lines are with the one, and what the other takes away."""

from typing import Final

from dashboards.boards.measures import (
    ANY_CARRIER,
    ANY_WARD,
    CARRIER,
    DOWNLOAD,
    LOSS,
    ROUND_TRIP,
    TITLES,
    WARD,
    count,
    firing,
    now_stat,
)
from dashboards.queries import OWN, RANGE, RATES, Metrics, Series, Tag, among
from dashboards.spec import Dashboard, Panel, Row, Target, Way
from dashboards.words import BITS, COUNT, OF_ANSWERS, PLAIN, SECONDS, SHARE, Text

_CHOSEN: Final = (ANY_WARD, ANY_CARRIER)
_INFO: Final = 'max by (line) (linewatch_line_info{ward=~"$ward",carrier=~"$carrier"})'
_READY: Final = f"max by (line) (linewatch_ipv6_ready) and on (line) {_INFO}"
_WIFI: Final = Tag("counts_as", "wifi")

_FAMILIES: Final = (
    (Tag("family", "4"), "IPv4"),
    (Tag("family", "6"), "IPv6"),
)

_STATES: Final = Panel(
    Text("IPv6 đi được đến đâu", "How far IPv6 goes"),
    "bars",
    (
        Target(
            count("reach", among("ipv6_state", ".+"), *_CHOSEN, by=("ipv6_state",)),
            "{ipv6_state}",
        ),
    ),
    Text(
        "ready, slower: dùng được; còn lại là thứ còn thiếu (địa chỉ, đường đi, tên, trả lời).",
        "ready, slower: it works; the others name what is missing (address, route, name, answer).",
    ),
    least="6h",
    stacked=True,
)

_BY_CARRIER: Final = Panel(
    Text("Có kết nối IPv6 theo nhà mạng", "Reachable over IPv6, by carrier"),
    "chart",
    (Target(Series("reach", "ipv6_reached", "mean", (OWN, *_CHOSEN), ("carrier",)), "{carrier}"),),
    unit=SHARE,
    least="6h",
)

_NEWEST: Final = Panel(
    Text("IPv6 của từng đường, lần kiểm tra mới nhất", "IPv6 of each line, newest check"),
    "table",
    (
        Target(
            Metrics(
                'max by (line, carrier, state) (linewatch_ipv6_ready{carrier=~"$carrier"}) '
                f"and on (line) {_INFO}",
                RANGE,
            ),
            str(Text("Sẵn sàng", "Ready")),
            steps=((None, "orange"), (1.0, "green")),
        ),
    ),
    width=24,
    height=10,
    keys=(
        ("line", TITLES["line"]),
        ("carrier", TITLES["carrier"]),
        ("state", Text("Trạng thái", "State")),
    ),
    ways=(Way("line", "line"), Way("carrier", "carrier", ("ward",))),
)

_SAME_LINES: Final = Panel(
    Text("Cùng đường truyền: IPv4 và IPv6", "The same lines: IPv4 and IPv6"),
    "table",
    tuple(
        Target(
            Series(
                "speed", "download_bits_per_second", "median", (RATES, tag, *_CHOSEN), by, RANGE
            ),
            f"{DOWNLOAD.title} {family}",
            BITS,
        )
        for (tag, family), by in zip(_FAMILIES, (("line", "carrier"), ("line",)), strict=True)
    ),
    Text(
        "Chỉ những đường đo cả hai họ địa chỉ.", "Only lines that are measured over both families."
    ),
    height=10,
    keys=(("line", TITLES["line"]), ("carrier", TITLES["carrier"])),
    both=True,
    order=1,
    ways=(Way("line", "line"), Way("carrier", "carrier", ("ward",))),
)

_ROUND_TRIPS: Final = Panel(
    Text("Thời gian khứ hồi theo họ địa chỉ", "Round trip by family"),
    "chart",
    (Target(ROUND_TRIP.ask(among("family", "4|6"), *_CHOSEN, by=("family",)), "IPv{family}"),),
    unit=SECONDS,
    least="1h",
)

_WIFI_LINES: Final = Panel(
    Text("Cùng đường truyền: Wi-Fi và cáp", "The same lines: Wi-Fi and cable"),
    "table",
    (
        Target(
            Series(
                "speed",
                "download_bits_per_second",
                "median",
                (_WIFI, *_CHOSEN),
                ("line", "carrier"),
                RANGE,
            ),
            str(Text("Qua Wi-Fi", "Over Wi-Fi")),
            BITS,
        ),
        Target(
            Series(
                "speed",
                "download_bits_per_second",
                "median",
                (RATES, *_CHOSEN),
                ("line",),
                RANGE,
            ),
            str(Text("Qua cáp", "By cable")),
            BITS,
        ),
    ),
    Text(
        "Chỉ những đường được đo bằng cả hai. Chênh lệch là của Wi-Fi trong nhà, không phải của "
        "nhà mạng.",
        "Only lines that are measured by both. The difference is the house's Wi-Fi, not the "
        "carrier's.",
    ),
    height=10,
    keys=(("line", TITLES["line"]), ("carrier", TITLES["carrier"])),
    both=True,
    ways=(Way("line", "line"), Way("carrier", "carrier", ("ward",))),
)

_WIFI_OVER_TIME: Final = Panel(
    Text("Tốc độ tải xuống qua Wi-Fi", "Download over Wi-Fi"),
    "chart",
    (
        Target(
            Series(
                "speed", "download_bits_per_second", "median", (_WIFI, *_CHOSEN), ("line", "path")
            ),
            "{line} {path}",
        ),
    ),
    height=10,
    unit=BITS,
    least="3h",
)

BOARD: Final = Dashboard(
    "readiness",
    Text("IPv6 và Wi-Fi", "IPv6 and Wi-Fi"),
    Text("Mức sẵn sàng IPv6; Wi-Fi lấy đi bao nhiêu.", "IPv6 readiness; what Wi-Fi takes away."),
    (WARD, CARRIER),
    (
        Row(
            Text("Bây giờ", "Now"),
            (
                now_stat(
                    Text("Đường sẵn sàng IPv6", "Lines ready for IPv6"),
                    f"sum({_READY})",
                    unit=COUNT,
                    steps=PLAIN,
                    width=6,
                ),
                now_stat(
                    Text("Tỷ lệ sẵn sàng IPv6", "Share ready for IPv6"),
                    f"avg({_READY})",
                    unit=SHARE,
                    steps=PLAIN,
                    width=6,
                ),
                Panel(
                    Text("Có kết nối IPv6", "Reachable over IPv6"),
                    "stat",
                    (Target(Series("reach", "ipv6_reached", "mean", (OWN, *_CHOSEN), over=RANGE)),),
                    width=6,
                    height=4,
                    unit=SHARE,
                    steps=OF_ANSWERS,
                ),
                LOSS.stat(Tag("family", "6"), *_CHOSEN, width=6),
            ),
        ),
        Row(Text("IPv6", "IPv6"), (_STATES, _BY_CARRIER, _SAME_LINES, _ROUND_TRIPS, _NEWEST)),
        Row(Text("Wi-Fi", "Wi-Fi"), (_WIFI_LINES, _WIFI_OVER_TIME)),
    ),
    alerts=firing("Carrier.*"),
)
