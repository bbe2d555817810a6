"""The pure planner under random schedules: three workers without a lock on one swift AWS."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from massdriver_redis import log
from massdriver_redis.aws.session import Aws
from massdriver_redis.errors import ResourceError
from massdriver_redis.planner.decision import Apply, Decision, PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.delete import DeletionScope, plan_deletion
from massdriver_redis.planner.plan import plan
from massdriver_redis.properties.model import Properties
from massdriver_redis.reconciler.external import MAX_OBSERVATION_AGE, ExternalResource
from massdriver_redis.state.desired import Desired, desired
from massdriver_redis.state.naming import names
from massdriver_redis.state.record import LAST_REQUESTED_CHANGE, RequestedChange, RequestVersion
from tests.harness.inmemory_aws import REGION, InMemoryAws
from tests.harness.planner_bench import GROUP, OWNER, PREFIX, wanted
from tests.harness.recorder import client_error
from tests.simulator import Timing
from tests.simulator.errors import Refusal

_TRIES = 15.0
"""Seconds for which one call is tried: what was planned lands within these and `FRESH`, or never."""

_DRAINED = 60.0
"""Seconds after which a finished Delete is answered: no call of an earlier request comes later."""

_LOOKS = 400

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "node_type": st.sampled_from(["cache.t3.micro", "cache.t3.medium"]),
        "node_groups": st.integers(2, 3),
        "replicas": st.integers(0, 2),
        "redis_version": st.sampled_from(["5.0", "6.x", "7.0"]),
        "allow_vpc_access": st.booleans(),
        "snapshot_retention_limit": st.integers(0, 2),
        "tags": st.sampled_from([{}, {"a": "1"}, {"b": "2"}]),
    },
)
WORKERS = st.integers(0, 2)


class _Client:
    """A boto3-like client straight into the swift AWS, neither validated nor copied."""

    def __init__(self, aws: InMemoryAws, service: str) -> None:
        self._aws, self._service = aws, service

    def __getattr__(self, method: str) -> Any:
        operation = "".join(word.capitalize() for word in method.split("_"))

        def call(**params: Any) -> Any:
            try:
                return self._aws.answer(self._service, operation, params)
            except Refusal as refusal:
                raise client_error(str(refusal.code), str(refusal.message), operation) from None

        self.__dict__[method] = call
        return call


@dataclass(frozen=True)
class _Plan:
    """A step as planned: for which request, and until when it may still be made."""

    step: Apply
    request_version: RequestVersion
    until: float


class Reconciler(RuleBasedStateMachine):
    """Three workers, each with its own observation, which may be old; the desired state changes any time.

    A worker applies its step as late as the function would: what was planned for an earlier state may still
    arrive. In the end a single worker must reach the last desired state, and then a deletion. A cluster that
    is desired is never deleted, and there is never a second one.
    """

    @initialize(
        changes=CHANGES,
        secure=st.booleans(),
        cluster=st.booleans(),
        stale=st.sampled_from([0.0, 0.0, 40.0]),
        stands=st.booleans(),
    )
    def begin(
        self, *, changes: dict[str, Any], secure: bool, cluster: bool, stale: float, stands: bool
    ) -> None:
        self.kind = (secure, cluster)
        self.aws = InMemoryAws(Timing(stale=stale))
        self.lost = False
        self.died: RequestVersion | None = None
        self.aws.simulator.on_change = self._watch
        clients = (_Client(self.aws, service) for service in ("elasticache", "ec2", "secretsmanager"))
        aws = Aws(*clients, REGION, "aws")
        self.resources = [
            ExternalResource(aws, names(GROUP, PREFIX), OWNER, self.aws.clock) for _ in range(3)
        ]
        self.planned: dict[int, _Plan] = {}
        self.requests = 0
        self.keys: frozenset[str] = frozenset()
        self.properties: Properties | None = None
        self.target: Desired | None = None
        self._ask(changes)
        if stands:
            self._finish()

    def _watch(self, change: Any) -> None:
        self.lost |= change.kind == "deleted" and self.properties is not None

    def _ask(self, changes: dict[str, Any] | None) -> None:
        self.requests += 1
        self.request_version = RequestVersion(f"request-{self.requests}", float(self.requests))
        self.properties, self.target = (
            (None, None) if changes is None else _meant(json.dumps(changes), *self.kind)
        )
        # CloudFormation ends one request before the next but one; here they pile up, and so do their tags.
        keys = frozenset(dict(self.properties.tags)) if self.properties else frozenset()
        self.keys |= keys
        self.dropped = self.keys - keys

    @precondition(lambda self: self.properties)
    @rule(changes=CHANGES)
    def other_properties_are_desired(self, changes: dict[str, Any]) -> None:
        self._ask(changes)

    @precondition(lambda self: self.properties)
    @rule()
    def away_with_it(self) -> None:
        self._ask(None)

    @precondition(lambda self: not self.properties)
    @rule(changes=CHANGES)
    def again_once_it_is_gone(self, changes: dict[str, Any]) -> None:
        self._finish()
        self.aws.clock.advance(_DRAINED)
        self._finish()
        self._ask(changes)

    @rule(worker=WORKERS, what=st.sampled_from(["look", "make", "look and make", "die", "look and die"]))
    def a_worker_goes_on(self, worker: int, what: str) -> None:
        if what.startswith("look"):
            self._look_and_plan(worker)
        if what.endswith("make"):
            self._make(worker)
        if what.endswith("die"):
            self._die(worker)

    @rule(seconds=st.sampled_from([1, 10, 60, 300, 1200]), busy=st.booleans())
    def time_passes(self, seconds: int, busy: bool) -> None:
        """Where `busy`, AWS takes a while of it for itself."""
        for group in self.aws.simulator.groups() if busy else []:
            self.aws.simulator.maintenance(group.id)
        self.aws.clock.advance(seconds)

    def _look_and_plan(self, worker: int) -> None:
        self.planned.pop(worker, None)
        with suppress(ResourceError):
            decision = self._decide(worker)
            if isinstance(decision, Apply):
                self.planned[worker] = _Plan(
                    decision, self.request_version, self.aws.clock.now() + MAX_OBSERVATION_AGE + _TRIES
                )

    def _die(self, worker: int) -> None:
        """End with the plan not made; once for each request, between its record and its call."""
        plan = self.planned.pop(worker, None)
        if plan and plan.step.call.change and self.died != plan.request_version:
            self.died = plan.request_version
            note = RequestedChange.of(
                plan.step.call.change, plan.request_version.request_id, self.aws.clock.now()
            )
            with suppress(ResourceError):
                self.resources[worker].mark({LAST_REQUESTED_CHANGE: note.text()})

    def _make(self, worker: int) -> None:
        plan = self.planned.pop(worker, None)
        if plan and self.aws.clock.now() <= plan.until:
            with suppress(ResourceError):  # refused or busy: planned again
                self._apply(worker, plan.step, plan.request_version)

    def _apply(self, worker: int, step: Apply, request_version: RequestVersion) -> bool:
        """Make the calls of a step up to a no-op; whether any was made."""
        for count, call in enumerate(step.calls):
            if not self.resources[worker].apply(call, request_version):
                return count > 0
        return True

    def _decide(self, worker: int) -> Decision:
        resource = self.resources[worker]
        resource.observe()
        if self.target is None:
            return plan_deletion(DeletionScope(names(GROUP, PREFIX), snapshot=None), resource.observed)
        now = self.aws.clock.now()
        # An older version than the live one is kept, as in a rollback.
        context = PlanContext(
            now=now,
            request_version=self.request_version,
            may_create=True,
            rolling_back=True,
            dropped_tags=self.dropped,
        )
        return plan(self.target, resource.observe_details(self.target, context, now - 300.0), context)

    @invariant()
    def there_is_one_at_the_most_and_it_is_not_lost(self) -> None:
        if not hasattr(self, "aws"):
            return
        assert not self.lost, "a cluster that is desired was deleted"
        assert len(self.aws.simulator.groups()) <= 1
        assert len(self.aws.ec2.groups) <= 1
        assert len(self.aws.secrets.secrets) <= 1

    def teardown(self) -> None:
        if not hasattr(self, "aws"):
            return
        for worker in list(self.planned):
            self._make(worker)
        if self.properties:
            self._finish()
            differences = self._differences(self.properties)
            assert not differences, differences
            assert not self.lost, "a cluster that is desired was deleted"
            self._ask(None)
        self._finish()
        assert self.aws.simulator.leftovers() == []
        assert self.aws.ec2.groups == {}
        assert [each for each in self.aws.secrets.secrets.values() if "DeletedDate" not in each] == []
        log.forget()

    def _differences(self, asked: Properties) -> list[str]:
        (group,) = self.aws.simulator.groups()
        (security_group,) = self.aws.ec2.groups.values()
        users = {key: value for key, value in self.aws.simulator.tags(group.id).items() if key in "ab"}
        found = {
            "node type": (group.node_type, asked.node_type),
            "node groups": (len(group.node_groups), asked.node_groups),
            "replicas": ({each.replicas for each in group.node_groups}, {asked.replicas}),
            "snapshots": (group.retention, asked.snapshot_retention_limit),
            "access": (bool(security_group["IpPermissions"]), asked.allow_vpc_access),
            "tags": (users, dict(asked.tags)),
            "secret": (len(self.aws.secrets.secrets), int(asked.secure)),
        }
        return [f"{key}: {there} instead of {due}" for key, (there, due) in found.items() if there != due]

    def _finish(self) -> None:
        """Let one worker, left alone, come to an end."""
        last: Decision = Requeue("nothing yet")
        for _ in range(_LOOKS):
            try:
                last = self._decide(0)
                if isinstance(last, Apply) and self._apply(0, last, self.request_version):
                    continue
            except ResourceError as error:
                last = Requeue(str(error))
            if isinstance(last, UpToDate):
                return
            assert not isinstance(last, Reject), last.reason
            self.aws.clock.advance(30)
        raise AssertionError(f"no end: {last}")


@cache
def _meant(text: str, secure: bool, cluster: bool) -> tuple[Properties, Desired]:
    """Return what changes in JSON mean; a few are asked for thousands of times."""
    changes = json.loads(text)
    if not cluster:
        changes.pop("node_groups", None)
    read = wanted(secure=secure, cluster_mode_enabled=cluster, **changes)
    return read, desired(read, OWNER, GROUP, PREFIX)
