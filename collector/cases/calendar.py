"""The working days of Viet Nam, and the rules that are counted in them."""

from collections.abc import Collection
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import holidays
import yaml

from collector.domain.cases.deadlines import Rule, Rules
from collector.domain.cases.working_days import WorkingDays

RULES: Final = Path(__file__).parent / "rules.yaml"


def vietnam(days_off: Collection[date] = ()) -> WorkingDays:
    """Return the calendar of Viet Nam.

    The library has the holidays of the law, those in lieu of a weekend, and the days off that were
    swapped for a Saturday, as far as they were announced when it was made. The Saturdays that are
    worked in exchange stay days off here: they bind offices of the state, not every carrier, and a
    deadline must not come too early.

    Args:
        days_off: more of them, which the library does not know.
    """
    known = holidays.country_holidays("VN")
    more = frozenset(days_off)
    return WorkingDays(lambda day: day in more or day in known)


@cache
def rules() -> tuple[Rule, ...]:
    """Return what is asked of a carrier that got a complaint."""
    content = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return Rules.model_validate(content).rules
