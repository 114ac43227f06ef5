"""Finds out what a server is: Linewatch's own, a plain LibreSpeed backend, or something else."""

import ipaddress
import json
import secrets
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from probe.engine import MeasurementError
from probe.transfer.framing import Head
from probe.transfer.http import Answer, Client
from protocol.constants import (
    EMPTY,
    GARBAGE,
    GARBAGE_MAX_CHUNKS,
    GET_IP,
    PLAIN_UPLOAD_BYTES,
    SERVER_PATH,
    STREAM_PARAMETER,
    TEST_PARAMETER,
    TESTS_PATH,
)
from protocol.failures import Failure
from protocol.messages import ServerInfo, ServerTest
from protocol.records import ServerIdentity

_OK: Final = 200
_BUSY: Final = 503
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

BACKEND_FOLDER = "backend/"
"""Where LibreSpeed's packages put the resources below a site's own address."""

_HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Backend:
    """A measurement server as found.

    Attributes:
        url: as the probe was told it.
        prefix: the path, with slashes at both ends, below which its resources stand.
        info: what it says of itself; None for a plain server.
        test: this test's id.
    """

    url: str
    prefix: str
    info: ServerInfo | None
    test: str

    def empty(self) -> str:
        """Return the path of a small request, never the same twice: no cache may answer it."""
        return f"{self.prefix}{EMPTY}?r={secrets.token_hex(8)}"

    def garbage(self, stream: int) -> str:
        """Return the path of a download request."""
        query = f"ckSize={GARBAGE_MAX_CHUNKS}&{self._query(stream)}"
        return f"{self.prefix}{GARBAGE}?{query}"

    def upload(self, stream: int) -> str:
        """Return the path of an upload request."""
        return f"{self.prefix}{EMPTY}?{self._query(stream)}"

    def _query(self, stream: int) -> str:
        if self.info is None:
            return f"r={secrets.token_hex(8)}"
        return f"{TEST_PARAMETER}={self.test}&{STREAM_PARAMETER}={stream}"

    @property
    def upload_bytes(self) -> int:
        """The length of one upload request."""
        return self.info.upload_maximum_bytes if self.info else PLAIN_UPLOAD_BYTES

    def identity(
        self, address: str | None, tests_running: int | None, cpu_ratio: float | None
    ) -> ServerIdentity:
        """Return the far end for the record; load is what the test itself learned, if it did."""
        info = self.info
        load = info.load if info else None
        return ServerIdentity(
            url=self.url,
            address=address,
            name=info.name if info else None,
            software=info.software if info else None,
            tests_running=tests_running
            if tests_running is not None or not load
            else load.tests_running,
            cpu_ratio=cpu_ratio if cpu_ratio is not None or not load else load.cpu_ratio,
        )


def find(client: Client) -> Backend:
    """Ask a server what it is: at the URL's own path, then below `BACKEND_FOLDER`.

    Raises:
        MeasurementError: `SERVER_BUSY`, or `NOT_A_SERVER` where nothing there measures.
    """
    url, path = client.dialer.target.url, client.dialer.target.path
    test = secrets.token_hex(16)
    client.bad_answer = Failure.NOT_A_SERVER
    root = path.removesuffix(BACKEND_FOLDER)
    answer = client.get(root.removesuffix("/") + SERVER_PATH)
    _refuse_busy(answer.head, url)
    if answer.head.status == _OK and (info := _info(answer)):
        client.bad_answer = Failure.BAD_ANSWER
        return Backend(url, path, info, test)
    prefixes = [path] if path.endswith(f"/{BACKEND_FOLDER}") else [path, path + BACKEND_FOLDER]
    reasons = []
    for prefix in prefixes:
        backend = Backend(url, prefix, None, test)
        answer = client.get(backend.empty())
        _refuse_busy(answer.head, url)
        reason = _why_not(answer)
        if reason is None:
            client.bad_answer = Failure.BAD_ANSWER
            return backend
        reasons.append(f"{prefix}{EMPTY} {reason}")
    raise MeasurementError(
        Failure.NOT_A_SERVER, f"{url} is not a measurement server: {'; '.join(reasons)}"
    )


def check_download(head: Head, url: str) -> None:
    """Raise unless the head is that of measurement data."""
    _refuse_busy(head, url)
    kind = head.headers.get("content-type", "").lower()
    if head.status != _OK:
        raise MeasurementError(
            Failure.NOT_A_SERVER, f"{url}: {GARBAGE} answered {_status(head)} instead of data"
        )
    if _HTML in kind:
        raise MeasurementError(
            Failure.NOT_A_SERVER, f"{url}: {GARBAGE} answered a web page instead of data"
        )
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        raise MeasurementError(
            Failure.BAD_ANSWER, f"{url}: {GARBAGE} is compressed on its way: not measurable"
        )


def check_upload(head: Head, url: str) -> None:
    """Raise unless the server took the upload."""
    _refuse_busy(head, url)
    if head.status != _OK:
        raise MeasurementError(
            Failure.BAD_ANSWER, f"{url}: {EMPTY} answered {_status(head)} to an upload"
        )


def public_address(client: Client, backend: Backend) -> str | None:
    """Return the probe's address as the server saw it; None where it does not say."""
    if backend.info:
        return backend.info.your_address
    return _plain_address(client, backend)


def public_address_again(client: Client, backend: Backend) -> str | None:
    """Ask anew for the probe's address as the server sees it; None where it does not say.

    Raises:
        MeasurementError: our own server did not answer, or the test was to end.
    """
    if backend.info is None:
        return _plain_address(client, backend)
    root = backend.prefix.removesuffix(BACKEND_FOLDER).removesuffix("/")
    answer = client.get(root + SERVER_PATH)
    info = _info(answer) if answer.head.status == _OK else None
    return info.your_address if info else None


def _plain_address(client: Client, backend: Backend) -> str | None:
    try:
        answer = client.get(f"{backend.prefix}{GET_IP}")
    except MeasurementError:
        # A plain backend may lack it; without it the measurement is whole all the same.
        client.guard.check()
        return None
    if answer.head.status != _OK:
        return None
    text = answer.body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = text
    if isinstance(told, dict):
        told = told.get("processedString")
    # LibreSpeed appends " - ISP, country" for people.
    first = told.split(" ")[0].strip() if isinstance(told, str) else ""
    try:
        return str(ipaddress.ip_address(first))
    except ValueError:
        return None


def server_test(client: Client, backend: Backend) -> ServerTest | None:
    """Return what our own server saw of the test; None from a plain or a forgetful one."""
    if backend.info is None:
        return None
    root = backend.prefix.removesuffix(BACKEND_FOLDER).removesuffix("/")
    try:
        answer = client.get(f"{root}{TESTS_PATH}{backend.test}")
    except MeasurementError:
        # The probe's own counts stand without it; the record then says 'acknowledged'.
        client.guard.check()
        return None
    if answer.head.status != _OK:
        return None
    try:
        return ServerTest.model_validate_json(answer.body)
    except ValidationError:
        return None


def _info(answer: Answer) -> ServerInfo | None:
    try:
        return ServerInfo.model_validate_json(answer.body)
    except ValidationError:
        return None


def _refuse_busy(head: Head, url: str) -> None:
    if head.status == _BUSY:
        later = head.headers.get("retry-after", "")
        when = f"; it asks to come back in {later} s" if later.isdecimal() else ""
        raise MeasurementError(
            Failure.SERVER_BUSY, f"{url} carries all the tests it can (503){when}"
        )


def _why_not(answer: Answer) -> str | None:
    """Return why an answer is not that of an `EMPTY` resource; None where it is."""
    head = answer.head
    if head.status in _REDIRECTS:
        place = head.headers.get("location", "nowhere")[:200]
        return f"redirects to {place.encode('ascii', 'replace').decode()}: use that address"
    if head.status != _OK:
        return f"answered {_status(head)}"
    if answer.body.strip():
        return "answered a page instead of nothing"
    return None


def _status(head: Head) -> str:
    return f"status {head.status}"
