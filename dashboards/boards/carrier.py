"""A carrier: in every ward, at every hour, over every technology."""

from dataclasses import replace
from typing import Final

from dashboards.boards.measures import (
    ABOUT_BOUNDS,
    ANSWERS,
    ANY_WARD,
    CARRIER,
    DOWNLOAD,
    DOWNLOAD_SHARE,
    IDLE,
    LOADED,
    LOSS,
    ROUND_TRIP,
    TITLES,
    UPLOAD_SHARE,
    WARD,
    below_contract,
    failures,
    firing,
    now_stat,
    outcomes,
    overview,
    standing,
)
from dashboards.queries import HOUR, Tag
from dashboards.spec import Dashboard, Panel, Row, Target, Way
from dashboards.words import COUNT, PLAIN, SHARE, Text

_CHOSEN: Final = (Tag("carrier", "$carrier"), ANY_WARD)

_WARDS: Final = Panel(
    Text("Theo phường/xã", "By ward"),
    "table",
    overview(*_CHOSEN, by=("ward",)),
    ABOUT_BOUNDS,
    width=24,
    keys=(("ward", TITLES["ward"]),),
    ways=(Way("ward", "ward", ("carrier",)),),
)

_WORST: Final = Panel(
    Text("20 đường truyền kém nhất so với hợp đồng", "The 20 lines furthest below contract"),
    "table",
    overview(*_CHOSEN, by=("line", "ward")),
    ABOUT_BOUNDS,
    width=24,
    height=12,
    keys=(("line", TITLES["line"]), ("ward", TITLES["ward"])),
    most=20,
    ways=(Way("line", "line"), Way("ward", "ward", ("carrier",))),
)

_HOURS: Final = Panel(
    Text("So với hợp đồng: theo giờ và ngày", "Against contract: by hour and day"),
    "heat",
    (Target(DOWNLOAD_SHARE.ask(*_CHOSEN, over=HOUR)),),
    Text(
        "Hàng: giờ trong ngày; cột: ngày. Giờ Việt Nam.",
        "Rows: hours of the day; columns: days. Local time.",
    ),
    width=24,
    height=16,
    unit=SHARE,
    least="1h",
    nothing=" ",
)

BOARD: Final = Dashboard(
    "carrier",
    Text("Nhà mạng", "Carrier"),
    Text("Một nhà mạng trong toàn thành phố.", "One carrier, the whole city."),
    (replace(CARRIER, many=False), replace(WARD, within=("carrier",))),
    (
        Row(
            Text("Tóm tắt", "Summary"),
            (
                now_stat(
                    Text("Đường đã đăng ký", "Lines registered"),
                    'count(max by (line) (linewatch_line_info{carrier="$carrier",ward=~"$ward"}))',
                    unit=COUNT,
                    steps=PLAIN,
                ),
                below_contract(*_CHOSEN),
                DOWNLOAD_SHARE.stat(*_CHOSEN),
                UPLOAD_SHARE.stat(*_CHOSEN),
                ANSWERS.stat(*_CHOSEN),
                LOSS.stat(*_CHOSEN),
            ),
        ),
        Row(
            Text("Tốc độ", "Speed"),
            (
                DOWNLOAD_SHARE.chart(*_CHOSEN, by=("ward",), name="{ward}"),
                DOWNLOAD.chart(*_CHOSEN, by=("technology",), name="{technology}"),
                _HOURS,
            ),
        ),
        Row(
            Text("Độ trễ, mất gói, kết nối", "Latency, loss, reachability"),
            (
                Panel(
                    Text("Độ trễ khi rỗi và khi tải", "Latency, idle and loaded"),
                    "chart",
                    (
                        Target(IDLE.ask(*_CHOSEN), str(Text("Khi rỗi", "Idle"))),
                        Target(LOADED.ask(*_CHOSEN), str(Text("Khi tải", "Loaded"))),
                    ),
                    unit=IDLE.unit,
                    steps=IDLE.steps,
                    least="3h",
                ),
                ROUND_TRIP.chart(*_CHOSEN, by=("ward",), name="{ward}"),
                LOSS.chart(*_CHOSEN, by=("ward",), name="{ward}"),
                ANSWERS.chart(*_CHOSEN, by=("ward",), name="{ward}"),
            ),
        ),
        Row(Text("Ở đâu", "Where"), (_WARDS, _WORST)),
        Row(
            Text("Dựa trên những gì", "What this stands on"),
            (
                standing(*_CHOSEN, width=8),
                outcomes(*_CHOSEN, width=8),
                failures(*_CHOSEN, width=8),
            ),
        ),
    ),
    alerts=firing("Carrier.*|LineDown", 'carrier="$carrier"'),
)
