"""A standard: what is asked of a line, as a data file says it. Pure: the caller reads the file.

One schema holds a regulation's mean, a share of tests, a latency, a share of time, and a campaign
of some days that is counted instead of estimated. Each number says whether somebody has read it in
the text itself. A number that is not known yet is null: its indicator is never judged.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from collector.domain.quantities import COUNTED, OF_TESTS, RATES, TIMES, Quantity, Statistic, Unit
from protocol.settings import Section

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Share = Annotated[float, Field(ge=0, le=1)]

TECHNOLOGIES: Final = {
    "fixed": frozenset({"fibre", "cable", "dsl"}),
    "4g": frozenset({"4g"}),
    "5g": frozenset({"5g"}),
}
"""What a standard fits, by what the registry calls a line's technology."""


class Reference(StrEnum):
    """A speed of the line's own terms."""

    DECLARED = "declared"
    CONTRACTED = "contracted"
    MINIMUM = "minimum"


class Words(Section):
    """A text for people, Vietnamese and English."""

    vi: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Limit(Section):
    """A number, and on which side of it is good.

    Attributes:
        side: at_least or at_most.
        number: null: not known yet, to be filled in.
        of: the speeds of the line's terms of which it is a share; the first that is known.
        unit: of a number that stands for itself.
        verified: whether somebody has read the number in the text that it comes from.
        source: which text that is, and where it was read.
    """

    side: Literal["at_least", "at_most"]
    number: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    of: tuple[Reference, ...] = ()
    unit: Unit | None = None
    verified: bool
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if bool(self.of) == (self.unit is not None):
            msg = "either 'of' (declared, contracted, minimum) or 'unit' is needed, not both"
            raise ValueError(msg)
        if len(set(self.of)) != len(self.of):
            msg = "the same speed is named twice in 'of'"
            raise ValueError(msg)
        if self.verified and self.number is None:
            msg = "a number that is not known cannot be verified: set verified to false"
            raise ValueError(msg)
        return self

    def keeps(self, value: float, limit: float) -> bool:
        """Return whether a value is on the good side of the limit, or on it."""
        return value >= limit if self.side == "at_least" else value <= limit


class Minimum(Section):
    """Without so much data nothing is judged.

    Attributes:
        days: with one test that counts; intervals of fewer than ten are not known to hold.
        tests: that count; of latency: its records.
        watched_share: of the time, for availability.
    """

    days: Annotated[int, Field(ge=10)]
    tests: Annotated[int, Field(ge=10)]
    watched_share: Share = 0.9


class Window(Section):
    """Hours of the day that are looked at together, fixed before any data are seen.

    Attributes:
        hours: each from a whole hour up to before another, local; empty: all.
        weekdays: 1 is Monday.
        blocks: hours that count by their length, however many tests a plan has in each: a plan that
            tests the evening more often must not make a mean that is more of the evening. Empty:
            each test counts alike.
    """

    id: Id
    name: Words
    hours: tuple[tuple[int, int], ...] = ()
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6, 7)
    blocks: tuple[tuple[int, int], ...] = ()
    minimum: Minimum

    @model_validator(mode="after")
    def _hours_of_a_day(self) -> Self:
        for first, end in (*self.hours, *self.blocks):
            if not 0 <= first < end <= 24:  # noqa: PLR2004 - hours of a day
                msg = f"no hours of a day: [{first}, {end}]; write [19, 23] for 19:00 to 23:00"
                raise ValueError(msg)
        hours = sorted(hour for block in self.blocks for hour in range(*block))
        if self.blocks and hours != sorted(self.open_hours):
            msg = "the blocks must have each hour of the window once, and no other"
            raise ValueError(msg)
        if not self.weekdays:
            msg = "no weekday: leave 'weekdays' out for all of them"
            raise ValueError(msg)
        return self

    @property
    def is_whole(self) -> bool:
        """Whether it has all hours of all days."""
        return self.open_hours == frozenset(range(24)) and len(set(self.weekdays)) == 7  # noqa: PLR2004

    @property
    def open_hours(self) -> frozenset[int]:
        """Its hours, each by its beginning."""
        if not self.hours:
            return frozenset(range(24))
        return frozenset(hour for first, end in self.hours for hour in range(first, end))


class Campaign(Section):
    """Some days with so many tests each, as far apart as the rule says; the first that there are.

    Attributes:
        days, tests_per_day: exactly so many.
        within_days: from the first day to the last, both included.
        days_between: at least so many days without one of the tests.
        minutes_between: two tests.
        pause_after, pause_hours: so long a pause between that test of a day and the next.
    """

    days: PositiveInt
    tests_per_day: PositiveInt
    within_days: PositiveInt
    days_between: Annotated[int, Field(ge=0)] = 0
    minutes_between: PositiveFloat
    pause_after: PositiveInt | None = None
    pause_hours: PositiveFloat | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.pause_after is None) != (self.pause_hours is None):
            msg = "pause_after and pause_hours are needed together"
            raise ValueError(msg)
        shortest = self.days + (self.days - 1) * self.days_between
        if shortest > self.within_days:
            msg = f"{self.days} days so far apart need {shortest} days, not {self.within_days}"
            raise ValueError(msg)
        return self


class Indicator(Section):
    """What is asked of one quantity.

    Attributes:
        percent: of statistic quantile: 10 is what nine of ten tests reach.
        test: what each test is held against, for shares and days.
        windows: which it is judged in; of a campaign none.
        limit: what the statistic is held against.
    """

    id: Id
    name: Words
    quantity: Quantity
    statistic: Statistic
    percent: Annotated[int, Field(ge=1, le=99)] | None = None
    test: Limit | None = None
    windows: tuple[Id, ...] = ()
    limit: Limit

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for problem in (self._misfit(), self._misfit_of_units()):
            if problem:
                raise ValueError(problem)
        return self

    def _misfit(self) -> str | None:
        if (self.statistic is Statistic.QUANTILE) != (self.percent is not None):
            return "'percent' belongs to the statistic quantile, and to no other"
        if (self.statistic in OF_TESTS) != (self.test is not None):
            return "'test', the limit of each test, belongs to share, days_reached and days_kept"
        if self.statistic is Statistic.SHARE and self.limit.side != "at_least":
            return "limit: a share is of the tests that keep 'test': it is at_least a number"
        of_spans = self.quantity in {Quantity.LOSS, Quantity.AVAILABILITY}
        if of_spans and self.statistic is not Statistic.MEAN:
            return f"{self.quantity} has the statistic mean alone"
        return None

    def _misfit_of_units(self) -> str | None:
        own = {
            **dict.fromkeys(RATES, Unit.MEGABITS),
            **dict.fromkeys(TIMES, Unit.MILLISECONDS),
        }.get(self.quantity, Unit.SHARE)
        of_statistic = own
        if self.statistic in COUNTED:
            of_statistic = Unit.DAYS
        elif self.statistic is Statistic.SHARE:
            of_statistic = Unit.SHARE
        for name, limit, unit in (("limit", self.limit, of_statistic), ("test", self.test, own)):
            if limit is None:
                continue
            if limit.of and unit is not Unit.MEGABITS:
                return f"{name}: only speeds are shares of the line's terms: write unit: {unit}"
            if limit.unit is not None and limit.unit is not unit:
                return f"{name}: the unit is {limit.unit}, and {unit} is needed"
            if limit.unit is Unit.SHARE and limit.number is not None and limit.number > 1:
                return f"{name}: a share is at most 1: write 0.8 for 80 %"
        return None


class Primary(Section):
    """The one question that a line's month is asked first."""

    indicator: Id
    window: Id | None = None


class Use(StrEnum):
    """What a standard is for."""

    REQUIREMENT = "requirement"
    """Lines of its time are held against it, and a complaint may rest on it."""

    REFERENCE = "reference"
    """Lines are held against it, and no complaint rests on it: it binds nobody here."""

    EXAMPLE = "example"
    """A requirement of nobody yet: lines are held against it only where somebody names it."""


class Standard(Section):
    """A standard.

    Attributes:
        id, version: its name in reports; a file that changes gets a higher version.
        use: whether a complaint may rest on it.
        name, issuer, note: for people.
        effective_from, effective_to: both included; null: not known, or still in force.
        source: where its text is.
        fits: what kinds of lines it is for.
        servers: 2: no line fails unless a server of another network agrees.
        windows, indicators: what is asked.
        campaign: where it is counted on such days instead.
        primary: the question asked first; all others are a family that Holm's method looks at.
    """

    id: Id
    version: PositiveInt
    use: Use
    name: Words
    issuer: Words
    note: Words | None = None
    effective_from: date | None
    effective_to: date | None
    source: str = Field(min_length=1)
    fits: Annotated[tuple[Literal["fixed", "4g", "5g"], ...], Field(min_length=1)]
    servers: Literal[1, 2] = 1
    windows: tuple[Window, ...] = ()
    campaign: Campaign | None = None
    indicators: tuple[Indicator, ...]
    primary: Primary

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for problem in (self._misnamed(), self._misplaced(), self._without_primary()):
            if problem:
                raise ValueError(problem)
        return self

    def _misnamed(self) -> str | None:
        # Not by the field's length: an indicator that is wrong would be said to be missing, too.
        if not self.indicators:
            return "indicators: at least one is needed"
        for kind, names in (
            ("windows", [one.id for one in self.windows]),
            ("indicators", [one.id for one in self.indicators]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                return f"{kind}: '{twice[0]}' is there twice"
        if self.campaign and self.servers > 1:
            return "servers: a campaign is of one server: leave 'servers' out"
        if self.effective_from and self.effective_to and self.effective_to < self.effective_from:
            return "effective_to is before effective_from"
        return None

    def _misplaced(self) -> str | None:
        windows = {one.id: one for one in self.windows}
        for one in self.indicators:
            place = f"indicators: '{one.id}'"
            if self.campaign and (one.windows or one.quantity not in RATES):
                return f"{place}: a campaign counts speed tests, in no window: leave windows out"
            if not self.campaign and one.statistic in COUNTED:
                return f"{place}: {one.statistic} counts the days of a 'campaign', which is missing"
            if not self.campaign and not one.windows:
                return f"{place}: name its 'windows'"
            unknown = [name for name in one.windows if name not in windows]
            if unknown:
                return f"{place}: there is no window '{unknown[0]}'"
            whole = all(windows[name].is_whole for name in one.windows)
            if one.quantity is Quantity.AVAILABILITY and not whole:
                return f"{place}: availability is judged in a window of all hours and days alone"
        return None

    def _without_primary(self) -> str | None:
        asked = [one for one in self.indicators if one.id == self.primary.indicator]
        if not asked:
            return f"primary: there is no indicator '{self.primary.indicator}'"
        if (self.primary.window is None) != bool(self.campaign):
            return "primary: a window belongs to it, except in a campaign"
        if self.primary.window and self.primary.window not in asked[0].windows:
            return f"primary: '{asked[0].id}' is not judged in the window '{self.primary.window}'"
        return None

    def is_for(self, technology: str) -> bool:
        """Return whether a line of that technology can be held against it."""
        return any(technology in TECHNOLOGIES[kind] for kind in self.fits)

    @property
    def may_accuse(self) -> bool:
        """Whether a complaint may rest on it."""
        return self.use is not Use.REFERENCE

    def is_in_force(self, first: date, last: date) -> bool:
        """Return whether it is in force on all of these days, as far as its dates are known."""
        return (self.effective_from or first) <= first and last <= (self.effective_to or last)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All its numbers."""
        found = [(one.limit, one.test) for one in self.indicators]
        return tuple(limit for pair in found for limit in pair if limit is not None)
