"""What a person sees of a measurement."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from probe.commands.show import measuring, milliseconds, show
from probe.conditions.watch import conditions, snapshot
from probe.engine import Progress, Section
from probe.measurement import Taken
from probe.transfer.latency import summarise
from probe.words import FAILURES, FLAGS
from protocol.conditions import InterfaceState
from protocol.failures import MEANINGS as FAILURE_MEANINGS
from protocol.failures import Failure
from protocol.flags import MEANINGS as FLAG_MEANINGS
from protocol.flags import Flag
from protocol.records import ClockState, Method, Outcome, Task
from protocol.results import (
    FailureReport,
    Ipv6Readiness,
    Latency,
    Reach,
    ReachTarget,
    ServerCandidate,
    ServerChoice,
    ServerIdentity,
    Speed,
    SpeedLatency,
    Transfer,
)

SERVER = ServerIdentity(
    url="http://speed.example",
    address="192.0.2.1",
    name="hp-1",
    software=None,
    tests_running=1,
    cpu_ratio=0.1,
)


def shown(section: Section | None, **changes: Any) -> str:
    """Return what is printed of a measurement."""
    values: dict[str, Any] = {
        "started_at": datetime(2026, 11, 21, 4, 0, tzinfo=UTC),
        "clock": ClockState(
            synchronised=True,
            offset_seconds=0.0,
            source="kernel",
            boot_id=None,
            monotonic_seconds=1.0,
        ),
        "method": Method(name="http", version="1", profile="full"),
        "outcome": Outcome.MEASURED,
        "failure": None,
        "flags": (),
        "conditions": None,
        "section": section,
        "task": Task.SPEED,
        "received_bytes": 0,
        "sent_bytes": 0,
    }
    console = Console(file=io.StringIO(), width=120)
    show(console, Taken(**(values | changes)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def transfer(bits_per_second: float) -> Transfer:
    """Return a direction."""
    return Transfer(
        bits_per_second=bits_per_second,
        bytes=int(bits_per_second * 10 / 8),
        duration_seconds=10.0,
        warm_up_seconds=3.0,
        total_bytes=150_000_000,
        counted_by="receiver",
        stream_count=4,
        streams=(),
        samples=(),
        server=None,
    )


def test_a_chosen_server_is_shown_with_what_it_was_chosen_from() -> None:
    """People see which servers were asked, how near the nearest are, and why others do not count;
    what a server is called cannot steer their terminal.
    """

    def asked(name: str, median: float | None, code: Failure | None = None) -> ServerCandidate:
        failure = None if code is None else FailureReport(code=code, detail="x")
        return ServerCandidate(
            name=name,
            url="http://a",
            first_seconds=median,
            median_seconds=median,
            failure=failure,
        )

    choice = ServerChoice(
        rule="r",
        listed=3,
        candidates=(
            asked("near", 0.0123),
            asked("far", None),
            asked("d\x1bad", None, Failure.REFUSED),
        ),
    )
    server = SERVER.model_copy(update={"choice": choice, "network": "VNIX"})
    section = Speed(
        download=transfer(1e8),
        upload=transfer(1e8),
        latency=SpeedLatency(idle=None, download=None, upload=None),
        server=server,
        ip_version=4,
        program="iperf 3.12",
    )
    text = shown(section)
    assert "hp-1 http://speed.example (VNIX)" in text
    assert "near 12,30 ms" in text
    assert "far " not in text
    assert "✗ d\N{REPLACEMENT CHARACTER}ad: " in text
    assert "iperf 3.12" in text


def test_a_speed_test_shows_rates_and_latency() -> None:
    """Both rates, the three latencies, the server, the data used and the profile."""
    latency = SpeedLatency(
        idle=summarise([0.0123, 0.0123], 2), download=summarise([0.0456], 1), upload=None
    )
    section = Speed(
        download=transfer(94_123_456),
        upload=transfer(1_234_567_890),
        latency=latency,
        server=SERVER,
        ip_version=4,
    )
    text = shown(section)
    for expected in (
        "94,12 Mbit/s",
        "1\N{NO-BREAK SPACE}235 Mbit/s",
        "12,30 ms",
        "45,60 ms",
        "hp-1 http://speed.example",
        "IPv4 · 192.0.2.1",
        "300,0 MB",
        "đầy đủ · full",
        "Tải xuống · Download",
    ):
        assert expected in text


def measured() -> Speed:
    """Return the section of a speed test that is whole."""
    latency = SpeedLatency(idle=None, download=None, upload=None)
    return Speed(
        download=transfer(26e9),
        upload=transfer(26e9),
        latency=latency,
        server=SERVER,
        ip_version=4,
    )


@pytest.mark.parametrize("flag", Flag)
def test_a_flag_is_shown_with_its_code_and_both_sentences(flag: Flag) -> None:
    """The word flag and the code are what the technician's page names; Vietnamese comes first."""
    text = shown(measured(), flags=(flag,))
    assert "Cờ · Flags" in text
    places = [text.index(part) for part in (flag.value, FLAGS[flag][:30], FLAG_MEANINGS[flag][:30])]
    assert places == sorted(places)


def test_no_flag_is_said_where_something_was_measured_and_only_there() -> None:
    """A clean test says that no flag was raised; one that measured nothing has no such row."""
    assert "không · none" in shown(measured())
    report = FailureReport(code=Failure.REFUSED, detail="closed")
    text = shown(None, outcome=Outcome.FAILED, failure=report, flags=(Flag.CLOCK_UNSYNCHRONISED,))
    assert "Cờ" not in text
    assert Flag.CLOCK_UNSYNCHRONISED.value not in text
    assert text.index(FAILURES[Failure.REFUSED]) < text.index(FAILURE_MEANINGS[Failure.REFUSED])


def test_the_profile_of_a_speed_test_is_shown() -> None:
    """A quick test is not taken for evidence: the table says which one it was."""
    quick = Method(name="http", version="1", profile="quick")
    assert "nhanh · quick" in shown(measured(), method=quick)


def test_fast_lines_are_shown_in_larger_units() -> None:
    """From 10,000 Mbit/s on a rate is in Gbit/s, and from 1,000 MB on data is in GB."""
    moved = transfer(26e9).model_copy(update={"total_bytes": 47_336_500_000})
    text = shown(measured().model_copy(update={"download": moved, "upload": moved}))
    assert "26,0 Gbit/s" in text
    assert "94,7 GB" in text


def test_what_was_not_measured_is_a_dash_not_a_zero() -> None:
    """A direction that failed shows a dash, with the failure's meaning and detail below."""
    latency = SpeedLatency(idle=None, download=None, upload=None)
    section = Speed(download=None, upload=None, latency=latency, server=SERVER, ip_version=4)
    report = FailureReport(code=Failure.STALLED, detail="no byte moved")
    text = shown(section, outcome=Outcome.FAILED, failure=report)
    assert "–" in text
    assert "no byte moved" in text
    assert "0,00 Mbit/s" not in text


def test_text_from_outside_is_shown_as_it_is() -> None:
    """A detail with square brackets is not taken for markup."""
    report = FailureReport(code=Failure.NOT_A_SERVER, detail="http://[::1]/ [red]said[/nonsense]")
    text = shown(None, outcome=Outcome.FAILED, failure=report)
    assert "http://[::1]/ [red]said[/nonsense]" in text


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    """An escape sequence in a detail is made visible."""
    report = FailureReport(code=Failure.NOT_A_SERVER, detail="a\x1b[2Jb")
    assert "\x1b" not in shown(None, outcome=Outcome.FAILED, failure=report)


def test_latency_and_reach_have_their_tables() -> None:
    """A STAMP run shows loss; reach shows each target with its time or its reason, and one that
    has no address of the family as not applicable.
    """
    latency = Latency(
        server=SERVER,
        ip_version=4,
        interval_seconds=0.25,
        packet_bytes=44,
        round_trip=summarise([0.010, 0.020], 4),
        delay_variation_p95_seconds=0.01,
        lost_ratio=0.5,
        duplicates=0,
        reordered=0,
    )
    assert "50,0 %" in shown(latency, task=Task.LATENCY)
    reach = Reach(
        targets=(
            ReachTarget(
                name="gateway",
                target="192.0.2.1",
                ip_version=4,
                reached=True,
                round_trip_seconds=0.001,
                failure=None,
            ),
            ReachTarget(
                name="server",
                target="http://127.0.0.1:8080",
                ip_version=6,
                reached=False,
                round_trip_seconds=None,
                failure=FailureReport(code=Failure.NO_ADDRESS, detail="it is no IPv6 address"),
            ),
            ReachTarget(
                name="ipv6",
                target="http://x",
                ip_version=None,
                reached=False,
                round_trip_seconds=None,
                failure=FailureReport(code=Failure.NO_ROUTE, detail="Network is unreachable"),
            ),
        ),
        ipv6=Ipv6Readiness(
            has_address=False,
            has_route=None,
            resolves=None,
            far_end=None,
            answers=None,
            failure=None,
            ipv4=None,
            ipv6=None,
            slower=None,
        ),
    )
    text = shown(reach, task=Task.REACH)
    for expected in (
        "Bộ định tuyến · Gateway",
        "1,00 ms · 192.0.2.1",
        "Máy chủ đo, IPv6 · Server, IPv6",
        "không áp dụng · not applicable · http://127.0.0.1:8080",
        "Nơi khác, IPv6 · Elsewhere, IPv6",
        f"✗ {FAILURES[Failure.NO_ROUTE]}",
        "Network is unreachable",
        "chưa sẵn sàng: không có địa chỉ IPv6 công cộng",
        "not ready: no",
    ):
        assert expected in text
    assert text.count("✗") == 1


def test_no_time_is_a_dash() -> None:
    """A duration that is not there is no zero."""
    assert milliseconds(None) == "–"


def test_progress_follows_the_phases() -> None:
    """Each phase has its bar; an earlier one is full when a later one runs; the rate is shown."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with measuring(console) as report:
        report(Progress("connect", 0.0))
        report(Progress("download", 0.5, 94e6))
        report(Progress("download", 1.0, 95e6))
        report(Progress("finish", 1.0))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "Tải xuống · Download" in text
    assert "95,00 Mbit/s" in text
    assert text.count("100 %") >= 3


@pytest.mark.parametrize(
    "speed, duplex, said",
    [
        (1_000_000_000, "full", "eth0 · wired · 1\N{NO-BREAK SPACE}000 Mbit/s · full duplex"),
        (100_000_000, "half", "eth0 · wired · 100,0 Mbit/s · half duplex"),
        (None, None, "eth0 · wired"),
    ],
)
def test_the_interface_is_shown_as_a_bad_cable_shows_in_it(
    speed: int | None, duplex: str | None, said: str
) -> None:
    """Name, kind, speed and duplex, as far as they are known."""
    interface: dict[str, Any] = dict.fromkeys(InterfaceState.model_fields)
    interface |= {"name": "eth0", "kind": "wired", "up": True}
    interface |= {"speed_bits_per_second": speed, "duplex": duplex}
    before = snapshot(None, clock_synchronised=True).model_copy(
        update={"interface": InterfaceState.model_validate(interface)}
    )
    printed = shown(None, conditions=conditions(before, None, None))
    assert said in printed
