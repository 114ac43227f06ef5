"""What stands in the file of a registry, one model for each kind of row."""

from datetime import date
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from collector.domain.site_kinds import SiteKind
from collector.domain.terms import TERMS_FIELDS
from protocol.messages import MeasuredPath, PublicKey, Schedule, ServerEntry
from protocol.model import Count, Identifier, Model, Text

Role = Literal["signer", "clerk", "technician"]
"""What a person does for a ward: signs letters, writes them, sees to the probes."""


class CarrierRow(Model):
    """A carrier, with its networks where they are known."""

    id: Identifier
    name: Text
    legal_name: Text | None = None
    complaint_email: Text | None = None
    postal_address: Text | None = None
    telephone: Text | None = None
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _read_address(cls, row: Any) -> Any:  # noqa: ANN401 - whatever the file has
        """Take the one address of files of before 2026-11-22 for what it is."""
        if not isinstance(row, dict) or "complaint_address" not in row:
            return row
        kept = {name: value for name, value in row.items() if name != "complaint_address"}
        address = row["complaint_address"]
        if isinstance(address, str):
            kept["complaint_email" if "@" in address else "postal_address"] = address
        return kept


class WardRow(Model):
    """A ward, with what its letters begin with."""

    id: Identifier
    name: Text
    superior: Text | None = None
    authority: Text | None = None
    place: Text | None = None
    letter_code: Text | None = None


class PersonRow(Model):
    """A person in a role for a ward: personal data."""

    id: Identifier
    ward: Identifier
    role: Role
    name: Text
    title: Text | None = None
    signs_for: Text | None = None
    telephone: Text | None = None
    email: Text | None = None


class SiteRow(Model):
    """A site; ``kind`` null: nobody said what it is."""

    id: Identifier
    name: Text
    kind: SiteKind | None = None
    ward: Text | None = None
    address: Text | None = None
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)


class TermsValues(Model):
    """What `collector.domain.terms.Terms` has; speeds are bit/s."""

    plan: Text | None = None
    contracted_download_bits_per_second: Count | None = None
    contracted_upload_bits_per_second: Count | None = None
    declared_download_bits_per_second: Count | None = None
    declared_upload_bits_per_second: Count | None = None
    minimum_download_bits_per_second: Count | None = None
    minimum_upload_bits_per_second: Count | None = None
    contract_number: Text | None = None
    contract_since: date | None = None
    payer: Text | None = None


class TermsRow(TermsValues):
    """A statement about a line's terms: local days, both included, null is without an end."""

    valid_from: date | None = None
    valid_until: date | None = None
    recorded_at: AwareDatetime


class LineRow(TermsValues):
    """A line of a carrier at a site.

    Its terms are either values of its own, which hold from the beginning on, or ``terms``: all that
    was ever stated, in the order in which it was.
    """

    id: Identifier
    site: Identifier
    carrier: Identifier
    technology: Identifier
    terms: tuple[TermsRow, ...] = ()

    @model_validator(mode="after")
    def _has_one_truth(self) -> "LineRow":
        if self.terms and any(getattr(self, name) is not None for name in TERMS_FIELDS):
            raise ValueError("a line has either terms, or values of its own")
        return self


class PathRow(MeasuredPath):
    """A path of a probe; ``schedule`` null: the collector's own."""

    schedule: Schedule | None = None  # type: ignore[assignment]


class ServerRow(ServerEntry):
    """A measurement server, and what it may be used for; bit/s, each way."""

    budget_bits_per_second: Count | None = None


class ProbeRow(Model):
    """A probe with its paths.

    ``public_key``: it is enrolled with this one; null: it needs a code (`linewatch probe code`).
    ``former_keys``: seals by these are its own, too. ``revoked_at``: since then it is refused.
    """

    id: Identifier
    site: Identifier
    public_key: PublicKey | None = None
    former_keys: tuple[PublicKey, ...] = ()
    revoked_at: AwareDatetime | None = None
    software: Text | None = None
    model: Text | None = None
    paths: tuple[PathRow, ...] = Field(min_length=1, max_length=16)
