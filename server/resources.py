"""What the server serves: LibreSpeed's resources, ndt7's, what Linewatch's own clients learn."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from prometheus_client import exposition
from pydantic import TypeAdapter, ValidationError

from protocol.constants import (
    BACKEND_PREFIXES,
    CONGESTION_CONTROLS,
    CONGESTION_PARAMETER,
    EMPTY,
    GARBAGE,
    GARBAGE_CHUNK_BYTES,
    GARBAGE_MAX_CHUNKS,
    GET_IP,
    OOKLA_FOLDER,
    OOKLA_PING,
    OOKLA_PONG,
    OOKLA_SIZES,
    OOKLA_UPLOAD,
    SERVER_PATH,
    STREAM_PARAMETER,
    TEST_PARAMETER,
    TESTS_PATH,
)
from protocol.messages import ServerInfo, ServerLoad, TestId
from protocol.model import encode
from protocol.ndt7 import DOWNLOAD_PATH, UPLOAD_PATH
from server import ndt7
from server.addresses import describe, is_private
from server.answer import NO_STORE, SOFTWARE, Headers
from server.channel import GarbagePool
from server.connections import Connections
from server.errors import HttpError
from server.exchange import Exchange
from server.load import CpuMeter
from server.metrics import Metrics
from server.settings import ServerSettings
from server.tests_seen import Counting, Direction, TestsSeen, TooManyTests

_DEFAULT_CHUNKS = 4
"""What LibreSpeed's backends send where ckSize is missing or no positive number."""

_MAXIMUM_DIGITS = 9
"""Of a number in a query that is worth reading."""

_STREAM_MAXIMUM = 63
"""The highest number of a stream."""

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"

_DOWNLOAD_HEADERS: Headers = (
    ("Content-Type", "application/octet-stream"),
    ("Content-Description", "File Transfer"),
    ("Content-Disposition", "attachment; filename=random.dat"),
    ("Content-Transfer-Encoding", "binary"),
    *NO_STORE,
)

_TEST_ID: TypeAdapter[str] = TypeAdapter(TestId)

_OPEN_TO_PAGES = frozenset(
    prefix + name for prefix in BACKEND_PREFIXES for name in (GARBAGE, EMPTY, GET_IP)
)
"""What a page of any origin may use."""

_NDT7: dict[str, Direction] = {DOWNLOAD_PATH: "download", UPLOAD_PATH: "upload"}

_OOKLA_IMAGE = f"{OOKLA_FOLDER}random"

_READ = ("GET", "HEAD")
_READ_AND_WRITE = ("GET", "HEAD", "POST")


@dataclass(frozen=True, slots=True)
class Reached:
    """By what the server is reached.

    Attributes:
        stamp_port: the reflector's UDP port; None where there is none.
        link_bits_per_second: the capacity of its link; None where it is not known.
    """

    stamp_port: int | None
    link_bits_per_second: int | None


class Resources:
    """Answers requests.

    Args:
        settings: the server's.
        connections: for the load.
        tests: what is seen of tests is kept there.
        cpu: for the load.
        metrics: for /metrics.
        pool: what downloads are made of.
        reached: by what.
    """

    def __init__(
        self,
        settings: ServerSettings,
        connections: Connections,
        tests: TestsSeen,
        cpu: CpuMeter,
        metrics: Metrics,
        pool: GarbagePool,
        reached: Reached,
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._tests = tests
        self._cpu = cpu
        self._metrics = metrics
        self._pool = pool
        self._reached = reached
        self._exact: dict[str, tuple[tuple[str, ...], Callable[[Exchange], None]]] = {
            SERVER_PATH: (_READ, self._server),
            "/healthz": (_READ, self._health),
            "/metrics": (_READ, self._exposition),
        }
        for path, direction in _NDT7.items():
            self._exact[path] = (("GET",), partial(self._ndt7, direction))
        for prefix in BACKEND_PREFIXES:
            self._exact[prefix + GARBAGE] = (_READ, self._garbage)
            self._exact[prefix + EMPTY] = (_READ_AND_WRITE, self._empty)
            self._exact[prefix + GET_IP] = (_READ, self._get_ip)
        self._exact["/"] = (_READ, self._welcome)
        self._exact[OOKLA_FOLDER + OOKLA_PING] = (_READ, self._pong)
        self._exact[OOKLA_FOLDER + OOKLA_UPLOAD] = (_READ_AND_WRITE, self._sized_upload)
        for side, size in OOKLA_SIZES.items():
            self._exact[f"{_OOKLA_IMAGE}{side}x{side}.jpg"] = (_READ, partial(self._random, size))

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, whatever it is.

        Raises:
            HttpError: it is refused.
        """
        request = exchange.request
        exchange.open_to_pages = request.path in _OPEN_TO_PAGES
        methods, handler = self._find(request.path)
        if request.method == "OPTIONS":
            allowed = ", ".join((*methods, "OPTIONS"))
            exchange.answer(
                HTTPStatus.NO_CONTENT,
                headers=(("Allow", allowed), ("Access-Control-Max-Age", "86400")),
            )
        elif request.method not in methods:
            raise HttpError(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"{request.path} takes {', '.join(methods)}",
                (("Allow", ", ".join((*methods, "OPTIONS"))),),
            )
        else:
            handler(exchange)

    def name(self, path: str) -> str:
        """Return what metrics call a path: one of a fixed list."""
        if path.startswith(TESTS_PATH):
            return "tests"
        if path not in self._exact:
            return "unknown"
        return "random.jpg" if path.startswith(_OOKLA_IMAGE) else path.rpartition("/")[2] or "/"

    def _find(self, path: str) -> tuple[tuple[str, ...], Callable[[Exchange], None]]:
        if path in self._exact:
            return self._exact[path]
        if path.startswith(TESTS_PATH):
            return _READ, self._test
        raise HttpError(
            HTTPStatus.NOT_FOUND,
            f"nothing here; this Linewatch measurement server has {self._places()}",
        )

    def _places(self) -> str:
        """Return what there is, for people; ten images of ten sizes are one place."""
        images = f"{_OOKLA_IMAGE}….jpg"
        return ", ".join(
            sorted({images if path.startswith(_OOKLA_IMAGE) else path for path in self._exact})
        )

    # --- LibreSpeed's ------------------------------------------------------------------------

    def _garbage(self, exchange: Exchange) -> None:
        asked = exchange.request.query.get(CONGESTION_PARAMETER)
        if asked in CONGESTION_CONTROLS and self._settings.congestion_control is None:
            exchange.channel.choose_congestion_control(asked)
        chunks = _chunks(exchange.request.query.get("ckSize", ""))
        self._random(chunks * GARBAGE_CHUNK_BYTES, exchange)

    def _random(self, size: int, exchange: Exchange) -> None:
        if exchange.request.method == "HEAD":
            exchange.announce(size, _DOWNLOAD_HEADERS)
            return
        position = secrets.randbits(32)
        self._transfer(
            exchange,
            "download",
            _named(exchange.request.query),
            lambda counting: exchange.send_garbage(
                self._pool, size, position, counting, _DOWNLOAD_HEADERS
            ),
        )

    def _empty(self, exchange: Exchange) -> None:
        if exchange.request.body.done:
            # A round trip is asked for: what part of it was spent here (W3C Server Timing).
            inside = max(0.0, time.time() - exchange.channel.arrived_at)
            told = (("Server-Timing", f"linewatch;dur={inside * 1e3:.3f}"),)
            exchange.answer(HTTPStatus.OK, headers=(*NO_STORE, *told))
            return
        self._take_upload(exchange)
        exchange.answer(HTTPStatus.OK, headers=NO_STORE)

    def _take_upload(self, exchange: Exchange) -> None:
        if exchange.request.method != "HEAD" and not exchange.request.body.done:
            named = _named(exchange.request.query)
            self._transfer(exchange, "upload", named, exchange.receive_upload)

    def _get_ip(self, exchange: Exchange) -> None:
        address = exchange.channel.address
        kind = describe(address) if "isp" in exchange.request.query else None
        body = {
            "processedString": f"{address} - {kind}" if kind else address,
            # Filled from a database of carriers by other backends; there is none here.
            "rawIspInfo": "",
        }
        exchange.answer(HTTPStatus.OK, json.dumps(body).encode(), _JSON, NO_STORE)

    def _transfer(
        self,
        exchange: Exchange,
        direction: Direction,
        named: tuple[str | None, int],
        move: Callable[[Counting], None],
    ) -> None:
        try:
            with self._tests.transfer(*named, direction, exchange.channel.address) as counting:
                move(counting)
        except TooManyTests:
            retry_after = self._settings.limits.retry_after_seconds
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "this server runs all the tests that it may, in all or for your address; "
                f"come back in {retry_after} s",
                (("Retry-After", str(retry_after)),),
            ) from None

    # --- ndt7's ------------------------------------------------------------------------------

    def _ndt7(self, direction: Direction, exchange: Exchange) -> None:
        headers = ndt7.upgrade(exchange.request)
        most = ndt7.early_exit_bytes(exchange.request.query)

        def move(counting: Counting) -> None:
            exchange.switch_protocols(headers)
            transfer = ndt7.Transfer(exchange, direction, counting)
            if direction == "download":
                transfer.download(self._pool, most)
            else:
                transfer.upload()

        # Its query is the client's own description of itself: it names no test of ours.
        self._transfer(exchange, direction, (None, 0), move)

    # --- Ookla's -----------------------------------------------------------------------------

    def _welcome(self, exchange: Exchange) -> None:
        # speedtest-cli's --mini wants an answer here before it looks below OOKLA_FOLDER.
        text = f"A Linewatch measurement server. It has {self._places()}.\n"
        exchange.answer(HTTPStatus.OK, text.encode(), _TEXT, NO_STORE)

    def _pong(self, exchange: Exchange) -> None:
        exchange.answer(HTTPStatus.OK, OOKLA_PONG + b"\n", _TEXT, NO_STORE)

    def _sized_upload(self, exchange: Exchange) -> None:
        self._take_upload(exchange)
        text = f"size={exchange.request.body.received}"
        exchange.answer(HTTPStatus.OK, text.encode(), _TEXT, NO_STORE)

    # --- Linewatch's own ---------------------------------------------------------------------

    def _server(self, exchange: Exchange) -> None:
        info = ServerInfo(
            name=self._settings.name,
            software=SOFTWARE,
            your_address=exchange.channel.address,
            upload_maximum_bytes=self._settings.limits.upload_maximum_bytes,
            stamp_port=self._reached.stamp_port,
            load=ServerLoad(
                tests_running=self._tests.running(),
                connections=len(self._connections),
                connections_limit=self._connections.maximum,
                cpu_ratio=self._cpu.ratio,
                link_bits_per_second=self._reached.link_bits_per_second,
            ),
        )
        exchange.answer(HTTPStatus.OK, encode(info), _JSON, NO_STORE)

    def _test(self, exchange: Exchange) -> None:
        report = self._tests.report(exchange.request.path.removeprefix(TESTS_PATH))
        if report is None:
            raise HttpError(HTTPStatus.NOT_FOUND, "no test of that id was seen lately")
        exchange.answer(HTTPStatus.OK, encode(report), _JSON, NO_STORE)

    def _health(self, exchange: Exchange) -> None:
        exchange.answer(HTTPStatus.OK, b"ok\n", _TEXT, NO_STORE)

    def _exposition(self, exchange: Exchange) -> None:
        who = self._settings.metrics
        if who == "off" or (who == "private" and not is_private(exchange.channel.address)):
            raise HttpError(
                HTTPStatus.FORBIDDEN, "metrics are not for this address (setting server.metrics)"
            )
        body = exposition.generate_latest(self._metrics.registry)
        exchange.answer(HTTPStatus.OK, body, exposition.CONTENT_TYPE_LATEST, NO_STORE)


def _chunks(text: str) -> int:
    """Return how many MiB to send for a ``ckSize``, as LibreSpeed's backends understand it."""
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        return _DEFAULT_CHUNKS
    # Compared by length first: a number of thousands of digits is not worth converting.
    return GARBAGE_MAX_CHUNKS if len(text) > _MAXIMUM_DIGITS else min(int(text), GARBAGE_MAX_CHUNKS)


def _named(query: dict[str, str]) -> tuple[str | None, int]:
    """Return the test's id and the stream's number that a request names.

    Raises:
        HttpError: 400, it names them wrongly.
    """
    test = query.get(TEST_PARAMETER)
    if test is None:
        return None, 0
    stream = query.get(STREAM_PARAMETER, "0")
    try:
        _TEST_ID.validate_python(test)
    except ValidationError:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"{TEST_PARAMETER} has to be 32 hexadecimal digits"
        ) from None
    readable = stream.isascii() and stream.isdigit() and len(stream) <= _MAXIMUM_DIGITS
    if not readable or int(stream) > _STREAM_MAXIMUM:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"{STREAM_PARAMETER} has to be a number up to {_STREAM_MAXIMUM}"
        )
    return test, int(stream)
