"""The agent's words: both languages, and spans for people."""

from typing import Literal

import pytest

from probe.words import OUTCOMES, TASKS, ago, applies, failure, flag, target_name
from protocol.failures import MEANINGS as FAILURE_MEANINGS
from protocol.failures import Failure
from protocol.flags import MEANINGS as FLAG_MEANINGS
from protocol.flags import Flag
from protocol.records import Outcome, Task
from protocol.results import FailureReport, ReachTarget


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


def test_every_word_is_there_in_both_languages() -> None:
    """Tasks, outcomes and failures all have their words."""
    assert set(TASKS) == set(Task)
    assert set(OUTCOMES) == set(Outcome)
    for code in Failure:
        vietnamese, english = failure(code)
        assert vietnamese.endswith(".")
        assert english == FAILURE_MEANINGS[code]


@pytest.mark.parametrize("code", Flag)
def test_every_flag_has_its_words_in_both_languages(code: Flag) -> None:
    """A flag has a sentence in Vietnamese, with its diacritics, and the protocol's in English."""
    vietnamese, english = flag(code)
    assert vietnamese.endswith(".")
    assert set(vietnamese) & set("ạảấầẩậắằặẽệộờớợừứựịỉỏốồổỡủụữýđ")
    assert english == FLAG_MEANINGS[code]


@pytest.mark.parametrize(
    "name, version, said",
    [
        ("server", 6, "Máy chủ đo, IPv6 · Server, IPv6"),
        ("server", None, "Máy chủ đo · Server"),
        ("ipv4", 4, "Nơi khác, IPv4 · Elsewhere, IPv4"),
        ("gateway", 4, "Bộ định tuyến · Gateway"),
        ("dns", None, "Máy chủ tên miền · Name server"),
    ],
)
def test_a_target_is_told_with_its_family_where_it_has_two(
    name: Literal["server", "ipv4", "gateway", "dns"], version: Literal[4, 6] | None, said: str
) -> None:
    """Targets have names in both languages; the server, asked over both families, says which."""
    target = ReachTarget(
        name=name,
        target="x",
        ip_version=version,
        reached=True,
        round_trip_seconds=0.1,
        failure=None,
    )
    assert target_name(target) == said


@pytest.mark.parametrize(
    "code, said", [(None, True), (Failure.REFUSED, True), (Failure.NO_ADDRESS, False)]
)
def test_a_target_without_an_address_of_the_family_cannot_be_asked(
    code: Failure | None, said: bool
) -> None:
    """A server that has no IPv6 says nothing of the line's IPv6; any other failure does."""
    target = ReachTarget(
        name="server",
        target="http://x",
        ip_version=6,
        reached=code is None,
        round_trip_seconds=None,
        failure=FailureReport(code=code, detail="x") if code else None,
    )
    assert applies(target) is said
