"""Serves one connection: request after request, until its client or its time ends."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from server.answer import NO_STORE, render_head
from server.channel import Channel
from server.errors import HttpError, TooSlow
from server.exchange import Exchange
from server.metrics import Metrics
from server.pace import Account, Pace
from server.request import RequestReader
from server.resources import Resources
from server.settings import LimitSettings

_FAREWELL_SECONDS = 2.0
"""How long a client that is still sending is listened to after its refusal."""

_FAREWELL_BYTES = 64 * 1024 * 1024
"""How much of it: what may be on its way on a fast line."""

_log = logging.getLogger(__name__)


class Service:
    """Serves connections, each in the caller's thread.

    Args:
        resources: what is served.
        limits: the server's.
        metrics: requests are counted there.
        pace: holds back who takes too much of the processor.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        resources: Resources,
        limits: LimitSettings,
        metrics: Metrics,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._resources = resources
        self._limits = limits
        self._metrics = metrics
        self._pace = pace
        self._clock = clock
        self.stopping = False
        """Set once, when the server stops: every connection ends after its current answer."""

    def serve(self, channel: Channel) -> None:
        """Serve a connection until it ends. Raises nothing; every call on it has a deadline."""
        account = Account(self._pace, channel.counted_as)
        try:
            channel.open()
            self._serve(channel, account)
        except (OSError, ValueError) as error:
            # OSError: gone, reset, too slow, not TLS. ValueError: the watchdog closed a TLS state.
            _log.debug("%s: connection ended: %s", channel.address, error)
        finally:
            account.pay()

    def _serve(self, channel: Channel, account: Account) -> None:
        reader = RequestReader(
            channel,
            self._limits.header_bytes,
            self._limits.head_timeout_seconds,
            self._limits.idle_timeout_seconds,
            self._clock,
        )
        already = b""
        while not self.stopping:
            try:
                request = reader.read(already)
            except (HttpError, TooSlow) as error:
                self._refuse_head(channel, _as_http(error))
                return
            if request is None:
                return
            exchange = Exchange(
                channel, request, self._limits, account, lambda: self.stopping, self._clock
            )
            self._answer(exchange)
            channel.served += 1
            if not exchange.keep_alive:
                self._farewell(channel)
                return
            account.pay()
            already = request.body.beyond

    def _answer(self, exchange: Exchange) -> None:
        try:
            self._resources.handle(exchange)
        except (HttpError, TooSlow) as error:
            exchange.refuse(_as_http(error))
        finally:
            name = self._resources.name(exchange.request.path)
            self._metrics.requests.labels(name, str(exchange.status or "none")).inc()

    def _refuse_head(self, channel: Channel, error: HttpError) -> None:
        body = f"{error.text}\n".encode()
        headers = (("Content-Type", "text/plain; charset=utf-8"), *NO_STORE)
        channel.deadline = self._clock() + _FAREWELL_SECONDS
        channel.send(render_head(error.status, headers, len(body), keep_alive=False) + body)
        self._metrics.requests.labels("unknown", str(error.status)).inc()
        self._farewell(channel)

    def _farewell(self, channel: Channel) -> None:
        """End a connection so that the client can read the last answer.

        Closing with unread bytes would make the kernel reset the connection, and the client lose
        the answer. Ends by the deadline that is set here.
        """
        channel.deadline = self._clock() + _FAREWELL_SECONDS
        channel.say_no_more()
        left = _FAREWELL_BYTES
        while left > 0 and (count := channel.discard(left)):
            left -= count


def _as_http(error: HttpError | TooSlow) -> HttpError:
    if isinstance(error, HttpError):
        return error
    return HttpError(HTTPStatus.REQUEST_TIMEOUT, "too slow: the time for this request is over")
