"""A ward: its lines beside each other, and its carriers."""

from dataclasses import replace
from typing import Final

from dashboards.boards.measures import (
    ABOUT_BOUNDS,
    ANSWERS,
    ANY_CARRIER,
    CARRIER,
    DOWNLOAD_SHARE,
    LOSS,
    ROUND_TRIP,
    TITLES,
    WARD,
    below_contract,
    failures,
    firing,
    now_stat,
    outcomes,
    overview,
    standing,
)
from dashboards.queries import Tag
from dashboards.spec import Dashboard, Panel, Row, Target, Way
from dashboards.words import COUNT, NONE_IS_GOOD, OF_ANSWERS, PLAIN, SHARE, Text

_CHOSEN: Final = (Tag("ward", "$ward"), ANY_CARRIER)
_INFO: Final = 'max by (line) (linewatch_line_info{ward="$ward",carrier=~"$carrier"})'
_AGE: Final = 'max by (line) (linewatch_line_last_record_age_seconds{task="reach"})'

_OF_WARD: Final = firing("Carrier.*", 'ward="$ward"')
_OF_SITES: Final = (
    firing("Line.*|Below.*|Probe.*") + ' and on (site) linewatch_line_info{ward="$ward"}'
)

_LINES: Final = Panel(
    Text("Các đường truyền của phường/xã", "The ward's lines"),
    "table",
    overview(*_CHOSEN, by=("line", "carrier", "site")),
    ABOUT_BOUNDS,
    width=24,
    height=12,
    keys=tuple((name, TITLES[name]) for name in ("line", "carrier", "site")),
    ways=(Way("line", "line"), Way("carrier", "carrier")),
)

_CARRIERS: Final = Panel(
    Text("Các nhà mạng tại đây", "Carriers here"),
    "table",
    overview(*_CHOSEN, by=("carrier",)),
    ABOUT_BOUNDS,
    width=24,
    height=6,
    keys=(("carrier", TITLES["carrier"]),),
    ways=(Way("carrier", "carrier"),),
)

_HISTORY: Final = Panel(
    Text("Kết nối theo giờ của từng đường", "Each line's reachability by the hour"),
    "history",
    (Target(ANSWERS.ask(*_CHOSEN, by=("line",)), "{line}"),),
    width=24,
    height=12,
    unit=SHARE,
    steps=OF_ANSWERS,
    least="1h",
)

BOARD: Final = Dashboard(
    "ward",
    Text("Phường/xã", "Ward"),
    Text("Các đường truyền của một phường/xã.", "The lines of one ward."),
    (replace(WARD, many=False), replace(CARRIER, within=("ward",))),
    (
        Row(
            Text("Bây giờ", "Now"),
            (
                now_stat(
                    Text("Đường đã đăng ký", "Lines registered"),
                    f"count({_INFO})",
                    unit=COUNT,
                    steps=PLAIN,
                ),
                now_stat(
                    Text("Im lặng quá 30 phút", "Silent for over 30 min"),
                    f"sum(({_AGE} and on (line) {_INFO}) > bool 1800)",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
                now_stat(
                    Text("Đang có kết nối (IPv4)", "Reachable now (IPv4)"),
                    f"avg(max by (line) (linewatch_ipv4_reached) and on (line) {_INFO})",
                    unit=SHARE,
                    steps=OF_ANSWERS,
                ),
                below_contract(*_CHOSEN),
                ANSWERS.stat(*_CHOSEN),
                LOSS.stat(*_CHOSEN),
            ),
        ),
        Row(Text("Đường truyền", "Lines"), (_LINES, _HISTORY)),
        Row(
            Text("Nhà mạng", "Carriers"),
            (
                _CARRIERS,
                DOWNLOAD_SHARE.chart(*_CHOSEN, by=("carrier",), name="{carrier}"),
                ROUND_TRIP.chart(*_CHOSEN, by=("carrier",), name="{carrier}"),
            ),
        ),
        Row(
            Text("Dựa trên những gì", "What this stands on"),
            (
                standing(*_CHOSEN, width=8),
                outcomes(*_CHOSEN, width=8),
                failures(*_CHOSEN, width=8),
            ),
        ),
    ),
    alerts=f"{_OF_SITES} or {_OF_WARD}",
)
