"""What the whole test gave: its findings, and the rates that follow from them."""

from dataclasses import dataclass
from datetime import datetime

from probe.acceptance.ceiling import Limit
from probe.acceptance.finding import Finding, Result
from protocol.records import Ceiling


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An acceptance test, ended.

    Attributes:
        at: when it began, aware.
        seconds: how long it took.
        probe, site: what the collector calls them; None where the device is not enrolled.
        model, serial: of the device; None where it does not tell.
        interface: of the path; None where there is none.
        server: the reference server's address; None without one.
        contract_bits_per_second: what the contract promises; None where nobody said.
        findings: one for each check, in the order of the page.
        download, upload: what follows for each direction; None where it could not be measured.
    """

    at: datetime
    seconds: float
    probe: str | None
    site: str | None
    model: str | None
    serial: str | None
    interface: str | None
    server: str | None
    contract_bits_per_second: float | None
    findings: tuple[Finding, ...]
    download: Limit | None
    upload: Limit | None

    @property
    def to_mend(self) -> tuple[Finding, ...]:
        """What hinders certifying."""
        return tuple(each for each in self.findings if each.result is Result.MEND)

    @property
    def below_contract(self) -> bool:
        """Whether neither direction is certified for what the contract promises."""
        rates = [each.bits_per_second for each in (self.download, self.upload) if each]
        contract = self.contract_bits_per_second
        return contract is not None and bool(rates) and max(rates) < contract

    @property
    def ceiling(self) -> Ceiling | None:
        """What the device is certified for; None where something is to be mended first."""
        if self.to_mend or self.download is None or self.upload is None:
            return None
        return Ceiling(
            download_bits_per_second=self.download.bits_per_second,
            upload_bits_per_second=self.upload.bits_per_second,
            certified_at=self.at,
            interface=self.interface,
        )
