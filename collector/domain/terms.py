"""A line's terms: what its contract and its carrier's notice promise, and from which day on. Pure.

What is known of terms is a list of statements in the order in which they were recorded, each about
some days. None is ever changed or removed: on every day that one holds which was recorded last. So
what was believed at a moment is told by the statements recorded until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds of a line on a day; speeds are bits per second, null is not known.

    Attributes:
        plan: the carrier's name for what is paid for.
        contracted_download_bits_per_second: by the contract.
        contracted_upload_bits_per_second: by the contract.
        declared_download_bits_per_second: in the carrier's notice, Vd.
        declared_upload_bits_per_second: in the carrier's notice, Vu.
        minimum_download_bits_per_second: below which the contract says it never goes.
        minimum_upload_bits_per_second: as above.
        contract_number: as it stands on the contract.
        contract_since: the day of the contract.
        payer: who pays.
    """

    plan: str | None = None
    contracted_download_bits_per_second: int | None = None
    contracted_upload_bits_per_second: int | None = None
    declared_download_bits_per_second: int | None = None
    declared_upload_bits_per_second: int | None = None
    minimum_download_bits_per_second: int | None = None
    minimum_upload_bits_per_second: int | None = None
    contract_number: str | None = None
    contract_since: date | None = None
    payer: str | None = None


TERMS_FIELDS: Final = tuple(field.name for field in fields(Terms))
"""The names of all that `Terms` has."""


class Period(NamedTuple):
    """Days, and the terms on them.

    Attributes:
        first: the first day; None: from the beginning.
        last: the last day; None: without an end.
        terms: that hold.
    """

    first: date | None
    last: date | None
    terms: Terms

    def has(self, day: date) -> bool:
        """Return whether a day is one of them."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class Part(NamedTuple):
    """Days of a month, both included, on which one set of terms holds."""

    first: date
    last: date
    terms: Terms


def periods_of(stated: Sequence[Period]) -> list[Period]:
    """Return what holds on which days, from the beginning without an end: each day once.

    Args:
        stated: in the order in which they were recorded. Days of which nothing was said have terms
            of which nothing is known.
    """
    starts = {date.min}
    for one in stated:
        starts.add(one.first or date.min)
        if one.last is not None and one.last < date.max:
            starts.add(one.last + _DAY)
    found: list[Period] = []
    for start in sorted(starts):
        terms = next((one.terms for one in reversed(stated) if one.has(start)), Terms())
        if found and found[-1].terms == terms:
            continue
        first = None if start == date.min else start
        if found and first is not None:
            found[-1] = found[-1]._replace(last=first - _DAY)
        found.append(Period(first, None, terms))
    return found


def period_on(stated: Sequence[Period], day: date) -> Period:
    """Return the days around a day on which the same terms hold as on it."""
    return next(period for period in periods_of(stated) if period.has(day))


def parts_between(stated: Sequence[Period], first_day: date, last_day: date) -> list[Part]:
    """Return the days from one to another, both included, divided where the terms changed."""
    return [
        Part(max(first_day, period.first or first_day), min(last_day, period.last or last_day), t)
        for period in periods_of(stated)
        for t in [period.terms]
        if (period.first is None or period.first <= last_day)
        and (period.last is None or first_day <= period.last)
    ]


def judged_between(stated: Sequence[Period], first_day: date, last_day: date) -> list[Part]:
    """Return `parts_between`, divided only where a promise changed.

    A contract that got another number, or day, promises what it did before: such days are judged
    together, and told by the last of their terms.
    """
    found: list[Part] = []
    for part in parts_between(stated, first_day, last_day):
        if found and _promise(found[-1].terms) == _promise(part.terms):
            found[-1] = part._replace(first=found[-1].first)
        else:
            found.append(part)
    return found


def _promise(terms: Terms) -> Terms:
    return replace(terms, contract_number=None, contract_since=None, payer=None)


def promises_of(stated: Iterable[Period]) -> list[Period]:
    """Return statements without who pays: that is no promise, and divides no month."""
    return [one._replace(terms=replace(one.terms, payer=None)) for one in stated]


def changed_from(stated: Sequence[Period], day: date, changes: Mapping[str, Any]) -> Period:
    """Return the statement that terms are others from a day on, until the next ones known."""
    around = period_on(stated, day)
    return Period(day, around.last, replace(around.terms, **changes))


def mended_on(stated: Sequence[Period], day: date, changes: Mapping[str, Any]) -> Period:
    """Return the statement that the terms around a day were wrong: they were these all along."""
    around = period_on(stated, day)
    return around._replace(terms=replace(around.terms, **changes))


def differences(terms: Terms, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return of each field that would change what it is and what it would be."""
    found = ((name, getattr(terms, name), value) for name, value in values.items())
    return {name: (before, after) for name, before, after in found if before != after}


def known_fields(terms: Terms, names: Iterable[str] = TERMS_FIELDS) -> dict[str, Any]:
    """Return what is known, by its name."""
    found = ((name, getattr(terms, name)) for name in names)
    return {name: value for name, value in found if value is not None}
