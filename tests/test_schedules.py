"""Random schedules: of everything at once, through the pure reconciler and through the handler.

`make test` runs a seeded share of each; `make full` runs 10,000 schedules of the planner and 1,000 of the
handler under new seeds, which are printed (SCHEDULES_SEED repeats one, SCHEDULES_SHRINK=1 shortens it).
"""

from __future__ import annotations

import pytest

from tests.schedules.handler import Handler
from tests.schedules.reconciler import Reconciler
from tests.schedules.run import a_seed, run

SEED = 20260701


def test_a_seeded_share_of_schedules_of_the_planner() -> None:
    run(Reconciler, SEED, schedules=150, steps=25)


def test_a_seeded_share_of_schedules_of_the_handler() -> None:
    run(Handler, SEED, schedules=40, steps=6)


@pytest.mark.full
def test_10_000_schedules_of_the_planner() -> None:
    run(Reconciler, a_seed(), schedules=10_000, steps=25)


@pytest.mark.full
def test_1_000_schedules_of_the_handler() -> None:
    run(Handler, a_seed(), schedules=1_000, steps=6)
