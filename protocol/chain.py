"""Chain and seal: how records prove that none was changed, removed or put in between.

A record's hash is the SHA-256 of its line's exact bytes, without the newline. Each record carries
the hash of the one before it (`prev`); a chain's first record carries `GENESIS_HASH`. A seal is the
probe's Ed25519 signature (RFC 8032) over the newest hash, and so over everything before it.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from protocol.constants import GENESIS_HASH, SCHEMA
from protocol.errors import LinewatchError
from protocol.model import Count, Hash, Identifier, Model, encode


class ChainFault(StrEnum):
    """What is wrong with a line, a chain or a seal."""

    NOT_A_LINK = "not_a_link"
    OTHER_PROBE = "other_probe"
    OTHER_CHAIN = "other_chain"
    WRONG_SEQ = "wrong_seq"
    WRONG_PREV = "wrong_prev"
    NO_SEAL = "no_seal"
    WRONG_SEAL = "wrong_seal"
    BAD_SIGNATURE = "bad_signature"


class ChainError(LinewatchError):
    """A chain does not hold.

    Attributes:
        fault: what is wrong.
        line: where, counted from 1 in what was given; 0 where no single line is to blame.
    """

    def __init__(self, fault: ChainFault, line: int, message: str) -> None:
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{message}")
        self.fault = fault
        self.line = line
        self._message = message

    def __reduce__(self) -> tuple[type[Self], tuple[ChainFault, int, str]]:
        """Let it be raised in another process than the one that found it."""
        return type(self), (self.fault, self.line, self._message)


class Link(NamedTuple):
    """A line's place in its chain, read without trusting the rest of the line."""

    probe: str
    chain: str
    seq: int
    prev: str
    hash: str
    tombstone: bool


class Seal(Model):
    """The last line of a batch: the probe's signature over the hash of the record `seq`."""

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    seal: Literal["ed25519"]
    probe: Identifier
    chain: Identifier
    seq: Count
    hash: Hash
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class _LinkFields(Model):
    probe: Identifier
    chain: Identifier
    seq: Count
    prev: Hash


def hash_line(line: bytes) -> str:
    """Return the SHA-256 of a line's exact bytes (no newline), in lower-case hexadecimal."""
    return hashlib.sha256(line).hexdigest()


def read_link(line: bytes, number: int = 1) -> Link:
    """Return a line's place in its chain.

    Args:
        line: the exact bytes, without the newline.
        number: the line's number in what was given, for the error.

    Raises:
        ChainError: NOT_A_LINK where the line has no usable probe, chain, seq and prev.
    """
    try:
        content = json.loads(line)
        if not isinstance(content, dict):
            msg = "a JSON object is needed"
            raise TypeError(msg)
        fields = _LinkFields.model_validate(
            {name: content.get(name) for name in ("probe", "chain", "seq", "prev")}, strict=True
        )
        tombstone = "tombstone" in content
        own = content.get("hash") if tombstone else hash_line(line)
        if not (isinstance(own, str) and _is_hash(own)):
            msg = "a tombstone needs the hash of the record it stands for"
            raise TypeError(msg)
    except (ValueError, TypeError, RecursionError) as error:
        reason = error.errors()[0]["loc"] if isinstance(error, ValidationError) else error
        raise ChainError(
            ChainFault.NOT_A_LINK, number, f"not a line of a chain ({reason})"
        ) from None
    return Link(fields.probe, fields.chain, fields.seq, fields.prev, own, tombstone)


def _is_hash(text: str) -> bool:
    return len(text) == len(GENESIS_HASH) and all(c in "0123456789abcdef" for c in text)


def follow(lines: Iterable[bytes], read: Callable[[bytes, int], Link] = read_link) -> list[Link]:
    """Return the links of consecutive lines of one chain.

    Args:
        lines: without their newlines.
        read: reads a line, as `read_link` does.

    Raises:
        ChainError: at the first line that is no link, belongs to another probe or chain, or does
            not follow the line before it.
    """
    links: list[Link] = []
    for number, line in enumerate(lines, start=1):
        link = read(line, number)
        if links:
            check_follows(links[-1], link, number)
        elif link.seq == 0 and link.prev != GENESIS_HASH:
            raise ChainError(
                ChainFault.WRONG_PREV, number, "seq 0 does not start from the genesis hash"
            )
        links.append(link)
    return links


def check_follows(before: Link, link: Link, number: int) -> None:
    """Raise `ChainError` unless ``link`` directly follows ``before`` in the same chain."""
    if link.probe != before.probe:
        raise ChainError(ChainFault.OTHER_PROBE, number, f"belongs to probe {link.probe}")
    if link.chain != before.chain:
        raise ChainError(ChainFault.OTHER_CHAIN, number, f"belongs to chain {link.chain}")
    if link.seq != before.seq + 1:
        raise ChainError(
            ChainFault.WRONG_SEQ, number, f"seq {link.seq} does not follow {before.seq}"
        )
    if link.prev != before.hash:
        raise ChainError(
            ChainFault.WRONG_PREV,
            number,
            f"seq {link.seq} carries the hash {link.prev[:12]}…, but the record before it has "
            f"{before.hash[:12]}…: one of the two was changed",
        )


def _seal_message(probe: str, chain: str, seq: int, own: str) -> bytes:
    """Return the bytes that a seal signs. The first line keeps them apart from any other use."""
    return f"linewatch-seal-v1\n{probe}\n{chain}\n{seq}\n{own}\n".encode()


def seal(key: Ed25519PrivateKey, link: Link) -> Seal:
    """Return the probe's seal over a chain up to and including ``link``."""
    signature = key.sign(_seal_message(link.probe, link.chain, link.seq, link.hash))
    return Seal(
        seal="ed25519",
        probe=link.probe,
        chain=link.chain,
        seq=link.seq,
        hash=link.hash,
        signature=base64.b64encode(signature).decode(),
    )


def read_seal(line: bytes, number: int = 0) -> Seal:
    """Return the seal that a line holds.

    Raises:
        ChainError: NO_SEAL where the line is none.
    """
    try:
        return Seal.model_validate_json(line, strict=True)
    except ValidationError:
        raise ChainError(ChainFault.NO_SEAL, number, "the last line is not a seal") from None


def check_seal(key: Ed25519PublicKey, seal: Seal, last: Link) -> None:
    """Raise `ChainError` unless ``seal`` is the key's signature over exactly ``last``."""
    sealed = (seal.probe, seal.chain, seal.seq, seal.hash)
    if sealed != (last.probe, last.chain, last.seq, last.hash):
        raise ChainError(
            ChainFault.WRONG_SEAL,
            0,
            f"the seal is over seq {seal.seq} {seal.hash[:12]}…, the last record is "
            f"seq {last.seq} {last.hash[:12]}…",
        )
    try:
        signature = base64.b64decode(seal.signature, validate=True)
        key.verify(signature, _seal_message(*sealed))
    except (InvalidSignature, binascii.Error):
        raise ChainError(
            ChainFault.BAD_SIGNATURE, 0, "the seal's signature is not this probe's"
        ) from None


def write_batch(lines: Iterable[bytes], batch_seal: Seal) -> bytes:
    """Return a batch: the lines and the seal, each ended by a newline."""
    return b"".join(line + b"\n" for line in (*lines, encode(batch_seal)))


def split_batch(body: bytes) -> tuple[list[bytes], Seal]:
    """Return the lines and the seal of a batch.

    Raises:
        ChainError: NO_SEAL where the body is empty or its last line is no seal.
    """
    lines = body.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if len(lines) < 2:  # noqa: PLR2004 - one record and its seal
        raise ChainError(ChainFault.NO_SEAL, 0, "a batch is at least one record and a seal")
    return lines[:-1], read_seal(lines[-1], len(lines))
