"""Each flag's rule: raised by what it is for, and not by a clean test."""

import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from probe.engine import Counts, Profile
from probe.flags import RULES, SPEED_RULES, Evidence, flags_of
from probe.flags.any_task import LOSS_SIGNIFICANCE, surplus_probability
from probe.transfer.latency import summarise
from protocol.conditions import (
    Ceiling,
    Conditions,
    DeviceState,
    During,
    InterfaceState,
    Snapshot,
    WindowTraffic,
)
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.records import ClockState
from protocol.results import (
    FailureReport,
    Latency,
    LatencySummary,
    Neighbour,
    ServerIdentity,
    Speed,
    SpeedLatency,
    StreamReport,
    TcpInfo,
    Transfer,
)

MEGABYTE = 1_000_000
HEADERS = 66 / 1448
"""Of a full IPv4 segment: Ethernet, IP, TCP with timestamps, as a counter sees them."""


def clock(source: str = "kernel") -> ClockState:
    """Return a clock that somebody vouches for, or not."""
    return ClockState.model_validate(
        {
            "synchronised": source == "kernel",
            "offset_seconds": None,
            "source": source,
            "boot_id": "b",
            "monotonic_seconds": 1,
        }
    )


def interface(**changes: Any) -> InterfaceState:
    """Return a wired gigabit interface with its counters."""
    fields: dict[str, Any] = dict.fromkeys(InterfaceState.model_fields)
    fields |= {"name": "eth0", "kind": "wired", "up": True, "speed_bits_per_second": 10**9}
    fields |= {"duplex": "full", "received_bytes": 10**9, "sent_bytes": 10**9}
    fields |= {"received_errors": 7, "sent_errors": 0}
    return InterfaceState.model_validate(fields | changes)


def moment(**changes: Any) -> Snapshot:
    """Return clean conditions at one moment."""
    device: dict[str, Any] = dict.fromkeys(DeviceState.model_fields)
    device |= {name: changes.pop(name) for name in ("undervoltage", "throttled") if name in changes}
    fields = {
        "monotonic_seconds": 1.0,
        "interface": interface(),
        "wifi": None,
        "device": DeviceState.model_validate(device),
        "gateway": "192.0.2.1",
        "local_address": "192.0.2.9",
        "public_address": "203.0.113.9",
        "clock_synchronised": True,
    }
    return Snapshot.model_validate(fields | changes)


def window(*, upload: bool = False, **changes: Any) -> WindowTraffic:
    """Return 10 s at 80 Mbit/s: full segments one way, acknowledgements the other."""
    along, against = round(100e6 * (1 + HEADERS)), round(100e6 * 0.023)
    received, sent = (against, along) if upload else (along, against)
    fields = {
        "duration_seconds": 10.0,
        "interface_received_bytes": received,
        "interface_sent_bytes": sent,
        "router_received_bytes": received,
        "router_sent_bytes": sent,
        "test_bytes": 100 * MEGABYTE,
        "segment_bytes": 1448,
        "acknowledgements": 34_530,
    }
    return WindowTraffic.model_validate(fields | changes)


def during(**changes: Any) -> During:
    """Return what a clean test of 100 MB in each window leaves."""
    fields = {
        "duration_seconds": 30.0,
        "process_cpu_ratio": 0.2,
        "machine_cpu_ratio": 0.2,
        "busiest_core_ratio": 0.5,
        "temperature_maximum_celsius": 50.0,
        "interface_received_bytes": round(143 * MEGABYTE),
        "interface_sent_bytes": round(143 * MEGABYTE),
        "test_received_bytes": 133 * MEGABYTE,
        "test_sent_bytes": 133 * MEGABYTE,
        "busiest_thread_ratio": 0.5,
        "cpu_frequency_minimum_ratio": 1.0,
        "heat_limit_reached": False,
        "download": window(),
        "upload": window(upload=True),
    }
    return During.model_validate(fields | changes)


def conditions(**changes: Any) -> Conditions:
    """Return the conditions of a clean test on a certified device."""
    fields: dict[str, Any] = {
        "model": None,
        "cores": 4,
        "before": moment(),
        "during": during(),
        "after": moment(),
    }
    fields |= {"by_carrier": True, "ceiling": ceiling(500e6, 500e6)}
    return Conditions.model_validate(fields | changes)


def ceiling(download: float, upload: float) -> Ceiling:
    """Return what a device is certified for."""
    return Ceiling(
        download_bits_per_second=round(download),
        upload_bits_per_second=round(upload),
        certified_at=datetime(2026, 11, 1, tzinfo=UTC),
        interface="eth0",
    )


def stream(**tcp: float) -> StreamReport:
    """Return a stream whose sender was never held back, unless told otherwise."""
    fields = {"busy_seconds": 13.0, "receiver_limited_seconds": 0.2, "sender_limited_seconds": 0.1}
    told = TcpInfo.model_validate(fields | tcp)
    return StreamReport(bytes=1, probe_tcp=told, server_tcp=told)


def transfer(bits_per_second: float = 80e6, **changes: Any) -> Transfer:
    """Return a direction of full length."""
    fields = {
        "bits_per_second": bits_per_second,
        "bytes": 1,
        "duration_seconds": 10,
        "warm_up_seconds": 3,
        "total_bytes": 1,
        "counted_by": "receiver",
        "stream_count": 4,
        "streams": [stream() for _ in range(4)],
        "samples": (),
        "server": None,
    }
    return Transfer.model_validate(fields | changes)


def server(**changes: Any) -> ServerIdentity:
    """Return our own server, alone with this test on a link that has room."""
    fields = dict.fromkeys(ServerIdentity.model_fields) | {
        "url": "http://server",
        "tests_running": 1,
        "cpu_ratio": 0.1,
        "link_bits_per_second": 10**9,
        "link_sent_ratio": 0.1,
        "link_received_ratio": 0.1,
    }
    return ServerIdentity.model_validate(fields | changes)


def speed(bits_per_second: float = 80e6, **changes: Any) -> Speed:
    """Return a test with the same rate both ways."""
    fields = {
        "download": transfer(bits_per_second),
        "upload": transfer(bits_per_second),
        "latency": SpeedLatency(idle=None, download=None, upload=None),
        "server": server(),
        "ip_version": 4,
    }
    return Speed.model_validate(fields | changes)


def answered(load: str, way_seconds: float, server_seconds: float) -> SpeedLatency:
    """Return round trips of which the server says that so much more was its own."""
    summary = summarise([way_seconds], 1, [server_seconds], [server_seconds])
    return SpeedLatency.model_validate(
        {"idle": None, "download": None, "upload": None, load: summary}
    )


def latency(lost: int = 0, lost_beside: int | None = None) -> Latency:
    """Return a minute of packets, with a neighbour's beside where its losses are told."""
    trips: dict[str, Any] = dict.fromkeys(LatencySummary.model_fields)
    trips |= {"sent": 240, "received": 240 - lost, "round_trips_seconds": ()}
    beside = None if lost_beside is None else 240 - lost_beside
    return Latency(
        server=server(),
        ip_version=4,
        interval_seconds=0.25,
        packet_bytes=44,
        round_trip=LatencySummary.model_validate(trips),
        delay_variation_p95_seconds=None,
        lost_ratio=lost / 240,
        duplicates=0,
        reordered=0,
        neighbour=None
        if beside is None
        else Neighbour(name="near", address="192.0.2.7", sent=240, received=beside),
    )


def judged(
    section: Any = None,
    source: str = "kernel",
    demanded: float | None = 10.0,
    profile: Profile = "full",
    counts: tuple[Counts, ...] = (Counts("upload", 10.0, 100 * MEGABYTE, 100 * MEGABYTE),),
    **changed: Any,
) -> frozenset[Flag]:
    """Return the flags of a speed test that is clean but for the changes."""
    section = speed() if section is None else section
    found = conditions(**changed)
    return flags_of(Evidence(clock(source), found, section, demanded, profile, counts))


def test_a_clean_test_has_no_flag() -> None:
    """Nothing is raised where clock, device, interface, path and far end are as they should be."""
    assert judged() == frozenset()
    assert judged(latency(lost=3, lost_beside=2)) == frozenset()


def test_what_is_not_known_raises_nothing() -> None:
    """A plain server, a silent board, a device without certificate: no flag for any of it."""
    plain = dict.fromkeys(ServerIdentity.model_fields) | {"url": "http://server"}
    unknown = {name: None for name in During.model_fields if name != "duration_seconds"}
    bare = transfer(streams=[StreamReport(bytes=1, probe_tcp=None, server_tcp=None)])
    blind = speed(server=plain, download=bare, upload=bare, ip_version=None)
    told = {"name": "eth0", "kind": "unknown", "up": True}
    silent = InterfaceState.model_validate(dict.fromkeys(InterfaceState.model_fields) | told)
    assert (
        judged(
            blind,
            demanded=None,
            before=moment(interface=silent),
            during=during(**unknown),
            after=None,
            ceiling=None,
            by_carrier=None,
        )
        == frozenset()
    )


WIFI = moment(interface=interface(kind="wifi"))
HALF = moment(interface=interface(duplex="half"))
LOST = FailureReport(code=Failure.CONNECTION_LOST, detail="gone")
QUIET_LINK = {"link_sent_ratio": None, "link_received_ratio": None}


STAGED: list[tuple[Flag, Callable[[], frozenset[Flag]]]] = [
    (Flag.CLOCK_UNSYNCHRONISED, lambda: judged(source="none")),
    (Flag.WIFI, lambda: judged(before=WIFI, after=WIFI)),
    # 4 % more than the download explains, in its window.
    (
        Flag.CROSS_TRAFFIC,
        lambda: judged(during=during(download=window(interface_received_bytes=108_600_000))),
    ),
    # Somebody uploads while this test does.
    (
        Flag.CROSS_TRAFFIC,
        lambda: judged(during=during(upload=window(upload=True, interface_sent_bytes=108_600_000))),
    ),
    # Somebody uploads while this test downloads: its acknowledgements have to queue.
    (
        Flag.CROSS_TRAFFIC,
        lambda: judged(during=during(download=window(interface_sent_bytes=8_000_000))),
    ),
    # Somebody downloads while this test uploads.
    (
        Flag.CROSS_TRAFFIC,
        lambda: judged(
            during=during(upload=window(upload=True, interface_received_bytes=8_000_000))
        ),
    ),
    # An engine without windows: the whole test.
    (
        Flag.CROSS_TRAFFIC,
        lambda: judged(
            during=during(download=None, upload=None, interface_received_bytes=160 * MEGABYTE)
        ),
    ),
    (
        Flag.ROUTER_TRAFFIC,
        lambda: judged(during=during(download=window(router_received_bytes=112_000_000))),
    ),
    (Flag.DEVICE_CPU, lambda: judged(during=during(busiest_core_ratio=0.95))),
    (Flag.DEVICE_CPU, lambda: judged(during=during(busiest_thread_ratio=0.95))),
    (Flag.DEVICE_POWER, lambda: judged(after=moment(undervoltage=True))),
    (Flag.DEVICE_POWER, lambda: judged(before=moment(throttled=True))),
    (Flag.DEVICE_HEAT, lambda: judged(during=during(heat_limit_reached=True))),
    (Flag.DEVICE_HEAT, lambda: judged(during=during(cpu_frequency_minimum_ratio=0.6))),
    (Flag.INTERFACE_SPEED, lambda: judged(speed(900e6), ceiling=None)),
    (Flag.HALF_DUPLEX, lambda: judged(before=HALF, after=HALF)),
    (
        Flag.INTERFACE_ERRORS,
        lambda: judged(after=moment(interface=interface(received_errors=9))),
    ),
    (
        Flag.INTERFACE_ERRORS,
        lambda: judged(after=moment(interface=interface(sent_errors=20, sent_bytes=2 * 10**9))),
    ),
    (Flag.CERTIFIED_CEILING, lambda: judged(ceiling=ceiling(79e6, 500e6))),
    (Flag.CERTIFIED_CEILING, lambda: judged(ceiling=ceiling(500e6, 79e6))),
    (Flag.PATH_CHANGED, lambda: judged(after=moment(gateway="192.0.2.2"))),
    (Flag.PATH_CHANGED, lambda: judged(after=moment(gateway=None))),
    (Flag.PATH_CHANGED, lambda: judged(after=moment(interface=None))),
    (
        Flag.PATH_CHANGED,
        lambda: judged(after=moment(interface=interface(speed_bits_per_second=10**8))),
    ),
    (Flag.OTHER_CARRIER, lambda: judged(by_carrier=False)),
    (Flag.OTHER_CARRIER, lambda: judged(latency(), by_carrier=False)),
    (Flag.SERVER_LIMITED, lambda: judged(speed(server=server(cpu_ratio=0.95)))),
    (Flag.SERVER_LIMITED, lambda: judged(speed(server=server(link_sent_ratio=0.95)))),
    (Flag.SERVER_LIMITED, lambda: judged(speed(server=server(link_received_ratio=0.95)))),
    (
        Flag.SERVER_LIMITED,
        lambda: judged(speed(server=server(**QUIET_LINK, tests_running=2))),
    ),
    (
        Flag.RECEIVER_LIMITED,
        lambda: judged(
            speed(download=transfer(streams=[stream(receiver_limited_seconds=3.0)] * 4))
        ),
    ),
    (
        Flag.SENDER_LIMITED,
        lambda: judged(speed(upload=transfer(streams=[stream(sender_limited_seconds=3.0)] * 4))),
    ),
    (Flag.TOO_SHORT, lambda: judged(speed(upload=transfer(duration_seconds=9.0)))),
    (
        Flag.TOO_SHORT,
        lambda: judged(speed(upload=transfer(samples=[(0, 0), (4.0, 1), (5.6, 2), (13.5, 3)]))),
    ),
    (Flag.SERVER_LOSS, lambda: judged(latency(lost=12, lost_beside=1))),
    (Flag.SERVER_LIMITED, lambda: judged(speed(server=server(program_core_ratio=0.95)))),
    # Of 20 ms that the probe waited the server says that 6 were its own.
    (Flag.SERVER_LIMITED, lambda: judged(speed(latency=answered("idle", 0.014, 0.006)))),
    (Flag.SERVER_LIMITED, lambda: judged(speed(latency=answered("upload", 0.014, 0.006)))),
    (Flag.PATH_CHANGED, lambda: judged(after=moment(local_address="192.0.2.10"))),
    (Flag.PATH_CHANGED, lambda: judged(after=moment(public_address="203.0.113.10"))),
    (Flag.EARLY_STOPPED, lambda: judged(demanded=None, profile="quick")),
    (
        Flag.STREAM_LOST,
        lambda: judged(
            speed(upload=transfer(streams=[stream(), stream().model_copy(update={"lost": LOST})]))
        ),
    ),
    (
        Flag.COUNTS_DISAGREE,
        lambda: judged(counts=(Counts("upload", 10.0, 100 * MEGABYTE, 97 * MEGABYTE),)),
    ),
]


@pytest.mark.parametrize("flag,raise_it", STAGED)
def test_each_flag_is_raised_alone_by_its_own_cause(
    flag: Flag, raise_it: Callable[[], frozenset[Flag]]
) -> None:
    """One thing wrong raises one flag."""
    assert raise_it() == {flag}


def test_every_rule_is_among_them() -> None:
    """No rule is without its cause here, and no flag has two rules."""
    assert {flag for flag, _ in STAGED} == RULES.keys() | SPEED_RULES.keys()
    assert not RULES.keys() & SPEED_RULES.keys()


def test_a_line_that_stands_still_is_not_a_device_that_does() -> None:
    """Samples that show no byte for seconds were taken all the same; a pause of the device outside
    of the window is none of the number.
    """
    stalled = [(each / 10, 10**6) for each in range(136)]
    assert judged(speed(download=transfer(samples=stalled))) == frozenset()
    late = [(0.0, 0), *((2.9 + each / 10, each) for each in range(106)), (16.0, 10**6)]
    assert judged(speed(download=transfer(samples=late))) == frozenset()


@pytest.mark.parametrize("way_seconds,server_seconds", [(0.001, 0.0049), (0.093, 0.007)])
def test_a_server_may_take_some_time_of_its_own(way_seconds: float, server_seconds: float) -> None:
    """Below 5 ms, or a tenth of what the probe waited, its own time is nothing to look at."""
    latency = answered("download", way_seconds, server_seconds)
    assert judged(speed(latency=latency)) == frozenset()


def test_a_server_hides_no_queue_by_its_word_on_some_answers() -> None:
    """What it says of just under half of its answers counts as much as it lowers the median."""
    waited = [0.1 + number / 1000 for number in range(50)]
    inside = [0.09 if number % 2 and number < 49 else 0.0 for number in range(50)]
    trips = [whole - own for whole, own in zip(waited, inside, strict=True)]
    summary = summarise(trips, 50, inside, inside)
    assert summary.median_seconds is not None
    assert summary.server_seconds is not None
    whole = statistics.median(waited)
    assert summary.median_seconds + summary.server_seconds == pytest.approx(whole)
    latency = SpeedLatency(idle=None, download=summary, upload=None)
    assert judged(speed(latency=latency)) == {Flag.SERVER_LIMITED}


@pytest.mark.parametrize(
    "way,server_share,raised",
    [
        ("upload", 1.019, False),
        ("upload", 1.021, True),
        ("upload", 0.979, True),
        ("download", 1.5, False),
        ("download", 0.979, True),
    ],
)
def test_two_percent_between_both_ends_is_too_much(
    way: Literal["download", "upload"], server_share: float, raised: bool
) -> None:
    """Either way for an upload; of a download only that more arrived than was sent."""
    counts = Counts(way, 10.0, 10**6, round(server_share * 10**6))
    assert (judged(counts=(counts,)) == {Flag.COUNTS_DISAGREE}) is raised


def test_a_samples_worth_is_no_disagreement() -> None:
    """Early in a test one sample is more than 2 %: it is allowed for."""
    assert judged(counts=(Counts("upload", 1.0, 10**6, 1_050_000),)) == frozenset()


def test_a_number_of_the_far_ends_last_word_is_not_too_short() -> None:
    """An upload whose server told its count half a second and more before the end lasted to its
    end: the samples show it.
    """
    samples = [(each / 10, each) for each in range(101)]
    upload = transfer(duration_seconds=9.4, warm_up_seconds=0, samples=samples)
    assert judged(speed(upload=upload)) == frozenset()
    cut = transfer(duration_seconds=9.4, warm_up_seconds=0, samples=samples[:95])
    assert judged(speed(upload=cut)) == {Flag.TOO_SHORT}


def test_an_address_that_only_one_end_of_a_test_tells_is_no_change() -> None:
    """A far end that no longer says what it sees, or never did, tells of no other path."""
    for unknown in ({"local_address": None}, {"public_address": None}):
        assert judged(before=moment(**unknown)) == frozenset()
        assert judged(after=moment(**unknown)) == frozenset()


def test_small_talk_beside_a_test_is_not_cross_traffic() -> None:
    """Traffic below the fixed threshold does not count, however slow the line."""
    quiet = window(
        test_bytes=MEGABYTE,
        interface_received_bytes=round(1.05 * MEGABYTE) + 70_000,
        interface_sent_bytes=60_000,
        router_received_bytes=None,
        router_sent_bytes=None,
    )
    assert judged(speed(1e6), during=during(download=quiet)) == frozenset()


@pytest.mark.parametrize(
    "ip_version,segment_bytes,header_bytes", [(4, 1448, 66), (6, 1428, 86), (4, 500, 66)]
)
@pytest.mark.parametrize("upload", [False, True])
def test_an_acknowledgement_of_each_segment_is_the_tests_own(
    ip_version: Literal[4, 6], segment_bytes: int, header_bytes: int, upload: bool
) -> None:
    """Acknowledgements go the other way than the payload, of a download as of an upload: one for
    every second segment, or after a loss one for each that lists three holes, is no other traffic.
    """
    segments = 100 * MEGABYTE // segment_bytes
    name = "upload" if upload else "download"
    for acknowledgements, each, beside, raised in (
        (segments // 2, header_bytes, 0, False),
        (segments, header_bytes + 28, 0, False),
        (segments // 2, header_bytes, 4 * MEGABYTE, True),
    ):
        along, against = 100 * MEGABYTE + segments * header_bytes, acknowledgements * each
        received, sent = (against, along) if upload else (along, against)
        busy = window(
            upload=upload,
            interface_received_bytes=received + (beside if upload else 0),
            interface_sent_bytes=sent + (0 if upload else beside),
            segment_bytes=segment_bytes,
            acknowledgements=acknowledgements,
            router_received_bytes=None,
            router_sent_bytes=None,
        )
        found = judged(speed(ip_version=ip_version), during=during(**{name: busy}))
        assert (found == {Flag.CROSS_TRAFFIC}) is raised


@pytest.mark.parametrize(
    "way,kilobits,raised",
    [("received", 60, False), ("received", 70, True), ("sent", 30, False), ("sent", 40, True)],
)
def test_on_a_slow_line_the_thresholds_are_the_fccs(way: str, kilobits: int, raised: bool) -> None:
    """Others' 64 kbit/s down and 32 up are what a test of 1 Mbit/s bears, more is too much."""
    # As the bounds have it: frames with a VLAN's tag, acknowledgements with all that they may list.
    carried = {"received": round(1.25e6 * (1 + 74 / 1448)), "sent": 432 * 102}
    carried[way] += kilobits * 1000 * 10 // 8
    slow = window(
        test_bytes=1_250_000,
        acknowledgements=432,
        interface_received_bytes=carried["received"],
        interface_sent_bytes=carried["sent"],
        router_received_bytes=None,
        router_sent_bytes=None,
    )
    assert (judged(speed(1e6), during=during(download=slow)) == {Flag.CROSS_TRAFFIC}) is raised


def test_short_segments_have_more_headers() -> None:
    """On a path of 500-byte segments headers are 13 %, and no cross traffic."""
    along = round(100e6 * (1 + 66 / 500))
    narrow = window(interface_received_bytes=along, router_received_bytes=along, segment_bytes=500)
    assert judged(during=during(download=narrow)) == frozenset()


def test_a_router_that_forwards_past_its_counter_says_nothing() -> None:
    """A counter that does not even show the test cannot show the others, whatever it shows."""
    blind = window(router_received_bytes=2 * MEGABYTE, router_sent_bytes=50 * MEGABYTE)
    assert judged(during=during(download=blind)) == frozenset()


def test_other_tests_on_a_server_with_room_are_no_limit() -> None:
    """Where the link's capacity is known, what counts is how full it was."""
    assert judged(speed(server=server(tests_running=9))) == frozenset()


def test_one_damaged_frame_is_no_bad_cable() -> None:
    """One error in a test, and a few in gigabytes, are within what Ethernet promises."""
    assert judged(after=moment(interface=interface(received_errors=8))) == frozenset()
    many = interface(received_errors=11, received_bytes=10**9 + 700 * MEGABYTE)
    assert judged(after=moment(interface=many)) == frozenset()


def test_a_light_task_is_not_judged_by_rules_of_speed() -> None:
    """A busy core or other traffic says nothing against a reach or latency record's presence."""
    busy = during(busiest_core_ratio=1.0, interface_received_bytes=10**12)
    assert judged(latency(), during=busy) == frozenset()


@pytest.mark.parametrize(
    "lost,lost_beside,raised",
    [(240, 0, True), (7, 0, True), (6, 0, False), (30, 20, False), (0, 240, False), (40, 12, True)],
)
def test_a_servers_own_loss_is_more_than_its_neighbours(
    lost: int, lost_beside: int, raised: bool
) -> None:
    """Seven lost against none are not chance, six may be; a bad neighbour excuses nobody."""
    assert (judged(latency(lost, lost_beside)) == {Flag.SERVER_LOSS}) is raised


def test_the_exact_test_is_fishers() -> None:
    """A table worked by hand: 3 of 4 lost against 1 of 4 has the chance (16 + 1) / 70."""
    assert surplus_probability(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert surplus_probability(0, 240, 9, 240) == pytest.approx(1.0)
    assert surplus_probability(7, 240, 0, 240) < LOSS_SIGNIFICANCE
