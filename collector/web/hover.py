"""What a chart says where the pointer rests: strips of its width, each with a ``<title>``. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from operator import attrgetter
from typing import Generic, TypeVar

from markupsafe import escape

from collector.domain.series import LatencyPoint, SpeedPoint
from collector.domain.standing import Standing, median_of
from collector.web.axes import WIDTH, Frame
from collector.web.i18n import Words

_MOST_LINES = 3
"""A strip with more events than this is summed up."""


_MOMENT_OF = attrgetter("at_seconds")

P = TypeVar("P", SpeedPoint, LatencyPoint)


@dataclass(frozen=True, slots=True)
class Voice(Generic[P]):
    """How a chart speaks of its points.

    Attributes:
        value_of: what the chart shows of a point; None where nothing was measured.
        say: writes all that there is to say of a measured point.
        write: writes a value with its unit.
        counted: what a result must stand for to be summed up.
    """

    value_of: Callable[[P], float | None]
    say: Callable[[P], str]
    write: Callable[[float], str]
    counted: AbstractSet[Standing]


def hover_strips(
    frame: Frame, words: Words, points: Sequence[P], width_seconds: float, voice: Voice[P]
) -> str:
    """Return a transparent strip for each part of the time that has points.

    Args:
        frame: the span of time.
        words: of the visitor.
        points: in the order of time.
        width_seconds: of a strip.
        voice: what is said of them.
    """
    start_seconds = frame.start_seconds
    width = width_seconds / (frame.end_seconds - start_seconds) * 100
    strips = []
    first = 0
    for index in range(ceil((frame.end_seconds - start_seconds) / width_seconds)):
        start = start_seconds + index * width_seconds
        end = bisect_left(points, start + width_seconds, first, key=_MOMENT_OF)
        group, first = points[first:end], end
        if not group:
            continue
        left = frame.across(start) / WIDTH * 100
        if len(group) > _MOST_LINES:
            said = _sum_up(group, start, words, voice)
        else:
            said = "\n".join(_say_one(point, words, voice) for point in group)
        strips.append(
            f'<rect x="{left:.2f}%" width="{width:.2f}%"><title>{escape(said)}</title></rect>'
        )
    return f'<g class="strips">{"".join(strips)}</g>'


def _say_one(point: P, words: Words, voice: Voice[P]) -> str:
    if point.outcome == "measured":
        said = voice.say(point)
    else:
        said = words.text(f"outcome_{point.outcome}")
        if point.failure_code is not None:
            said += f": {words.text(f'failure_{point.failure_code}')}"
    return f"{words.short_moment(_moment(point.at_seconds))}: {said}"


def _sum_up(group: Sequence[P], start_seconds: float, words: Words, voice: Voice[P]) -> str:
    time = words.short_moment(_moment(start_seconds))
    known = [
        (value, point.standing is Standing.AT_LEAST)
        for point in group
        if point.standing in voice.counted and (value := voice.value_of(point)) is not None
    ]
    if found := median_of(known):
        values = [value for value, _ in known]
        lines = [
            words.text(
                "hover_many",
                time=time,
                value=words.at_least(voice.write(found.value), found.at_least),
                low=voice.write(min(values)),
                high=voice.write(max(values)),
                count=words.number(len(values)),
            )
        ]
    else:
        lines = [time]
    aside = sum(
        point.outcome == "measured" and point.standing not in voice.counted for point in group
    )
    if aside:
        lines.append(words.text("hover_flagged", count=words.number(aside)))
    outcomes = Counter(point.outcome for point in group)
    del outcomes["measured"]
    lines += [
        f"{words.number(count)} × {words.text(f'outcome_{outcome}')}"
        for outcome, count in outcomes.items()
    ]
    return "\n".join(lines)


def _moment(at_seconds: float) -> datetime:
    return datetime.fromtimestamp(at_seconds, UTC)
