"""The state of a line in one word, for the list of lines, and the written rule behind it.

The word helps to look at the right line first. It is no verdict: it says nothing of a month, and a
complaint never rests on it.

The rule, the first that fits:

1. ``waiting``: no record of the line has ever come.
2. ``silent``: the newest record is older than `SILENT_AFTER`. Probe, power or line: unknown.
3. ``failing``: the newest `FAILING_TESTS` speed tests that ran failed (or the only one did), or the
   newest reachability check got an answer from the gateway and from nothing behind it.
4. ``unrated``: nothing to judge by: no contracted speed, or no fair test in `JUDGED_SPAN`.
5. ``below``: the median download or upload of the newest fair tests (`JUDGED_TESTS` at most, none
   older than `JUDGED_SPAN`) is below `CONTRACT_SHARE` of the contracted speed.
6. ``good``: everything else.

A test that ran is one that ended as measured or failed; skipped and missed slots say nothing of the
line. A fair test is a measured one without flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

SILENT_AFTER = timedelta(hours=2)
"""A probe checks reachability every few minutes; two hours without any record is no coincidence."""

FAILING_TESTS = 2
"""One failed test may be the server's; two in a row, hours apart, are worth a look."""

JUDGED_TESTS = 5
JUDGED_SPAN = timedelta(hours=48)
"""Five tests are most of a day by the default plan; two days leave room for a short outage."""

CONTRACT_SHARE = 0.8
"""QCVN 34:2019/BTTTT asks for a mean of at least 0.8 of the speed that was promised."""


class LineState(StrEnum):
    """A line's state, the one that asks for the most attention first."""

    FAILING = "failing"
    BELOW = "below"
    SILENT = "silent"
    WAITING = "waiting"
    UNRATED = "unrated"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class RecentTest:
    """A speed record, as far as the rule looks at it. A direction that failed is None."""

    measured_at: datetime
    outcome: str
    flagged: bool
    download_bits_per_second: float | None
    upload_bits_per_second: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rule looks at.

    Attributes:
        heard_at: the moment of the line's newest record of any task; None where there is none.
        tests: speed records, the newest first.
        cut_off: the newest reachability check reached the gateway and nothing behind it; None
            where there was no check.
        download_promise_bits_per_second, upload_promise_bits_per_second: the contracted speeds.
    """

    heard_at: datetime | None
    tests: Sequence[RecentTest]
    cut_off: bool | None
    download_promise_bits_per_second: float | None
    upload_promise_bits_per_second: float | None


def judge(evidence: Evidence, now: datetime) -> LineState:
    """Return the line's state at ``now`` (aware), by the rule above."""
    if evidence.heard_at is None:
        return LineState.WAITING
    if now - evidence.heard_at > SILENT_AFTER:
        return LineState.SILENT
    ran = [test for test in evidence.tests if test.outcome in ("measured", "failed")]
    newest = ran[:FAILING_TESTS]
    if evidence.cut_off or (newest and all(test.outcome == "failed" for test in newest)):
        return LineState.FAILING
    shares = contract_shares(evidence, now)
    if not shares:
        return LineState.UNRATED
    return LineState.BELOW if min(shares) < CONTRACT_SHARE else LineState.GOOD


def contract_shares(evidence: Evidence, now: datetime) -> list[float]:
    """Return the median share of the promise, for each direction that can be judged."""
    fair = [
        test
        for test in evidence.tests
        if test.outcome == "measured" and not test.flagged and now - test.measured_at <= JUDGED_SPAN
    ][:JUDGED_TESTS]
    directions = (
        (
            evidence.download_promise_bits_per_second,
            [test.download_bits_per_second for test in fair],
        ),
        (evidence.upload_promise_bits_per_second, [test.upload_bits_per_second for test in fair]),
    )
    shares = []
    for promise, rates in directions:
        known = [rate for rate in rates if rate is not None]
        if promise and known:
            shares.append(median(known) / promise)
    return shares
