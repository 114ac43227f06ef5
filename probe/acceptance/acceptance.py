"""What the whole test gave: its findings, and the rates that follow from them."""

from dataclasses import dataclass
from datetime import datetime

from probe.acceptance.ceiling import Limit
from probe.acceptance.contract import Contract
from probe.acceptance.finding import Finding, Result
from probe.acceptance.loopback import Direction
from protocol.conditions import Ceiling


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
        contract: what the contract promises; None where nobody said.
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
    contract: Contract | None
    findings: tuple[Finding, ...]
    download: Limit | None
    upload: Limit | None

    @property
    def to_mend(self) -> tuple[Finding, ...]:
        """What hinders certifying."""
        return tuple(each for each in self.findings if each.result is Result.MEND)

    @property
    def below_contract(self) -> tuple[Direction, ...]:
        """The directions that are certified for less than the contract promises in them."""
        ceiling, contract = self.ceiling, self.contract
        if ceiling is None or contract is None:
            return ()
        directions: tuple[tuple[Direction, int, float], ...] = (
            ("download", ceiling.download_bits_per_second, contract.download),
            ("upload", ceiling.upload_bits_per_second, contract.upload),
        )
        return tuple(each for each, certified, promised in directions if certified < promised)

    @property
    def ceiling(self) -> Ceiling | None:
        """What the device is certified for; None where something is to be mended first."""
        if self.to_mend or not (self.interface and self.download and self.upload):
            return None
        return Ceiling(
            download_bits_per_second=self.download.bits_per_second,
            upload_bits_per_second=self.upload.bits_per_second,
            certified_at=self.at,
            interface=self.interface,
        )
