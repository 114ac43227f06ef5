"""The charts on a line's page of the annex, as SVG without letters: the page writes those.

Nothing is told by colour alone: download and upload have charts of their own, evening and other
hours, idle and loaded have marks of their own, an hour is the darker the slower it was, and a grey
print shows the same. Across is the month's time, `DAY` wide each day. All is drawn from what
counts; pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from math import comb
from statistics import median
from typing import Any, Final, NamedTuple

from collector.domain.comparison import rate_of
from collector.domain.line_month import CARRIERS_OWN, Exclusion, LinePart, Outage, SpeedTest
from collector.domain.quantities import MEGABIT, MILLISECOND, Quantity

DAY: Final = 10.0
HEIGHT: Final = 90.0
_OUTAGES_HEIGHT: Final = 20.0
_HOURS: Final = 24
_ROW: Final = 4.0

SHARES: Final = (0.4, 0.6, 0.8, 0.95)
"""Of the promised speed: where an hour's shade changes."""

SHADES: Final = ("#5a0010", "#c4161c", "#f4845f", "#c9dcec", "#edf4fa")
"""From the slowest to the fastest, each lighter than the one before, in grey too."""

EVENING: Final = range(19, 23)
"""A slow evening would make days' medians jump with how many of a day's tests fell into it, so it
is drawn by itself."""

WEEK: Final = 7
"""Days of a band: a plan has four tests of an evening at most, too few for an interval of a day."""

FEWEST: Final = 6
"""Tests of a band: of five the lowest and the highest are within 95 % not often enough."""

_WEEKS: Final = 4
_HEADROOM: Final = 1.08
_LEVEL: Final = 0.05
_STEPS: Final = (1, 2, 2.5, 5, 10)

Values = Mapping[date, Sequence[float]]


def speed_chart(
    parts: Sequence[LinePart], quantity: Quantity, limits: Sequence[tuple[int, float]], days: int
) -> dict[str, Any]:
    """Return the chart of days' medians, with bands of weeks, against limits.

    Evenings (dots, on full bands) and other hours (rings, within outlined ones) are drawn apart. A
    band is the interval of the median of a week's tests, where there are `FEWEST`; the month's last
    days are of its fourth week.

    Args:
        parts: of the month.
        quantity: download or upload.
        limits: in bit/s, each with the number of its part.
        days: of the month.

    Returns:
        ``svg``, ``ticks`` (place from above as a share, text), ``limits`` likewise; without values
        no ``svg``.
    """
    first = parts[0].first_day
    evening, rest = (
        _series(parts, quantity, [hour for hour in range(_HOURS) if (hour in EVENING) is within])
        for within in (True, False)
    )
    if not evening.medians and not rest.medians:
        return {}
    highest = max(
        *(value for side in (evening, rest) for value in side.medians.values()),
        *(band.high for side in (evening, rest) for band in side.bands),
        *(limit for _, limit in limits),
        0.0,
    )
    top = highest * _HEADROOM
    dots = "".join(
        f"M{_across(day, first):g} {_down(middle, top)}h.01"
        for day, middle in evening.medians.items()
    )
    rings = "".join(
        f'<circle cx="{_across(day, first):g}" cy="{_down(middle, top)}" r="2" fill="#fff" '
        'stroke="#555" stroke-width=".9"/>'
        for day, middle in rest.medians.items()
    )
    full, outlined = (
        "".join(_box(band, first, top) for band in side.bands) for side in (evening, rest)
    )
    lines = "".join(
        f"M{_start(parts[part].first_day, first):g} {_down(limit, top)}"
        f"H{_start(parts[part].last_day, first) + DAY:g}"
        for part, limit in limits
    )
    changes = "".join(f"M{_start(part.first_day, first):g} 0V{HEIGHT:g}" for part in parts[1:])
    drawn = (
        f'<path d="{full}" fill="#a9c3dd" stroke="#6b93b8" stroke-width=".6"/>'
        f'<path d="{outlined}" stroke="#555" stroke-width=".8"/>'
        f'{rings}<path d="{dots}" stroke="#12385c" stroke-width="4.6" stroke-linecap="round"/>'
        f'<path d="{lines}" stroke="#b00020" stroke-width="1.2" stroke-dasharray="5 2"/>'
        f'<path d="{changes}" stroke="#000" stroke-width=".8" stroke-dasharray="1 2"/>'
    )
    labels = sorted({limit for _, limit in limits})
    return {
        "svg": _svg(drawn, days, HEIGHT, top / MEGABIT),
        "ticks": [[1 - tick * MEGABIT / top, _number(tick)] for tick in ticks(top / MEGABIT)],
        "limits": [[1 - limit / top, _megabits(limit)] for limit in labels],
    }


class _Band(NamedTuple):
    """The interval of a median over some days, both included; bit/s."""

    first: date
    last: date
    low: float
    high: float


class _Series(NamedTuple):
    """The median of each day that has a test in some hours, and bands."""

    medians: Mapping[date, float]
    bands: Sequence[_Band]


def _series(parts: Sequence[LinePart], quantity: Quantity, hours: Sequence[int]) -> _Series:
    medians: dict[date, float] = {}
    bands = []
    for part in parts:
        tests = [(test.at, rate_of(test, quantity)) for test in part.tests if test.at.hour in hours]
        by_day = _by_day(tests)
        medians |= {day: median(found) for day, found in by_day.items()}
        for week in range(_WEEKS):
            of_week = {day: found for day, found in by_day.items() if _week(day) == week}
            values = [value for found in of_week.values() for value in found]
            if len(values) >= FEWEST:
                bands.append(_Band(min(of_week), max(of_week), *interval(values)))
    return _Series(medians, bands)


def _week(day: date) -> int:
    """Return the week of the month that a day is of: three of seven days, and what is left."""
    return min((day.day - 1) // WEEK, _WEEKS - 1)


def _box(band: _Band, first: date, top: float) -> str:
    left, right = _start(band.first, first), _start(band.last, first) + DAY
    low, high = _down(band.low, top), _down(band.high, top)
    return f"M{left:g} {low}V{high}H{right:g}V{low}z"


def latency_chart(parts: Sequence[LinePart], days: int) -> dict[str, Any]:
    """Return the chart of days' medians of latency, idle (rings) and loaded (squares)."""
    tests = [test for part in parts for test in part.tests]
    idle = _by_day((test.at, test.idle_latency_seconds) for test in tests)
    loaded = _by_day((test.at, _loaded(test)) for test in tests)
    if not idle and not loaded:
        return {}
    first = parts[0].first_day
    top = max(median(found) for side in (idle, loaded) for found in side.values()) * _HEADROOM
    rings = _marks(idle, first, top)
    squares = _marks(loaded, first, top)
    drawn = (
        f'<path d="{_path(squares)}" stroke="#9a5b00" stroke-width=".8"/>'
        f'<path d="{_path(rings)}" stroke="#12385c" stroke-width=".8"/>'
        + "".join(
            f'<circle cx="{x:g}" cy="{y}" r="2" fill="#fff" stroke="#12385c"/>' for x, y in rings
        )
        + "".join(
            f'<rect x="{x - 2:g}" y="{y - 2:g}" width="4" height="4" fill="#9a5b00"/>'
            for x, y in squares
        )
    )
    return {
        "svg": _svg(drawn, days, HEIGHT, top / MILLISECOND),
        "ticks": [
            [1 - tick * MILLISECOND / top, _number(tick)] for tick in ticks(top / MILLISECOND)
        ],
        "limits": [],
    }


def heat_map(
    parts: Sequence[LinePart], promised: Mapping[int, int | None], days: int
) -> dict[str, Any]:
    """Return the map of hours (down) by days (across): medians of download.

    Args:
        parts: of the month.
        promised: bit/s by the number of the part; where one is not known, shares are of the
            month's highest hour.
        days: of the month.

    Returns:
        ``svg``, and ``promised``: whether shades are shares of what was promised in all parts.
    """
    cells: dict[tuple[int, int], tuple[int, list[float]]] = {}
    first = parts[0].first_day
    for number, part in enumerate(parts):
        for test in part.tests:
            if test.download_bits_per_second is not None:
                place = (test.at.date() - first).days, test.at.hour
                cells.setdefault(place, (number, []))[1].append(test.download_bits_per_second)
    medians = {place: (number, median(found)) for place, (number, found) in cells.items()}
    highest = max((value for _, value in medians.values()), default=0.0)
    known = all(promised.get(number) for number in range(len(parts)))
    paths: dict[int, str] = defaultdict(str)
    for (day, hour), (number, value) in sorted(medians.items()):
        whole = (promised[number] if known else highest) or highest
        shade = sum(value / whole >= share for share in SHARES)
        paths[shade] += f"M{day * DAY + 0.5:g} {hour * _ROW + 0.25:g}h9v3.5h-9z"
    failed = {
        ((one.at.date() - first).days, one.at.hour)
        for part in parts
        for one in part.excluded
        if one.task == "speed" and one.reason in {Exclusion.FAILED, Exclusion.IN_OUTAGE}
    }
    crosses = "".join(
        f"M{day * DAY + 3.5:g} {hour * _ROW + 0.8:g}l3 2.4m0-2.4l-3 2.4"
        for day, hour in sorted(failed)
        if (day, hour) not in medians
    )
    grid = "".join(f"M{day * DAY + 5:g} 2V{_HOURS * _ROW:g}" for day in range(days))
    drawn = f'<path d="{grid}" stroke="#999" stroke-width=".7" stroke-dasharray=".7 3.3"/>'
    drawn += "".join(
        f'<path d="{path}" fill="{SHADES[shade]}" stroke="#889" stroke-width=".15"/>'
        for shade, path in sorted(paths.items())
    )
    drawn += f'<path d="{crosses}" stroke="#000" stroke-width=".8"/>'
    return {"svg": _svg(drawn, days, _HOURS * _ROW), "promised": known, "empty": not cells}


def outage_line(parts: Sequence[LinePart], days: int) -> str:
    """Return the outages on the month's time: the carrier's above, the house's below."""
    begin = datetime.combine(parts[0].first_day, datetime.min.time())
    bars = ""
    for part in parts:
        for one in part.outages:
            x, width = _span(one, begin)
            own = one.where in CARRIERS_OWN
            fill, y = ("#1a1a1a", 1) if own else ("#b9b9b9", 11)
            bars += f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="8" fill="{fill}"/>'
    drawn = f'<path d="M0 10H{days * DAY:g}" stroke="#666" stroke-width=".5"/>{bars}'
    return _svg(drawn, days, _OUTAGES_HEIGHT)


def _span(one: Outage, begin: datetime) -> tuple[float, float]:
    start = (one.begins_at.replace(tzinfo=None) - begin).total_seconds() / 86_400 * DAY
    end = (one.ends_at.replace(tzinfo=None) - begin).total_seconds() / 86_400 * DAY
    # A short one would not be seen on paper.
    return start, max(end - start, 0.6)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a 95 % interval of a median, by order statistics; of few the median twice.

    Of six values and more it is from the k-th lowest to the k-th highest, where k is the largest
    for which so few of them are beyond with a chance of 5 % at most.
    """
    ordered, count = sorted(values), len(values)
    beyond, rank = 2 * 0.5**count, 0
    while beyond <= _LEVEL:
        rank += 1
        beyond += 2 * comb(count, rank) * 0.5**count
    if not rank:
        return median(ordered), median(ordered)
    return ordered[rank - 1], ordered[count - rank]


def ticks(top: float) -> list[float]:
    """Return a few round numbers from 0 up to a value."""
    size = 1.0
    while top / size > 10:  # noqa: PLR2004 - the next power of ten
        size *= 10
    while top / size < 1:
        size /= 10
    step = next(size * one for one in (0.2, 0.5, *_STEPS) if top / (size * one) <= 4)  # noqa: PLR2004
    return [round(step * number, 6) for number in range(int(top / step) + 1)]


def _loaded(test: SpeedTest) -> float | None:
    found = [
        one
        for one in (test.download_latency_seconds, test.upload_latency_seconds)
        if one is not None
    ]
    return max(found, default=None)


def _by_day(values: Iterable[tuple[datetime, float | None]]) -> dict[date, list[float]]:
    found: dict[date, list[float]] = defaultdict(list)
    for at, value in values:
        if value is not None:
            found[at.date()].append(value)
    return dict(sorted(found.items()))


def _marks(values: Values, first: date, top: float) -> list[tuple[float, float]]:
    return [(_across(day, first), float(_down(median(of), top))) for day, of in values.items()]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return a line through points that breaks where a day is missing."""
    path, before = "", None
    for x, y in points:
        path += f"{'L' if before is not None and x - before <= DAY else 'M'}{x:g} {y:g}"
        before = x
    return path or "M0 0"


def _start(day: date, first: date) -> float:
    return (day - first).days * DAY


def _across(day: date, first: date) -> float:
    return _start(day, first) + DAY / 2


def _down(value: float, top: float) -> str:
    return f"{HEIGHT * (1 - value / top):.1f}"


def _svg(drawn: str, days: int, height: float, top: float | None = None) -> str:
    width = days * DAY
    grid = ""
    if top is not None:
        levels = "".join(f"M0 {height * (1 - one / top):.1f}H{width:g}" for one in ticks(top))
        grid = f'<path d="{levels}" stroke="#ccc" stroke-width=".5"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" fill="none">'
        f"{grid}{drawn}</svg>"
    )


def _megabits(value: float) -> str:
    return f"{value / MEGABIT:,.1f}".translate(str.maketrans(",.", ".,"))


def _number(value: float) -> str:
    return f"{value:g}".replace(".", ",")
