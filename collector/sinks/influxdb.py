"""A far end that takes InfluxDB's line protocol: InfluxDB 1, 2 and 3, VictoriaMetrics.

The client library makes the requests. Its own batching is not used: the cursor in the ledger is
ours, and it moves only after the far end has said yes.
"""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from collector.settings import InfluxdbSettings
from collector.sinks.far_end import AwayError, RefusedError

_REFUSED: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,  # cannot be read, or has a field of another type
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,  # a half may fit
        HTTPStatus.UNPROCESSABLE_ENTITY,  # InfluxDB 2: outside of what it retains
    }
)
"""What may be a point's fault. Anything else is the way to the server, or the server's."""

_QUICKLY: Final = 1
"""Series are so alike that gzip's quickest level leaves a thirtieth of them."""

_LONGEST_REASON: Final = 300
_LONGEST_WAIT_SECONDS: Final = 600.0


class Influxdb:
    """A client of one server, open until `close`.

    Args:
        settings: which one.
    """

    def __init__(self, settings: InfluxdbSettings) -> None:
        self.connections = 0
        self._settings = settings
        self._token = settings.token.get_secret_value() if settings.token else None
        old = settings.version == 1
        self._path = "/write" if old else "/api/v2/write"
        self._query = {"precision": "ms"}
        if old:
            database, _, policy = settings.bucket.partition("/")
            self._query |= {"db": database} | ({"rp": policy} if policy else {})
        else:
            self._query |= {"bucket": settings.bucket, "org": settings.org}
        self._client = InfluxDBClientAsync(
            settings.url.rstrip("/"),
            token=self._token or "",  # empty: it sends none
            timeout=aiohttp.ClientTimeout(
                total=settings.timeout_seconds, sock_connect=settings.timeout_seconds / 2
            ),
            # InfluxDB 1 knows users, not tokens.
            auth_basic=old and self._token is not None,
            allow_redirects=False,
            client_session_type=self._session,
            ssl_ca_cert=str(settings.ca) if settings.ca else None,
        )

    async def write(self, lines: Sequence[str]) -> None:
        """Write points; return once the server has taken all of them.

        Takes no longer than the settings' ``timeout_seconds``.

        Raises:
            RefusedError: the server will never take these.
            AwayError: the server cannot be reached, or has trouble of its own.
        """
        body = await asyncio.to_thread(_pack, lines)
        try:
            await self._client.api_client.call_api(  # type: ignore[no-untyped-call]
                self._path,
                "POST",
                query_params=list(self._query.items()),
                header_params={
                    "Content-Type": "text/plain; charset=utf-8",
                    "Content-Encoding": "gzip",
                },
                body=body,
            )
        except ApiException as error:
            raise self._translated(error) from None
        except TimeoutError:
            raise AwayError(f"no answer within {self._settings.timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise AwayError(self._plain(str(error) or type(error).__name__)) from None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    def _session(self, **options: Any) -> aiohttp.ClientSession:  # noqa: ANN401 - the library's
        """Return a session that counts the connections whose need nobody announced.

        A server that goes on says in its last answer that it closes, as VictoriaMetrics does every
        two minutes.
        """
        announced = False

        async def note_end(_of: object, _with: object, done: aiohttp.TraceRequestEndParams) -> None:
            nonlocal announced
            announced = done.response.headers.get(hdrs.CONNECTION, "").lower() == "close"

        async def note_new(*_told: object) -> None:
            nonlocal announced
            self.connections += not announced
            announced = False

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(note_end)
        trace.on_connection_create_end.append(note_new)
        return aiohttp.ClientSession(**{**options, "trace_configs": [trace]})

    def _translated(self, error: ApiException) -> AwayError | RefusedError:
        body = error.body or b""
        text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
        if text.lstrip()[:1] == "<":
            # InfluxDB and VictoriaMetrics say it in JSON or plain words.
            text = "a page, as another web server gives it"
        reason = self._plain(f"{error.status} {error.reason}: {text}")
        if error.status in _REFUSED:
            return RefusedError(reason)
        return AwayError(reason, _wait_seconds(error))

    def _plain(self, text: str) -> str:
        """Return a server's words on one line, short, and without our token."""
        text = " ".join(text.split())
        if self._token:
            text = text.replace(self._token, "***")
        return text[:_LONGEST_REASON]


def _pack(lines: Sequence[str]) -> bytes:
    return gzip.compress("\n".join(lines).encode(), _QUICKLY)


def _wait_seconds(error: ApiException) -> float:
    """Return how long the server asks to wait; 0 where it does not say so in seconds."""
    headers: Mapping[str, str] = error.headers or {}
    asked = headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_WAIT_SECONDS) if asked.isdigit() else 0.0
