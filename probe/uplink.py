"""Delivery: the spool's records to the collector, oldest first, and its instruction back.

One thread. Whatever the collector answers, a record leaves the spool only when it is on the
collector's disk. How the answers are taken:

- 200: what was sent is acknowledged. `start_new_chain`: new records go to a new chain.
- 401: the clock learns from the answer's Date; one retry at once where that changed the time.
- 403: the key was revoked; asked again every `REVOKED_SECONDS`, for it may be a mistake.
- 409: records are missing at the collector. What the spool has is sent from there; what it no
  longer has is named as lost with the header `GAP_HEADER`, and the collector shows the gap.
- 400, 413, 422: the batch is halved, down to one record; one that is refused alone holds its chain
  for `HELD_SECONDS`, a new chain begins, and all others go on.
- 429, 503: waits as long as it is told.
- Anything else, and no answer at all: exponential back-off with full jitter.
"""

import gzip
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final

from probe.client import Answer, CollectorClient, parse
from probe.clock import Clock
from probe.errors import CollectorError, NoAnswerError, SpoolError
from probe.identity import Identity
from probe.instructions import check
from probe.quiet import Quiet
from probe.settings import UplinkSettings
from probe.spool import Spool
from probe.spool_rows import Batch
from protocol import tokens
from protocol.chain import seal, write_batch
from protocol.constants import (
    CLOCK_TOLERANCE_SECONDS,
    GAP_ACKNOWLEDGED,
    GAP_HEADER,
    INSTRUCTION_PATH,
    MAX_BATCH_RECORDS,
    PROBLEM_CONTENT_TYPE,
    RECORDS_CONTENT_TYPE,
    RECORDS_PATH,
)
from protocol.messages import IngestAnswer, Instruction

BATCH_BYTES: Final = 1024 * 1024
"""A batch before compression, an eighth of what the collector takes: at most some 200 KB travel in
one go, two seconds on an uplink of 1 Mbit/s, and no measurement waits longer for its line."""

REVOKED_SECONDS: Final = 3600.0
HELD_SECONDS: Final = 3600.0
RETRY_AFTER_MAXIMUM_SECONDS: Final = 3600.0
"""A collector may ask for more patience, but an hour without a try could hide its return."""

RETRY_AFTER_JITTER: Final = 0.25
"""A fleet that was told the same wait comes back spread over a quarter of it."""

_REFUSED = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_OWN_TYPES = ("application/json", PROBLEM_CONTENT_TYPE)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UplinkState:
    """How delivery stands, for people and metrics.

    Attributes:
        reachable: whether the last request got an answer; None before the first.
        since: from when on that is so.
        delivered_at: the last time that records were accepted.
        problem: what is wrong, in a sentence; None where nothing is.
        revoked: whether the collector refuses this probe's key.
        held_chains: chains that wait because one of their records is refused.
        held_problem: why the last of them does.
        instruction_problem: why the collector's last instruction is not followed.
    """

    reachable: bool | None = None
    since: datetime | None = None
    delivered_at: datetime | None = None
    problem: str | None = None
    revoked: bool = False
    held_chains: tuple[str, ...] = ()
    held_problem: str | None = None
    instruction_problem: str | None = None


@dataclass(slots=True)
class UplinkCounts:
    """What happened in this process: records by their fate, requests by their result."""

    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    requests: dict[str, int] = field(default_factory=dict)

    def request(self, result: str) -> None:
        """Count a request: the answer's status, or `none`."""
        self.requests[result] = self.requests.get(result, 0) + 1


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom the uplink tells.

    Attributes:
        instruction: called with a new instruction and its ETag.
        clock_corrected: called when the collector's Date corrected the clock.
    """

    instruction: Callable[[Instruction, str | None], None]
    clock_corrected: Callable[[], None]


class Uplink:
    """Delivers one spool to one collector.

    Args:
        identity: whose records and key they are.
        client: the way to the collector.
        spool: where the records are.
        clock: the time, and what learns from the collector's Date.
        quiet: keeps deliveries from disturbing measurements.
        settings: intervals.
        listener: whom to tell of instructions and corrections.
        etag: of the instruction already known.
        random_ratio: draws from 0 to 1, for jitter.
    """

    def __init__(  # noqa: PLR0913 - the composition root names every part once
        self,
        *,
        identity: Identity,
        client: CollectorClient,
        spool: Spool,
        clock: Clock,
        quiet: Quiet,
        settings: UplinkSettings,
        listener: Listener,
        etag: str | None = None,
        random_ratio: Callable[[], float] = random.random,
    ) -> None:
        self.state = UplinkState()
        self.counts = UplinkCounts()
        self._identity = identity
        self._client = client
        self._spool = spool
        self._clock = clock
        self._quiet = quiet
        self._settings = settings
        self._listener = listener
        self._etag = etag
        self._random_ratio = random_ratio
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self._failures = 0
        self._limit = MAX_BATCH_RECORDS
        self._held: dict[str, float] = {}
        self._gap: tuple[str, int] | None = None
        self._ask_at = 0.0

    def start(self) -> None:
        """Begin to deliver, in a thread of its own."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End delivery; a request under way is given ``seconds``."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if not self._thread.is_alive():
            self._client.close()

    def wake(self) -> None:
        """Deliver now rather than at the next turn. A back-off is not cut short."""
        if not self._failures:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            seconds = self.turn()
            self._wake.wait(seconds)
            self._wake.clear()

    def turn(self) -> float:
        """Ask for the instruction if it is time, deliver what there is; return the pause after it.

        Ends when the spool is empty or something is in the way.
        """
        try:
            pause = self._ask_instruction() if time.monotonic() >= self._ask_at else None
            if pause is None:
                pause = self._deliver()
        except NoAnswerError as error:
            self._see(reachable=False)
            pause = self._fail(str(error))
        except (CollectorError, SpoolError) as error:
            pause = self._fail(str(error))
        except Exception as error:
            # The thread must outlive its own defects: without it nothing is ever delivered again.
            log.exception("the uplink failed")
            pause = self._fail(f"a defect in the probe's software: {error!r}")
        if pause is None:
            if self.state.problem:
                log.warning("delivery works again")
            self._failures = 0
            self.state = replace(self.state, problem=None, revoked=False)
            return self._settings.deliver_seconds
        return pause

    # --- Records ---------------------------------------------------------------------------------

    def _deliver(self) -> float | None:
        """Deliver until nothing is left (None), or return how long to wait before the next try."""
        while not self._stopping.is_set():
            batch = self._next()
            if batch is None:
                return None
            body = write_batch(batch.lines, seal(self._identity.key, batch.last))
            headers = {"Content-Type": RECORDS_CONTENT_TYPE, "Content-Encoding": "gzip"}
            if self._gap == (batch.last.chain, batch.first_seq):
                headers[GAP_HEADER] = GAP_ACKNOWLEDGED
            answer = self._request("POST", RECORDS_PATH, headers, gzip.compress(body, mtime=0))
            if answer is None:
                return None
            pause = self._judge(batch, answer)
            if pause is not None:
                return pause
        return None

    def _next(self) -> Batch | None:
        now = time.monotonic()
        self._held = {chain: until for chain, until in self._held.items() if until > now}
        self.state = replace(self.state, held_chains=tuple(sorted(self._held)))
        return self._spool.batch(self._held, self._limit, BATCH_BYTES)

    def _judge(self, batch: Batch, answer: Answer) -> float | None:
        """Do what the answer asks for; return how long to wait, or None to go on at once."""
        if answer.status == HTTPStatus.OK:
            self._accepted(batch, parse(IngestAnswer, answer))
            return None
        if answer.status == HTTPStatus.CONFLICT:
            return self._missing(batch, answer)
        if answer.status in _REFUSED:
            return self._refused(batch, answer)
        return self._wait(answer)

    def _accepted(self, batch: Batch, said: IngestAnswer) -> None:
        sent = len(batch.lines)
        after_last = batch.last.seq + 1
        if said.stored + said.duplicate + len(said.quarantined) != sent:
            # It accounts for other records than these: only what it names as known may go.
            after_last = min(after_last, said.next_seq)
        if after_last <= batch.first_seq:
            raise CollectorError("the collector answered 200, but does not have the records")
        self._spool.acknowledge(batch.last.chain, after_last)
        self.counts.stored += said.stored
        self.counts.duplicate += said.duplicate
        self.counts.quarantined += len(said.quarantined)
        for record in said.quarantined:
            log.warning("record %d is in quarantine: %s", record.seq, record.reason)
        if said.start_new_chain:
            log.warning("the collector asks for a new chain after %s", batch.last.chain)
            self._spool.start_new_chain(batch.last.chain)
        self._gap = None
        self._failures = 0
        self._limit = min(MAX_BATCH_RECORDS, self._limit * 2)
        self.state = replace(self.state, delivered_at=self._clock.now())

    def _missing(self, batch: Batch, answer: Answer) -> float | None:
        """409: the collector lacks records before these, or has other ones in their place."""
        problem = answer.problem()
        expected = problem.expected_seq if problem else None
        place = (batch.last.chain, batch.first_seq)
        if expected is None or expected >= batch.first_seq or self._gap == place:
            return self._hold(batch.last.chain, answer.explain())
        log.warning(
            "the collector lost records %d to %d of chain %s, which are no longer here",
            expected,
            batch.first_seq - 1,
            batch.last.chain,
        )
        self._gap = place
        return None

    def _refused(self, batch: Batch, answer: Answer) -> float | None:
        """400, 413, 422: find the record that is refused by halving the batch."""
        if len(batch.lines) > 1:
            self._limit = max(1, len(batch.lines) // 2)
            return None
        return self._hold(batch.last.chain, f"record {batch.first_seq}: {answer.explain()}")

    def _hold(self, chain: str, problem: str) -> float | None:
        """Let a chain wait; new records go to a new one, so that they are not held up."""
        log.error("chain %s is held for %.0f s: %s", chain, HELD_SECONDS, problem)
        self._held[chain] = time.monotonic() + HELD_SECONDS
        self._gap = None
        self._limit = MAX_BATCH_RECORDS
        self._spool.start_new_chain(chain)
        self.state = replace(self.state, held_problem=problem[:500])
        return None

    # --- Instruction -----------------------------------------------------------------------------

    def _ask_instruction(self) -> float | None:
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = self._request("GET", INSTRUCTION_PATH, headers)
        if answer is None:
            return None
        problem = None
        if answer.status == HTTPStatus.OK:
            problem = self._follow(answer)
        elif answer.status == HTTPStatus.NOT_FOUND:
            problem = f"no instruction yet: {answer.explain()}"
        elif answer.status != HTTPStatus.NOT_MODIFIED:
            return self._wait(answer)
        self._ask_at = time.monotonic() + self._settings.instruction_seconds
        self.state = replace(self.state, instruction_problem=problem)
        return None

    def _follow(self, answer: Answer) -> str | None:
        """Hand a good instruction on; return what is wrong with another one, the old one stays."""
        try:
            instruction = parse(Instruction, answer)
            check(instruction, self._identity.probe)
        except CollectorError as error:
            log.warning("the collector's instruction is not followed: %s", error)
            return str(error)
        self._etag = answer.etag
        self._listener.instruction(instruction, answer.etag)
        return None

    # --- Requests --------------------------------------------------------------------------------

    def _request(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Answer | None:
        """Return the answer to a signed request, or None where the uplink is to stop.

        A 401 whose Date shows that the token was minted at a wrong time is tried again, once.
        """
        with self._quiet.sending(self._stopping) as free:
            if not free:
                return None
            answer = self._signed(method, path, headers, body)
            before = self._clock.offsets()[0], self._clock.collector_difference_seconds() or 0.0
            self._learn(answer)
            after = self._clock.offsets()[0], self._clock.collector_difference_seconds() or 0.0
            moved = abs(sum(after) - sum(before)) > CLOCK_TOLERANCE_SECONDS
            if answer.status == HTTPStatus.UNAUTHORIZED and moved:
                answer = self._signed(method, path, headers, body)
        self._see(reachable=True)
        return answer

    def _signed(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> Answer:
        token = tokens.mint(self._identity.key, self._identity.probe, self._clock.collector_now())
        try:
            answer = self._client.request(
                method, path, {**headers, "Authorization": f"Bearer {token}"}, body
            )
        except CollectorError:
            self.counts.request("none")
            raise
        self.counts.request(str(answer.status))
        return answer

    def _learn(self, answer: Answer) -> None:
        """Let the clock learn from answers that look like the collector's, not a portal's."""
        known = answer.status == HTTPStatus.NOT_MODIFIED or answer.content_type in _OWN_TYPES
        if known and self._client.learn(answer):
            log.warning("the clock was corrected by the collector's Date: %s", self._clock.now())
            self._listener.clock_corrected()

    def _wait(self, answer: Answer) -> float:
        """Return the pause that an answer asks for which is not about single records."""
        if answer.status == HTTPStatus.FORBIDDEN:
            self.state = replace(self.state, revoked=True)
            return self._fail(f"this probe is refused: {answer.explain()}", REVOKED_SECONDS)
        asked = answer.retry_after_seconds
        if answer.status in _LATER and asked is not None:
            pause = min(
                max(asked, self._settings.retry_minimum_seconds), RETRY_AFTER_MAXIMUM_SECONDS
            )
            return self._fail(
                answer.explain(), pause * (1 + RETRY_AFTER_JITTER * self._random_ratio())
            )
        return self._fail(answer.explain())

    def _fail(self, problem: str, pause: float | None = None) -> float:
        """Note what is in the way; return ``pause``, or the back-off's next."""
        if pause is None:
            shortest = self._settings.retry_minimum_seconds
            longest = min(
                self._settings.retry_maximum_seconds, shortest * 2 ** min(self._failures + 1, 30)
            )
            pause = max(shortest, longest * self._random_ratio())
        # Once for a spell of failures in the journal: it may last for days.
        log.log(
            logging.DEBUG if self.state.problem else logging.WARNING,
            "delivery waits %.0f s: %s",
            pause,
            problem,
        )
        self._failures += 1
        self.state = replace(self.state, problem=problem[:500])
        return pause

    def _see(self, *, reachable: bool) -> None:
        if self.state.reachable is not reachable:
            self.state = replace(self.state, reachable=reachable, since=self._clock.now())
