"""How a machine is run: so many schedules under a seed, which is printed."""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.harness.logs import silenced


def run(machine: type[RuleBasedStateMachine], number: int, schedules: int, steps: int) -> str:
    """Run `schedules` of up to `steps` steps under the seed `number`, and return what was run, in a line.

    A failure shows the first one found; SCHEDULES_SHRINK=1 also looks for the shortest schedule that fails,
    which takes minutes.
    """
    told = f"SCHEDULES_SEED={number}: {schedules} schedules of up to {steps} steps"
    print(told)
    phases = [Phase.generate, *([Phase.shrink] if os.environ.get("SCHEDULES_SHRINK") else [])]
    how = settings(
        max_examples=schedules,
        stateful_step_count=steps,
        phases=phases,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with silenced():
        run_state_machine_as_test(seed(number)(machine), settings=how)
    return told


def a_seed() -> int:
    """Return a new seed, or the one in SCHEDULES_SEED; parts of a run count on from it."""
    return int(os.environ.get("SCHEDULES_SEED", random.SystemRandom().randrange(2**32)))
