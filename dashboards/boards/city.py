"""The city: where its lines are and how they do, carriers beside each other, the worst lines."""

from typing import Final

from dashboards.boards.measures import (
    ABOUT_BOUNDS,
    ANSWERS,
    ANY_CARRIER,
    ANY_WARD,
    CARRIER,
    DOWNLOAD_SHARE,
    LOSS,
    ROUND_TRIP,
    TITLES,
    WARD,
    below_contract,
    firing,
    now_stat,
    outcomes,
    overview,
    standing,
)
from dashboards.queries import RANGE, Series
from dashboards.spec import Dashboard, Panel, Row, Target, Way
from dashboards.words import COUNT, NONE_IS_GOOD, OF_ANSWERS, PLAIN, SHARE, Text

CHOSEN: Final = (ANY_WARD, ANY_CARRIER)

_OF_WARD: Final = 'on (line) max by (line) (linewatch_line_info{ward=~"$ward",carrier=~"$carrier"})'
_AGE: Final = 'max by (line) (linewatch_line_last_record_age_seconds{task="reach"})'

_MAP: Final = Panel(
    Text("Bản đồ các địa điểm", "Map of sites"),
    "map",
    (
        *(
            Target(
                Series("reach", f"{name}_degrees", "last", CHOSEN, by, RANGE),
                str(title),
            )
            for name, title, by in (
                ("latitude", Text("Vĩ độ", "Latitude"), ("site", "ward")),
                ("longitude", Text("Kinh độ", "Longitude"), ("site",)),
            )
        ),
        ANSWERS.column(*CHOSEN, by=("site",)),
        DOWNLOAD_SHARE.column(*CHOSEN, by=("site",)),
    ),
    Text(
        "Màu: tỷ lệ lần kiểm tra có kết nối trong khoảng thời gian đang xem.",
        "Colour: the share of reachability checks that were answered in the time that is shown.",
    ),
    height=14,
    unit=SHARE,
    steps=OF_ANSWERS,
    keys=(("site", TITLES["site"]), ("ward", TITLES["ward"])),
    ways=(Way("ward", "ward", ("carrier",)),),
)

_CARRIERS: Final = Panel(
    Text("Các nhà mạng cạnh nhau", "Carriers side by side"),
    "table",
    overview(*CHOSEN, by=("carrier",)),
    ABOUT_BOUNDS,
    width=24,
    keys=(("carrier", TITLES["carrier"]),),
    ways=(Way("carrier", "carrier", ("ward",)),),
)

_WORST: Final = Panel(
    Text("20 đường truyền kém nhất so với hợp đồng", "The 20 lines furthest below contract"),
    "table",
    overview(*CHOSEN, by=("line", "carrier", "ward")),
    ABOUT_BOUNDS,
    width=24,
    height=14,
    keys=tuple((name, TITLES[name]) for name in ("line", "carrier", "ward")),
    most=20,
    ways=(
        Way("line", "line"),
        Way("carrier", "carrier", ("ward",)),
        Way("ward", "ward", ("carrier",)),
    ),
)

_WARDS: Final = Panel(
    Text("Các phường/xã", "Wards"),
    "table",
    overview(*CHOSEN, by=("ward",)),
    ABOUT_BOUNDS,
    width=12,
    height=14,
    keys=(("ward", TITLES["ward"]),),
    ways=(Way("ward", "ward", ("carrier",)),),
)

BOARD: Final = Dashboard(
    "city",
    Text("Toàn thành phố", "City overview"),
    Text("Bản đồ, nhà mạng, đường kém nhất.", "Map, carriers, worst lines."),
    (WARD, CARRIER),
    (
        Row(
            Text("Bây giờ", "Now"),
            (
                now_stat(
                    Text("Đường đã đăng ký", "Lines registered"),
                    'count(max by (line) (linewatch_line_info{ward=~"$ward",carrier=~"$carrier"}))',
                    unit=COUNT,
                    steps=PLAIN,
                ),
                now_stat(
                    Text("Im lặng quá 30 phút", "Silent for over 30 min"),
                    f"sum(({_AGE} and {_OF_WARD}) > bool 1800)",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
                now_stat(
                    Text("Đang có kết nối (IPv4)", "Reachable now (IPv4)"),
                    f"avg(max by (line) (linewatch_ipv4_reached) and {_OF_WARD})",
                    unit=SHARE,
                    steps=OF_ANSWERS,
                ),
                below_contract(*CHOSEN),
                ANSWERS.stat(*CHOSEN),
                LOSS.stat(*CHOSEN),
            ),
        ),
        Row(Text("Ở đâu", "Where"), (_MAP, _WARDS)),
        Row(
            Text("Nhà mạng", "Carriers"),
            (
                _CARRIERS,
                DOWNLOAD_SHARE.chart(*CHOSEN, by=("carrier",), name="{carrier}"),
                ROUND_TRIP.chart(*CHOSEN, by=("carrier",), name="{carrier}"),
                LOSS.chart(*CHOSEN, by=("carrier",), name="{carrier}"),
                ANSWERS.chart(*CHOSEN, by=("carrier",), name="{carrier}"),
            ),
        ),
        Row(Text("Đường truyền", "Lines"), (_WORST,)),
        Row(
            Text("Dựa trên những gì", "What this stands on"),
            (standing(*CHOSEN), outcomes(*CHOSEN)),
        ),
    ),
    # Of 5,000 lines some are always silent: those stand on their own pages.
    # As long as a line's state looks back (`collector.domain.line_state`).
    begins="now-2d",
    alerts=firing("Carrier.*|Collector.*|Ledger.*|ChainBroken"),
)
