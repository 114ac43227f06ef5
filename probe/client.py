"""HTTP to the collector: one request at a time, every one bounded in time and in size.

`http.client` and not a larger library: the deadline is on the whole exchange, not on each read, and
a probe at rest holds no more than one idle connection.

A device whose clock is years off cannot check a certificate's times. Where only the times do not
fit and nobody vouches for the device's clock, one request asks for the collector's Date with the
signature checked and the times not. From then on, as long as the device's own clock is wrong, the
times are checked against the corrected clock instead.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ValidationError

from probe.clock import Clock
from probe.errors import CertificateTimeError, CollectorError, NoAnswerError
from protocol.constants import INSTRUCTION_PATH, PROBLEM_CONTENT_TYPE
from protocol.messages import Problem

MAX_ANSWER_BYTES: Final = 1024 * 1024
"""The longest answer that is read: an instruction with 16 paths is below 100 KiB."""

IDLE_SECONDS: Final = 20.0
"""An idle connection older than this is not used again: carriers' NAT forgets them silently."""

M = TypeVar("M", bound=BaseModel)

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, and the two of its errors that are only about time.
_NO_CHECK_TIME = 0x200000
_TIME_FAULTS = (9, 10)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the collector answered.

    Attributes:
        date: its clock, where the answer has a Date that can be read.
        round_trip_seconds: from the request's first byte to the answer's head.
        retry_after_seconds: how long it asks to wait, or None.
    """

    status: int
    content_type: str
    body: bytes
    date: datetime | None
    round_trip_seconds: float
    retry_after_seconds: float | None
    etag: str | None

    def problem(self) -> Problem | None:
        """Return the refusal that the answer explains itself with, or None."""
        if self.content_type != PROBLEM_CONTENT_TYPE:
            return None
        try:
            return Problem.model_validate_json(self.body)
        except ValidationError:
            return None

    def explain(self) -> str:
        """Return the refusal as a sentence for people."""
        problem = self.problem()
        if problem is None:
            return f"the collector answered {self.status} without a reason"
        detail = f": {problem.detail}" if problem.detail else ""
        return f"the collector answered {self.status} ({problem.title}{detail})"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds allowed for connecting, TLS included, and for a whole request after that."""

    connect_seconds: float = 10.0
    request_seconds: float = 60.0


class CollectorClient:
    """Speaks to one collector. For one thread at a time.

    Args:
        url: http://… or https://…, a path in front of the resources included.
        clock: judges certificates where the device's own clock is wrong, and learns from Dates.
        ca_file: authorities to trust instead of the system's (`SSL_CERT_FILE` is heeded too).
        deadlines: bounds of every request.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        ca_file: Path | None = None,
        deadlines: Deadlines = Deadlines(),
    ) -> None:
        self._url = _split(url)
        self._clock = clock
        self._ca_file = ca_file
        self._deadlines = deadlines
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Return the collector's answer, whatever its status.

        Ends within twice the deadlines: a kept connection that turns out dead, or a clock that had
        to be set first, costs a second try.

        Raises:
            CollectorError: there was no answer, or none that HTTP knows.
        """
        try:
            return self._try(method, path, headers, body)
        except CertificateTimeError as error:
            if self._clock.trusted or not self._ask_the_time():
                raise CollectorError(
                    f"{error}; set the device's clock, or renew the collector's certificate"
                ) from None
            return self._try(method, path, headers, body)

    def close(self) -> None:
        """Close the idle connection. The next request makes a new one."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def learn(self, answer: Answer) -> bool:
        """Let the clock learn from an answer's Date; return whether that corrected it."""
        if answer.date is None:
            return False
        signed = self._url.scheme == "https"
        return self._clock.learn(answer.date, answer.round_trip_seconds, signed=signed)

    def _try(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        kept = self._connection is not None and time.monotonic() - self._used_at < IDLE_SECONDS
        if not kept:
            self.close()
        with self._translated():
            try:
                return self._exchange(method, path, headers, body)
            except (ConnectionError, http.client.BadStatusLine):
                # The collector closed the kept connection while nothing was under way.
                self.close()
                if not kept:
                    raise
                return self._exchange(method, path, headers, body)

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        connection = self._connection or self._connect(
            check_times=not self._clock.device_is_wrong()
        )
        self._connection = connection
        try:
            with _deadline(connection, self._deadlines.request_seconds):
                began = time.monotonic()
                connection.request(method, self._url.path + path, body, dict(headers))
                response = connection.getresponse()
                round_trip = time.monotonic() - began
                content = response.read(MAX_ANSWER_BYTES + 1)
        except BaseException:
            self.close()
            raise
        if len(content) > MAX_ANSWER_BYTES:
            self.close()
            raise CollectorError(
                f"{self._name}: the answer is longer than {MAX_ANSWER_BYTES} bytes"
            )
        self._used_at = time.monotonic()
        if response.will_close:
            self.close()
        return _answer(response, content, round_trip)

    def _connect(self, *, check_times: bool) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        seconds = self._deadlines.connect_seconds
        if self._url.scheme == "http":
            plain = http.client.HTTPConnection(host, port, timeout=seconds)
            plain.connect()
            return plain
        connection = http.client.HTTPSConnection(
            host, port, timeout=seconds, context=self._context(check_times=check_times)
        )
        connection.connect()
        if not check_times and self._clock.device_is_wrong():
            try:
                self._check_times(connection.sock)
            except BaseException:
                connection.close()
                raise
        return connection

    def _context(self, *, check_times: bool) -> ssl.SSLContext:
        if check_times not in self._contexts:
            try:
                context = ssl.create_default_context(cafile=self._ca_file)
            except (OSError, ssl.SSLError) as error:
                raise CollectorError(
                    f"{self._ca_file}: no certificates can be read from it ({error}); "
                    "mend probe.ca_file"
                ) from None
            if not check_times:
                context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
            self._contexts[check_times] = context
        return self._contexts[check_times]

    def _check_times(self, connected: ssl.SSLSocket) -> None:
        """Check the certificate's times against the corrected clock, as OpenSSL could not."""
        certificate = connected.getpeercert() or {}
        now = self._clock.now().timestamp()
        begins = ssl.cert_time_to_seconds(str(certificate.get("notBefore")))
        ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter")))
        if not begins <= now <= ends:
            raise CollectorError(
                f"{self._name}: its certificate is valid from {certificate.get('notBefore')} to "
                f"{certificate.get('notAfter')}, and it says that it is {self._clock.now()}"
            )

    def _ask_the_time(self) -> bool:
        """Ask for the collector's Date, certificate times unchecked; return whether it helped."""
        with self._translated():
            connection = self._connect(check_times=False)
            with (
                contextlib.closing(connection),
                _deadline(connection, self._deadlines.connect_seconds),
            ):
                began = time.monotonic()
                connection.request("HEAD", self._url.path + INSTRUCTION_PATH)
                response = connection.getresponse()
                answer = _answer(response, b"", time.monotonic() - began)
        return self.learn(answer)

    @property
    def _name(self) -> str:
        return f"{self._url.scheme}://{self._url.netloc}"

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of sockets, TLS and HTTP into sentences."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            reason = f"{self._name}: its certificate is not accepted ({error.verify_message})"
            if error.verify_code in _TIME_FAULTS:
                raise CertificateTimeError(reason) from None
            raise CollectorError(f"{reason}; see probe.ca_file") from None
        except ssl.SSLError as error:
            raise NoAnswerError(f"{self._name}: TLS failed ({error.reason or error})") from None
        except TimeoutError:
            raise NoAnswerError(f"{self._name}: no answer in time") from None
        except socket.gaierror as error:
            raise NoAnswerError(f"{self._name}: its name is unknown ({error.strerror})") from None
        except OSError as error:
            raise NoAnswerError(f"{self._name}: {error.strerror or error}") from None
        except http.client.HTTPException as error:
            raise NoAnswerError(
                f"{self._name}: the answer is not HTTP ({type(error).__name__}: {error})"
            ) from None


def parse(model: type[M], answer: Answer) -> M:
    """Return an answer's body as a message.

    Raises:
        CollectorError: it is not one.
    """
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "body"
        raise CollectorError(
            f"the collector's answer is not a {model.__name__} ({place}: {fault['msg']})"
        ) from None


@contextlib.contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """End an exchange after ``seconds``, however slowly its bytes drip."""
    connected = connection.sock
    late = threading.Event()

    def shut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    connected.settimeout(seconds)
    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError):
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def _split(url: str) -> SplitResult:
    parts = urlsplit(url.rstrip("/"))
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username:
        raise CollectorError(
            f"{url}: not a collector's address; it looks like https://collector.example"
        )
    return parts


def _answer(response: http.client.HTTPResponse, body: bytes, round_trip: float) -> Answer:
    date = _read_date(response.headers.get("Date"))
    return Answer(
        status=response.status,
        content_type=response.headers.get_content_type(),
        body=body,
        date=date,
        round_trip_seconds=round_trip,
        retry_after_seconds=_read_retry_after(response.headers.get("Retry-After"), date),
        etag=response.headers.get("ETag"),
    )


def _read_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _read_retry_after(text: str | None, date: datetime | None) -> float | None:
    """Return the seconds that a Retry-After asks for: it is a number or a date (RFC 9110)."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    moment = _read_date(text)
    return (moment - date).total_seconds() if moment and date else None
