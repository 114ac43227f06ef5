"""The acceptance test at the end of a staged line, as the command runs it, only shorter.

`ip netns exec PROBE python -m tests.integration.staged_acceptance probe accept …`
"""

from dataclasses import replace

import linewatch
from probe.acceptance import run
from probe.acceptance.acceptance import Acceptance
from probe.acceptance.run import Site, accept
from probe.engines import ENGINES
from tests.integration.staged_probe import ENGINE


def shorter(site: Site) -> Acceptance:
    """Run the acceptance test with windows of half a second."""
    speed = replace(ENGINES["http"], measure=ENGINE.measure)
    return accept(replace(site, window_seconds=0.5, speed=speed))


if __name__ == "__main__":
    run.accept = shorter
    linewatch.main()
