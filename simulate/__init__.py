"""A fleet that never was: true keys, chains and seals over records of a plausible world.

For capacity planning, for dashboards' and reports' test data, and for tests that need the truth.
Everything follows from the plan and its seed.
"""

from simulate.device import Batch as Batch
from simulate.fleet import Fleet as Fleet
from simulate.plan import USUAL as USUAL
from simulate.plan import FleetPlan as FleetPlan
from simulate.plan import rhythm as rhythm
