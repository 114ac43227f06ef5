"""The classifier: one code for each way that names, sockets and TLS can fail."""

import errno
import os
import socket
import ssl

import pytest

from probe.engine import MeasurementError, Order
from probe.failure import Doing, classify
from probe.transfer.dial import Dialer
from probe.transfer.guard import Guard
from protocol.failures import Failure
from protocol.messages import ServerEntry
from tests.probe.far_end import plain_backend


def error(code: int) -> OSError:
    """Return an error of the system."""
    return OSError(code, os.strerror(code))


@pytest.mark.parametrize(
    "raised, doing, code",
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "resolve", Failure.NAME_RESOLUTION),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "resolve", Failure.NAME_RESOLUTION),
        (socket.gaierror(socket.EAI_ADDRFAMILY, "x"), "resolve", Failure.NO_ADDRESS),
        (UnicodeError("label too long"), "resolve", Failure.NAME_RESOLUTION),
        (TimeoutError("slow"), "resolve", Failure.NAME_RESOLUTION),
        (error(errno.ECONNREFUSED), "connect", Failure.REFUSED),
        (error(errno.ENETUNREACH), "connect", Failure.NO_ROUTE),
        (error(errno.EHOSTUNREACH), "connect", Failure.NO_ROUTE),
        (error(errno.EADDRNOTAVAIL), "connect", Failure.NO_ROUTE),
        (error(errno.ETIMEDOUT), "connect", Failure.CONNECT_TIMEOUT),
        (TimeoutError("timed out"), "connect", Failure.CONNECT_TIMEOUT),
        (error(errno.ENODEV), "connect", Failure.INTERFACE_MISSING),
        (error(errno.EMFILE), "connect", Failure.LOCAL_RESOURCE),
        (error(errno.EPERM), "connect", Failure.LOCAL_RESOURCE),
        (MemoryError(), "talk", Failure.LOCAL_RESOURCE),
        (ssl.SSLError(1, "wrong version number"), "tls", Failure.TLS),
        (ssl.SSLEOFError(8, "EOF"), "tls", Failure.TLS),
        (ssl.SSLCertVerificationError(1, "self-signed"), "tls", Failure.TLS),
        (error(errno.ECONNRESET), "tls", Failure.TLS),
        (TimeoutError("handshake"), "tls", Failure.TLS),
        (error(errno.ENOMEM), "tls", Failure.LOCAL_RESOURCE),
        (ssl.SSLEOFError(8, "EOF"), "talk", Failure.CONNECTION_LOST),
        (ssl.SSLError(1, "bad record mac"), "talk", Failure.TLS),
        (error(errno.ECONNRESET), "talk", Failure.CONNECTION_LOST),
        (error(errno.EPIPE), "talk", Failure.CONNECTION_LOST),
        (error(errno.ETIMEDOUT), "talk", Failure.CONNECTION_LOST),
        (TimeoutError("timed out"), "talk", Failure.STALLED),
        (BlockingIOError(errno.EAGAIN, "again"), "talk", Failure.STALLED),
        (ssl.SSLWantReadError(2, "want read"), "talk", Failure.STALLED),
        (error(errno.ENETDOWN), "talk", Failure.INTERFACE_MISSING),
        (error(errno.EDOM), "talk", Failure.INTERNAL),
        (ValueError("odd"), "talk", Failure.INTERNAL),
    ],
)
def test_each_error_has_its_code(raised: Exception, doing: Doing, code: Failure) -> None:
    """The same error means different things while resolving, connecting and talking."""
    classified = classify(raised, doing, "speed.example:8080")
    assert classified.report.code is code
    assert "speed.example:8080" in classified.report.detail


def test_tls_with_a_server_that_speaks_none_is_told() -> None:
    """An https:// address of an http server says so, not what the TLS library calls it."""
    with plain_backend() as url:
        far_end = ServerEntry(name="x", url=url.replace("http:", "https:"))
        order = Order(server=far_end)
        with pytest.raises(MeasurementError, match=r"does not speak TLS.*http:// server\?") as told:
            Dialer.of(order, Guard.of(order)).dial()
    assert told.value.report.code is Failure.TLS
    assert "WRONG_VERSION" not in told.value.report.detail


def test_what_is_classified_stays() -> None:
    """A failure that has its code already is handed through as it is."""
    known = MeasurementError(Failure.SERVER_BUSY, "full")
    assert classify(known, "connect", "x") is known


def test_the_detail_fits_the_record() -> None:
    """An error with a long text still makes a valid report."""
    assert len(classify(OSError("x" * 5000), "talk", "y").report.detail) <= 500
