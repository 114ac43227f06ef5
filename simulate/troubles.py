"""What is planted in a fleet: outages, power cuts, slow lines. Drawn once, so that it is the truth.

Moments are seconds since the epoch.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from simulate.plan import FleetPlan, moment_text
from simulate.planting import Cut, Story
from simulate.registry import Line, Probe

DAY: Final = 86400
HOUR: Final = 3600

LINE_OUTAGES_A_DAY: Final = 1 / 25
WARD_OUTAGES_A_DAY: Final = 1 / 60
POWER_CUTS_A_DAY: Final = 1 / 30
NEW_CHAINS_A_DAY: Final = 1 / 300
BREACHING_SHARE: Final = 0.10
FADING_SHARE: Final = 0.05
SLOW_CLOCK_SHARE: Final = 0.5
"""Of power cuts, after which the device does not know the time at once."""

Failing = Literal["connect_timeout", "name_resolution"]
Where = Literal["gateway", "access", "beyond"]
Breach = Literal["evening", "always"]


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment up to, not with, another one."""

    start: float
    end: float

    def __contains__(self, moment: float) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Outage:
    """A line that carries nothing.

    Attributes:
        scope: of the line alone, or of all of its carrier's lines in its ward.
        failure: what a test sees of it.
        where: the way is cut: at the site's router, behind it, or behind the carrier's name server.
    """

    span: Span
    scope: Literal["line", "ward"]
    failure: Failing
    where: Where = "access"


@dataclass(frozen=True, slots=True)
class PowerCut:
    """A probe without power.

    Attributes:
        lost_seconds: how long after its return the device believes to be at the cut's beginning:
            it has no clock battery, and nobody tells it the time; 0: it is told at once.
    """

    span: Span
    lost_seconds: float


@dataclass(frozen=True, slots=True)
class LineTroubles:
    """What is wrong with a line.

    Attributes:
        outages: in the order of time; they may overlap.
        breach: when the line is below what was promised; None: never.
        share: what is left of the promise then.
        fading_a_day: what it loses each day, a share of its rate.
    """

    outages: tuple[Outage, ...]
    breach: Breach | None
    share: float
    fading_a_day: float

    def outage_at(self, moment: float) -> Outage | None:
        """Return the outage at a moment."""
        return next((each for each in self.outages if moment in each.span), None)


@dataclass(frozen=True, slots=True)
class ProbeTroubles:
    """What is wrong with a probe: its power cuts, and when its storage is new: a new chain."""

    power_cuts: tuple[PowerCut, ...]
    new_chains: tuple[float, ...]


def line_troubles(plan: FleetPlan, line: Line, story: Story | None = None) -> LineTroubles:
    """Return what is planted on a line: by its story, or with what its carrier has in its ward."""
    if story:
        outages = tuple(_outage(cut) for cut in story.cuts if cut.where != "power")
        return LineTroubles(outages, breach=None, share=1.0, fading_a_day=0.0)
    dice = plan.dice("line troubles", line.id)
    own = (
        Outage(Span(start, start + dice.uniform(0.4, 9) * HOUR), "line", _failing(dice))
        for start in _moments(plan, dice, LINE_OUTAGES_A_DAY)
    )
    breaches = bool(line.contracted) and dice.random() < BREACHING_SHARE * plan.trouble
    kind: Breach = dice.choice(("evening", "always"))
    share = dice.uniform(0.35, 0.6) if kind == "evening" else dice.uniform(0.45, 0.72)
    fades = not breaches and dice.random() < FADING_SHARE * plan.trouble
    outages = (*own, *ward_outages(plan, line.ward, line.carrier.id))
    return LineTroubles(
        outages=tuple(sorted(outages, key=lambda each: each.span.start)),
        breach=kind if breaches else None,
        share=share if breaches else 1.0,
        fading_a_day=0.004 if fades else 0.0,
    )


def _outage(cut: Cut) -> Outage:
    # Where a name server answers, the far end does not; where none does, no name is found.
    failure: Failing = "connect_timeout" if cut.where == "beyond" else "name_resolution"
    where: Where = "access" if cut.where == "power" else cut.where
    return Outage(Span(cut.start, cut.end), "line", failure, where)


def ward_outages(plan: FleetPlan, ward: str, carrier: str) -> tuple[Outage, ...]:
    """Return when a carrier is away in a whole ward."""
    dice = plan.dice("ward troubles", ward, carrier)
    return tuple(
        Outage(Span(start, start + dice.uniform(1, 6) * HOUR), "ward", "connect_timeout")
        for start in _moments(plan, dice, WARD_OUTAGES_A_DAY)
    )


def probe_troubles(plan: FleetPlan, probe: Probe) -> ProbeTroubles:
    """Return what is planted on a probe; its power cuts do not overlap."""
    dice = plan.dice("probe troubles", probe.id)
    cuts: list[PowerCut] = []
    if probe.story and probe.story.group.cut == "power":
        cuts += [PowerCut(Span(cut.start, cut.end), 0.0) for cut in probe.story.cuts]
        return ProbeTroubles(tuple(cuts), tuple(_moments(plan, dice, NEW_CHAINS_A_DAY)))
    for start in _moments(plan, dice, POWER_CUTS_A_DAY):
        seconds = dice.uniform(0.5, 20) * HOUR
        lost = dice.uniform(600, 1800) if dice.random() < SLOW_CLOCK_SHARE else 0.0
        # An hour between two: what the first left behind is written by then.
        if not cuts or start > cuts[-1].span.end + HOUR:
            cuts.append(PowerCut(Span(start, start + seconds), lost))
    return ProbeTroubles(tuple(cuts), tuple(_moments(plan, dice, NEW_CHAINS_A_DAY)))


def _moments(plan: FleetPlan, dice: random.Random, a_day: float) -> Iterator[float]:
    """Yield the moments of what comes so often, in the order of time."""
    rate = a_day * plan.trouble / DAY
    if rate <= 0:
        return
    moment = plan.begins + dice.expovariate(rate)
    while moment < plan.ends:
        yield moment
        moment += dice.expovariate(rate)


def _failing(dice: random.Random) -> Failing:
    return dice.choice(("connect_timeout", "name_resolution"))


def planted(plan: FleetPlan, probes: list[Probe]) -> dict[str, Any]:
    """Return all that is planted on probes, for people and tests: JSON's types."""
    outages: dict[tuple[str, str, float], dict[str, Any]] = {}
    breaches, fading, cuts, stories = [], [], [], []
    first, *_, last = (plan.start, *plan.days_of())
    for probe in probes:
        cuts += [
            {"probe": probe.id, **_span(cut.span), "clock_lost_seconds": cut.lost_seconds}
            for cut in probe_troubles(plan, probe).power_cuts
        ]
        for line in probe.lines:
            troubles = line_troubles(plan, line, probe.story)
            if probe.story:
                stories.append(probe.story.as_json(line.id, first, last))
            for each in troubles.outages:
                where = line.id if each.scope == "line" else f"{line.ward} {line.carrier.id}"
                row = outages.setdefault(
                    (each.scope, where, each.span.start),
                    {
                        "scope": each.scope,
                        "where": each.where,
                        **_span(each.span),
                        "lines": [],
                    },
                )
                row["lines"].append(line.id)
            if troubles.breach:
                breach = {"line": line.id, "when": troubles.breach, "share": troubles.share}
                breaches.append(breach)
            if troubles.fading_a_day:
                fading.append({"line": line.id, "share_a_day": troubles.fading_a_day})
    return {
        "outages": list(outages.values()),
        "power_cuts": cuts,
        "breaches": breaches,
        "fading": fading,
        "stories": stories,
    }


def _span(span: Span) -> dict[str, str]:
    return {"from": moment_text(span.start), "until": moment_text(span.end)}
