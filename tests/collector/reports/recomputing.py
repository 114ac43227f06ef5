"""A month's figures once more, from docs/recompute.md alone: nothing of `collector` is used.

Written as somebody would who has the page, `summary.json`, `data.csv` and `evidence.zip`. What is
drawn is drawn by the page's own block of Python. Slow and plain on purpose.
"""

import csv
import json
import math
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import yaml

PAGE = (Path(__file__).parents[3] / "docs" / "recompute.md").read_text()
Z = 1.959963984540054
QUANTILES = {"median": Fraction(1, 2), "p10": Fraction(1, 10)}

Interval = tuple[float | None, float | None]
Record = tuple[datetime, dict[str, Any]]


class Said(NamedTuple):
    """A figure: as it was found here, and how well it has to agree."""

    value: float
    low: float | None
    high: float | None
    days: int
    tests: int
    exact: bool
    exact_ends: bool


class Value(NamedTuple):
    """A value in whole units, and when it was measured."""

    at: datetime
    whole: int
    bound: bool = False


@cache
def drawn(days: int) -> list[list[int]]:
    """Return the days of each draw, by the page's block."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - our own page's
    found: list[list[int]] = names["draws"](days)
    return found


def ranks() -> dict[int, int]:
    """Return which draws are the ends, by the page's table."""
    rows = re.search(r"<!-- ranks -->(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert rows is not None
    cells = re.findall(r"^\| (D|k) \|(.*)\|$", rows[1], re.MULTILINE)
    numbers = [[int(one) for one in row.split("|")] for _, row in cells]
    return {
        days: rank
        for heads, found in zip(numbers[::2], numbers[1::2], strict=True)
        for days, rank in zip(heads, found, strict=True)
    }


@cache
def t_point(degrees: int) -> float:
    """Return the 97.5 % point of Student's t, by Simpson's rule on its density."""
    factor = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    factor /= math.sqrt(degrees * math.pi)

    def density(x: float) -> float:
        return factor * float((1 + x * x / degrees) ** (-(degrees + 1) / 2))

    def within(x: float, steps: int = 4000) -> float:
        width = x / steps
        inner = math.fsum(
            (4 if step % 2 else 2) * density(step * width) for step in range(1, steps)
        )
        return (density(0) + inner + density(x)) * width / 3

    low, high = 1.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < 0.475 else (low, middle)
    return low


def whole(text: str, places: int) -> int:
    """Return a decimal text with its point moved, rounded half to even."""
    return int(Decimal(text).scaleb(places).to_integral_value(ROUND_HALF_EVEN))


def is_in(window: dict[str, Any], at: datetime) -> bool:
    """Return whether a local moment is in a window of a standard's file."""
    weekdays = window.get("weekdays", [1, 2, 3, 4, 5, 6, 7])
    spans = window.get("hours", [[0, 24]])
    return at.isoweekday() in weekdays and any(first <= at.hour < end for first, end in spans)


def weights(values: Sequence[Value], window: dict[str, Any]) -> list[Fraction]:
    """Return for how many tests each value stands."""
    blocks = window.get("blocks") or [[0, 24]]
    of = [next(n for n, (a, z) in enumerate(blocks) if a <= one.at.hour < z) for one in values]
    counts, size = Counter(of), len(values)
    there = sum(blocks[block][1] - blocks[block][0] for block in counts)
    each = {
        block: min(
            Fraction((blocks[block][1] - blocks[block][0]) * size, there * count), Fraction(4)
        )
        for block, count in counts.items()
    }
    total = sum(each[block] * count for block, count in counts.items())
    return [each[block] * size / total for block in of]


def by_day(days: Sequence[date], parts: Iterable[Any]) -> list[float]:
    """Return the sum of each day, in their order."""
    sums: dict[date, Any] = dict.fromkeys(sorted(set(days)), Fraction(0))
    for day, part in zip(days, parts, strict=True):
        sums[day] += part
    return [float(one) for one in sums.values()]


def resampled(above: Sequence[float], below: Sequence[float], value: float) -> Interval:
    """Return the ends of a mean."""
    days = len(above)
    if days < 5:
        return None, None
    found = sorted(
        math.fsum(above[day] for day in draw) / math.fsum(below[day] for day in draw)
        for draw in drawn(days)
    )
    rank = ranks()[days]
    return min(found[rank - 1], value), max(found[-rank], value)


def wilson(hits: Sequence[float], sizes: Sequence[float], share: float) -> tuple[float, float]:
    """Return Wilson's ends on the effective size."""
    days, size = len(sizes), math.fsum(sizes)
    effect = 1.0
    if 0 < share < 1:
        squares = ((hit - share * of) ** 2 for hit, of in zip(hits, sizes, strict=True))
        between = math.fsum(squares) * days / (days - 1) / size**2
        effect = between / (share * (1 - share) / size)
    number = size / max(1.0, effect * (t_point(days - 1) / Z) ** 2)
    middle = share + Z * Z / (2 * number)
    half = Z * math.sqrt(share * (1 - share) / number + Z * Z / (4 * number * number))
    return (middle - half) / (1 + Z * Z / number), (middle + half) / (1 + Z * Z / number)


def mean(values: Sequence[Value], each: Sequence[Fraction], units: int) -> Said:
    """Return a mean."""
    days = [one.at.date() for one in values]
    sums = [one.whole * weight for one, weight in zip(values, each, strict=True)]
    value = float(sum(sums) / sum(each))
    low, high = resampled(by_day(days, sums), by_day(days, each), value)
    return said(value, low, high, values, units, exact_ends=False)


def said(
    value: float,
    low: float | None,
    high: float | None,
    values: Sequence[Value],
    units: int,
    *,
    exact_ends: bool,
) -> Said:
    """Return a figure in bit/s or seconds."""
    low, high = (None if one is None else one / units for one in (low, high))
    days = len({one.at.date() for one in values})
    return Said(value / units, low, high, days, len(values), exact=True, exact_ends=exact_ends)


def quantile(values: Sequence[Value], each: Sequence[Fraction], units: int, q: Fraction) -> Said:
    """Return a quantile."""
    pairs = sorted(zip(values, each, strict=True), key=lambda pair: pair[0].whole)
    reached, wanted = Fraction(0), q * sum(each)
    value = 0.0
    for place, (one, weight) in enumerate(pairs):
        reached += weight
        if reached >= wanted:
            after = pairs[place + (reached == wanted)][0]
            value = (one.whole + after.whole) / 2
            break
    days = [one.at.date() for one, _ in pairs]
    beyond = min(
        sum(one.whole <= value for one in values), sum(one.whole >= value for one in values)
    )
    if len(set(days)) < 5 or beyond < 6:
        return said(value, None, None, values, units, exact_ends=True)
    size = len(pairs)
    places = range(size) if size <= 512 else [i * (size - 1) // 511 for i in range(512)]
    sizes = by_day(days, each_of(pairs))
    lows, highs = [], []
    # One walk through the values, each with what its day has so far.
    numbers = {day: number for number, day in enumerate(sorted(set(days)))}
    running, place = [Fraction(0)] * len(numbers), 0
    for x in sorted({pairs[at][0].whole for at in places}):
        for strictly in (True, False):
            while place < size and (
                pairs[place][0].whole < x or (not strictly and pairs[place][0].whole == x)
            ):
                running[numbers[days[place]]] += pairs[place][1]
                place += 1
            share = float(sum(running) / size)
            bottom, top = wilson([float(one) for one in running], sizes, share)
            if strictly and bottom <= q:
                highs.append(x)
            if not strictly and top >= q:
                lows.append(x)
    low, high = min(*lows, value), max(*highs, value)
    return said(value, low, high, values, units, exact_ends=True)


def each_of(pairs: Iterable[tuple[Value, Fraction]]) -> Iterator[Fraction]:
    """Yield the weights of pairs."""
    return (weight for _, weight in pairs)


def share_below(values: Sequence[Value], each: Sequence[Fraction], speed: int) -> Said:
    """Return the share of tests below 0.8 of a speed."""
    limit = Fraction(8, 10) * speed
    hits = [
        weight * ((max(one.whole, speed) if one.bound else one.whole) >= limit)
        for one, weight in zip(values, each, strict=True)
    ]
    days = [one.at.date() for one in values]
    sizes, share = by_day(days, each), float(sum(hits) / sum(each))
    low = high = None
    if len(sizes) >= 5:
        ends = wilson(by_day(days, hits), sizes, share)
        low = 1 - min(1.0, max(ends[1], share))
        high = 1 - max(0.0, min(ends[0], share))
    return Said(1 - share, low, high, len(sizes), len(values), exact=False, exact_ends=False)


def of_one_kind(records: Sequence[Record], server: str) -> list[Record]:
    """Return the latency records of the kind that stands for the month, by method.md's rule 5.

    Each line has one way here; else ways would have to be chosen, too.
    """
    kinds = defaultdict(list)
    for at, one in records:
        kinds[one["ip_version"], one["server"]["name"]].append((at, one))
    days = {kind: len({at.date() for at, _ in found}) for kind, found in kinds.items()}
    richest = max(kinds, key=lambda kind: (days[kind], len(kinds[kind])))
    near = [
        kind
        for kind, found in kinds.items()
        if 10 * days[kind] >= 9 * days[richest] and 2 * len(found) >= len(kinds[richest])
    ]
    return kinds[
        max(
            near, key=lambda kind: (kind[0] == "4", kind[1] == server, days[kind], len(kinds[kind]))
        )
    ]


class Month:
    """A carrier's month, as it came."""

    def __init__(self, summary: Path, data: Path, evidence: Path) -> None:
        self.summary = json.loads(summary.read_bytes())
        self.zone = ZoneInfo(self.summary["timezone"])
        with data.open(encoding="utf-8-sig", newline="") as file:
            self.rows = [row for row in csv.DictReader(file) if row["counts"] == "yes"]
        self.latency: dict[str, list[Record]] = defaultdict(list)
        with zipfile.ZipFile(evidence) as archive:
            names = archive.namelist()
            used = [(one["id"], one["version"]) for one in self.summary["standards"]]
            standards = [archive.read("standards/{}@{}.yaml".format(*one)) for one in used]
            for name in names:
                if name.endswith("/stored.csv"):
                    self._read(archive, name)
            servers = {
                one["id"]: one["server"]
                for one in json.loads(archive.read("registry.json"))["lines"]
            }
        self.latency = {
            line: of_one_kind(found, servers[line]) for line, found in self.latency.items()
        }
        windows = (one for text in standards for one in yaml.safe_load(text)["windows"])
        self.windows = {one["id"]: one for one in reversed(list(windows))}

    def _read(self, archive: zipfile.ZipFile, name: str) -> None:
        """Keep the latency records without a flag, whose moment is vouched for."""
        places = csv.DictReader(archive.read(name).decode().splitlines())
        stored = [row for row in places if row["kind"] not in {"folded", "missing"}]
        records = archive.read(name.replace("stored.csv", "records.ndjson")).splitlines()
        for row, line in zip(stored, records, strict=True):
            record = json.loads(line, parse_float=str)
            if (
                row["kind"] == "record"
                and row["line"]
                and row["time_quality"] != "none"
                and record.get("task") == "latency"
                and record["outcome"] == "measured"
                and not record["flags"]
            ):
                at = datetime.fromisoformat(row["measured_at"]).astimezone(self.zone)
                self.latency[row["line"]].append((at, record["latency"]))

    def figures(self) -> Iterator[tuple[dict[str, Any], Said]]:
        """Yield each figure of the summary with what is found here."""
        for line in self.summary["lines"]:
            for part in line["parts"]:
                days = tuple(date.fromisoformat(part[name]) for name in ("first_day", "last_day"))
                for figure in part["figures"]:
                    yield figure, self._again(line["id"], part, days, figure)

    def _again(
        self, line: str, part: dict[str, Any], days: Sequence[date], figure: dict[str, Any]
    ) -> Said:
        quantity, statistic = figure["quantity"], figure["statistic"]
        if quantity == "availability":
            return availability(part, days)
        window = self.windows[figure["window"]]

        def used(at: datetime) -> bool:
            return days[0] <= at.date() <= days[1] and is_in(window, at)

        if quantity == "loss":
            return loss([(at, one) for at, one in self.latency[line] if used(at)])
        values = [one for one in self._values(line, quantity) if used(one.at)]
        each = weights(values, window)
        units = 1 if quantity in {"download", "upload"} else 1_000_000
        if statistic == "mean":
            return mean(values, each, units)
        if statistic in QUANTILES:
            return quantile(values, each, units, QUANTILES[statistic])
        speed = part["terms"][f"{statistic.removeprefix('below_')}_{quantity}_bits_per_second"]
        return share_below(values, each, speed)

    def _values(self, line: str, quantity: str) -> Iterator[Value]:
        if quantity in {"latency", "delay_variation"}:
            for at, one in self.latency[line]:
                text = (
                    (one["round_trip"] or {}).get("median_seconds")
                    if quantity == "latency"
                    else one["delay_variation_p95_seconds"]
                )
                if text is not None:
                    yield Value(at, whole(str(text), 6))
            return
        for row in self.rows:
            if row["line"] == line:
                text, places = self._cell(row, quantity)
                if text:
                    at = datetime.fromisoformat(row["measured_at"])
                    bound = row["rates_are_lower_bounds"] == "yes"
                    yield Value(at, whole(text, places), bound)

    @staticmethod
    def _cell(row: dict[str, str], quantity: str) -> tuple[str, int]:
        if quantity in {"download", "upload"}:
            return row[f"{quantity}_bits_per_second"], 0
        if quantity == "latency_idle":
            return row["idle_latency_seconds"], 6
        both = [row[f"{one}_latency_seconds"] for one in ("download", "upload")]
        return max((one for one in both if one), key=Decimal, default=""), 6


def loss(records: Sequence[Record]) -> Said:
    """Return the packets lost over those sent."""
    days = [at.date() for at, _ in records]
    lost = by_day(days, (Fraction(str(one["lost_ratio"])) for _, one in records))
    sizes = by_day(days, [1] * len(days))
    value = math.fsum(lost) / math.fsum(sizes)
    low, high = resampled(lost, sizes, value)
    return Said(value, low, high, len(sizes), len(records), exact=False, exact_ends=False)


def availability(part: dict[str, Any], days: Sequence[date]) -> Said:
    """Return the share of the watched time in service."""
    own = [one for one in part["outages"] if one["where"] in {"access", "beyond"}]
    shortest, longest = (
        math.fsum(one[name] for one in own) for name in ("shortest_seconds", "longest_seconds")
    )
    low, value, high = (
        max(0.0, 1 - out / part["watched_seconds"])
        for out in (longest, (shortest + longest) / 2, shortest)
    )
    number = (days[1] - days[0]).days + 1
    return Said(value, low, high, number, 0, exact=False, exact_ends=False)
