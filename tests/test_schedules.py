"""Random schedules: of everything at once, through the pure reconciler and through the handler.

Two stateful machines. `make test` runs a seeded share of each; `make full` runs 10,000 schedules of the
planner and 1,000 of the handler under a new seed, which is printed (SCHEDULES_SEED repeats one).
"""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from massdriver_redis import log
from massdriver_redis.aws import Aws
from massdriver_redis.decision import Decision, Done, Failed, Look, Moment, Step, Wait
from massdriver_redis.desired import desired
from massdriver_redis.errors import ResourceError
from massdriver_redis.ledger import Stamp
from massdriver_redis.naming import names
from massdriver_redis.plan import plan
from massdriver_redis.properties import Properties
from massdriver_redis.site import Site
from massdriver_redis.teardown import Demolition, tear_down
from tests.simulator import Timing
from tests.simulator.errors import Refusal
from tests.support.bench import GROUP, OWNER, PREFIX, wanted
from tests.support.driver import KilledError, Request
from tests.support.interleave import BRISK, LOGICAL_ID, SLOW, Scene
from tests.support.swift import REGION, Swift
from tests.support.wire import client_error

SEED = 20260701
INVENTED = "shop-Redis-1ABCDEFGHIJK"

_COMMON = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}


# --- the pure reconciler ------------------------------------------------------------------------------


class _Client:
    """A boto3-like client straight into the swift AWS, neither validated nor copied."""

    def __init__(self, aws: Swift, service: str) -> None:
        self._aws, self._service = aws, service

    def __getattr__(self, method: str) -> Any:
        operation = "".join(word.capitalize() for word in method.split("_"))

        def call(**params: Any) -> Any:
            try:
                return self._aws._answer(self._service, operation, params) or {}
            except Refusal as refusal:
                raise client_error(str(refusal.code), str(refusal.message), operation) from None

        return call


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "node_type": st.sampled_from(["cache.t3.micro", "cache.t3.medium"]),
        "replicas": st.integers(0, 2),
        "allow_vpc_access": st.booleans(),
        "snapshot_retention_limit": st.integers(0, 2),
        "tags": st.sampled_from([{}, {"a": "1"}]),
    },
)
WORKERS = st.integers(0, 2)


class Reconciler(RuleBasedStateMachine):
    """Three workers without a lock, each on a look of its own that may be old, and a wish that changes.

    A worker plans from its look, and makes its step at any later moment: what was planned under an earlier
    wish may still land. In the end one worker, left alone, must reach the last wish, and then nothing.
    """

    @initialize(wish=WISHES, secure=st.booleans(), stale=st.sampled_from([0.0, 0.0, 40.0]))
    def begin(self, wish: dict[str, Any], secure: bool, stale: float) -> None:
        self.secure = secure
        self.aws = Swift(Timing(stale=stale))
        clients = (_Client(self.aws, service) for service in ("elasticache", "ec2", "secretsmanager"))
        aws = Aws(*clients, REGION, "aws")
        self.sites = [Site(aws, names(GROUP, PREFIX), self.aws.clock) for _ in range(3)]
        self.planned: dict[int, tuple[Step, Stamp]] = {}
        self.requests = 0
        self.wish: Properties | None = None
        self.handed_over = False
        self._ask(wish)

    def _ask(self, wish: dict[str, Any] | None) -> None:
        self.requests += 1
        self.stamp = Stamp(f"request-{self.requests}", float(self.requests))
        before = self.wish
        self.wish = None if wish is None else wanted(secure=self.secure, **wish)
        old = dict(before.tags) if before else {}
        self.dropped = frozenset(old) - frozenset(dict(self.wish.tags) if self.wish else {})

    @rule(wish=WISHES)
    def another_wish(self, wish: dict[str, Any]) -> None:
        self._ask(wish)

    @precondition(lambda self: self.wish)
    @rule()
    def away_with_it(self) -> None:
        self._ask(None)

    @rule(worker=WORKERS)
    def look_and_plan(self, worker: int) -> None:
        try:
            decision = self._decide(worker)
        except ResourceError:
            return
        if isinstance(decision, Step):
            self.planned[worker] = (decision, self.stamp)
        else:
            self.planned.pop(worker, None)

    @precondition(lambda self: self.planned)
    @rule(worker=WORKERS)
    def make_what_was_planned(self, worker: int) -> None:
        assume(worker in self.planned)
        step, stamp = self.planned.pop(worker)
        with suppress(ResourceError):  # refused or busy: planned anew
            self.sites[worker].make(step.call, stamp)

    @precondition(lambda self: self.planned)
    @rule(worker=WORKERS)
    def die_with_the_plan(self, worker: int) -> None:
        self.planned.pop(worker, None)

    @rule(seconds=st.sampled_from([1, 10, 60, 300, 1200]))
    def time_passes(self, seconds: int) -> None:
        self.aws.clock.advance(seconds)

    def _decide(self, worker: int) -> Decision:
        site = self.sites[worker]
        site.look()
        if self.wish is None:
            return tear_down(Demolition(OWNER, names(GROUP, PREFIX), snapshot=None), site.world)
        target = desired(self.wish, OWNER, GROUP, PREFIX)
        now = self.aws.clock.now()
        moment = Moment(now=now, stamp=self.stamp, may_create=True, dropped_tags=self.dropped)
        for _ in range(8):
            decision = plan(target, site.world, moment)
            if not isinstance(decision, Look):
                return decision
            site.look_closer(decision, target.engine, now - 300.0)
        raise AssertionError("the planner asks in a circle")

    @invariant()
    def there_is_never_more_than_one(self) -> None:
        if hasattr(self, "aws"):
            assert len(self.aws.simulator.groups()) <= 1
            assert len(self.aws.ec2.groups) <= 1
            assert len(self.aws.secrets.secrets) <= 1

    def teardown(self) -> None:
        if not hasattr(self, "aws"):
            return
        for worker in list(self.planned):
            self.make_what_was_planned(worker)
        if self.wish is None:
            self._ask({})
        self._finish()
        assert self.wish
        (group,) = self.aws.simulator.groups()
        (security_group,) = self.aws.ec2.groups.values()
        assert group.node_type == self.wish.node_type
        assert {node_group.replicas for node_group in group.node_groups} == {self.wish.replicas}
        assert group.retention == self.wish.snapshot_retention_limit
        assert bool(security_group["IpPermissions"]) == self.wish.allow_vpc_access
        self._ask(None)
        self._finish()
        assert self.aws.simulator.leftovers() == []
        assert self.aws.ec2.groups == {}
        assert [each for each in self.aws.secrets.secrets.values() if "DeletedDate" not in each] == []
        log.forget()

    def _finish(self) -> None:
        last: Decision = Wait("nothing yet")
        for _ in range(400):
            try:
                last = self._decide(0)
                if isinstance(last, Step):
                    self.sites[0].make(last.call, self.stamp)
                    continue
            except ResourceError as error:
                last = Wait(str(error))
            if isinstance(last, Done):
                return
            if isinstance(last, Failed) and self.wish and "being deleted" not in last.reason:
                raise AssertionError(last.reason)
            self.aws.clock.advance(30)
        raise AssertionError(f"no end: {last}")


# --- the handler --------------------------------------------------------------------------------------

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "node_type": st.sampled_from(["cache.t3.micro", "cache.t3.small"]),
        "replicas": st.integers(0, 1),
        "secure": st.booleans(),
        "tags": st.sampled_from([{}, {"a": "1"}]),
        "password_attribute": st.booleans(),
    },
)
POINTS = st.integers(0, 140)
TROUBLES = st.lists(
    st.tuples(st.sampled_from(["again", "kill", "an older event", "an older poll"]), POINTS), max_size=3
)


class Handler(RuleBasedStateMachine):
    """One resource of one stack under everything CloudFormation, Lambda and EventBridge may do to it.

    Creates, updates, replacements and deletes, cancelled at any call; events again, late and as old polls
    at any call; a kill at any call; rules that fire up to a minute late.
    """

    timings: ClassVar[list[Timing]] = [BRISK, SLOW]

    @initialize(timing=st.sampled_from(timings), lateness=st.integers(0, 2**16))
    def begin(self, timing: Timing, lateness: int) -> None:
        late = random.Random(lateness)
        self.scene = Scene(timing, lateness=lambda: late.uniform(0, 60))
        self.scene.__enter__()
        self.live: dict[str, Any] | None = None
        self.past: list[Request] = []

    def _properties(self, change: dict[str, Any]) -> dict[str, Any]:
        return self.scene.properties(**{**change, "allow_replacement": True})

    def _trouble(self, request: Request, troubles: list[tuple[str, int]]) -> None:
        for what, at in troubles:
            self.scene.cut(request, at, lambda what=what, at=at: self._strike(what, at, request))
        self.past.append(request)

    def _strike(self, what: str, at: int, request: Request) -> None:
        if what == "kill":
            raise KilledError
        older = self.past[at % len(self.past)]
        if what == "again":
            self.scene.again(request)
        elif what == "an older event":
            self.scene.again(older)
        elif polls := [text for text in self.scene.driver.rule_inputs if older.id in text]:
            self.scene.invoke(json.loads(polls[-1]))

    def _over(self) -> None:
        """Forget what was planned for calls that never came."""
        self.scene._cuts.clear()

    # --- what CloudFormation does

    @precondition(lambda self: self.live is None)
    @rule(change=CHANGES, troubles=TROUBLES)
    def create(self, change: dict[str, Any], troubles: list[tuple[str, int]]) -> None:
        wished = self._properties(change)
        request = self.scene.begin_create(wished)
        self._trouble(request, troubles)
        response = self.scene.end(request)
        self._over()
        assert response.ok, response.reason
        self.live = wished

    @precondition(lambda self: self.live is None)
    @rule(change=CHANGES, at=POINTS, known=st.booleans(), troubles=TROUBLES)
    def create_and_cancel(
        self, change: dict[str, Any], at: int, known: bool, troubles: list[tuple[str, int]]
    ) -> None:
        older = self.scene.begin_create(self._properties(change))
        cancelled: list[bool] = []

        def cancel() -> None:
            given = older.response.physical_id if older.response else (INVENTED if known else None)
            cancelled.append(self.scene.cancel_create(given).ok)

        self._trouble(older, [each for each in troubles if each[1] != at])
        self.scene.cut(older, at, cancel)
        self._until_answered(older)
        if not cancelled:
            cancel()
        self._over()
        assert cancelled == [True]

    @precondition(lambda self: self.live)
    @rule(change=CHANGES, troubles=TROUBLES)
    def update(self, change: dict[str, Any], troubles: list[tuple[str, int]]) -> None:
        wished = self._properties(change)
        request = self.scene.begin_update(wished)
        self._trouble(request, troubles)
        response = self.scene.end(request)
        self._over()
        assert response.ok, response.reason
        self.live = wished
        self.scene.driver.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self.scene.driver.clean_up(LOGICAL_ID)

    @precondition(lambda self: self.live)
    @rule(change=CHANGES, at=POINTS, troubles=TROUBLES)
    def update_and_cancel(self, change: dict[str, Any], at: int, troubles: list[tuple[str, int]]) -> None:
        older = self.scene.begin_update(self._properties(change))
        original = self.scene.resource.physical_id
        cancelled: list[str | None] = []

        def roll_back() -> None:
            if older.response:
                self.scene.resource.physical_id = older.response.physical_id
            response = self.scene.driver.roll_back(LOGICAL_ID)
            assert response.ok, response.reason
            cancelled.append(response.physical_id)

        self._trouble(older, [each for each in troubles if each[1] != at])
        self.scene.cut(older, at, roll_back)
        self._until_answered(older)
        if not cancelled:
            roll_back()
        self._over()
        assert cancelled == [original]

    @precondition(lambda self: self.live)
    @rule(troubles=TROUBLES)
    def delete(self, troubles: list[tuple[str, int]]) -> None:
        request = self.scene.begin_delete()
        self._trouble(request, troubles)
        response = self.scene.end(request)
        self._over()
        assert response.ok, response.reason
        self.live = None

    @precondition(lambda self: self.past)
    @rule(which=st.integers(0, 50))
    def an_event_comes_late(self, which: int) -> None:
        self.scene.again(self.past[which % len(self.past)])

    @rule(seconds=st.sampled_from([1, 60, 600]))
    def time_passes(self, seconds: int) -> None:
        self.scene.driver.idle(seconds)

    def _until_answered(self, request: Request) -> None:
        until = self.scene.clock.now() + 3600
        while request.response is None and self.scene.driver.step(until=until):
            pass

    # --- what must hold

    @invariant()
    def nobody_broke_a_rule(self) -> None:
        if hasattr(self, "scene"):
            assert self.scene.driver.violations == []

    def teardown(self) -> None:
        if not hasattr(self, "scene"):
            return
        try:
            self.scene.settle()
            if self.live is None:
                assert self.scene.leftovers() == []
                return
            (group,) = self.scene.groups().values()
            assert group.id == self.scene.resource.physical_id
            assert group.node_type == self.live["node_type"]
            assert group.replicas == int(self.live["replicas"])
            assert group.tls == self.live["secure"]
            self.scene.finish()
        finally:
            self.scene.__exit__(None, None, None)


def run(machine: type[RuleBasedStateMachine], number: int, schedules: int, steps: int) -> None:
    print(f"SCHEDULES_SEED={number}: {schedules} schedules of up to {steps} steps")
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=schedules,
            stateful_step_count=steps,
            phases=[Phase.generate, Phase.shrink],
            **_COMMON,
        ),
    )


def a_seed() -> int:
    return int(os.environ.get("SCHEDULES_SEED", random.SystemRandom().randrange(2**32)))


def test_a_seeded_share_of_schedules_of_the_planner() -> None:
    run(Reconciler, SEED, schedules=150, steps=25)


def test_a_seeded_share_of_schedules_of_the_handler() -> None:
    run(Handler, SEED, schedules=20, steps=6)


@pytest.mark.full
def test_10_000_schedules_of_the_planner() -> None:
    run(Reconciler, a_seed(), schedules=10_000, steps=25)


@pytest.mark.full
def test_1_000_schedules_of_the_handler() -> None:
    run(Handler, a_seed(), schedules=1_000, steps=6)
