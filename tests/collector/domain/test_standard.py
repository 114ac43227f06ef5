"""A standard's file: good ones are read, each bad one is refused with its place and what to do."""

from datetime import date
from typing import Any

import pytest
import yaml

from collector.domain.standard_file import StandardFault, StandardFile, parse
from tests.collector.domain.standards import campaign_tree, file_of, indicator, limit, tree


def fault_of(content: bytes | dict[str, Any]) -> str:
    """Return why a file is refused."""
    if isinstance(content, dict):
        content = yaml.safe_dump(content).encode()
    with pytest.raises(StandardFault) as caught:
        parse(content, "x.yaml")
    return str(caught.value)


COUNTED = indicator("c", statistic="days_kept", test=limit(1, "minimum"))
SHARE = {"statistic": "share", "test": limit(0.8, "contracted")}
BAD: dict[str, tuple[bytes | dict[str, Any], str]] = {
    "no YAML": (b"a: [", "not valid YAML"),
    "no text": (b"\xff\xfe\x00", "not valid YAML"),
    "no mapping": (b"- 1", "a mapping is needed"),
    "a key twice": (b"id: a\nid: b\n", "the key 'id' is there twice"),
    "an object": (b"!!python/object:os.system {}", "not valid YAML"),
    "nothing": ({}, "id: is needed here"),
    "a misspelt key": (tree(isuer={}), "isuer: unknown key; did you mean 'issuer'?"),
    "a bad id": (tree(id="QCVN 34"), "id: String should match"),
    "no source": (tree(source=""), "source: "),
    "one language": (tree(name={"vi": "x"}), "name.en: is needed here"),
    "no indicator": ({**tree(), "indicators": []}, "indicators: at least one is needed"),
    "dates turned round": (
        tree(effective_from="2025-01-01", effective_to="2024-01-01"),
        "effective_to is before effective_from",
    ),
    "another technology": (tree(fits=["adsl"]), "fits.0: Input should be 'fixed', '4g' or '5g'"),
    "the same indicator twice": (tree(indicator(), indicator()), "'download' is there twice"),
    "no such window": (tree(indicator(windows=["all", "night"])), "there is no window 'night'"),
    "no window": (tree(indicator(windows=[])), "'download': name its 'windows'"),
    "no such primary": (
        tree(primary={"indicator": "upload", "window": "all"}),
        "primary: there is no indicator 'upload'",
    ),
    "primary elsewhere": (
        tree(primary={"indicator": "download", "window": "peak"}),
        "'download' is not judged in the window 'peak'",
    ),
    "primary nowhere": (tree(primary={"indicator": "download"}), "a window belongs to it"),
    "hours of no day": (
        tree(windows=[{**tree()["windows"][0], "hours": [[19, 25]]}]),
        "windows.'all': no hours of a day: [19, 25]",
    ),
    "blocks that overlap": (
        tree(windows=[{**tree()["windows"][0], "blocks": [[0, 20], [19, 24]]}]),
        "the blocks must have each hour of the window once",
    ),
    "too few days": (
        tree(windows=[{**tree()["windows"][0], "minimum": {"days": 3, "tests": 60}}]),
        "windows.'all'.minimum.days: Input should be greater than or equal to 10",
    ),
    "no unit": (
        tree(indicator(limit={**limit(1, "declared"), "of": []})),
        "indicators.'download'.limit: either 'of' (declared, contracted, minimum) or 'unit'",
    ),
    "two units": (
        tree(indicator(limit={**limit(1, "declared"), "unit": "Mbit/s"})),
        "either 'of' (declared, contracted, minimum) or 'unit' is needed, not both",
    ),
    "a verified nothing": (
        tree(indicator(limit={**limit(None, "declared"), "verified": True})),
        "a number that is not known cannot be verified",
    ),
    "a number in words": (
        tree(indicator(limit=limit("much", "declared"))),  # type: ignore[arg-type]
        "indicators.'download'.limit.number: ",
    ),
    "a negative number": (tree(indicator(limit=limit(-1, "declared"))), "limit.number: "),
    "a percent for a share": (
        tree(indicator(quantity="loss", limit=limit(80, unit="share"))),
        "a share is at most 1: write 0.8 for 80 %",
    ),
    "a latency of a speed": (
        tree(indicator(quantity="latency", limit=limit(0.8, "declared"))),
        "only speeds are shares of the line's terms: write unit: ms",
    ),
    "a speed in milliseconds": (
        tree(indicator(limit=limit(50, unit="ms"))),
        "limit: the unit is ms, and Mbit/s is needed",
    ),
    "a mean with percent": (tree(indicator(percent=10)), "'percent' belongs to the statistic"),
    "a quantile without": (tree(indicator(statistic="quantile")), "'percent' belongs to"),
    "a share without a test": (tree(indicator(statistic="share")), "'test', the limit of each"),
    "a share from above": (
        tree(indicator(**SHARE, limit=limit(0.2, unit="share", side="at_most"))),
        "a share is of the tests that keep 'test'",
    ),
    "a median of a loss": (
        tree(indicator(quantity="loss", statistic="median", limit=limit(0.1, unit="share"))),
        "loss has the statistic mean alone",
    ),
    "availability in the evening": (
        tree(
            indicator(quantity="availability", windows=["peak"], limit=limit(0.9, unit="share")),
            primary={"indicator": "download", "window": "peak"},
        ),
        "availability is judged in a window of all hours and days alone",
    ),
    "days without a campaign": (
        tree({**COUNTED, "limit": limit(2, unit="days")}),
        "days_kept counts the days of a 'campaign', which is missing",
    ),
    "a campaign in a window": (
        {**campaign_tree(indicator()), "indicators": [indicator()]},
        "a campaign counts speed tests, in no window",
    ),
    "a campaign that cannot be": (
        campaign_tree(indicator(), within_days=4),
        "3 days so far apart need 5 days, not 4",
    ),
    "half a pause": (campaign_tree(indicator(), pause_after=2), "are needed together"),
    "a campaign of two servers": ({**campaign_tree(indicator()), "servers": 2}, "of one server"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_what_to_do(name: str) -> None:
    """Each line names the file, the field and what is wrong with it."""
    content, words = BAD[name]
    said = fault_of(content)
    assert words in said
    assert all(line.startswith("x.yaml: ") for line in said.splitlines())


def test_every_wrong_field_has_its_line() -> None:
    """Two faults are two lines."""
    asked = indicator(quantity="speed", statistic="average")
    assert len(fault_of(tree(asked)).splitlines()) == 2


def test_a_file_is_told_by_its_hash() -> None:
    """A comment more is another file with the same standard."""
    content = yaml.safe_dump(tree()).encode()
    one, other = parse(content, "a.yaml"), parse(b"# more\n" + content, "a.yaml")
    assert one.standard == other.standard
    assert one.sha256 != other.sha256
    assert isinstance(one, StandardFile)


def test_dates_of_effect_are_both_included_and_unknown_ones_are_no_hindrance() -> None:
    """In force from the first day to the last."""
    dated = file_of(tree(effective_from="2023-07-01", effective_to="2024-06-30")).standard
    assert dated.is_in_force(date(2023, 7, 1), date(2024, 6, 30))
    assert not dated.is_in_force(date(2023, 6, 30), date(2023, 7, 30))
    assert not dated.is_in_force(date(2024, 6, 1), date(2024, 7, 1))
    assert file_of(tree()).standard.is_in_force(date(1990, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    "fits,lines",
    [
        (["fixed"], {"fibre", "cable", "dsl"}),
        (["4g", "5g"], {"4g", "5g"}),
    ],
)
def test_a_standard_is_for_technologies_as_the_registry_calls_them(
    fits: list[str], lines: set[str]
) -> None:
    """Fixed are fibre, cable and DSL; nothing is for what the registry calls other."""
    standard = file_of(tree(fits=fits)).standard
    every = {"fibre", "cable", "dsl", "4g", "5g", "other"}
    assert {one for one in every if standard.is_for(one)} == lines
