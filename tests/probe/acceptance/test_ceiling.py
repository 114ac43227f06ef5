"""What a device is certified for, and what moving bytes over loopback costs."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.acceptance.ceiling import limit, processor, processor_limit
from probe.acceptance.contract import Contract
from probe.acceptance.far_end import FarEnd, far_end
from probe.acceptance.finding import Result
from probe.acceptance.loopback import Cost, Direction, interrupt_seconds, measure
from probe.transfer.guard import Guard

STRONG = Cost(10e9, 0.9 / 6 / 2e9, 0.4)
"""A device whose core is busy to nine tenths at 2 Gbit/s of frames."""

WEAK = Cost(1e9, 0.9 / 6 / 300e6, 0.4)
"""The same at 300 Mbit/s."""


@pytest.mark.parametrize(
    "cost,link,reference,rate,by",
    [
        (STRONG, 850e6, None, 850_000_000, "link"),
        (STRONG, None, None, 1_999_000_000, "cpu"),
        (WEAK, 850e6, None, 299_000_000, "cpu"),
        (STRONG, 850e6, 512.9e6, 512_000_000, "reference"),
        (WEAK, 850e6, 512.9e6, 299_000_000, "cpu"),
    ],
)
def test_the_least_limit_is_certified_in_whole_megabits(
    cost: Cost, link: float | None, reference: float | None, rate: int, by: str
) -> None:
    """Processor, link and a test that the device limited: the smallest of them, rounded down."""
    found = limit(cost, link, reference)
    assert found.by == by
    # A hair of floating point may take a step off.
    assert rate <= found.bits_per_second <= rate + 1_000_000


@pytest.mark.parametrize(
    "costs,contract,advice",
    [
        ((STRONG, STRONG), None, None),
        ((STRONG, STRONG), "1000/1000", None),
        ((STRONG, WEAK), None, "The processor is the limit"),
        ((STRONG, WEAK), "1000/200", "The processor is the limit"),
        ((STRONG, WEAK), "1000/500", "Weaker than the contract"),
        ((WEAK, STRONG), "500/100", "Weaker than the contract"),
        ((WEAK, WEAK), "200/200", "The processor is the limit"),
    ],
)
def test_a_processor_below_link_or_contract_is_told(
    costs: tuple[Cost, Cost], contract: str | None, advice: str | None
) -> None:
    """A weak device certifies little in that direction, and says so; each direction is held
    against its own promise, and nothing has to be mended for that.
    """
    finding = processor(costs, 850e6, Contract.of(contract) if contract else None)
    assert finding.result is (Result.WARN if advice else Result.OK)
    assert (finding.advice.en if finding.advice else "").startswith(advice or "")


@pytest.fixture(scope="module")
def far() -> Iterator[FarEnd]:
    """Return a far end, in a child of its own."""
    with far_end(Guard(time.monotonic() + 60)) as found:
        yield found


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_loopback_moves_bytes_and_tells_their_cost(far: FarEnd, direction: Direction) -> None:
    """Any machine moves more than 100 Mbit/s by itself, and its own part of the work is counted."""
    shares: list[float] = []
    cost = measure(
        far,
        direction,
        Guard(time.monotonic() + 30),
        lambda share, _: shares.append(share),
        window_seconds=0.5,
    )
    assert cost.bits_per_second > 100e6
    assert 0 < cost.far_end_share < 1
    assert processor_limit(cost) > 10e6
    assert shares[-1] == 1.0


def test_interrupt_time_is_that_of_all_cores(tmp_path: Path) -> None:
    """Irq and softirq of the first line, in seconds; nothing where the kernel does not tell."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  1 2 3 4 5 250 50 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n")
    assert interrupt_seconds(tmp_path) == pytest.approx(3.0)
    assert interrupt_seconds(tmp_path / "nowhere") == 0.0
