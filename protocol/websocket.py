"""WebSocket (RFC 6455), the pure part: the handshake's keys, and frames told apart from payload.

Only what a measurement needs. The payload of data messages can be dropped in the kernel, because
its reader knows how many of the next bytes are payload (`Frames.skippable`).
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

VERSION: Final = "13"

MAX_MESSAGE_BYTES: Final = 1 << 24
"""A longer message is refused (1009); ndt7 asks that shorter ones are not."""

_KEY_BYTES: Final = 16
_ACCEPT_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_LENGTH: Final = 0x7F
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127
_CONTROL_MAX_BYTES: Final = 125

NO_MASK: Final = bytes(4)
"""The masking key of our client's frames. A client has to mask and may choose any key (5.3). Keys
that cannot be guessed protect proxies from bytes that a web page chose to look like HTTP (10.3);
here nobody chooses the bytes: they are random, and key 0 leaves them as they are in the kernel."""


class Opcode(IntEnum):
    """What a frame is (5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """Why a connection is closed (7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED = 1003
    TOO_BIG = 1009


class FrameError(ValueError):
    """The far end broke the protocol; ``code`` is what it is to be told in a close frame."""

    def __init__(self, code: CloseCode, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """A text message or a control frame, whole and unmasked."""

    opcode: Opcode
    payload: bytes


def is_key(text: str) -> bool:
    """Tell whether a client's Sec-WebSocket-Key is one: 16 bytes in Base64 (4.1)."""
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def accept_of(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a client's key (4.2.2)."""
    digest = hashlib.sha1(key.encode("ascii") + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def frame_head(opcode: Opcode, length: int, *, masked: bool) -> bytes:
    """Return the head of a message that is one frame, with `NO_MASK` where a client sends it."""
    first, bit = _FINAL | opcode, _MASKED if masked else 0
    if length < _LENGTH_16:
        head = struct.pack("!BB", first, bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first, bit | _LENGTH_16, length)
    else:
        head = struct.pack("!BBQ", first, bit | _LENGTH_64, length)
    return head + NO_MASK if masked else head


def frame(opcode: Opcode, payload: bytes, *, masked: bool) -> bytes:
    """Return a whole message that is one frame."""
    return frame_head(opcode, len(payload), masked=masked) + payload


def close_frame(code: CloseCode, reason: str = "", *, masked: bool) -> bytes:
    """Return a close frame; the reason is cut to what one can hold."""
    said = reason.encode("ascii", "replace")[: _CONTROL_MAX_BYTES - 2]
    return frame(Opcode.CLOSE, struct.pack("!H", code) + said, masked=masked)


def close_reason(payload: bytes) -> str:
    """Return in words why the far end closes: the code, and what it says."""
    if len(payload) < struct.calcsize("!H"):
        return "no reason given"
    text = payload[2:].decode("utf-8", "replace")
    return f"{struct.unpack_from('!H', payload)[0]} {text}".strip()


class Frames:
    """Reads one side's frames, wherever the stream of bytes is cut.

    Binary messages, and text messages that are not kept, are counted and never looked at.

    Args:
        masked: whether the far end has to mask, as clients do; servers must not.
        binary: whether it may send binary messages.
        kept_text_bytes: the longest text message that is handed out; longer ones and those in
            several frames are counted only, as ndt7 allows with any text.

    Attributes:
        data_bytes: payload of text and binary messages so far, none of their framing.
    """

    def __init__(self, *, masked: bool, binary: bool, kept_text_bytes: int) -> None:
        self.data_bytes = 0
        self._masked = masked
        self._binary = binary
        self._kept_text_bytes = kept_text_bytes
        self._head = b""
        self._opcode = Opcode.BINARY
        self._key = NO_MASK
        self._left = 0
        self._kept: bytearray | None = None
        self._message_bytes: int | None = None

    def skippable(self) -> int:
        """Return how many of the next bytes are payload that nobody reads; 0 asks for `feed`."""
        return 0 if self._kept is not None else self._left

    def skip(self, count: int) -> None:
        """Account for ``count`` such bytes that were received and dropped."""
        self._left -= count
        self.data_bytes += count

    def wanted(self) -> int:
        """Return how many bytes to give to `feed` next: a head, or the rest of what is kept."""
        if self._kept is not None:
            return self._left
        longest = 14 if self._masked else 10
        return longest - len(self._head)

    def feed(self, data: bytes) -> list[Message]:
        """Account for received bytes; return the messages that they complete.

        Raises:
            FrameError: they break the protocol.
        """
        messages = []
        while data:
            if not self._left:
                data = self._take_head(data)
            elif self._kept is None:
                count = min(self._left, len(data))
                self.skip(count)
                data = data[count:]
            else:
                self._kept += data[: self._left]
                data, self._left = data[self._left :], max(0, self._left - len(data))
            if self._kept is not None and not self._left:
                messages.append(self._complete(bytes(self._kept)))
        return messages

    def _complete(self, payload: bytes) -> Message:
        self._kept = None
        if self._key != NO_MASK:
            payload = bytes(byte ^ self._key[at % 4] for at, byte in enumerate(payload))
        if self._opcode is Opcode.TEXT:
            self.data_bytes += len(payload)
        if self._opcode is Opcode.CLOSE and len(payload) == 1:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a close frame with half a code")
        return Message(self._opcode, payload)

    def _take_head(self, data: bytes) -> bytes:
        """Take what belongs to the next frame's head; return what is left of ``data``."""
        missing = self._head_bytes() - len(self._head)
        self._head += data[:missing]
        if len(self._head) == self._head_bytes():
            head, self._head = self._head, b""
            self._begin(head)
        return data[missing:]

    def _head_bytes(self) -> int:
        """Return how long the head is, as far as its beginning tells."""
        if len(self._head) < 2:  # noqa: PLR2004 - the bytes that every head has
            return 2
        length = self._head[1] & _LENGTH
        extended = {_LENGTH_16: 2, _LENGTH_64: 8}.get(length, 0)
        return 2 + extended + (4 if self._head[1] & _MASKED else 0)

    def _begin(self, head: bytes) -> None:
        final = bool(head[0] & _FINAL)
        if head[0] & _RESERVED:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set")
        if bool(head[1] & _MASKED) != self._masked:
            has = "has no mask" if self._masked else "is masked"
            raise FrameError(CloseCode.PROTOCOL_ERROR, f"a frame {has}")
        try:
            opcode = Opcode(head[0] & _OPCODE)
        except ValueError:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "an unknown kind of frame") from None
        length = _length(head)
        self._key = head[-4:] if self._masked else NO_MASK
        self._left = length
        if opcode >= Opcode.CLOSE:
            if length > _CONTROL_MAX_BYTES or not final:
                raise FrameError(
                    CloseCode.PROTOCOL_ERROR, "a control frame is too long or in parts"
                )
            self._opcode, self._kept = opcode, bytearray()
        else:
            self._begin_data(opcode, length, final=final)

    def _begin_data(self, opcode: Opcode, length: int, *, final: bool) -> None:
        if (opcode is Opcode.CONTINUATION) != (self._message_bytes is not None):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a message begins or goes on out of turn")
        if opcode is Opcode.BINARY and not self._binary:
            raise FrameError(CloseCode.UNSUPPORTED, "binary messages are not for this direction")
        total = (self._message_bytes or 0) + length
        if total > MAX_MESSAGE_BYTES:
            raise FrameError(CloseCode.TOO_BIG, f"a message is longer than {MAX_MESSAGE_BYTES}")
        self._message_bytes = None if final else total
        if opcode is Opcode.TEXT and final and length <= self._kept_text_bytes:
            self._opcode, self._kept = opcode, bytearray()


def _length(head: bytes) -> int:
    """Return the payload's length; it has to be written in as few bytes as can hold it (5.2)."""
    short = head[1] & _LENGTH
    if short < _LENGTH_16:
        return short
    form, least = ("!H", _LENGTH_16) if short == _LENGTH_16 else ("!Q", 1 << 16)
    length: int = struct.unpack_from(form, head, 2)[0]
    if length < least:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a length is longer than it need be")
    return length
