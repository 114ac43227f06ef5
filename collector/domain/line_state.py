"""The state of a line in one word, for the list of lines, and the written rule behind it.

The word helps to look at the right line first. It is no verdict: it says nothing of a month, and a
complaint never rests on it.

The rule, the first that fits:

1. ``waiting``: no record of the line has ever come.
2. ``silent``: the newest record is older than `SILENT_AFTER`. Probe, power or line: unknown.
3. ``failing``: the newest `FAILING_TESTS` speed tests that ran failed (or the only one did), or the
   newest reachability check got an answer from the gateway and from nothing behind it: neither a
   name server nor any far end.
4. ``unrated``: nothing to judge by: no contracted speed, no fair test in `JUDGED_SPAN`, or lower
   bounds among them that leave open which of the next two it is.
5. ``below``: the median download or upload of the newest fair tests of that direction
   (`JUDGED_TESTS` at most, none older than `JUDGED_SPAN`) is below `CONTRACT_SHARE` of the
   contracted speed.
6. ``good``: it is not, in any direction.

All tests looked at are of the line's main series (`collector.domain.series.main_series`), with the
failed ones that may be of it: another server, family or way out says nothing of them.

A test that ran is one that ended as measured or failed; skipped and missed slots say nothing of the
line. Nor does a test that failed by the measurement server (`SERVER_FAILURES`, or any failure while
the newest reachability check reached other far ends and not the server): a server that is away must
not make every line look broken.

A fair test is a measured one without flags, or a lower bound (`collector.domain.standing`). A line
with bounds is good where its median is as they stand, and below where it is however high they are.
No bound is passed over for an older test: the kinder ones would be left.

A record that was measured elsewhere (`protocol.flags.ELSEWHERE`: another carrier, a way that
changed) tells only that the probe lives. Rules 3 to 6 do not see it: a failover neither mends nor
breaks a line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from collector.domain.standing import Median, Standing, median_of, standing
from protocol.failures import Failure

SILENT_AFTER = timedelta(hours=2)
"""A probe checks reachability every few minutes; two hours without any record is no coincidence."""

FAILING_TESTS = 2
"""One failed test may be the server's; two in a row, hours apart, are worth a look."""

JUDGED_TESTS = 5
JUDGED_SPAN = timedelta(hours=48)
"""Five tests are most of a day by the default plan; two days leave room for a short outage."""

CONTRACT_SHARE = 0.8
"""QCVN 34:2019/BTTTT asks for a mean of at least 0.8 of the speed that was promised."""


SERVER_FAILURES = frozenset(
    {Failure.REFUSED, Failure.SERVER_BUSY, Failure.NOT_A_SERVER, Failure.BAD_ANSWER, Failure.TLS}
)
"""Each of them takes an answer over the line: what is wrong is at the far end."""


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
    flags: str
    failure: str | None
    download_bits_per_second: float | None
    upload_bits_per_second: float | None


@dataclass(frozen=True, slots=True)
class ReachCheck:
    """What a reachability check got answers from. None: it was not asked.

    Attributes:
        gateway: the default gateway.
        resolver: a name server behind it.
        far_ends: any far end, the measurement server among them, by each address family.
        server: the measurement server.
    """

    gateway: bool | None
    resolver: bool | None
    far_ends: Sequence[bool | None]
    server: bool | None

    @property
    def cut_off(self) -> bool:
        """Whether the gateway answered and nothing of what was asked behind it."""
        beyond = (self.resolver, *self.far_ends)
        return bool(self.gateway) and False in beyond and True not in beyond

    @property
    def server_away(self) -> bool:
        """Whether other far ends were reached, and not the measurement server.

        A name server's answer is not enough: on a line that is barred the carrier's still answers.
        """
        return self.server is False and True in self.far_ends


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rule looks at.

    Attributes:
        heard_at: the moment of the line's newest record of any task; None where there is none.
        tests: speed records, the newest first.
        reach: the newest reachability check; None where there was none.
        download_promise_bits_per_second, upload_promise_bits_per_second: the contracted speeds.
    """

    heard_at: datetime | None
    tests: Sequence[RecentTest]
    reach: ReachCheck | None
    download_promise_bits_per_second: float | None
    upload_promise_bits_per_second: float | None


def telling(tests: Iterable[RecentTest]) -> list[RecentTest]:
    """Return those of a line's tests, the newest first, that the rule can ever come to look at.

    It tells the same of them as of all, at every moment and whatever reachability checks say.
    """
    left = dict.fromkeys(("ran", "measured", "download", "upload"), JUDGED_TESTS)
    kept = []
    for test in tests:
        measured = test.outcome == "measured"
        fair = measured and standing(test.flags).counts
        roles = {
            "ran": measured or (test.outcome == "failed" and test.failure not in SERVER_FAILURES),
            "measured": measured,
            "download": fair and test.download_bits_per_second is not None,
            "upload": fair and test.upload_bits_per_second is not None,
        }
        needed = [role for role, has in roles.items() if has and left[role]]
        for role in needed:
            left[role] -= 1
        if needed:
            kept.append(test)
        if not any(left.values()):
            break
    return kept


def judge(evidence: Evidence, now: datetime) -> LineState:
    """Return the line's state at ``now`` (aware), by the rule above."""
    if evidence.heard_at is None:
        return LineState.WAITING
    if now - evidence.heard_at > SILENT_AFTER:
        return LineState.SILENT
    if (evidence.reach and evidence.reach.cut_off) or _tests_fail(evidence):
        return LineState.FAILING
    share = contract_share(evidence, now)
    reached = share and share.reaches(CONTRACT_SHARE)
    if reached is None:
        return LineState.UNRATED
    return LineState.GOOD if reached else LineState.BELOW


def holds_until(evidence: Evidence, now: datetime) -> datetime | None:
    """Return the last moment at which state and share are as they are now; None: for ever."""
    ends = [test.measured_at + JUDGED_SPAN for test in evidence.tests]
    if evidence.heard_at is not None:
        ends.append(evidence.heard_at + SILENT_AFTER)
    return min((end for end in ends if end >= now), default=None)


def _tests_fail(evidence: Evidence) -> bool:
    server_away = evidence.reach is not None and evidence.reach.server_away
    ran = [
        test
        for test in evidence.tests
        if test.outcome == "measured"
        or (test.outcome == "failed" and test.failure not in SERVER_FAILURES and not server_away)
    ]
    newest = ran[:FAILING_TESTS]
    return bool(newest) and all(test.outcome == "failed" for test in newest)


def contract_share(evidence: Evidence, now: datetime) -> Median | None:
    """Return the lower one of the directions' median shares of the promise; None: there is none."""
    recent = [
        (test, standing(test.flags))
        for test in evidence.tests
        if test.outcome == "measured" and now - test.measured_at <= JUDGED_SPAN
    ]
    fair = [(test, stands is Standing.AT_LEAST) for test, stands in recent if stands.counts]
    download = [(test.download_bits_per_second, is_bound) for test, is_bound in fair]
    upload = [(test.upload_bits_per_second, is_bound) for test, is_bound in fair]
    medians = [
        found
        for found in (
            _median_share(download, evidence.download_promise_bits_per_second),
            _median_share(upload, evidence.upload_promise_bits_per_second),
        )
        if found
    ]
    if not medians:
        return None
    return Median(min(one.value for one in medians), min(one.highest for one in medians))


def _median_share(
    results: Iterable[tuple[float | None, bool]], promise: float | None
) -> Median | None:
    """Return the median of the newest results, each with whether it is a lower bound."""
    if not promise:
        return None
    shares = [(rate / promise, is_bound) for rate, is_bound in results if rate is not None]
    return median_of(shares[:JUDGED_TESTS])
