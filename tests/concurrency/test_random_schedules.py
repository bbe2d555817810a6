"""Random schedules: of everything at once, through the pure reconciler and through the handler.

`make test` runs a seeded share of each; `make full` runs 10,000 schedules of the planner and 1,000 of the
handler under new seeds, which are printed (SCHEDULES_SEED repeats one, SCHEDULES_SHRINK=1 shortens it).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from massdriver_redis.aws import observe
from massdriver_redis.calls import ec2
from massdriver_redis.state.record import OperationRecord
from tests.concurrency.schedules.handler import Handler
from tests.concurrency.schedules.reconciler import Reconciler
from tests.concurrency.schedules.run import a_seed, run
from tests.conftest import TOLD

SEED = 20260701
SEED_OF_AN_OLD_EVENT = 6
"""A seed that has old events delivered early."""
Report = Callable[[str, object], None]


def test_a_seeded_share_of_schedules_of_the_planner() -> None:
    run(Reconciler, SEED, schedules=100, steps=25)


def test_a_seeded_share_of_schedules_of_the_handler() -> None:
    run(Handler, SEED, schedules=25, steps=6)


def test_the_planner_s_schedules_find_that_names_are_random(monkeypatch) -> None:
    make, numbers = ec2.create_security_group, itertools.count()
    monkeypatch.setattr(
        ec2, "create_security_group", lambda name, *rest: make(f"{name}-{next(numbers)}", *rest)
    )

    with pytest.raises(AssertionError):
        run(Reconciler, SEED, schedules=60, steps=25)


def test_the_handler_s_schedules_find_that_old_events_act(monkeypatch) -> None:
    monkeypatch.setattr(OperationRecord, "newer_than", lambda *_: False)
    monkeypatch.setattr(OperationRecord, "was_answered", lambda *_: False)

    with pytest.raises(AssertionError):
        run(Handler, SEED_OF_AN_OLD_EVENT, schedules=60, steps=6)


def test_the_handler_s_schedules_find_that_what_is_not_named_is_left(monkeypatch) -> None:
    monkeypatch.setattr(observe, "owned", lambda *_: {})

    with pytest.raises(AssertionError, match="left behind"):
        run(Handler, SEED, schedules=200, steps=6)


@pytest.mark.full
@pytest.mark.parametrize("part", range(4))
def test_2_500_of_10_000_schedules_of_the_planner(record_property: Report, part: int) -> None:
    record_property(TOLD, run(Reconciler, a_seed() + part, schedules=2_500, steps=25))


@pytest.mark.full
@pytest.mark.parametrize("part", range(2))
def test_500_of_1_000_schedules_of_the_handler(record_property: Report, part: int) -> None:
    record_property(TOLD, run(Handler, a_seed() + part, schedules=500, steps=6))
