"""The measurement server's errors, below the project's tree.

LinewatchError
└── ServerError        the server cannot start: its address, its certificate      exit 1

HttpError              not for people at a terminal: a request's refusal, answered to its client
ClientGone             the client ended the connection in the middle of something
TooSlow                the client did not send or take its bytes within the time allowed
"""

from protocol.errors import LinewatchError


class ServerError(LinewatchError):
    """The server cannot start; the sentence says why and what to do."""


class HttpError(Exception):
    """A request is refused.

    Attributes:
        status: of the answer.
        text: its body, a sentence for whoever reads it.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.headers = headers


class ClientGone(ConnectionError):  # noqa: N818 - reads as what happened, as in ConnectionAborted
    """The client closed its connection before the request or its body was whole."""


class TooSlow(TimeoutError):  # noqa: N818 - as above
    """The client moved its bytes too slowly, or for too long."""
