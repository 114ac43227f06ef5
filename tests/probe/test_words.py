"""The agent's words: both languages, spans and sizes for people."""

from typing import Literal

import pytest

from probe.words import OUTCOMES, TASKS, ago, failure, size, target_name
from protocol.failures import MEANINGS, Failure
from protocol.records import Outcome, ReachTarget, Task


@pytest.mark.parametrize(
    "seconds, vietnamese, english",
    [
        (-3, "0 giây", "0 s"),
        (59, "59 giây", "59 s"),
        (61, "1 phút", "1 min"),
        (3700, "1 giờ 1 phút", "1 h 1 min"),
        (90_000, "1 ngày 1 giờ", "1 d 1 h"),
    ],
)
def test_spans_are_said_in_both_languages(seconds: float, vietnamese: str, english: str) -> None:
    """A span is told in the two units that matter."""
    assert ago(seconds) == (vietnamese, english)


@pytest.mark.parametrize(
    "count, text", [(999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (3 * 10**9, "3.0 GB")]
)
def test_sizes_are_decimal(count: int, text: str) -> None:
    """Sizes are told in SI units."""
    assert size(count) == text


def test_every_word_is_there_in_both_languages() -> None:
    """Tasks, outcomes and failures all have their words."""
    assert set(TASKS) == set(Task)
    assert set(OUTCOMES) == set(Outcome)
    for code in Failure:
        vietnamese, english = failure(code)
        assert vietnamese.endswith(".")
        assert english == MEANINGS[code]


@pytest.mark.parametrize(
    "name, version, said",
    [("server", 6, "server IPv6"), ("ipv4", 4, "ipv4"), ("gateway", None, "gateway")],
)
def test_a_target_is_told_with_its_family_where_it_has_two(
    name: Literal["server", "ipv4", "gateway"], version: Literal[4, 6] | None, said: str
) -> None:
    """The server is asked over both families; the other names say theirs already."""
    target = ReachTarget(
        name=name,
        target="x",
        ip_version=version,
        reached=True,
        round_trip_seconds=0.1,
        failure=None,
    )
    assert target_name(target) == said
