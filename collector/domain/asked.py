"""What a standard's indicator asks of a line: its numbers in bit/s, seconds, shares or days."""

from typing import NamedTuple

from collector.domain.answers import Threshold
from collector.domain.findings import Reason
from collector.domain.line_month import LinePart
from collector.domain.quantities import Quantity
from collector.domain.standard import Indicator, Limit, Reference, Standard
from collector.domain.terms import Terms


class Asked(NamedTuple):
    """An indicator's numbers for this line.

    Attributes:
        credit: what a lower bound counts as at least.
    """

    limit: Threshold
    test: Threshold | None
    credit: float
    reference: Reference | None


def asked_of(part: LinePart, standard: Standard, indicator: Indicator) -> Asked | Reason:
    """Return an indicator's numbers for a line, or why it has none."""
    if not standard.is_for(part.technology):
        return Reason.NOT_FOR_TECHNOLOGY
    numbers = [one for one in (indicator.limit, indicator.test) if one is not None]
    if any(one.number is None for one in numbers):
        return Reason.NO_NUMBER
    scales = {one: _scale(one, indicator.quantity, part.terms) for one in numbers}
    limit = _resolved(indicator.limit, scales[indicator.limit])
    test = _resolved(indicator.test, scales[indicator.test]) if indicator.test else None
    if limit is None or (indicator.test and test is None):
        return Reason.NO_TERMS
    # A lower bound is credited with the speed that a test's own limit, where there is one, is of.
    scale = scales[indicator.test or indicator.limit]
    speed, reference = scale or (0.0, None)
    return Asked(limit, test, speed if reference else (test or limit).value, reference)


def _resolved(limit: Limit, scale: tuple[float, Reference | None] | None) -> Threshold | None:
    if scale is None or limit.number is None:
        return None
    return Threshold(limit.side, limit.number * scale[0])


def _scale(limit: Limit, quantity: Quantity, terms: Terms) -> tuple[float, Reference | None] | None:
    """Return what a limit's number is a share of, or its unit; None: the terms do not tell."""
    if limit.unit is not None:
        return limit.unit.factor, None
    for reference in limit.of:
        speed = getattr(terms, f"{reference}_{quantity}_bits_per_second")
        if speed:
            return speed, reference
    return None
