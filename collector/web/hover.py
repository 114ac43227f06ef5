"""What a chart says where the pointer rests: strips of its width, each with a ``<title>``. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import escape

from collector.domain.series import middle
from collector.web.axes import WIDTH, Frame
from collector.web.i18n import Words

_MOST_LINES = 3
"""A strip with more events than this is summed up."""


class Event(NamedTuple):
    """Something that a chart shows at a moment, and what is said of it."""

    at_seconds: float
    outcome: str
    said: str
    value: float | None


def hover_strips(
    frame: Frame,
    words: Words,
    events: Sequence[Event],
    width_seconds: float,
    write: Callable[[float], str],
) -> str:
    """Return a transparent strip for each part of the time that has events.

    Args:
        frame: the span of time.
        words: of the visitor.
        events: in the order of time.
        width_seconds: of a strip.
        write: writes a value with its unit.
    """
    grouped: dict[int, list[Event]] = {}
    for event in events:
        index = int((event.at_seconds - frame.start_seconds) // width_seconds)
        grouped.setdefault(index, []).append(event)
    width = width_seconds / (frame.end_seconds - frame.start_seconds) * 100
    strips = []
    for index, group in grouped.items():
        start = frame.start_seconds + index * width_seconds
        left = frame.across(start) / WIDTH * 100
        said = _say(group, start, words, write)
        strips.append(
            f'<rect x="{left:.2f}%" width="{width:.2f}%"><title>{escape(said)}</title></rect>'
        )
    return f'<g class="strips">{"".join(strips)}</g>'


def _say(
    group: Sequence[Event], start_seconds: float, words: Words, write: Callable[[float], str]
) -> str:
    if len(group) <= _MOST_LINES:
        return "\n".join(
            f"{words.short_moment(_moment(event.at_seconds))}: {event.said}" for event in group
        )
    lines = []
    values = sorted(event.value for event in group if event.value is not None)
    if values:
        lines.append(
            words.text(
                "hover_many",
                time=words.short_moment(_moment(start_seconds)),
                value=write(middle(values)),
                low=write(values[0]),
                high=write(values[-1]),
                count=words.number(len(values)),
            )
        )
    else:
        lines.append(words.short_moment(_moment(start_seconds)))
    outcomes = Counter(event.outcome for event in group if event.outcome != "measured")
    lines += [
        f"{words.number(count)} × {words.text(f'outcome_{outcome}')}"
        for outcome, count in outcomes.items()
    ]
    return "\n".join(lines)


def _moment(at_seconds: float) -> datetime:
    return datetime.fromtimestamp(at_seconds, UTC)
