"""The one classifier: turns errors of names, sockets and TLS into codes of the closed list.

Everything that touches the network catches `ERRORS` and raises what `classify` returns; above
that line nobody sees an `OSError`.
"""

import errno
import socket
import ssl
from typing import Final, Literal

from probe.engine import MeasurementError
from protocol.failures import Failure

Doing = Literal["resolve", "connect", "tls", "talk"]
"""What was going on: the same error means different things while connecting and while talking."""

ERRORS: Final = (OSError, ValueError, MemoryError)
"""What names, sockets and TLS raise. `ssl.SSLError`, `TimeoutError` and `socket.gaierror` are
kinds of `OSError`; a certificate's wrong name is a kind of `ValueError`; a host name that IDNA
cannot write is a `UnicodeError`, a kind of `ValueError`."""

_NO_ADDRESS_CODES = frozenset(
    getattr(socket, name)
    for name in ("EAI_ADDRFAMILY", "EAI_NODATA", "EAI_FAMILY")
    if hasattr(socket, name)
)
"""The name exists, but not in the address family asked for."""

_BY_ERRNO: dict[int, Failure] = {
    errno.ECONNREFUSED: Failure.REFUSED,
    errno.ENETUNREACH: Failure.NO_ROUTE,
    errno.EHOSTUNREACH: Failure.NO_ROUTE,
    errno.EADDRNOTAVAIL: Failure.NO_ROUTE,
    errno.EAFNOSUPPORT: Failure.NO_ROUTE,
    errno.ENODEV: Failure.INTERFACE_MISSING,
    errno.ENXIO: Failure.INTERFACE_MISSING,
    errno.ENETDOWN: Failure.INTERFACE_MISSING,
    errno.ECONNRESET: Failure.CONNECTION_LOST,
    errno.ECONNABORTED: Failure.CONNECTION_LOST,
    errno.EPIPE: Failure.CONNECTION_LOST,
    errno.ENETRESET: Failure.CONNECTION_LOST,
    errno.EMFILE: Failure.LOCAL_RESOURCE,
    errno.ENFILE: Failure.LOCAL_RESOURCE,
    errno.ENOMEM: Failure.LOCAL_RESOURCE,
    errno.ENOBUFS: Failure.LOCAL_RESOURCE,
    errno.ENOSPC: Failure.LOCAL_RESOURCE,
    errno.EACCES: Failure.LOCAL_RESOURCE,
    errno.EPERM: Failure.LOCAL_RESOURCE,
}

_TLS_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The peer went away under TLS; in mid-transfer that is a lost connection, not a TLS fault."""

_WAITED = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""The socket's own timeout ended a wait, in its four disguises."""


def classify(error: BaseException, doing: Doing, where: str) -> MeasurementError:
    """Return ``error`` as a failure of the closed list.

    Args:
        error: what was caught.
        doing: what was going on.
        where: the far end for people, for example ``speed.example:8080``.
    """
    if isinstance(error, MeasurementError):
        return error
    code = _code(error, doing)
    return MeasurementError(code, f"{_SENTENCES[doing].format(where=where)}: {_words(error)}")


_SENTENCES: dict[Doing, str] = {
    "resolve": "cannot resolve {where}",
    "connect": "cannot connect to {where}",
    "tls": "no TLS with {where}",
    "talk": "the exchange with {where} broke",
}


def _code(error: BaseException, doing: Doing) -> Failure:
    if doing == "resolve" and isinstance(error, OSError | ValueError):
        return Failure.NO_ADDRESS if _is_other_family(error) else Failure.NAME_RESOLUTION
    if isinstance(error, MemoryError):
        return Failure.LOCAL_RESOURCE
    if not isinstance(error, OSError):
        return Failure.INTERNAL
    if isinstance(error, _WAITED) or error.errno == errno.ETIMEDOUT:
        return _timeout(error, doing)
    if isinstance(error, ssl.SSLError):
        ended = doing == "talk" and isinstance(error, _TLS_ENDED)
        return Failure.CONNECTION_LOST if ended else Failure.TLS
    code = _BY_ERRNO.get(error.errno or 0, Failure.INTERNAL)
    # Whatever breaks a handshake from outside breaks TLS; a lack of the device stays its own.
    return Failure.TLS if doing == "tls" and code is not Failure.LOCAL_RESOURCE else code


def _is_other_family(error: Exception) -> bool:
    return isinstance(error, socket.gaierror) and error.errno in _NO_ADDRESS_CODES


def _timeout(error: OSError, doing: Doing) -> Failure:
    if doing != "talk":
        return Failure.CONNECT_TIMEOUT if doing == "connect" else Failure.TLS
    # ETIMEDOUT from the kernel: an established connection whose packets are answered no more.
    return Failure.CONNECTION_LOST if error.errno == errno.ETIMEDOUT else Failure.STALLED


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "verify_message", str(error))
        return f"the certificate is not trusted ({reason})"
    if getattr(error, "reason", None) == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS on this port: is it an http:// server?"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
