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
