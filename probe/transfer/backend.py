"""Finds out what a server is: Linewatch's own, a plain LibreSpeed backend, one of Ookla's, or none.

All three are spoken with in the same way: a download, an upload and a small request, each at a path
of its own (`Paths`).
"""

import ipaddress
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from probe.admission import BUSY_STATUS, busy
from probe.engine import MeasurementError
from probe.transfer.dial import Target
from probe.transfer.framing import Head
from probe.transfer.http import Answer, Client
from protocol.constants import (
    CONGESTION_PARAMETER,
    GARBAGE_MAX_CHUNKS,
    OOKLA_DOWNLOAD,
    OOKLA_ENGINE,
    OOKLA_PING,
    OOKLA_PONG,
    OOKLA_UPLOAD,
    OOKLA_UPLOAD_BYTES,
    PLAIN_UPLOAD_BYTES,
    SERVER_PATH,
    STREAM_PARAMETER,
    TEST_PARAMETER,
    TESTS_PATH,
)
from protocol.failures import Failure
from protocol.messages import BackendPaths, ServerEntry, ServerInfo, ServerTest
from protocol.results import ServerIdentity

_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

BACKEND_FOLDER = "backend/"
"""Where LibreSpeed's packages put the resources below a site's own address."""

_HTML = "text/html"

_SCRIPTS = (".php", ".asp", ".aspx", ".jsp")
"""How the upload resource of one of Ookla's servers ends; its other resources stand beside it."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a server has its resources: on its host, a slash in front, a query where it needs one.

    Attributes:
        download: answers with as many bytes as it has.
        upload: takes bytes.
        ping: answers at once with `pong`.
        address: tells the asker's address; None where nothing does.
        pong: the body of the small answer.
        upload_bytes: the length of one upload request, unless the server says its own.
    """

    download: str
    upload: str
    ping: str
    address: str | None
    pong: bytes = b""
    upload_bytes: int = PLAIN_UPLOAD_BYTES

    @classmethod
    def libre_speed(cls, folder: str, names: BackendPaths | None = None) -> "Paths":
        """Return a LibreSpeed backend's paths below ``folder``, which has slashes at both ends."""
        names = names or BackendPaths()
        download, upload, ping, address = (
            folder + name.lstrip("/")
            for name in (names.download, names.upload, names.ping, names.address)
        )
        return cls(_with(download, f"ckSize={GARBAGE_MAX_CHUNKS}"), upload, ping, address)

    @classmethod
    def ookla(cls, target: Target) -> "Paths":
        """Return the paths of one of Ookla's servers: its URL is its upload's, or their folder."""
        upload = target.path.removesuffix("/")
        if not upload.endswith(_SCRIPTS):
            upload = target.path + OOKLA_UPLOAD
        folder = upload[: upload.rindex("/") + 1]
        return cls(
            download=folder + OOKLA_DOWNLOAD,
            upload=upload,
            ping=folder + OOKLA_PING,
            address=None,
            pong=OOKLA_PONG,
            upload_bytes=OOKLA_UPLOAD_BYTES,
        )


@dataclass(frozen=True, slots=True)
class Backend:
    """A measurement server as found.

    Attributes:
        url: as the probe was told it.
        paths: where its resources are.
        info: what it says of itself; None for a server that is not Linewatch's.
        test: this test's id.
        root: the path before which Linewatch's own resources stand, without a slash at its end.
    """

    url: str
    paths: Paths
    info: ServerInfo | None
    test: str
    root: str = ""

    def empty(self) -> str:
        """Return the path of a small request, never the same twice: no cache may answer it."""
        return _fresh(self.paths.ping)

    def garbage(self, stream: int, congestion_control: str | None = None) -> str:
        """Return the path of a download request, and with what our own server shall send."""
        path = self._named(self.paths.download, stream)
        if self.info is None or congestion_control is None:
            return path
        return _with(path, f"{CONGESTION_PARAMETER}={congestion_control}")

    def upload(self, stream: int) -> str:
        """Return the path of an upload request."""
        return self._named(self.paths.upload, stream)

    def _named(self, path: str, stream: int) -> str:
        if self.info is None:
            return _fresh(path)
        return _with(path, f"{TEST_PARAMETER}={self.test}&{STREAM_PARAMETER}={stream}")

    @property
    def upload_bytes(self) -> int:
        """The length of one upload request."""
        return self.info.upload_maximum_bytes if self.info else self.paths.upload_bytes

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


def find(client: Client, entry: ServerEntry) -> Backend:
    """Ask a server what it is.

    One of Ookla's is known by its entry. Any other may be Linewatch's own, which says so; else it
    is a LibreSpeed backend: at the paths that its entry names, or at the URL's own path, or below
    `BACKEND_FOLDER`.

    Raises:
        MeasurementError: `SERVER_BUSY`, or `NOT_A_SERVER` where nothing there measures.
    """
    target, test = client.dialer.target, secrets.token_hex(16)
    client.bad_answer = Failure.NOT_A_SERVER
    if entry.engine == OOKLA_ENGINE:
        return _first_that_answers(client, [Paths.ookla(target)], test)
    root = target.path.removesuffix(BACKEND_FOLDER).removesuffix("/")
    answer = client.get(root + SERVER_PATH)
    _refuse_busy(answer.head, target.url)
    if answer.head.status == _OK and (info := _info(answer)):
        client.bad_answer = Failure.BAD_ANSWER
        return Backend(target.url, Paths.libre_speed(target.path), info, test, root)
    if entry.paths:
        places = [Paths.libre_speed(target.path, entry.paths)]
    elif target.path.endswith(f"/{BACKEND_FOLDER}"):
        places = [Paths.libre_speed(target.path)]
    else:
        folders = (target.path, target.path + BACKEND_FOLDER)
        places = [Paths.libre_speed(folder) for folder in folders]
    return _first_that_answers(client, places, test)


def _first_that_answers(client: Client, places: Sequence[Paths], test: str) -> Backend:
    """Return the first of the places whose small request is answered as it should be."""
    url = client.dialer.target.url
    reasons = []
    for paths in places:
        backend = Backend(url, paths, None, test)
        answer = client.get(backend.empty())
        _refuse_busy(answer.head, url)
        reason = _why_not(answer, paths)
        if reason is None:
            client.bad_answer = Failure.BAD_ANSWER
            return backend
        reasons.append(f"{paths.ping} {reason}")
    raise MeasurementError(
        Failure.NOT_A_SERVER, f"{url} is not a measurement server: {'; '.join(reasons)}"
    )


def check_download(head: Head, url: str) -> None:
    """Raise unless the head is that of measurement data."""
    _refuse_busy(head, url)
    kind = head.headers.get("content-type", "").lower()
    if head.status != _OK:
        raise MeasurementError(
            Failure.NOT_A_SERVER, f"{url}: the download answered {_status(head)} instead of data"
        )
    if _HTML in kind:
        raise MeasurementError(
            Failure.NOT_A_SERVER, f"{url}: the download answered a web page instead of data"
        )
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        raise MeasurementError(
            Failure.BAD_ANSWER, f"{url}: the download is compressed on its way: not measurable"
        )


def check_upload(head: Head, url: str) -> None:
    """Raise unless the server took the upload."""
    _refuse_busy(head, url)
    if head.status != _OK:
        raise MeasurementError(Failure.BAD_ANSWER, f"{url}: answered {_status(head)} to an upload")


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
    answer = client.get(backend.root + SERVER_PATH)
    info = _info(answer) if answer.head.status == _OK else None
    return info.your_address if info else None


def _plain_address(client: Client, backend: Backend) -> str | None:
    if backend.paths.address is None:
        return None
    try:
        answer = client.get(backend.paths.address)
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
    try:
        answer = client.get(f"{backend.root}{TESTS_PATH}{backend.test}")
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
    if head.status == BUSY_STATUS:
        raise busy(head, url)


def _why_not(answer: Answer, paths: Paths) -> str | None:
    """Return why an answer is not that of a small request; None where it is."""
    head = answer.head
    if head.status in _REDIRECTS:
        place = head.headers.get("location", "nowhere")[:200]
        return f"redirects to {place.encode('ascii', 'replace').decode()}: use that address"
    if head.status != _OK:
        return f"answered {_status(head)}"
    if answer.body.strip() != paths.pong:
        return f"answered a page instead of {paths.pong.decode() or 'nothing'}"
    return None


def _with(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def _fresh(path: str) -> str:
    return _with(path, f"r={secrets.token_hex(8)}")


def _status(head: Head) -> str:
    return f"status {head.status}"
