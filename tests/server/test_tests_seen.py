"""What is remembered of each test, and for how long."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.results import TcpInfo
from server.link import Fill
from server.tests_seen import Direction, TestsSeen, TooManyTests

TEST = "0" * 32
OTHER = "1" * 32


class _Seen(TestsSeen):
    """Tests seen by a clock that the test sets, and the totals they passed on."""

    def __init__(self, maximum: int = 100, maximum_link_ratio: float = 2.0) -> None:
        self.now = 100.0
        self.totals = {"download": 0, "upload": 0}
        self.tests_begun = 0
        super().__init__(maximum, self._add, self._count, lambda: self.now, maximum_link_ratio)

    def _add(self, direction: Direction, count: int) -> None:
        self.totals[direction] += count

    def _count(self) -> None:
        self.tests_begun += 1


def _move_a_byte(seen: _Seen, test: str, address: str = "10.0.0.1") -> None:
    with seen.transfer(test, 0, "upload", address) as counting:
        counting.add(1, seen.now)


def test_streams_share_one_axis_of_time() -> None:
    """Samples count seconds from the first byte of the direction, not of their stream."""
    seen = _Seen()
    with (
        seen.transfer(TEST, 0, "upload", "::1") as first,
        seen.transfer(TEST, 1, "upload", "::1") as second,
    ):
        first.add(10, 100.0)
        second.add(20, 100.5)
        first.add(30, 101.0)
    report = seen.report(TEST)
    assert report
    assert [stream.samples for stream in report.streams] == [((0.0, 10), (1.0, 40)), ((0.5, 20),)]
    assert [stream.duration_seconds for stream in report.streams] == [1.0, 0.0]


def test_directions_are_apart() -> None:
    """The same stream number in the other direction is another stream with its own beginning."""
    seen = _Seen()
    with seen.transfer(TEST, 0, "download", "::1") as counting:
        counting.add(5, 100.0)
    with seen.transfer(TEST, 0, "upload", "::1") as counting:
        counting.add(7, 120.0)
    report = seen.report(TEST)
    assert report
    assert [(one.direction, one.bytes, one.samples) for one in report.streams] == [
        ("download", 5, ((0.0, 5),)),
        ("upload", 7, ((0.0, 7),)),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 10**6), st.floats(0.001, 0.5)),
        min_size=1,
        max_size=200,
    )
)
def test_every_byte_is_counted_once(moves: list[tuple[int, int, float]]) -> None:
    """The streams' bytes, their last samples and the server's total are all what was moved."""
    seen = _Seen()
    streams = [seen.transfer(TEST, number, "upload", "::1") for number in range(4)]
    countings = [stream.__enter__() for stream in streams]
    now, moved = 100.0, [0] * 4
    for number, count, pause in moves:
        now += pause
        moved[number] += count
        countings[number].add(count, now)
    for stream in streams:
        stream.__exit__(None, None, None)
    report = seen.report(TEST)
    assert report
    assert {one.stream: one.bytes for one in report.streams} == {
        number: count for number, count in enumerate(moved) if count
    }
    assert all(one.samples[-1][1] == one.bytes for one in report.streams)
    assert all(list(one.samples) == sorted(one.samples) for one in report.streams)
    assert seen.totals == {"download": 0, "upload": sum(moved)}


def test_samples_are_100_ms_apart() -> None:
    """A fast stream is sampled ten times a second, and once more at its end."""
    seen = _Seen()
    with seen.transfer(TEST, 0, "download", "::1") as counting:
        samples = [counting.add(1, 100.0 + step / 1000) for step in range(1001)]
    report = seen.report(TEST)
    assert report
    assert sum(samples) == 10 or sum(samples) == 11
    assert report.streams[0].samples[-1] == (1.0, 1001)


def test_two_requests_of_a_stream_add_up() -> None:
    """A stream may be several requests, one after the other or at once from several threads."""
    seen = _Seen()

    def move() -> None:
        with seen.transfer(TEST, 0, "upload", "::1") as counting:
            for _ in range(10_000):
                counting.add(3, 100.0)

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = seen.report(TEST)
    assert report
    assert report.streams[0].bytes == 120_000


def test_kernel_view_is_kept() -> None:
    """The kernel's last word on a stream stays, also when later it says nothing."""
    seen = _Seen()
    with seen.transfer(TEST, 0, "download", "::1") as counting:
        counting.add(1, 100.0)
        counting.note(TcpInfo(retransmitted_bytes=7))
        counting.note(None)
    report = seen.report(TEST)
    assert report
    assert report.streams[0].tcp == TcpInfo(retransmitted_bytes=7)


def test_knows_nothing_of_others() -> None:
    """A test that was never seen has no report; a client without an id leaves none."""
    seen = _Seen()
    with seen.transfer(None, 0, "download", "10.0.0.1") as counting:
        counting.add(3, 100.0)
        assert seen.running() == 1
    assert seen.report(TEST) is None
    assert seen.totals["download"] == 3
    assert seen.tests_begun == 0


def test_load_is_noted_for_running_tests_only() -> None:
    """A test's report tells the most tests and the highest load while it ran, not after."""
    seen = _Seen()
    with seen.transfer(TEST, 0, "download", "::1") as counting:
        counting.add(1, 100.0)
        seen.observe(0.4, Fill(0.9, 0.1))
        with seen.transfer(OTHER, 0, "download", "::1"):
            seen.observe(0.9, Fill(0.2, 0.3))
        seen.observe(0.1)
    seen.now += 5
    seen.observe(1.0, Fill(1.0, 1.0))
    report = seen.report(TEST)
    assert report
    assert (report.tests_running_maximum, report.cpu_ratio_maximum) == (2, 0.9)
    assert (report.link_sent_ratio_maximum, report.link_received_ratio_maximum) == (0.9, 0.3)


def test_a_full_link_takes_no_further_test() -> None:
    """While the link is fuller than it may be, one way or the other, a new test is refused; the one
    that runs goes on, and once there is room the next one is taken.
    """
    seen = _Seen(maximum_link_ratio=0.9)
    with seen.transfer(TEST, 0, "upload", "10.0.0.1") as counting:
        counting.add(1, seen.now)
        seen.observe(None, Fill(0.1, 0.95))
        with pytest.raises(TooManyTests):
            _move_a_byte(seen, OTHER)
        _move_a_byte(seen, TEST)
        seen.observe(None, Fill(0.9, 0.1))
        _move_a_byte(seen, OTHER)
        seen.observe(None, Fill(0.95, 0.1))
        seen.observe(None)
        _move_a_byte(seen, "2" * 32)


def test_a_pause_between_directions_is_part_of_the_test() -> None:
    """A test still counts as running for a moment after its last transfer."""
    seen = _Seen(maximum=1)
    _move_a_byte(seen, TEST)
    seen.now += 1
    assert seen.running() == 1
    with pytest.raises(TooManyTests), seen.transfer(OTHER, 0, "download", "::1"):
        pytest.fail("a second test was let in")
    with seen.transfer(TEST, 0, "upload", "::1"):
        assert seen.running() == 1
    seen.now += 3
    assert seen.running() == 0


def test_a_test_without_a_byte_is_over_with_its_transfer() -> None:
    """A transfer that moved nothing takes no place afterwards, and leaves no report."""
    seen = _Seen(maximum=1)
    with seen.transfer(TEST, 0, "upload", "10.0.0.1"):
        assert seen.running() == 1
    assert seen.running() == 0
    assert seen.report(TEST) is None
    with seen.transfer(OTHER, 0, "download", "10.0.0.2"):
        assert seen.running() == 1


def test_an_empty_transfer_takes_nothing_from_a_test() -> None:
    """A test that has moved bytes keeps its report, and its pause, after a transfer without any."""
    seen = _Seen()
    _move_a_byte(seen, TEST)
    for seconds in (1, 10):
        seen.now += seconds
        with seen.transfer(TEST, 1, "upload", "10.0.0.1"):
            pass
        assert seen.report(TEST)
        assert seen.running() == (1 if seconds == 1 else 0)


@pytest.mark.parametrize("maximum,share", [(1, 1), (2, 1), (9, 4), (128, 64), (10_000, 128)])
def test_one_address_cannot_take_all_tests(maximum: int, share: int) -> None:
    """An address with endless new ids gets half of the tests; another one still gets its own."""
    seen = _Seen(maximum)
    for number in range(1, share + 1):
        _move_a_byte(seen, f"{number:032x}", f"2001:db8::{number:x}")
    with pytest.raises(TooManyTests):
        _move_a_byte(seen, TEST, "2001:db8::1")
    if maximum > 1:
        _move_a_byte(seen, OTHER, "2001:db8:0:1::1")
    seen.now += 3
    _move_a_byte(seen, TEST, "2001:db8::1")


def test_a_running_test_goes_on_when_its_address_has_its_share() -> None:
    """What is limited is new tests: one that runs may open further streams."""
    seen = _Seen(maximum=2)
    with seen.transfer(TEST, 0, "download", "10.0.0.1"):
        with pytest.raises(TooManyTests), seen.transfer(OTHER, 0, "download", "10.0.0.1"):
            pytest.fail("a test too many was let in")
        with seen.transfer(TEST, 1, "download", "10.0.0.1"):
            assert seen.running() == 1


def test_no_address_has_the_tests_of_others_forgotten() -> None:
    """With more tests than are kept, those of the address that has the most of them give way."""
    seen = _Seen(maximum=10_000)
    _move_a_byte(seen, TEST, "10.0.0.1")
    for number in range(1, 300):
        seen.now += 1
        _move_a_byte(seen, f"{number:032x}", "10.0.0.2")
    assert seen.report(TEST)
    assert seen.report(f"{299:032x}")
    assert seen.report(f"{1:032x}") is None


def test_forgets_old_tests() -> None:
    """A test is forgotten ten minutes after its last byte, and not before."""
    seen = _Seen()
    _move_a_byte(seen, TEST)
    seen.now += 599
    seen.observe(None)
    assert seen.report(TEST)
    seen.now += 2
    seen.observe(None)
    assert seen.report(TEST) is None


def test_memory_is_bounded_in_tests() -> None:
    """With more tests than are kept, the one that ended longest ago gives way."""
    seen = _Seen(maximum=10_000)
    for number in range(300):
        seen.now += 3
        _move_a_byte(seen, f"{number:032x}")
    kept = [number for number in range(300) if seen.report(f"{number:032x}")]
    assert kept == list(range(44, 300))


def test_running_tests_are_never_forgotten_for_new_ones() -> None:
    """If all that are kept still run, a further one is refused."""
    seen = _Seen(maximum=10_000)
    open_transfers = [
        seen.transfer(f"{number:032x}", 0, "upload", f"10.0.0.{number % 2}")
        for number in range(256)
    ]
    for transfer in open_transfers:
        transfer.__enter__()
    with pytest.raises(TooManyTests), seen.transfer("f" * 32, 0, "upload", "10.0.0.3"):
        pytest.fail("a test too many was let in")
    for transfer in open_transfers:
        transfer.__exit__(None, None, None)


def test_memory_is_bounded_in_streams_and_samples() -> None:
    """A test has at most 64 streams and 16,384 samples; its bytes are counted all the same."""
    seen = _Seen()
    for number in range(64):
        with seen.transfer(TEST, number, "upload", "::1") as counting:
            for step in range(300):
                counting.add(1, 100.0 + step)
    with pytest.raises(TooManyTests), seen.transfer(TEST, 64, "upload", "::1"):
        pytest.fail("a stream too many was let in")
    report = seen.report(TEST)
    assert report
    assert sum(len(stream.samples) for stream in report.streams) == 16_384
    assert sum(stream.bytes for stream in report.streams) == 64 * 300
