"""Measurements have the right of way over deliveries."""

import threading
import time

from probe.quiet import Quiet
from tests.probe.support import wait_until


def test_delivery_waits_for_all_measurements() -> None:
    """A delivery begins when the last measurement has ended."""
    quiet = Quiet()
    sent = threading.Event()

    def send() -> None:
        with quiet.sending(threading.Event()) as free:
            assert free
            sent.set()

    with quiet.measuring(), quiet.measuring():
        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(0.1)
        assert not sent.is_set()
    assert sent.wait(2)
    thread.join()


def test_delivery_goes_beside_light_measurements_after_its_longest_wait() -> None:
    """Where light measurements leave no pause, a request waits its longest time and then goes
    beside them; beside one that fills the line it does not, however long it has waited.
    """
    quiet = Quiet(longest_wait_seconds=0.3)
    with quiet.measuring(light=True):
        began = time.monotonic()
        with quiet.sending(threading.Event()) as free:
            assert free
        assert time.monotonic() - began >= 0.3
    sent, ended = threading.Event(), threading.Event()

    def send() -> None:
        with quiet.sending(threading.Event()) as free:
            assert free
            assert ended.is_set()
            sent.set()

    thread = threading.Thread(target=send)
    with quiet.measuring(light=True):
        with quiet.measuring():
            thread.start()
            # Longer than the longest wait, and than the pace at which the sender looks again.
            assert not sent.wait(1.5)
            ended.set()
        assert sent.wait(5)
    thread.join()


def test_deliveries_do_not_starve_under_the_densest_plan() -> None:
    """Sixteen paths whose latency tests overlap without a pause: requests go all the same, one for
    each longest wait.
    """
    quiet, stopping = Quiet(longest_wait_seconds=0.05), threading.Event()

    def measure(number: int) -> None:
        stopping.wait(number * 0.01)
        while not stopping.is_set():
            with quiet.measuring(0.1, light=True):
                stopping.wait(0.2)

    paths = [threading.Thread(target=measure, args=(number,)) for number in range(16)]
    for path in paths:
        path.start()
    try:
        assert wait_until(lambda: quiet._light == 16)
        for _ in range(3):
            with quiet.sending(threading.Event()) as free:
                assert free
    finally:
        stopping.set()
        for path in paths:
            path.join()


def test_measurement_waits_for_a_request_but_not_for_ever() -> None:
    """A measurement lets a request under way end, and starts anyway when it takes too long."""
    quiet = Quiet()
    release = threading.Event()

    def send() -> None:
        with quiet.sending(threading.Event()):
            release.wait(5)

    thread = threading.Thread(target=send)
    thread.start()
    assert wait_until(lambda: quiet._sending)
    began = time.monotonic()
    with quiet.measuring(0.2):
        assert 0.15 < time.monotonic() - began < 1
    threading.Timer(0.1, release.set).start()
    began = time.monotonic()
    with quiet.measuring(5):
        assert time.monotonic() - began < 2
    thread.join()


def test_stopping_ends_the_wait_with_no() -> None:
    """A delivery that is to stop does not begin."""
    quiet, stopping = Quiet(), threading.Event()
    stopping.set()
    with quiet.measuring(), quiet.sending(stopping) as free:
        assert not free
