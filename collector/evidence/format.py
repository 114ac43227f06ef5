"""What is in an evidence file, and how large it may be: docs/evidence.md says it for others.

Moments are UTC, RFC 3339, with microseconds; speeds are bit/s. What is not known is null.
"""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from collector.domain.hours import Hour
from collector.domain.terms import Period, Terms
from protocol.messages import PublicKey
from protocol.model import Count, Hash, Identifier, Model, Seconds, Text

FORMAT: Final = "linewatch-evidence/1"

README: Final = "README.txt"
MANIFEST: Final = "manifest.json"
REGISTRY: Final = "registry.json"
KEYS: Final = "keys.json"
CHAINS: Final = "chains.ndjson"
FOLDED: Final = "folded.ndjson"
SUMMARY: Final = "summary.json"
STANDARDS: Final = "standards/"
PARTS: Final = "chain/"

# --- What a reader takes -------------------------------------------------------------------------

MAX_MEMBERS: Final = 200_000
"""Three of each chain: of 5,000 lines with ten chains each there are 150,000."""

MAX_DIRECTORY_BYTES: Final = 64 * 1024 * 1024
"""The archive's list of members, which is read at once."""

MAX_TOTAL_BYTES: Final = 512 * 1024**3
"""All members unpacked. A line's month has about 45 MB: 5,000 lines have 225 GB."""

MAX_WHOLE_BYTES: Final = 512 * 1024 * 1024
"""A member that is held in memory whole. Of 5,000 lines the summary has about half of it."""

MAX_LINE_RECORDS: Final = 1_000_000
"""Of a line's month, held in memory until it is summarised: one each 3 s."""

YEARS: Final = range(2000, 2200)
"""Of moments: others are nobody's, and some cannot be reckoned with."""

MAX_RATIO: Final = 200
"""Unpacked against packed, of what has more than `RATIO_FROM_BYTES`: records have 5 to 15."""

RATIO_FROM_BYTES: Final = 1024 * 1024

MEMBER_NAME: Final = re.compile(
    r"README\.txt|(manifest|registry|keys|summary)\.json|(chains|folded)\.ndjson"
    r"|standards/[a-z0-9][a-z0-9._-]{0,99}@[0-9]{1,9}\.yaml"
    r"|chain/[A-Za-z0-9][A-Za-z0-9._-]{0,63}~[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
    r"/(records\.ndjson|seals\.ndjson|stored\.csv)"
)
"""What a member may be called: nothing that leads out of a folder."""


class Member(Model):
    """A member of the file: its size and digest as it is unpacked."""

    size: Count
    sha256: Hash


class Covers(StrEnum):
    """Which of the summary's lines the file has records of."""

    ALL = "all"
    FAILED = "failed"


class Manifest(Model):
    """The last member: what the others are."""

    format: Literal["linewatch-evidence/1"] = FORMAT
    software: Text
    covers: Covers
    members: dict[str, Member]


# --- The registry's extract and keys -------------------------------------------------------------


class CarrierEntry(Model):
    """Whose lines they are."""

    id: Identifier
    name: Text


class SiteEntry(Model):
    """Where a line is."""

    id: Identifier
    name: Text
    ward: Text | None
    address: Text | None


class TermsEntry(Model):
    """A statement about a line's terms that touches the month, as `collector.domain.terms` has it.

    Who pays is left out.
    """

    recorded_at: AwareDatetime
    valid_from: date | None
    valid_until: date | None
    plan: Text | None
    contracted_download_bits_per_second: Count | None
    contracted_upload_bits_per_second: Count | None
    declared_download_bits_per_second: Count | None
    declared_upload_bits_per_second: Count | None
    minimum_download_bits_per_second: Count | None
    minimum_upload_bits_per_second: Count | None
    contract_number: Text | None
    contract_since: date | None

    @property
    def period(self) -> Period:
        """The statement itself."""
        values = self.model_dump(exclude={"recorded_at", "valid_from", "valid_until"})
        return Period(self.valid_from, self.valid_until, Terms(**values))


class LineEntry(Model):
    """A line. ``server``: the plan's main one."""

    id: Identifier
    site: Identifier
    technology: Identifier
    server: Text | None
    terms: tuple[TermsEntry, ...]


class ServerEntry(Model):
    """A measurement server, and whose network it stands in."""

    id: Identifier
    url: Text
    engine: Identifier
    network: Text | None


class PathEntry(Model):
    """That records of a probe's path were taken as a line's when they came, and when."""

    probe: Identifier
    path: Identifier
    line: Identifier
    first_received_at: AwareDatetime
    last_received_at: AwareDatetime


class Registry(Model):
    """What the registry says of the lines that the file has records of."""

    carrier: CarrierEntry
    sites: tuple[SiteEntry, ...]
    lines: tuple[LineEntry, ...]
    servers: tuple[ServerEntry, ...]
    paths: tuple[PathEntry, ...]


class KeyEntry(Model):
    """A key that a probe's seals are by.

    ``fingerprint``: SHA-256 of its 32 bytes. ``current``: the probe's key now; other keys are ones
    that it had before. The moments are of the seals in the file.
    """

    public_key: PublicKey
    fingerprint: Hash
    current: bool
    first_seal_at: AwareDatetime | None
    last_seal_at: AwareDatetime | None


class ProbeEntry(Model):
    """A probe and its keys. ``revoked_at``: from then on nothing by its key is taken."""

    id: Identifier
    site: Identifier
    model: Text | None
    enrolled_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    keys: tuple[KeyEntry, ...]


class Keys(Model):
    """All probes whose records are in the file."""

    probes: tuple[ProbeEntry, ...]


# --- Chains --------------------------------------------------------------------------------------


class Span(Model):
    """Consecutive places of a chain, both ends included, and the hash of the last one.

    ``last_hash`` null: the last one is missing.
    """

    from_seq: Count
    to_seq: Count
    last_hash: Hash | None


class GapEntry(Model):
    """Places that are missing in the ledger, both ends included."""

    from_seq: Count
    to_seq: Count


class ChainEntry(Model):
    """A chain: a line of `chains.ndjson`.

    ``records``: lines of its records.ndjson. ``kept_apart``: lines that came and are no part of the
    chain, as forks. ``lines``: the ids of lines that have records in it.
    """

    probe: Identifier
    chain: Identifier
    spans: tuple[Span, ...]
    records: Count
    lines: tuple[Identifier, ...]
    gaps: tuple[GapEntry, ...]
    kept_apart: Count
    forked_at: AwareDatetime | None

    @property
    def folder(self) -> str:
        """Where its members are."""
        return folder_of(self.probe, self.chain)


def folder_of(probe: str, chain: str) -> str:
    """Return where a chain's members are; no name has a ~ in it."""
    return f"{PARTS}{probe}~{chain}/"


class SealEntry(Model):
    """A seal as the probe sent it, the key that it is by, and when it came."""

    seq: Count
    hash: Hash
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]
    public_key: PublicKey
    received_at: AwareDatetime


class FoldedEntry(Model):
    """An hour of a line's latency records that were folded; round trips in whole microseconds."""

    line: Identifier
    series: tuple[Text, Text | None, Text | None, Text | None, Text | None, int | None, Text | None]
    outcome: Text
    failure_code: Text
    flags: Text
    hour: AwareDatetime
    records: Count
    sent: Count
    received: Count
    minimum_seconds: Seconds | None
    round_trips_microseconds: tuple[Count, ...]
    delay_variations_microseconds: tuple[Count, ...]

    @property
    def content(self) -> Hour:
        """What was measured in it."""
        return Hour(
            self.records,
            self.sent,
            self.received,
            self.minimum_seconds,
            tuple(one / 1e6 for one in self.round_trips_microseconds),
            tuple(one / 1e6 for one in self.delay_variations_microseconds),
        )


# --- What the collector says of places: stored.csv -----------------------------------------------


class Kind(StrEnum):
    """What is at a place of a chain."""

    RECORD = "record"
    TOMBSTONE = "tombstone"
    INVALID = "invalid"
    """A link of the chain that is no valid record: it is not judged."""

    LATER = "later"
    """A record that came while the report was made: it is not judged."""

    FOLDED = "folded"
    """A latency record that is in an hour now; its hash stayed."""

    MISSING = "missing"
    """Nothing: the ledger never had it, or it left with its month."""


COLUMNS: Final = (
    "seq",
    "to_seq",
    "kind",
    "hash",
    "received_at",
    "line",
    "measured_at",
    "time_quality",
)


class Place(NamedTuple):
    """A place of a chain: a row of stored.csv.

    Attributes:
        seq, to_seq: the place; of missing ones the first and the last.
        kind: what is there.
        hash: of a folded one; '' of others, whose bytes have it.
        received_at: when it came.
        line: that it was taken as; '': none that the file is about.
        measured_at, time_quality: the best known moment and who vouches for it.
    """

    seq: int
    to_seq: int
    kind: Kind
    hash: str = ""
    received_at: datetime | None = None
    line: str = ""
    measured_at: datetime | None = None
    time_quality: str = ""

    def row(self) -> bytes:
        """Return it as a row; no value has a comma or a quotation mark in it."""
        cells = (
            str(self.seq),
            str(self.to_seq),
            self.kind.value,
            self.hash,
            moment(self.received_at),
            self.line,
            moment(self.measured_at),
            self.time_quality,
        )
        return (",".join(cells) + "\n").encode()


def read_place(row: bytes) -> Place:
    """Return the place that a row tells of.

    Raises:
        ValueError: it tells of none.
    """
    seq, to_seq, kind, own, received, line, measured, quality = row.decode("ascii").split(",")
    return Place(
        int(seq),
        int(to_seq),
        Kind(kind),
        own,
        read_moment(received),
        line,
        read_moment(measured),
        quality,
    )


def moment(at: datetime | None) -> str:
    """Return a moment as text, always of the same length; '' for None."""
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_moment(text: str) -> datetime | None:
    """Return the moment that a text is; None for ''.

    Raises:
        ValueError: it is none, not as `moment` writes it, or not of `YEARS`.
    """
    if not text:
        return None
    found = datetime.fromisoformat(text)
    if found.year not in YEARS or moment(found) != text:
        raise ValueError(f"'{text[:40]}' is no moment as 2026-10-01T00:00:00.000000Z")
    return found
