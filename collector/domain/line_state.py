"""The state of a line in one word, for the list of lines, and the written rule behind it.

The word helps to look at the right line first. It is no verdict: it says nothing of a month, and a
complaint never rests on it.

The rule, the first that fits:

1. ``waiting``: no record of the line has ever come.
2. ``silent``: the newest record is older than `SILENT_AFTER`. Probe, power or line: unknown.
3. ``failing``: the newest `FAILING_TESTS` speed tests that ran failed (or the only one did), or the
   newest reachability check got an answer from the gateway and from nothing behind it: neither a
   name server nor any far end.
4. ``unrated``: nothing to judge by: no contracted speed, or no fair test in `JUDGED_SPAN`.
5. ``below``: the median download or upload of the newest fair tests of that direction
   (`JUDGED_TESTS` at most, none older than `JUDGED_SPAN`) is below `CONTRACT_SHARE` of the
   contracted speed.
6. ``good``: everything else.

All tests looked at are of the line's main series (`collector.domain.series.main_series`), with the
failed ones that may be of it: another server, family or way out says nothing of them.

A test that ran is one that ended as measured or failed; skipped and missed slots say nothing of the
line. Nor does a test that failed by the measurement server (`SERVER_FAILURES`, or any failure while
the newest reachability check reached other far ends and not the server): a server that is away must
not make every line look broken.

A fair test is a measured one without flags, and of the lower bounds (`collector.domain.standing`)
each that reached `CONTRACT_SHARE` of the contracted speed in the direction in question: one below
it leaves open what the line carries, and is passed over.

A record that was measured elsewhere (`protocol.flags.ELSEWHERE`: another carrier, a way that
changed) tells only that the probe lives. Rules 3 to 6 do not see it: a failover neither mends nor
breaks a line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from collector.domain.standing import Standing, standing
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


def judge(evidence: Evidence, now: datetime) -> LineState:
    """Return the line's state at ``now`` (aware), by the rule above."""
    if evidence.heard_at is None:
        return LineState.WAITING
    if now - evidence.heard_at > SILENT_AFTER:
        return LineState.SILENT
    if (evidence.reach and evidence.reach.cut_off) or _tests_fail(evidence):
        return LineState.FAILING
    shares = contract_shares(evidence, now)
    if not shares:
        return LineState.UNRATED
    return LineState.BELOW if min(shares) < CONTRACT_SHARE else LineState.GOOD


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


def contract_shares(evidence: Evidence, now: datetime) -> list[float]:
    """Return the median share of the promise, for each direction that can be judged."""
    recent = [
        test
        for test in evidence.tests
        if test.outcome == "measured" and now - test.measured_at <= JUDGED_SPAN
    ]
    download = [(test.download_bits_per_second, standing(test.flags)) for test in recent]
    upload = [(test.upload_bits_per_second, standing(test.flags)) for test in recent]
    directions = (
        (evidence.download_promise_bits_per_second, download),
        (evidence.upload_promise_bits_per_second, upload),
    )
    return [
        median(shares)
        for promise, results in directions
        if promise and (shares := _fair_shares(results, promise)[:JUDGED_TESTS])
    ]


def _fair_shares(results: Iterable[tuple[float | None, Standing]], promise: float) -> list[float]:
    """Return the shares of the promise that tell on which side of `CONTRACT_SHARE` the line is."""
    shares = [(rate / promise, stands) for rate, stands in results if rate is not None]
    return [
        share
        for share, stands in shares
        if stands is Standing.LINE or (stands is Standing.AT_LEAST and share >= CONTRACT_SHARE)
    ]
