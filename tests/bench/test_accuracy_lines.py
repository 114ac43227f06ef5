"""What is true of a line: read out of logs that were written by hand."""

import json
from pathlib import Path

import pytest

from bench.accuracy_lines import (
    BUFFER_BYTES_AT_LEAST,
    KINDS,
    allowed,
    loaded_times,
    trips,
    true_latency,
    wire_rates,
)
from bench.emulated_line import EmulatedLine, Small
from bench.emulator import Shape
from bench.namespaces import Direction

RATE = 80e6
"""Of the logged line: a megabyte in a tenth of a second."""


def small(at: float, direction: Direction, seconds: float, client: int = 40000) -> Small:
    """Return a small packet of a connection to port 8080."""
    return Small(at, direction, (8080, client), seconds)


def asked(
    start: float, count: int, *, client: int = 40000, step: float = 1.0, answer: float = 0.003
) -> list[Small]:
    """Return requests that take 2 ms, one in every ``step`` seconds, and their answers."""
    packets = []
    for number in range(count):
        at = start + number * step
        packets.append(small(at, "upload", 0.002, client))
        packets.append(small(at + 0.003, "download", answer, client))
    return packets


def logged(folder: Path, packets: list[Small]) -> EmulatedLine:
    """Return a line whose log has a download from 20 s to 35 s and an upload from 40 s to 55 s."""
    line = EmulatedLine(Shape(RATE), Shape(RATE))
    line._log = folder / "truth.ndjson"
    delivered = [0, 0]
    lines: list[tuple[float, object]] = []
    for tenth in range(100, 600):
        at = tenth / 10
        delivered[0] += 1_000_000 if 20 < at <= 35 else 20_000
        delivered[1] += 900_000 if 40 < at <= 55 else 20_000
        ways = [{"delivered_bytes": way, "udp_in": 7} for way in delivered]
        lines.append((at, {"at": at, "ways": ways}))
    for packet in packets:
        way = 0 if packet.direction == "download" else 1
        words = {"way": way, "ports": packet.ports[:: 2 * way - 1], "seconds": packet.seconds}
        lines.append((packet.at, {"at": packet.at} | words))
    lines.sort(key=lambda pair: pair[0])
    half_written = '{"at": 60.0, "wa'
    line._log.write_text("\n".join([*(json.dumps(each) for _, each in lines), half_written]))
    return line


def test_truth_is_the_payload_that_frames_and_losses_leave() -> None:
    """A line lets its frames' share of payload through, less what it loses."""
    assert allowed(Shape(100e6), 4) == pytest.approx(95.641e6, rel=1e-5)
    assert allowed(Shape(100e6, loss_ratio=0.001), 6) == pytest.approx(94.320e6 * 0.999, rel=1e-5)


def test_kinds_are_the_same_both_ways_and_have_a_modems_buffer() -> None:
    """Half of the round trip is one way's delay; a buffer is never below some twenty frames."""
    shape = KINDS["far"].shape(100)
    assert shape.bits_per_second == 100e6
    assert shape.delay_seconds == 0.04
    assert shape.buffer_bytes == 1_250_000
    assert KINDS["near"].shape(5).buffer_bytes == BUFFER_BYTES_AT_LEAST


def test_a_trip_is_a_request_and_its_answer() -> None:
    """Both ways' times are added; the moment is the request's."""
    found = trips(asked(1.0, 8))
    assert [trip.at for trip in found] == [float(second) for second in range(1, 9)]
    assert [trip.seconds for trip in found] == pytest.approx([0.005] * 8)


def test_connections_are_not_mixed() -> None:
    """Requests in between on another connection do not take each other's answers."""
    other = [
        small(packet.at + 0.001, packet.direction, packet.seconds * 10, 40001)
        for packet in asked(1.0, 8)
    ]
    both = sorted([*asked(1.0, 8), *other], key=lambda packet: packet.at)
    seconds = [trip.seconds for trip in trips(both)]
    assert seconds == pytest.approx([0.005, 0.05] * 8)


def test_an_answer_belongs_to_the_last_request() -> None:
    """A request that was lost on the way is asked again, and an answer's second part is none."""
    packets = [small(0.5, "upload", 0.002), *asked(1.0, 8), small(9.0, "download", 0.9)]
    assert [trip.seconds for trip in trips(packets)] == pytest.approx([0.005] * 8)


def test_connections_with_few_answers_are_left_out() -> None:
    """Seven answers are those of another matter than the time; eight are enough."""
    assert trips(asked(1.0, 7)) == []
    assert len(trips([*asked(1.0, 7), *asked(1.0, 8, client=40001)])) == 8


def test_a_direction_is_loaded_above_half_of_its_rate(tmp_path: Path) -> None:
    """The load's beginning and end are read from the rates that the emulator delivered."""
    times = loaded_times(logged(tmp_path, []))
    assert times["download"] == pytest.approx((20.1, 35.0))
    assert times["upload"] == pytest.approx((40.1, 55.0))


def test_wire_rate_is_that_of_the_load_alone(tmp_path: Path) -> None:
    """What the bottleneck did before and after a direction's load does not count."""
    assert wire_rates(logged(tmp_path, [])) == {
        "download": pytest.approx(80e6),
        "upload": pytest.approx(72e6),
    }


def test_latency_is_told_for_each_phase(tmp_path: Path) -> None:
    """Idle is what was told; under load the last ten seconds count, not their very end."""
    packets = [small(at / 4, "upload", 0.001) for at in range(74, 240)]
    answers = []
    for packet in packets:
        if 25 <= packet.at < 34.5:
            own = 0.030
        elif 45 <= packet.at < 54.5:
            own = 0.050
        else:
            own = 9.0  # slow starts, the ends of loads, and what lies in between
        answers.append(small(packet.at + 0.001, "download", own))
    medians = true_latency(logged(tmp_path, packets + answers), 0.002)
    assert medians == {
        "idle": 0.002,
        "download": pytest.approx(0.031),
        "upload": pytest.approx(0.051),
    }


def test_a_short_load_takes_nothing_of_the_idle_line(tmp_path: Path) -> None:
    """Where the load lasted less than the window, round trips from before it stay out."""
    idle, loaded = asked(15.0, 16, step=0.25), asked(20.3, 8, step=0.5, answer=0.03)
    line = logged(tmp_path, idle + loaded)
    # As if the load had ended after five seconds, and the test with it.
    line._log.write_text(line._log.read_text().partition('{"at": 25.1,')[0])
    medians = true_latency(line, 0.002)
    assert medians == {"idle": 0.002, "download": pytest.approx(0.032)}


def test_nothing_is_said_of_a_phase_without_answers(tmp_path: Path) -> None:
    """A phase in which nobody asked has no latency, rather than zero."""
    assert true_latency(logged(tmp_path, asked(10.0, 9)), 0.002).keys() == {"idle"}


def test_what_was_logged_before_may_be_forgotten(tmp_path: Path) -> None:
    """Rates and small packets begin anew; the counts are the newest all the same."""
    line = logged(tmp_path, asked(10.0, 9))
    assert len(line.small_packets()) == 18
    line.forget()
    assert line.small_packets() == []
    assert line.rates_seen("download") == []
    assert line.counts()["upload"]["udp_in"] == 7
