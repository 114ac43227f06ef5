"""A fleet that never was, day by day and probe by probe."""

from collections.abc import Iterable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulate.device import Batch, Device
from simulate.plan import FleetPlan
from simulate.registry import Probe, probe_of, registry_file
from simulate.troubles import planted
from simulate.truth import ProbeTruth


class Fleet:
    """A plan's probes and what they write.

        fleet = Fleet(FleetPlan(probes=50, days=31, seed=1))
        for batch in fleet.batches():
            ...

    Memory grows with the number of probes, 13 kB each, and not with the days.

    Args:
        plan: size, days, seed.
        numbers: of the probes to make, all by default: several processes may share a fleet.
    """

    def __init__(self, plan: FleetPlan, numbers: Iterable[int] | None = None) -> None:
        self.plan = plan
        self.truths: dict[str, ProbeTruth] = {}
        self.share_done = 0.0
        self._numbers = list(range(plan.probes) if numbers is None else numbers)

    def probes(self) -> Iterator[Probe]:
        """Yield the probes."""
        return (probe_of(self.plan, number) for number in self._numbers)

    def keys(self) -> dict[str, Ed25519PrivateKey]:
        """Return each probe's key."""
        return {probe.id: probe.key(self.plan.seed) for probe in self.probes()}

    def registry(self) -> dict[str, Any]:
        """Return what `linewatch registry import` takes; of the whole fleet."""
        return registry_file(self.plan)

    def batches(self) -> Iterator[Batch]:
        """Yield every batch: the first day of all probes, then the second.

        A probe's batches come in the order of its chain. `truth` grows with them; calling this
        again begins anew.
        """
        devices = [Device(self.plan, probe) for probe in self.probes()]
        self.truths = {device.probe.id: device.truth for device in devices}
        self.share_done = 0.0
        steps = len(devices) * self.plan.days
        for day in self.plan.days_of():
            for device in devices:
                yield from device.day(day)
                self.share_done += 1 / steps

    def truth(self) -> dict[str, Any]:
        """Return what is planted, and what was written so far: JSON's types."""
        return {
            "plan": self.plan.as_json(),
            "planted": planted(self.plan, list(self.probes())),
            "records": sum(truth.records for truth in self.truths.values()),
            "probes": {name: truth.as_json() for name, truth in self.truths.items()},
        }
