"""A line: what it was promised and what it carries, hour by hour, and what was set aside."""

from typing import Final

from dashboards.boards.measures import (
    ANSWERS,
    CARRIER,
    DOWNLOAD,
    DOWNLOAD_SHARE,
    LOSS,
    ROUND_TRIP,
    TITLES,
    UPLOAD_SHARE,
    WARD,
    count,
    failures,
    firing,
    now_stat,
    outcomes,
)
from dashboards.queries import HOUR, OWN, RANGE, Metrics, Series, Tag
from dashboards.spec import Dashboard, Panel, Row, Target, Variable
from dashboards.words import (
    BITS,
    BLUE,
    BYTES,
    GREEN,
    GREY,
    OF_ANSWERS,
    OF_SILENCE,
    ORANGE,
    RED,
    SECONDS,
    Text,
)

_LINE: Final = Tag("line", "$line")
_SERIES: Final = (_LINE, Tag("path", "$path"), Tag("family", "$family"), Tag("server", "$server"))
"""One series: another server, family or way out is measured otherwise, and is never mixed in."""

_WAYS: Final = {
    "download": Text("tải xuống", "download"),
    "upload": Text("tải lên", "upload"),
}

_STANDINGS: Final = (
    ("line", Text("của đường truyền", "the line's"), GREEN),
    ("at_least", Text("ít nhất ≥", "at least ≥"), ORANGE),
    ("wifi", Text("cả Wi-Fi", "with Wi-Fi"), BLUE),
    ("aside", Text("để riêng", "set aside"), GREY),
)


def _speeds(way: str, title: Text) -> Panel:
    """Return a chart of single tests, each as what it counts as, beside what was promised."""
    name = "{server} {path} IPv{family} {method}"
    tags = ("server", "path", "family", "method", "method_version", "profile")
    tests = tuple(
        Target(
            Series(
                "speed",
                f"{way}_bits_per_second",
                "median",
                (_LINE, Tag("counts_as", standing)),
                tags,
            ),
            f"{words}: {name}",
            colour=colour,
            bare=True,
        )
        for standing, words, colour in _STANDINGS
    )
    promised = tuple(
        Target(
            Series("speed", f"{source}_{way}_bits_per_second", "last", (_LINE,)),
            str(words),
            colour=colour,
        )
        for source, words, colour in (
            ("contracted", Text("Hợp đồng", "Contract"), RED),
            ("declared", Text("Công bố", "Declared"), BLUE),
        )
    )
    return Panel(
        title,
        "chart",
        (*tests, *promised),
        Text(
            "Mỗi điểm là một lần đo của một chuỗi (máy chủ, đường ra, họ địa chỉ). Cận dưới và kết "
            "quả để riêng được vẽ đúng như vậy.",
            "Each point is a test of one series (server, way out, family). Lower bounds and what "
            "was set aside are drawn as such.",
        ),
        width=24,
        height=10,
        unit=BITS,
        least="15m",
    )


def _heat(title: Text, ask: Series, unit: str, *, low_is_good: bool) -> Panel:
    return Panel(
        title,
        "heat",
        (Target(ask),),
        Text(
            "Hàng: giờ trong ngày; cột: ngày. Giờ Việt Nam. Chuỗi đã chọn ở trên.",
            "Rows: hours of the day; columns: days. Local time. The series chosen above.",
        ),
        width=24,
        height=16,
        unit=unit,
        least="1h",
        low_is_good=low_is_good,
        nothing=" ",
    )


_LATENCIES: Final = Panel(
    Text("Độ trễ khi rỗi và khi tải", "Latency, idle and loaded"),
    "chart",
    tuple(
        Target(Series("speed", f"{field}_latency_seconds", "median", (OWN, *_SERIES)), str(words))
        for field, words in (
            ("idle", Text("Khi rỗi", "Idle")),
            ("download", Text("Khi tải xuống", "While downloading")),
            ("upload", Text("Khi tải lên", "While uploading")),
        )
    ),
    unit=SECONDS,
    least="1h",
)

_ROUND_TRIPS: Final = Panel(
    Text("Thời gian khứ hồi và biến thiên", "Round trip and its variation"),
    "chart",
    (
        Target(ROUND_TRIP.ask(*_SERIES), str(ROUND_TRIP.title)),
        Target(
            Series("latency", "delay_variation_seconds", "median", (OWN, *_SERIES)),
            str(Text("Biến thiên trễ", "Delay variation")),
        ),
    ),
    unit=SECONDS,
    least="15m",
)

_REACHED: Final = Panel(
    Text("Những gì trả lời", "What answers"),
    "history",
    tuple(
        Target(Series("reach", f"{field}_reached", "mean", (OWN, _LINE)), str(words))
        for field, words in (
            ("gateway", Text("Thiết bị nhà mạng", "Gateway")),
            ("dns", Text("DNS", "DNS")),
            ("ipv4", Text("IPv4", "IPv4")),
            ("ipv6", Text("IPv6", "IPv6")),
            ("server", Text("Máy chủ đo", "Measurement server")),
        )
    ),
    width=24,
    height=7,
    unit="percentunit",
    steps=OF_ANSWERS,
    least="1h",
)

_FLAGS: Final = Panel(
    Text("Cờ", "Flags"),
    "bars",
    (Target(count("flags", _LINE, by=("flag", "task")), "{flag} ({task})"),),
    Text(
        "Vì sao kết quả không được tính, hoặc chỉ là cận dưới.",
        "Why results do not count, or are lower bounds only.",
    ),
    least="6h",
    stacked=True,
)

_DATA: Final = Panel(
    Text("Dữ liệu đã dùng để đo", "Data used by tests"),
    "bars",
    (Target(Series("speed", "data_bytes", "sum", (_LINE,), ("path",)), "{path}"),),
    unit=BYTES,
    least="6h",
    stacked=True,
)

_TECHNICAL: Final = Panel(
    Text("Kết quả mới nhất theo chuỗi", "Newest results by series"),
    "table",
    (
        Target(
            Metrics(
                "max by (server, path, ip_version, counts_as) "
                '(linewatch_download_bits_per_second{line="$line"})',
                RANGE,
            ),
            str(DOWNLOAD.title),
            BITS,
        ),
    ),
    height=6,
    keys=(
        ("server", Text("Máy chủ", "Server")),
        ("path", Text("Đường ra", "Path")),
        ("ip_version", Text("IP", "IP")),
        ("counts_as", Text("Tính là", "Counts as")),
    ),
)

BOARD: Final = Dashboard(
    "line",
    Text("Đường truyền", "Line"),
    Text("Một đường truyền, từng lần đo.", "One line, test by test."),
    (
        WARD,
        CARRIER,
        Variable("line", TITLES["line"], many=False, within=("ward", "carrier")),
        Variable("path", Text("Đường ra", "Path"), many=False, within=("line",)),
        Variable("family", Text("Họ địa chỉ", "Family"), many=False, within=("line", "path")),
        Variable(
            "server", Text("Máy chủ", "Server"), many=False, within=("line", "path", "family")
        ),
    ),
    (
        Row(
            Text("Tóm tắt", "Summary"),
            (
                now_stat(
                    Text("Bản ghi mới nhất cách đây", "Newest record's age"),
                    'min(max by (task) (linewatch_line_last_record_age_seconds{line="$line"}))',
                    unit=SECONDS,
                    steps=OF_SILENCE,
                ),
                DOWNLOAD_SHARE.stat(*_SERIES),
                UPLOAD_SHARE.stat(*_SERIES),
                ROUND_TRIP.stat(*_SERIES),
                LOSS.stat(*_SERIES),
                ANSWERS.stat(_LINE),
            ),
        ),
        Row(
            Text("Tốc độ", "Speed"),
            (
                _speeds("download", Text("Tốc độ tải xuống", "Download speed")),
                _speeds("upload", Text("Tốc độ tải lên", "Upload speed")),
            ),
        ),
        Row(
            Text("Độ trễ, mất gói, kết nối", "Latency, loss, reachability"),
            (
                _LATENCIES,
                _ROUND_TRIPS,
                Panel(
                    LOSS.title,
                    "chart",
                    (Target(LOSS.ask(*_SERIES), str(LOSS.title)),),
                    unit=LOSS.unit,
                    steps=LOSS.steps,
                    least="15m",
                ),
                _DATA,
                _REACHED,
            ),
        ),
        Row(
            Text("Giờ trong ngày", "Hours of the day"),
            (
                _heat(
                    Text("Tốc độ tải xuống theo giờ và ngày", "Download by hour and day"),
                    DOWNLOAD.ask(*_SERIES, over=HOUR),
                    BITS,
                    low_is_good=False,
                ),
                _heat(
                    Text("Thời gian khứ hồi theo giờ và ngày", "Mean round trip by hour and day"),
                    ROUND_TRIP.ask(*_SERIES, over=HOUR),
                    SECONDS,
                    low_is_good=True,
                ),
            ),
        ),
        Row(
            Text("Dựa trên những gì", "What this stands on"),
            (
                _FLAGS,
                outcomes(_LINE),
                failures(_LINE),
                _TECHNICAL,
            ),
        ),
    ),
    alerts=firing("Line.*|Below.*|Probe.*", 'line="$line"'),
)
