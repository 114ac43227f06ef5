"""Verdicts on simulated line-months: what was planted is found, and nobody else is accused."""

from dataclasses import replace

import pytest

from bench.coverage import TRUTHS, Truth, rates
from bench.line_months import Model

CLEAN, *_, BREACH = TRUTHS


def test_a_clean_line_is_never_accused() -> None:
    """Of 1,000 line-months whose evenings have 0.85 of the declared speed none fails, by the
    primary question or any other, and nearly all pass.
    """
    found = rates(CLEAN, 1000, seed=21)
    assert (found.primary_fails, found.any_fails) == (0, 0)
    assert found.passes > 950


@pytest.mark.parametrize("servers", [1, 2])
def test_lines_that_break_their_contract_in_the_evening_are_found(servers: int) -> None:
    """At least 95 of 100 line-months with 0.65 of the declared speed in the evening fail, with one
    server and with two in turns; and none of them passes.
    """
    found = rates(BREACH, 100, seed=22, servers=servers)
    assert found.primary_fails >= 95
    assert found.passes == 0


def test_a_line_just_at_its_limit_is_hardly_ever_accused() -> None:
    """Where the evening's mean is exactly the limit, an interval is beyond it once in forty; also
    where days resemble their neighbours it is not much more.
    """
    at_limit = Truth("at the limit", Model(dip=0.20), keeps=True)
    assert rates(at_limit, 200, seed=23).primary_fails <= 12
    alike = at_limit._replace(model=replace(at_limit.model, days_alike=0.5))
    assert rates(alike, 200, seed=24).primary_fails <= 20
