"""The uplink: whatever the collector answers, nothing is lost, doubled or out of order."""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probe.client import CollectorClient, Deadlines
from probe.clock import Clock
from probe.identity import Identity
from probe.quiet import Quiet
from probe.settings import UplinkSettings
from probe.spool import Spool
from probe.spool_rows import Entry, Worth
from probe.uplink import HELD_SECONDS, REVOKED_SECONDS, Listener, Uplink
from protocol.chain import follow
from protocol.messages import Instruction
from protocol.records import Task
from tests.probe.fault_collector import (
    FaultCollector,
    Reply,
    Request,
    fault_collector,
    ingested,
    problem,
)

KEY = Ed25519PrivateKey.generate()
SLOT = datetime(2026, 11, 21, tzinfo=UTC)
TEN_YEARS = timedelta(days=3652)
SETTINGS = UplinkSettings(
    deliver_seconds=0.05, retry_minimum_seconds=2, retry_maximum_seconds=900, connect_seconds=2
)


class Bench:
    """A spool, an uplink with full jitter (always the longest pause) and a collector to spoil."""

    def __init__(self, directory: Path, collector: FaultCollector) -> None:
        self.collector = collector
        self.wall_shift = 0.0
        self.clock = Clock(wall=lambda: time.time() + self.wall_shift, kernel=lambda: None)
        self.spool = Spool(directory, "probe-1", 64 * 1024 * 1024, self.clock.now)
        self.quiet = Quiet()
        self.instructions: list[tuple[Instruction, str | None]] = []
        self.corrections: list[datetime] = []
        client = CollectorClient(
            collector.url, self.clock, None, Deadlines(connect_seconds=2, request_seconds=0.5)
        )
        self.uplink = Uplink(
            identity=Identity("probe-1", "site", collector.url, KEY),
            client=client,
            spool=self.spool,
            clock=self.clock,
            quiet=self.quiet,
            settings=SETTINGS,
            listener=Listener(
                lambda instruction, etag: self.instructions.append((instruction, etag)),
                lambda: self.corrections.append(self.clock.now()),
            ),
            random_ratio=lambda: 1.0,
        )

    def fill(self, count: int, size: int = 100) -> None:
        """Put records into the spool."""

        def build(chain: str, seq: int, prev: str) -> bytes:
            content = {"probe": "probe-1", "chain": chain, "seq": seq, "prev": prev}
            return json.dumps({**content, "padding": "x" * size}).encode()

        entry = Entry(build, Task.REACH, "p", SLOT, Worth.REACH, planned=True, trusted=True)
        self.spool.append([entry] * count)

    def delivered(self) -> list[int]:
        """Return the seqs that the collector has, in the order in which it got them."""
        return [seq for _, seq in self.collector.order]

    def waiting(self) -> int:
        """Return how many records wait."""
        return self.spool.fill().records


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench whose collector is running."""
    with fault_collector(KEY).running() as collector:
        made = Bench(tmp_path, collector)
        yield made
        made.uplink.stop(2)
        made.spool.close()


def test_records_arrive_in_order_and_leave_the_spool(bench: Bench) -> None:
    """Everything is delivered oldest first, sealed and checked, then gone from the spool."""
    bench.fill(2500)
    assert bench.uplink.turn() == SETTINGS.deliver_seconds
    assert bench.delivered() == list(range(2500))
    assert bench.waiting() == 0
    assert [len(r.body.splitlines()) - 1 for r in bench.collector.posts()] == [1000, 1000, 500]
    assert bench.uplink.counts.stored == bench.spool.counts.acknowledged == 2500
    state = bench.uplink.state
    assert (state.reachable, state.problem, state.revoked) == (True, None, False)
    assert state.delivered_at is not None


def lose_answer(bench: Bench) -> None:
    """Let the collector store the next batch and break the connection before it answers."""

    def fault(request: Request, connection: socket.socket) -> Reply | None:
        bench.collector._store(request)
        connection.shutdown(socket.SHUT_RDWR)
        return None

    # Twice: a kept connection that breaks is tried again at once.
    bench.collector.faults += [fault]


def test_lost_answer_makes_duplicates_not_losses(bench: Bench) -> None:
    """A batch whose answer was lost is sent again; the collector counts it as duplicate."""
    bench.fill(10)
    bench.collector.instruction = Reply(200, b"", headers={"Connection": "close"})
    lose_answer(bench)
    assert bench.uplink.turn() >= 2
    assert bench.waiting() == 10
    bench.uplink.turn()
    assert bench.delivered() == list(range(10))
    assert bench.waiting() == 0
    assert bench.uplink.counts.duplicate == 10


@pytest.mark.parametrize("shift", [TEN_YEARS, -TEN_YEARS, timedelta(minutes=10)])
def test_wrong_clock_corrects_itself_and_delivers(bench: Bench, shift: timedelta) -> None:
    """With a clock ten years or ten minutes off, the 401's Date corrects it and the retry, at once
    and only one, delivers.
    """
    bench.wall_shift = shift.total_seconds()
    bench.fill(5)
    bench.uplink.turn()
    assert bench.delivered() == [0, 1, 2, 3, 4]
    assert bench.uplink.counts.requests["401"] == 1
    assert abs((bench.clock.now() - datetime.now(UTC)).total_seconds()) < 5
    assert len(bench.corrections) == 1
    assert bench.clock.state().source == "collector"


def test_refused_token_is_not_tried_for_ever(bench: Bench) -> None:
    """A 401 that is not about the time leads to a back-off, not to a loop."""
    bench.fill(1)
    bench.collector.faults = [problem(401, "unknown probe")] * 5
    assert bench.uplink.turn() == 4
    assert len(bench.collector.posts()) == 1
    assert "unknown probe" in str(bench.uplink.state.problem)


def test_revoked_key_is_said_and_asked_slowly(bench: Bench) -> None:
    """A 403 is said in the state, and the next try is an hour away."""
    bench.fill(1)
    bench.collector.faults = [problem(403, "revoked", detail="ask the operator")]
    assert bench.uplink.turn() == REVOKED_SECONDS
    revoked = bench.uplink.state
    assert revoked.revoked
    assert "ask the operator" in str(revoked.problem)
    bench.uplink.turn()
    assert bench.uplink.state.revoked is False
    assert bench.waiting() == 0


def test_told_to_wait_waits_with_jitter(bench: Bench) -> None:
    """503 and 429 with Retry-After are heeded, spread over a quarter, within an hour."""
    bench.fill(1)
    bench.collector.faults = [
        Reply(503, headers={"Retry-After": "100"}),
        Reply(429, headers={"Retry-After": "99999"}),
        Reply(503),
    ]
    assert bench.uplink.turn() == 125
    assert bench.uplink.turn() == 3600 * 1.25
    assert bench.uplink.turn() == 2 * 2**3
    assert bench.uplink.turn() == SETTINGS.deliver_seconds


def test_back_off_grows_to_its_limit_and_starts_anew(tmp_path: Path) -> None:
    """Without a collector the pauses double up to a quarter of an hour; one success ends that."""
    collector = fault_collector(KEY)
    bench = Bench(tmp_path, collector)
    bench.fill(1)
    with collector.running():
        bench.uplink.turn()
    assert bench.waiting() == 0
    bench.fill(1)
    pauses = [bench.uplink.turn() for _ in range(11)]
    assert pauses == [4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert bench.uplink.state.reachable is False
    assert "Connection refused" in str(bench.uplink.state.problem)
    bench.uplink.stop(1)
    bench.spool.close()


def test_hanging_collector_ends_at_the_deadline(bench: Bench) -> None:
    """A collector that takes the batch and says nothing costs the deadline, and no record."""
    bench.fill(3)
    release = threading.Event()

    def hang(request: Request, connection: socket.socket) -> Reply | None:
        del request, connection
        release.wait(5)
        return None

    bench.collector.faults = [hang]
    began = time.monotonic()
    assert bench.uplink.turn() == 4
    assert time.monotonic() - began < 2
    release.set()
    assert bench.waiting() == 3
    bench.uplink.turn()
    assert bench.delivered() == [0, 1, 2]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>Please log in</html>", "text/html"),
        Reply(200, b'{"stored": 3}'),
        Reply(302, b"", "text/html", {"Location": "http://portal.example/"}),
        Reply(500, b"oops", "text/plain"),
        Reply(404, b"", "text/plain"),
        ingested(0, 0, 0),
        ingested(7, 0, 0),
    ],
)
def test_garbage_answer_acknowledges_nothing(bench: Bench, reply: Reply) -> None:
    """A portal's page, a broken yes, or a yes to other records: nothing leaves the spool."""
    bench.fill(3)
    bench.collector.faults = [reply]
    assert bench.uplink.turn() == 4
    assert bench.waiting() == 3
    bench.uplink.turn()
    assert bench.delivered() == [0, 1, 2]


def test_portal_does_not_set_the_clock(bench: Bench) -> None:
    """A page that is not the collector's may say any date: the clock does not learn from it."""
    bench.fill(1)
    far = datetime.now(UTC) + TEN_YEARS
    bench.collector.faults = [Reply(200, b"<html>", "text/html", date=far)]
    bench.uplink.turn()
    assert abs((bench.clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_collector_restored_from_a_copy_gets_the_rest_with_a_named_gap(bench: Bench) -> None:
    """When the collector lost records that the probe no longer has, the rest is delivered with the
    gap named, and everything after it normally.
    """
    bench.fill(10)
    bench.uplink.turn()
    for seq in range(4, 10):
        del bench.collector.lines[bench.spool.chain(), seq]
    bench.fill(5)
    bench.uplink.turn()
    assert bench.waiting() == 0
    assert [seq for _, seq in bench.collector.gaps] == [10]
    bench.fill(5)
    bench.uplink.turn()
    assert bench.waiting() == 0
    assert len(bench.collector.gaps) == 1
    assert "linewatch-gap" not in bench.collector.posts()[-1].headers


def test_refused_record_is_found_and_holds_only_its_chain(bench: Bench) -> None:
    """422 and 413 halve the batch until the refused record is alone; what is before it arrives,
    its chain waits, and new records go on in a new chain.
    """
    bench.fill(20)
    old = bench.spool.chain()

    def refuse_record_13(request: Request, connection: socket.socket) -> Reply | None:
        del connection
        seqs = [link.seq for link in follow(request.body.splitlines()[:-1])]
        bench.collector.faults.append(refuse_record_13)
        if 13 in seqs and f'"{old}"'.encode() in request.body:
            return problem(422 if len(seqs) > 5 else 413, "bad record", line=13)
        return bench.collector._store(request)

    bench.collector.faults = [refuse_record_13]
    assert bench.uplink.turn() == SETTINGS.deliver_seconds
    assert bench.delivered() == list(range(13))
    assert bench.uplink.state.held_chains == (old,)
    assert "record 13" in str(bench.uplink.state.held_problem)
    bench.fill(3)
    bench.uplink.turn()
    new = bench.spool.chain()
    assert new != old
    assert bench.collector.order[-3:] == [(new, 0), (new, 1), (new, 2)]
    assert bench.waiting() == 7
    bench.collector.faults = []
    bench.uplink._held = dict.fromkeys(bench.uplink._held, time.monotonic() - 1)
    bench.uplink.turn()
    assert bench.waiting() == 0
    assert [seq for name, seq in bench.collector.order if name == old] == list(range(20))
    assert HELD_SECONDS >= 600


def test_collector_may_ask_for_a_new_chain(bench: Bench) -> None:
    """After `start_new_chain` the next record begins a new chain, once."""
    bench.fill(4)
    old = bench.spool.chain()
    bench.collector.faults = [ingested(4, 0, 4, start_new_chain=True)]
    bench.uplink.turn()
    assert bench.waiting() == 0
    new = bench.spool.chain()
    assert new != old
    bench.fill(2)
    bench.uplink.turn()
    assert bench.collector.order == [(new, 0), (new, 1)]


def test_nothing_is_sent_while_a_measurement_runs(bench: Bench) -> None:
    """A measurement holds deliveries back, also between the batches of a backlog, and is not kept
    waiting by them; afterwards the backlog goes on.
    """
    bench.fill(3000)
    bench.uplink.start()
    end = time.monotonic() + 5
    while not bench.collector.posts() and time.monotonic() < end:
        time.sleep(0.001)
    with bench.quiet.measuring():
        arrived = len(bench.collector.requests)
        assert 0 < len(bench.collector.posts()) < 4
        time.sleep(0.4)
        assert len(bench.collector.requests) == arrived
    while bench.waiting() and time.monotonic() < end:
        time.sleep(0.01)
    assert bench.delivered() == list(range(3000))


def test_stop_does_not_wait_for_a_measurement(bench: Bench) -> None:
    """Asked to stop, the uplink ends although a measurement holds it back."""
    bench.fill(1)
    with bench.quiet.measuring():
        bench.uplink.start()
        time.sleep(0.1)
        began = time.monotonic()
        bench.uplink.stop(5)
        assert time.monotonic() - began < 2


def test_backlog_is_delivered_in_order_while_records_are_added(bench: Bench) -> None:
    """A backlog of many batches arrives in order while new records are added: none lost, none
    double. What a week without the collector does to a whole agent is an integration test.
    """
    backlog = 2000
    bench.fill(backlog, size=600)
    bench.uplink.start()
    for _ in range(20):
        bench.fill(3)
        time.sleep(0.01)
    end = time.monotonic() + 10
    while bench.waiting() and time.monotonic() < end:
        time.sleep(0.02)
    assert bench.delivered() == list(range(backlog + 60))


def instruction(**changes: object) -> bytes:
    """Return an instruction's body."""
    content = {"schema": 1, "probe": "probe-1", "servers": [], "paths": [], **changes}
    return json.dumps(content).encode()


def test_instruction_is_asked_for_once_and_kept_by_etag(bench: Bench) -> None:
    """The first turn asks and hands on what it gets; the next question carries the ETag."""
    bench.collector.instruction = Reply(200, instruction(), headers={"ETag": '"v1"'})
    bench.uplink.turn()
    bench.uplink.turn()
    assert [(i.probe, etag) for i, etag in bench.instructions] == [("probe-1", '"v1"')]
    assert len(bench.collector.requests) == 1
    bench.uplink._ask_at = 0
    bench.collector.instruction = Reply(304)
    bench.uplink.turn()
    assert bench.collector.requests[-1].headers["if-none-match"] == '"v1"'
    assert len(bench.instructions) == 1
    assert bench.uplink.state.instruction_problem is None


@pytest.mark.parametrize(
    "body, reason",
    [
        (instruction(probe="other"), "for probe other"),
        (instruction(timezone="Mars/Olympus"), "Mars/Olympus"),
        (instruction(surprise=1), "surprise"),
        (b"<html>", "not a Instruction"),
    ],
)
def test_bad_instruction_is_refused_and_delivery_goes_on(
    bench: Bench, body: bytes, reason: str
) -> None:
    """An instruction that cannot be followed is not handed on, the state says why, and records
    are delivered all the same.
    """
    bench.collector.instruction = Reply(200, body)
    bench.fill(2)
    assert bench.uplink.turn() == SETTINGS.deliver_seconds
    assert bench.instructions == []
    assert reason in str(bench.uplink.state.instruction_problem)
    assert bench.waiting() == 0


def test_a_spell_of_failures_is_in_the_journal_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Its beginning with the reason, and its end: not every try of days."""
    bench.fill(1)
    bench.collector.faults = [problem(503, "too busy")] * 3
    for _ in range(5):
        bench.uplink.turn()
    assert bench.waiting() == 0
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 2
    assert "delivery waits" in said[0]
    assert said[1] == "delivery works again"
