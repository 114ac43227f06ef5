"""The streams of the engine `http`: request after request on a connection that is kept full."""

import socket
import time

from probe.engine import MeasurementError
from probe.failure import ERRORS
from probe.transfer import kernel
from probe.transfer.backend import Backend, check_download, check_upload
from probe.transfer.dial import Dialer
from probe.transfer.framing import Body, request_head
from probe.transfer.stream import HEAD_READ_BYTES, SendingStream, Stream
from protocol.failures import Failure

_TLS_BUFFER_BYTES = 256 * 1024
_CHUNK_HEAD_BYTES = 64
"""Read to find a chunk's size: little, so that little of the chunk itself has to be copied."""


class DownloadStream(Stream):
    """Asks for data again and again; counts the payload where it arrives."""

    def __init__(
        self, number: int, dialer: Dialer, backend: Backend, congestion_control: str | None = None
    ) -> None:
        super().__init__(number, dialer, congestion_control)
        self._backend = backend
        self._moved = 0
        self._buffer = memoryview(bytearray(_TLS_BUFFER_BYTES if dialer.target.tls else 0))

    def moved(self) -> int:
        """See `Stream.moved`: bytes taken off the connection."""
        return self._moved

    def _leave(self) -> None:
        """What arrived is counted already."""

    def _move(self, connection: socket.socket) -> None:
        path = self._backend.garbage(self.number, self.congestion_control)
        self._send(connection, request_head("GET", self._dialer.target.authority, path))
        taken = self._read_head(connection)
        if taken is None:
            return
        head, rest = taken
        check_download(head, self._backend.url)
        body = head.body()
        if rest:
            self._count(body.feed(rest))
        while not body.done and not self._ending:
            self._take(connection, body)
        if not head.keeps_alive and not self._ending:
            self._close()

    def _take(self, connection: socket.socket, body: Body) -> None:
        """Take the payload that is certain to come next, or a piece of framing."""
        certain = left = body.skippable()
        if not left:
            data = self._read(connection, _CHUNK_HEAD_BYTES)
            if data:
                self._count(body.feed(data))
            else:
                self._closed(body)
            return
        try:
            while left:
                count = self._drop(connection, left)
                if not count:
                    break
                left -= count
                self._count(count)
        except (BlockingIOError, TimeoutError):
            self._dialer.guard.check()
            body.skip(certain - left)
            return
        body.skip(certain - left)
        if left:
            self._closed(body)

    def _drop(self, connection: socket.socket, limit: int) -> int:
        if self._buffer:
            return connection.recv_into(self._buffer, min(limit, _TLS_BUFFER_BYTES))
        return kernel.receive_blind(connection, limit)

    def _closed(self, body: Body) -> None:
        """Take the end of the connection: right for a body that ends with it, a loss otherwise."""
        if self._ending:
            return
        try:
            body.close()
        except ValueError as error:
            raise MeasurementError(
                Failure.CONNECTION_LOST, f"{self._dialer.target.authority}: {error}"
            ) from None

    def _count(self, count: int) -> None:
        if count and self.first_byte_at is None:
            self.first_byte_at = time.monotonic()
        self._moved += count


class UploadStream(SendingStream):
    """Sends request after request; counts the payload that the far end acknowledged."""

    def __init__(
        self, number: int, dialer: Dialer, backend: Backend, congestion_control: str | None = None
    ) -> None:
        super().__init__(number, dialer, congestion_control)
        self._backend = backend

    def _move(self, connection: socket.socket) -> None:
        sending = self._account[1]
        if sending is None:
            return
        length = self._backend.upload_bytes
        path = self._backend.upload(self.number)
        head = request_head("POST", self._dialer.target.authority, path, length)
        sending.heads += len(head)
        self._send(connection, head)
        sending.handed += len(head)
        if self.first_byte_at is None:
            self.first_byte_at = time.monotonic()
        try:
            self._send_random(connection, sending, length)
        except OSError as error:
            self._explain(connection, error)
        if self._ending:
            return
        taken = self._read_head(connection)
        if taken is None:
            return
        answer, rest = taken
        check_upload(answer, self._backend.url)
        self._drain(connection, answer.body(), rest)
        if not answer.keeps_alive and not self._ending:
            self._close()

    def _explain(self, connection: socket.socket, error: OSError) -> None:
        """Raise why a server broke an upload off: its answer says it, where it sent one."""
        if self._ending:
            return
        try:
            taken = self._read_head(connection)
        except (MeasurementError, *ERRORS):
            taken = None
        if taken is not None:
            check_upload(taken[0], self._backend.url)
        raise error

    def _drain(self, connection: socket.socket, body: Body, data: bytes) -> None:
        """Read the rest of an upload's answer."""
        body.feed(data)
        while not body.done and not self._ending:
            data = self._read(connection, HEAD_READ_BYTES)
            if data:
                body.feed(data)
            elif not self._ending:
                body.close()
