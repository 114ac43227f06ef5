"""How a line behaves at a moment: its rates, its round trips, its losses. Pure, from dice.

A line has a best rate, a day (days resemble the one before), an hour (the evening is worst), and
its troubles. Round trips are whole microseconds.
"""

import random
from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import Final

from simulate.plan import FleetPlan
from simulate.planting import Fault, Story
from simulate.registry import Line
from simulate.troubles import DAY, LineTroubles, line_troubles

PEAK_HOUR: Final = 20.5
PEAK_HALF_WIDTH_HOURS: Final = 5.0
EVENING: Final = (19, 23)
"""In which what is planted for an evening is there as a whole: `_sunk` is 1."""

WEEKEND: Final = 1.15
SATURDAY: Final = 5

DAY_MEMORY: Final = 0.7
DAY_NOISE: Final = 0.012
"""Of the days' own factor: what it keeps of yesterday's, and what is new."""

HOUR_OFFSET: Final = 7 * 3600
"""Of Viet Nam's time to UTC, at all times of the years in question."""

EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""

MOBILE: Final = frozenset({"4g", "5g"})

IPV6_STATES: Final = ("ready", "slower", "no_address", "no_route", "no_name", "no_answer")
IPV6_SHARES: Final = (62, 8, 20, 4, 3, 3)


def load_at(moment: float) -> float:
    """Return how busy a neighbourhood is: 0 to 1, on weekends a little more."""
    local = moment + HOUR_OFFSET
    distance = abs(local % DAY / 3600 - PEAK_HOUR)
    if distance >= PEAK_HALF_WIDTH_HOURS:
        return 0.0
    weekday = (int(local // DAY) + EPOCH_WEEKDAY) % 7
    peak = cos(distance / PEAK_HALF_WIDTH_HOURS * pi / 2)
    return peak * (WEEKEND if weekday >= SATURDAY else 1.0)


def _sunk(load: float) -> float:
    """Return how far the evening has come, from 0 to 1: it comes and goes."""
    return min(1.0, 1.6 * load)


@dataclass(slots=True)
class Nature:
    """What a line is like, and how its present day is.

    Attributes:
        trip_us: the round trip to the nearest server, line idle.
        dip: what the busiest evening takes of the rate; its carrier's, by its neighbourhood.
        noise: of one test against the next.
        loss: of a packet.
        ipv6: how far it goes, in the word of `protocol.results.Ipv6State`.
        day: the present day's factor.
        day_noise: what is new of each day.
        story: what the line lives through; None: what is drawn.
    """

    line: Line
    troubles: LineTroubles
    trip_us: int
    dip: float
    noise: float
    loss: float
    ipv6: str
    day: float = 1.0
    day_noise: float = DAY_NOISE
    story: Story | None = None

    def next_day(self, dice: random.Random) -> None:
        """Go on to the next day: much as the one before."""
        self.day = 1 + (self.day - 1) * DAY_MEMORY + dice.gauss(0, self.day_noise)

    def rates(self, moment: float, days: float, dice: random.Random) -> tuple[float, float]:
        """Return what a test finds, bit/s down and up, ``days`` after the fleet's beginning."""
        load = load_at(moment)
        if self.story:
            return self._told_rates(self.story.carried(moment, _sunk(load)), dice)
        share = self.day * (1 - self.dip * load * dice.uniform(0.8, 1.15))
        share *= (1 - self.troubles.fading_a_day) ** days
        down, up = self.line.rate
        if self.troubles.breach and (promised := self.line.offer.contracted):
            down, up = (mbits * self.troubles.share for mbits in promised)
            if self.troubles.breach == "evening":
                # Between the promise and what is left of it, as the evening comes and goes.
                sunk = _sunk(load)
                whole = (1 - sunk) / self.troubles.share + sunk
                down, up = down * whole, up * whole
                share = self.day
        noise = share * 1e6
        return (
            max(1e5, down * noise * dice.gauss(1, self.noise)),
            max(1e5, up * noise * dice.gauss(1, self.noise)),
        )

    def _told_rates(self, share: float, dice: random.Random) -> tuple[float, float]:
        """Return what a test finds of a share of what the line was first sold as."""
        down, up = self.line.rate
        whole = self.day * share * 1e6
        return (
            max(1e5, down * whole * dice.gauss(1, self.noise)),
            max(1e5, up * whole * dice.gauss(1, self.noise)),
        )

    def fault_at(self, moment: float) -> Fault | None:
        """Return what is wrong with the way's first server."""
        hour = (moment + HOUR_OFFSET) % DAY / 3600
        is_evening = EVENING[0] <= hour < EVENING[1]
        return self.story.fault if self.story and is_evening else None

    def trip(self, moment: float, dice: random.Random) -> int:
        """Return the round trip of a moment, in microseconds, line idle."""
        return int(self.trip_us * (1 + 0.35 * load_at(moment) * dice.random()))

    def queue_us(self, moment: float, dice: random.Random) -> int:
        """Return by how much a packet's wait varies, in microseconds."""
        mobile = 6 if self.line.offer.technology in MOBILE else 1
        return int(300 * mobile * (1 + 4 * load_at(moment) * dice.random()))


def nature_of(plan: FleetPlan, line: Line, story: Story | None = None) -> Nature:
    """Return what a line is like; ``story``: what it lives through."""
    dice = plan.dice("line", line.id)
    neighbourhood = plan.dice("segment", line.ward, line.carrier.id).uniform(0.4, 1.9)
    mobile = line.offer.technology in MOBILE
    found = Nature(
        line=line,
        troubles=line_troubles(plan, line, story),
        trip_us=dice.randint(18_000, 32_000) if mobile else dice.randint(2_500, 14_000),
        dip=min(0.6, line.carrier.dip * neighbourhood * (2 if mobile else 1)),
        noise=0.06 if mobile else 0.008,
        loss=dice.choice((0.0, 0.0, 0.0, 0.0005, 0.002)) + (0.002 if mobile else 0.0),
        ipv6=dice.choices(IPV6_STATES, IPV6_SHARES)[0],
    )
    if story:
        found.noise, found.story = story.noise, story
        # Of days that keep a part of the one before: so wide that all together are as told.
        found.day_noise = story.days * sqrt(1 - DAY_MEMORY**2)
    return found
