"""Who may send: probes by their keys, and how a probe becomes known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from collector.errors import CollectorError
from collector.ledger.registry import hash_code
from collector.ledger.schema import enrolment_codes, probes
from protocol.messages import EnrolAnswer, EnrolRequest


class EnrolmentError(CollectorError):
    """A code that is wrong, expired, or used by another key."""


class KeyTakenError(CollectorError):
    """The key is another probe's."""


@dataclass(frozen=True, slots=True)
class KnownProbe:
    """A probe as far as its requests are concerned.

    Attributes:
        probe: its id.
        public_key: Ed25519, base64; None before it enrolled.
        revoked: its key is refused.
        last_seen_at: of its last good request.
    """

    probe: str
    public_key: str | None
    revoked: bool
    last_seen_at: datetime | None


def find_probe(connection: Connection, probe: str) -> KnownProbe | None:
    """Return a registered probe, or None."""
    row = connection.execute(_FINDING, {"of_probe": probe}).one_or_none()
    if row is None:
        return None
    return KnownProbe(probe, row.public_key, row.revoked_at is not None, row.last_seen_at)


_FINDING = select(probes.c.public_key, probes.c.revoked_at, probes.c.last_seen_at).where(
    probes.c.id == bindparam("of_probe")
)


def see_probes(connection: Connection, seen: Mapping[str, datetime]) -> None:
    """Remember when probes' good requests came, by probe."""
    connection.execute(_SEEING, [{"of_probe": probe, "at": seen[probe]} for probe in sorted(seen)])


_SEEING = (
    update(probes).where(probes.c.id == bindparam("of_probe")).values(last_seen_at=bindparam("at"))
)


def enrol(connection: Connection, request: EnrolRequest, at: datetime) -> EnrolAnswer:
    """Give a probe its key. Again with the same code and key: the same answer.

    Raises:
        EnrolmentError: the code is not known, expired, or used by another key.
        KeyTakenError: another probe has this key.
    """
    code = connection.execute(
        select(enrolment_codes.c.probe_id, enrolment_codes.c.expires_at, enrolment_codes.c.used_at)
        .where(enrolment_codes.c.hash == hash_code(request.code))
        .with_for_update()
    ).one_or_none()
    if code is None or code.expires_at <= at:
        raise EnrolmentError("this code is not known or has expired; ask the operator for another")
    probe = connection.execute(
        select(probes.c.public_key, probes.c.site_id).where(probes.c.id == code.probe_id)
    ).one()
    if code.used_at is not None:
        if probe.public_key != request.public_key:
            raise EnrolmentError("this code was used already; ask the operator for another")
        return EnrolAnswer(probe=code.probe_id, site=probe.site_id)
    _refuse_taken_key(connection, request.public_key, code.probe_id)
    connection.execute(
        update(probes)
        .where(probes.c.id == code.probe_id)
        .values(
            public_key=request.public_key,
            enrolled_at=at,
            revoked_at=None,
            software=request.software,
            model=request.model,
            last_seen_at=at,
        )
    )
    connection.execute(
        update(enrolment_codes)
        .where(enrolment_codes.c.hash == hash_code(request.code))
        .values(used_at=at)
    )
    return EnrolAnswer(probe=code.probe_id, site=probe.site_id)


def _refuse_taken_key(connection: Connection, public_key: str, probe: str) -> None:
    owner = connection.execute(
        select(probes.c.id).where(probes.c.public_key == public_key)
    ).scalar_one_or_none()
    if owner is not None and owner != probe:
        raise KeyTakenError(
            "this key belongs to another probe: was the storage of a probe copied? "
            "Remove the key on this device and enrol again"
        )
