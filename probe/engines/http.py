"""The engine `http`: download, upload and latency by plain HTTP.

The method, version 2:

1. Ask the server what it is, on a connection that stays open (`probe.transfer.backend`).
2. Idle latency: small requests on that connection, one every 100 ms.
3. Download, then upload: as many streams each as the line needs (`probe.transfer.ramp`). The
   warm-up is excluded; the measuring window is the same on all streams. Meanwhile a connection of
   its own carries small requests: latency under load, of the window only.
4. Ask our own server what it counted.
5. Ask on a new connection for the probe's addresses, as in 1: the rule of a changed path compares.
   A server that does not tell the public one still shows where connections leave from.

Download counts where it arrives, upload where it arrives too (our server) or by what the far end's
kernel acknowledged. Payload only, no factor added.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from probe.engine import (
    Addresses,
    Counts,
    MeasuredWindow,
    Measurement,
    MeasurementError,
    Order,
    Progress,
)
from probe.transfer import backend as backends
from probe.transfer.addresses import BothEnds, Witness
from probe.transfer.backend import Backend
from probe.transfer.choice import Pick, Picked, pick
from probe.transfer.dial import Dialer, Target
from probe.transfer.direction import APART_SECONDS, STALL_SECONDS, Plan, Run, run
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from probe.transfer.latency import LoadedPinger, measure_idle
from probe.transfer.own import OwnBytes
from probe.transfer.ramp import FIRST_STREAMS, MODEL_BASED, Fixed, Ramp, queued_ratio
from probe.transfer.result import count, measured_window
from probe.transfer.stream import Stream
from probe.transfer.streams import DownloadStream, UploadStream
from protocol.constants import (
    FULL_WINDOW_SECONDS,
    IDLE_LATENCY_INTERVAL_SECONDS,
    IDLE_LATENCY_REQUESTS,
    LOADED_LATENCY_INTERVAL_SECONDS,
    QUICK_WARM_UP_SECONDS,
    QUICK_WINDOW_SECONDS,
)
from protocol.messages import ServerTest
from protocol.results import LatencySummary, ServerIdentity, Speed, SpeedLatency, Transfer

TAIL_SECONDS = 0.5
"""How long an upload goes on after its window, so that the samples of our server cover it: it takes
one every 100 ms, and its time begins when it gets round to reading the first byte."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The course of a test.

    Attributes:
        ramp: how many streams a direction has, and when its warm-up is over.
        window_seconds: of each direction, at most where it may converge.
        may_converge: end a direction when its rate has converged.
        idle_requests: how many round trips before any load.
    """

    ramp: Ramp | Fixed
    window_seconds: float
    may_converge: bool = False
    idle_requests: int = IDLE_LATENCY_REQUESTS


FULL = Profile(Ramp(), FULL_WINDOW_SECONDS)
QUICK = Profile(
    Fixed(FIRST_STREAMS, QUICK_WARM_UP_SECONDS, MODEL_BASED),
    QUICK_WINDOW_SECONDS,
    may_converge=True,
)

Direction = Literal["download", "upload"]


@dataclass(frozen=True, slots=True)
class HttpEngine:
    """The engine; its lengths are settable for tests.

    Attributes:
        full, quick: the two profiles.
        stall_seconds: how long no byte may move.
        pick: says which server the test goes to.
    """

    full: Profile = FULL
    quick: Profile = QUICK
    stall_seconds: float = STALL_SECONDS
    pick: Pick = pick

    def measure(self, order: Order) -> Measurement:
        """Measure; see `probe.engine`. Ends by the order's deadline."""
        profile = self.full if order.profile == "full" else self.quick
        test = _Test(order, profile, self.stall_seconds, self.pick)
        failure = None
        try:
            test.run()
        except MeasurementError as error:
            failure = error.report
        finally:
            test.close()
        return Measurement(
            section=test.section(),
            failure=failure,
            first=test.first,
            local_address=test.last.local,
            public_address=test.last.public,
            asked_address=test.asked_address,
            received_bytes=test.received_bytes,
            sent_bytes=test.sent_bytes,
            windows=test.windows(),
            demanded_seconds=None if profile.may_converge else profile.window_seconds,
            counts=test.counts(),
        )


@dataclass(slots=True)
class _Test:
    """One test under way: what it has so far is there also when it fails."""

    order: Order
    profile: Profile
    stall_seconds: float
    pick: Pick
    first: Addresses = field(default_factory=Addresses)
    last: Addresses = field(default_factory=Addresses)
    asked_address: bool = False
    received_bytes: int = 0
    sent_bytes: int = 0
    _witness: Witness = field(init=False)
    _picked: Picked | None = None
    _clients: list[Client] = field(default_factory=list)
    _backend: Backend | None = None
    _dialer: Dialer | None = None
    _latency: dict[str, LatencySummary] = field(default_factory=dict)
    _runs: dict[Direction, Run] = field(default_factory=dict)
    _windows: list[MeasuredWindow] = field(default_factory=list)
    _seen: ServerTest | None = None

    def __post_init__(self) -> None:
        self._witness = Witness(self.order)

    def run(self) -> None:
        """Run the whole test.

        Raises:
            MeasurementError: it could not be finished; `section` has what there is.
        """
        report = self.order.progress
        report(Progress("connect", 0.0))
        order, guard = self.order, Guard.of(self.order)
        picked = self._picked = self.pick(order, guard)
        target = Target.of(picked.entry.url)
        dialer = self._dialer = Dialer(target, guard, order.interface, order.family)
        control = self._client(dialer)
        backend = self._backend = backends.find(control, picked.entry)
        ends = self._ends(dialer, control, backend)
        report(Progress("latency", 0.0))
        self._latency["idle"] = measure_idle(
            control,
            backend.empty,
            self.profile.idle_requests,
            IDLE_LATENCY_INTERVAL_SECONDS,
            lambda share: report(Progress("latency", share)),
        )
        self._direction("download", dialer, backend)
        guard.sleep(APART_SECONDS)
        self._direction("upload", dialer, backend)
        report(Progress("finish", 0.0))
        self._seen = backends.server_test(control, backend)
        ends.end()
        self.last = self._known(ends.last)
        report(Progress("finish", 1.0))

    def close(self) -> None:
        """Close the small requests' connections and add up what they moved."""
        for client in self._clients:
            client.close()
            self.received_bytes += client.received_bytes
            self.sent_bytes += client.sent_bytes
        self.received_bytes += self._witness.received_bytes
        self.sent_bytes += self._witness.sent_bytes

    def section(self) -> Speed | None:
        """Return what there is; None where no server was found."""
        backend, dialer, picked = self._backend, self._dialer, self._picked
        if backend is None or dialer is None or dialer.address is None or picked is None:
            return None
        family, place = dialer.address
        download, upload = self._transfer("download"), self._transfer("upload")
        return Speed(
            download=download,
            upload=upload,
            latency=SpeedLatency(
                idle=self._latency.get("idle"),
                download=self._latency.get("download"),
                upload=self._latency.get("upload"),
            ),
            server=picked.named(self._identity(backend, str(place[0]))),
            ip_version=6 if family.name == "AF_INET6" else 4,
        )

    def windows(self) -> tuple[MeasuredWindow, ...]:
        """Return the windows of the directions that ended."""
        return tuple(self._windows)

    def counts(self) -> tuple[Counts, ...]:
        """Return what both ends counted of the same time."""
        counted = (count(run, direction, self._seen) for direction, run in self._runs.items())
        return tuple(each.counts for each in counted if each.counts is not None)

    def _ends(self, dialer: Dialer, control: Client, backend: Backend) -> BothEnds:
        """Learn the probe's addresses at the beginning; return what asks at the end.

        Connections to the server itself show the local one, and that alone where it is silent.
        """
        seen = backends.public_address(control, backend)
        self.asked_address = True
        telling = backend if seen else None
        ends = BothEnds(lambda: self._addresses_anew(dialer, telling))
        ends.begin(Addresses(control.local_address, seen or self._witness.ask()))
        self.first, self.last = ends.first, self._known(ends.last)
        return ends

    def _known(self, told: Addresses) -> Addresses:
        """Return addresses with what the choosing of the server showed, where none told."""
        picked = self._picked.public_address if self._picked else None
        return Addresses(told.local, told.public or picked)

    def _addresses_anew(self, dialer: Dialer, telling: Backend | None) -> Addresses:
        """Return what a new connection to the server shows.

        The public address by the word of ``telling``, the server; None: by that of the witness.
        """
        asking = self._client(dialer)
        public = None
        # Whatever is wrong with this request does not undo the test.
        with contextlib.suppress(MeasurementError):
            asking.connect()
            public = backends.public_address_again(asking, telling) if telling else None
        asking.close()
        return Addresses(asking.local_address, public if telling else self._witness.ask())

    def _client(self, dialer: Dialer) -> Client:
        client = Client(dialer)
        self._clients.append(client)
        return client

    def _direction(self, direction: Direction, dialer: Dialer, backend: Backend) -> None:
        report = self.order.progress
        report(Progress(direction, 0.0))
        kind = DownloadStream if direction == "download" else UploadStream
        ours = backend.info is not None
        pinger = LoadedPinger(self._client(dialer), backend.empty, LOADED_LATENCY_INTERVAL_SECONDS)
        plan = Plan(
            self.profile.ramp,
            self.profile.window_seconds,
            tail_seconds=TAIL_SECONDS if direction == "upload" and ours else 0.0,
            may_converge=self.profile.may_converge,
            stall_seconds=self.stall_seconds,
            queued=self._queued(pinger),
        )
        own = OwnBytes()

        ramp = self.profile.ramp

        def new_stream(number: int) -> Stream:
            stream = kind(number, dialer, backend, ramp.congestion_control(number))
            own.watch(stream)
            return stream

        def note(share: float, rate: float) -> None:
            own.note()
            report(Progress(direction, share, rate))

        result = Run()
        try:
            pinger.start()
            run(
                new_stream,
                plan,
                dialer.guard,
                note,
                result,
            )
        finally:
            pinger.stop()
            if direction == "download":
                self.received_bytes += result.total_bytes
            else:
                self.sent_bytes += result.total_bytes
        self._runs[direction] = result
        self._windows.append(measured_window(result, direction, own))
        start = result.began_at + result.window.start
        self._latency[direction] = pinger.within(start, result.began_at + result.window.end)

    def _queued(self, pinger: LoadedPinger) -> Callable[[float, float], float]:
        """Return what tells how many round trips between two moments waited in a queue."""
        idle = self._latency["idle"].median_seconds or 0.0

        def queued(start: float, end: float) -> float:
            since = pinger.waiting_since()
            waiting = 0.0 if since is None else max(0.0, end - since)
            return queued_ratio(idle, pinger.answered_within(start, end), waiting)

        return queued

    def _transfer(self, direction: Direction) -> Transfer | None:
        done = self._runs.get(direction)
        if done is None:
            return None
        return count(done, direction, self._seen).transfer

    def _identity(self, backend: Backend, address: str) -> ServerIdentity:
        seen = self._seen
        identity = backend.identity(
            address,
            seen.tests_running_maximum if seen else None,
            seen.cpu_ratio_maximum if seen else None,
        )
        info = backend.info
        if info is None or seen is None:
            return identity
        link = {
            "link_bits_per_second": info.load.link_bits_per_second,
            "link_sent_ratio": seen.link_sent_ratio_maximum,
            "link_received_ratio": seen.link_received_ratio_maximum,
        }
        return identity.model_copy(update=link)
