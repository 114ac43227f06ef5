"""Rules for a speed test's own course: its length, its streams, and what both ends counted."""

from itertools import pairwise
from typing import Final

from probe.engine import Counts
from probe.flags.evidence import Evidence, directions
from protocol.constants import SAMPLE_INTERVAL_SECONDS
from protocol.results import Speed, Transfer

SHORTEST_WINDOW_SHARE: Final = 0.95
"""A direction that lasted less than this share of what the method demands is not that method's.
The windows of `http` and `iperf3` are as long as they have to be, but for milliseconds; the ten
seconds of a server of ndt7's begin up to a round trip before ours and end that much sooner. Half a
second of ten stands for the longest round trip on which anybody measures (by satellite, 0.6 s);
that much more or less of a steady line moves its mean by nothing (the project's own)."""

STANDSTILL_SECONDS: Final = 1.5
"""Samples are taken by the clock, whatever moves, once a second by the slowest engine: a longer
time without one within a window says that the device itself stood still (the project's own)."""

DISAGREEMENT_SHARE: Final = 0.02
"""Two honest counts of one window differ by less than a sample's bytes at each of its ends, well
below 2 % of 10 s; above it something between the two ends answers for one of them."""


def early_stopped(evidence: Evidence) -> bool:
    """The test was made with a profile that is shorter than evidence."""
    return evidence.profile == "quick"


def too_short(evidence: Evidence) -> bool:
    """A direction was shorter than the method demands, or the device stood still within it."""
    section = evidence.section
    if not isinstance(section, Speed):
        return False
    shortest = SHORTEST_WINDOW_SHARE * (evidence.demanded_seconds or 0.0)
    return any(_lasted(each) < shortest or _stood_still(each) for each in directions(section))


def _lasted(transfer: Transfer) -> float:
    """Return how long a direction was measured.

    Its number may be that of the far end's newest word, a little before its end (ndt7's upload):
    then the samples tell more.
    """
    latest = transfer.samples[-1][0] if transfer.samples else 0.0
    return max(transfer.duration_seconds, latest - transfer.warm_up_seconds)


def _stood_still(transfer: Transfer) -> bool:
    start = transfer.warm_up_seconds
    end = start + transfer.duration_seconds
    moments = [moment for moment, _ in transfer.samples]
    return any(
        later - earlier > STANDSTILL_SECONDS and later > start and earlier < end
        for earlier, later in pairwise(moments)
    )


def stream_lost(evidence: Evidence) -> bool:
    """A stream broke, and others went on."""
    section = evidence.section
    if not isinstance(section, Speed):
        return False
    return any(stream.lost for transfer in directions(section) for stream in transfer.streams)


def counts_disagree(evidence: Evidence) -> bool:
    """Both ends' counts of the same time differ by more than two honest ones can."""
    return any(_disagree(counts) for counts in evidence.counts)


def _disagree(counts: Counts) -> bool:
    """Tell whether two counts are more than `DISAGREEMENT_SHARE` and a sample's bytes apart.

    Of a download only where more arrived than was sent: that more was sent than arrived is what
    the sender's buffers held.
    """
    per_second = counts.probe_bytes / max(counts.seconds, SAMPLE_INTERVAL_SECONDS)
    more = counts.probe_bytes - counts.server_bytes
    difference = more if counts.direction == "download" else abs(more)
    allowed = max(DISAGREEMENT_SHARE * counts.probe_bytes, per_second * SAMPLE_INTERVAL_SECONDS)
    return difference > allowed
