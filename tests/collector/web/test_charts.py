"""Charts as SVG: what is drawn, what is not, and what is said."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from collector.domain.series import LatencyPoint, SeriesId, SpeedPoint
from collector.web.axes import Period, make_frame
from collector.web.charts import Chart, speed_chart
from collector.web.i18n import Language, Words
from collector.web.latency_charts import idle_chart, loaded_chart

NOW = datetime(2026, 11, 20, 13, 17, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WORDS = Words(Language.EN, ZONE, NOW)
WEEK = make_frame(Period.WEEK, ZONE, NOW, None)


SPEED = SeriesId("p1", "eth0", "http", "1", "full", 4, "hn1")
LATENCY = SPEED._replace(method="stamp", profile=None)


def speed(
    hours_ago: float,
    rate: float | None = 90e6,
    outcome: str = "measured",
    *,
    flags: str = "",
    failure: str | None = None,
) -> SpeedPoint:
    """Return a speed point."""
    at = (NOW - timedelta(hours=hours_ago)).timestamp()
    latency = None if rate is None else 0.02
    return SpeedPoint(at, outcome, failure, flags, rate, rate, latency, latency, latency, *SPEED)


def trip(
    hours_ago: float, seconds: float | None, outcome: str = "measured", *, flags: str = ""
) -> LatencyPoint:
    """Return a latency point."""
    failure = None if outcome == "measured" else "no_replies"
    at = (NOW - timedelta(hours=hours_ago)).timestamp()
    return LatencyPoint(at, outcome, failure, flags, seconds, 0.0, *LATENCY)


def tree(chart: Chart) -> ET.Element:
    """Return the chart as XML: it is well-formed."""
    return ET.fromstring(str(chart.svg))  # noqa: S314 - our own


def paths(chart: Chart, css: str) -> list[str]:
    """Return the paths that carry all of these classes."""
    wanted = set(css.split())
    return [
        element.get("d", "")
        for element in tree(chart).iter("path")
        if wanted <= set((element.get("class") or "").split())
    ]


def test_failed_and_missed_tests_are_marks_and_never_zero() -> None:
    """What gave no value is drawn under the axis, one mark each, and nothing is drawn at zero."""
    points = [
        speed(40),
        speed(30, None, "failed", failure="stalled"),
        speed(20, None, "missed", failure="probe_off"),
        speed(10, None, "skipped", failure="line_busy"),
        speed(5),
    ]
    chart = speed_chart(WEEK, WORDS, points, "download", None)
    assert [path.count("M") for path in paths(chart, "mark failed")] == [1]
    assert [path.count("M") for path in paths(chart, "mark missed")] == [1]
    assert [path.count("M") for path in paths(chart, "mark skipped")] == [1]
    dots = paths(chart, "dots download")
    assert [path.count("M") for path in dots] == [2]
    heights = [float(height) for height in re.findall(r" ([\d.]+)h", dots[0])]
    assert all(height < 60 for height in heights)
    assert chart.marks == ("failed", "missed", "skipped")


def test_flagged_tests_are_rings_and_not_in_the_median() -> None:
    """A flagged test is drawn differently, and the median line does not know of it."""
    points = [speed(30, 90e6), speed(29, 1e6, flags="wifi"), speed(20, 90e6)]
    chart = speed_chart(WEEK, WORDS, points, "upload", None)
    assert [path.count("M") for path in paths(chart, "ring upload")] == [1]
    assert [path.count("M") for path in paths(chart, "hole")] == [1]
    line = paths(chart, "line upload")[0]
    assert len(set(re.findall(r" ([\d.]+)", line))) == 1


def test_lower_bounds_are_in_the_median_and_marked() -> None:
    """A test that the probe or the server held back counts with its value, and says "at least"."""
    points = [speed(30, 90e6), speed(10, 60e6, flags="interface_speed")]
    chart = speed_chart(WEEK, WORDS, points, "download", None)
    assert [path.count("M") for path in paths(chart, "dots download")] == [2]
    assert [path.count("M") for path in paths(chart, "stem download")] == [1]
    assert paths(chart, "ring") == []
    assert chart.marks == ("at_least",)
    svg = str(chart.svg)
    assert "median 75.0\u00a0Mbit/s" in svg
    assert "1 of the values are lower bounds." in svg
    assert "at least 60.0\u00a0Mbit/s, port speed" in svg


def test_flagged_tests_alone_are_still_shown() -> None:
    """A period of which every test is flagged shows its rings, and is not called empty."""
    chart = speed_chart(WEEK, WORDS, [speed(5, flags="half_duplex")], "download", None)
    assert not chart.empty
    assert paths(chart, "ring download")
    described = {element.get("id"): element.text for element in tree(chart)[1]}
    assert "Only flagged tests" in (described["chart_download-d"] or "")


def test_line_is_broken_where_nothing_was_measured() -> None:
    """A gap of days breaks the line in two."""
    hours = [*range(120, 90, -3), *range(20, 2, -3)]
    chart = speed_chart(WEEK, WORDS, [speed(hour) for hour in hours], "download", None)
    assert paths(chart, "line")[0].count("M") == 2


def test_line_joins_tests_at_their_usual_distance() -> None:
    """Latency measured every half hour is one line, also where buckets are of five minutes."""
    day = make_frame(Period.DAY, ZONE, NOW, None)
    points = [trip(half / 2, 0.01) for half in range(40, 0, -1)]
    assert paths(idle_chart(day, WORDS, points), "line latency-idle")[0].count("M") == 1


def test_lone_latency_is_a_dot() -> None:
    """A single value makes no line: it is a dot, large enough to be seen, in each latency chart."""
    single = idle_chart(WEEK, WORDS, [trip(5, 0.0001)])
    assert paths(single, "line") == []
    assert [path.count("M") for path in paths(single, "dots few latency-idle")] == [1]
    loaded = loaded_chart(WEEK, WORDS, [speed(5)])
    for kind in ("idle", "download", "upload"):
        assert [path.count("M") for path in paths(loaded, f"dots few latency-{kind}")] == [1]


def test_dots_are_large_only_where_there_are_few() -> None:
    """A busy period keeps its small dots, and its line is not covered by further ones."""
    chart = loaded_chart(WEEK, WORDS, [speed(hour) for hour in range(90, 0, -1)])
    assert paths(chart, "dots latency-download")
    assert paths(chart, "few") == []


def test_labels_of_small_latencies_differ() -> None:
    """Below 2 ms no two labels of the scale are the same, and none is rounded."""
    scale = tree(idle_chart(WEEK, WORDS, [trip(5, 0.0001)]))[0]
    labels = [float(text.text or "") for text in scale.iter("text")]
    steps = [after - before for before, after in pairwise(labels)]
    assert min(steps) == pytest.approx(max(steps))
    assert min(steps) > 0


def test_contracted_speed_is_a_level_on_the_scale() -> None:
    """The contracted speed is drawn where its value is, also where every result is far below."""
    chart = speed_chart(WEEK, WORDS, [speed(5, 10e6)], "download", 100e6)
    level = re.fullmatch(r"M0 ([\d.]+)H1000", paths(chart, "reference")[0])
    assert level is not None
    assert float(level[1]) < 20
    assert paths(speed_chart(WEEK, WORDS, [speed(5)], "download", None), "reference") == []


def test_scale_of_very_fast_lines_is_in_gigabits() -> None:
    """A scale that would reach 10,000 Mbit/s counts in Gbit/s, and the chart names that unit."""
    fast = speed_chart(WEEK, WORDS, [speed(5, 26e9)], "download", 300e6)
    assert fast.unit == "unit_gigabits"
    assert [text.text for text in tree(fast)[0].iter("text")] == ["0", "10", "20", "30"]
    assert speed_chart(WEEK, WORDS, [speed(5, 9.7e9)], "download", None).unit == "unit_gigabits"
    assert speed_chart(WEEK, WORDS, [speed(5, 7e9)], "download", None).unit == "unit_speed"


def test_lone_spike_does_not_flatten_the_rest_and_is_still_seen() -> None:
    """A latency far above all others is drawn at the edge, with its true value in its title."""
    points = [trip(hour / 4, 0.010 + hour / 1e5) for hour in range(500, 1, -1)]
    points[250] = trip(62.5, 3.0)
    chart = idle_chart(WEEK, WORDS, points)
    assert "above" in chart.marks
    assert paths(chart, "above")
    scale = [text.text for text in tree(chart)[0].iter("text")]
    assert float(str(scale[-1])) <= 40
    assert "3,000" in str(chart.svg)


def test_pointer_is_answered_with_value_flag_and_failure_in_words() -> None:
    """The strips' titles say what was measured, flagged or failed, and when, local time."""
    points = [
        speed(30, 42e6, flags="cross_traffic"),
        speed(20, None, "failed", failure="connection_lost"),
    ]
    titles = [
        element.text
        for element in tree(speed_chart(WEEK, WORDS, points, "download", None)).iter("title")
    ]
    assert "19 Nov 14:17: 42.0\u00a0Mbit/s, other traffic" in titles
    assert "20 Nov 00:17: failed: The connection broke during the measurement." in titles


def test_many_tests_in_a_strip_are_summed_up() -> None:
    """Where a strip holds many tests it says their median, span and number, and the failures."""
    points = [speed(30 - minute / 60, rate * 1e6) for minute, rate in enumerate((10, 20, 30, 40))]
    points.append(speed(29.9, None, "failed", failure="stalled"))
    svg = str(speed_chart(WEEK, WORDS, points, "download", None).svg)
    assert "median 25.0\u00a0Mbit/s (10.0\u00a0Mbit/s–40.0\u00a0Mbit/s, 4 tests)\n1 × failed" in svg


def test_what_does_not_count_is_not_in_the_sum_of_a_strip() -> None:
    """A flagged test is told apart from the median beside it; a lower bound makes that of the rates
    "at least", and is told apart from that of the round trips.
    """
    rates = (10, 20, 30, 40, 900)
    flags = ("", "", "", "", "counts_disagree")
    points = [
        speed(30 - minute / 60, rate * 1e6, flags=flag)
        for minute, (rate, flag) in enumerate(zip(rates, flags, strict=True))
    ]
    said = "median 25.0\u00a0Mbit/s (10.0\u00a0Mbit/s–40.0\u00a0Mbit/s, 4 tests)"
    svg = str(speed_chart(WEEK, WORDS, points, "download", None).svg)
    assert f"{said}\n1 × flagged, not counted" in svg
    points[1] = points[1]._replace(flags="device_cpu")
    svg = str(speed_chart(WEEK, WORDS, points, "download", None).svg)
    assert said.replace("median", "median at least") in svg
    svg = str(loaded_chart(WEEK, WORDS, points).svg)
    assert "20.0\u00a0ms, 3 tests)\n2 × flagged, not counted" in svg


def test_chart_tells_screen_readers_what_it_shows() -> None:
    """The picture has a title, and a description with the figures."""
    root = tree(speed_chart(WEEK, WORDS, [speed(5, 80e6), speed(4, 90e6)], "download", None))
    plot = root[1]
    assert plot.get("role") == "img"
    described = {element.get("id"): element.text for element in plot if element.get("id")}
    assert described["chart_download-t"] == "Download speed"
    text = described["chart_download-d"] or ""
    assert "2 values" in text
    assert "lowest 80.0\u00a0Mbit/s" in text


@pytest.mark.parametrize("period", list(Period))
def test_chart_without_anything_draws_nothing(period: Period) -> None:
    """No record at all gives no picture; failures alone give a picture without values."""
    frame = make_frame(period, ZONE, NOW, None)
    assert str(speed_chart(frame, WORDS, [], "download", 1e8).svg) == ""
    assert str(idle_chart(frame, WORDS, []).svg) == ""
    assert str(loaded_chart(frame, WORDS, []).svg) == ""
    failed = speed_chart(frame, WORDS, [speed(2, None, "failed", failure="tls")], "download", None)
    assert failed.empty
    assert paths(failed, "mark failed")


def test_loaded_latency_has_three_kinds() -> None:
    """Latency under load is drawn for the idle line, downloading and uploading."""
    chart = loaded_chart(WEEK, WORDS, [speed(17), speed(11), speed(5)])
    for kind in ("idle", "download", "upload"):
        assert paths(chart, f"line latency-{kind}")
    for kind in ("download", "upload"):
        assert paths(chart, f"dots latency-{kind}")


@pytest.mark.parametrize(
    "flags",
    ["other_carrier", "path_changed", "cross_traffic", "wifi", "server_limited", "device_cpu"],
)
def test_loaded_latency_is_that_of_the_tests_that_count(flags: str) -> None:
    """A round trip over another carrier, of a test that is set aside for whatever reason, or of one
    that tells only what the line carries at least, is in no line, no sum and no scale of latency
    under load: it is a ring, and says its flag.
    """
    fair = [speed(hour) for hour in (40, 20)]
    strange = speed(30, flags=flags)._replace(
        idle_latency_seconds=0.4, download_latency_seconds=0.4, upload_latency_seconds=0.4
    )
    alone = loaded_chart(WEEK, WORDS, fair)
    beside = loaded_chart(WEEK, WORDS, [fair[0], strange, fair[1]])
    for kind in ("idle", "download", "upload"):
        assert paths(alone, f"line latency-{kind}") == paths(beside, f"line latency-{kind}")
    rings = paths(beside, "ring latency-download")
    assert [path.count("M") for path in rings] == [1]
    labels = [[text.text for text in tree(chart)[0].iter("text")] for chart in (alone, beside)]
    assert labels[0] == labels[1]
    described = [re.findall(r"<desc.*?</desc>", str(chart.svg)) for chart in (alone, beside)]
    assert len(described[0]) == 1
    assert described[0] == described[1]
    assert WORDS.text(f"flag_name_{flags}") in str(beside.svg)
    only = loaded_chart(WEEK, WORDS, [strange])
    assert (only.empty, only.why_empty) == (False, "chart_only_flagged")


def test_loaded_latency_of_a_test_that_failed_is_not_drawn() -> None:
    """A test that broke in its upload has a mark, and no value among those of whole tests."""
    broken = speed(30)._replace(outcome="failed", failure_code="stalled")
    chart = loaded_chart(WEEK, WORDS, [broken])
    assert chart.empty
    assert paths(chart, "mark failed")


def test_latency_to_a_server_that_loses_packets_is_not_the_lines() -> None:
    """A flagged minute is in no line, band or sum; it is a ring, and its loss is said with why."""
    fair = [trip(hour, 0.01) for hour in (40, 20)]
    strange = trip(30, 0.4, flags="server_loss")._replace(lost_ratio=0.05)
    alone = idle_chart(WEEK, WORDS, fair)
    beside = idle_chart(WEEK, WORDS, [fair[0], strange, fair[1]])
    for css in ("line latency-idle", "band latency-idle", "dots few latency-idle"):
        assert paths(alone, css) == paths(beside, css)
    assert [path.count("M") for path in paths(beside, "ring latency-idle")] == [1]
    assert "2 values" in str(beside.svg)
    assert "400\u00a0ms, packets lost 5.0%, server loss" in str(beside.svg)
    only = idle_chart(WEEK, WORDS, [strange])
    assert (only.empty, only.why_empty) == (False, "chart_only_flagged")


def test_charts_carry_no_style_and_no_script() -> None:
    """Nothing in a chart needs what the Content-Security-Policy forbids."""
    points = [speed(5), speed(4, None, "failed", failure="stalled"), speed(3, flags="wifi")]
    for chart in (
        speed_chart(WEEK, WORDS, points, "download", 1e8),
        loaded_chart(WEEK, WORDS, points),
        idle_chart(WEEK, WORDS, [trip(2, 0.01)]),
    ):
        for element in tree(chart).iter():
            assert element.tag not in {"style", "script"}
            assert not {"style", "onclick", "href"} & set(element.keys())
