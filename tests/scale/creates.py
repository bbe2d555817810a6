"""Many Creates at once, each of a stack of its own, from CloudFormation's event to its answer."""

from __future__ import annotations

import json
import math
import re
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest import mock

from massdriver_redis.cloudformation.request import LONGEST_OPERATION
from tests.harness import fallback, samples
from tests.harness.cloudformation import (
    ENVIRONMENT,
    LAMBDA_TIMEOUT,
    FakeCloudFormation,
    ReceivedResponse,
    StackResource,
    stringify,
)
from tests.harness.context import Context
from tests.harness.inmemory_aws import SUBNETS, VPC, InMemoryAws
from tests.harness.logs import silenced
from tests.harness.schedules import REGION, Schedule

from .crowd import CrowdedAws
from .lambda_queue import Event, LambdaQueue
from .rates import Rates
from .timeline import Timeline

LATEST_FIRING = 59
"""Seconds by which a firing may be late: Scheduler's precision is a minute (EventBridge Scheduler User Guide,
"Schedule types")."""

_NAME = "Redis"


class _Stack(FakeCloudFormation):
    """One stack of many; its events go into the queue that all share."""

    def __init__(self, number: int, aws: InMemoryAws, queue: Callable[[Event], None]) -> None:
        super().__init__(aws.clock, aws.schedules, stack_name=f"shop-{number}")
        self.aws = aws
        self._send_to = queue
        self._preset = samples.PRESETS[number % len(samples.PRESETS)]

    def begin(self) -> None:
        """Send the Create; nobody waits for it here."""
        zones = {name: REGION + zone for name, zone in zip(SUBNETS, "aba", strict=True)}
        vpc = samples.vpc_in(REGION, VPC, zones)
        properties = {**samples.properties(dict(self._preset), vpc=vpc), "ServiceToken": None}
        self.resources[_NAME] = StackResource(properties=stringify(properties))
        self.send("Create", _NAME)

    def deliver(self, event: Mapping[str, Any], after: float = 0.0) -> None:
        self._send_to(json.loads(json.dumps(event)))

    def receive(self, url: str, body: bytes, **_: Any) -> None:
        """Take the PUT of a response, which takes a while."""
        self.clock.sleep(0.2)
        self.put(url, body)

    @property
    def response(self) -> ReceivedResponse | None:
        """What CloudFormation was told, None until then."""
        return next((request.response for request in self.requests.values()), None)


@dataclass(frozen=True)
class Figures:
    """What came of it; seconds are from CloudFormation's event to the answer.

    `reads` and `refused` are ElastiCache's, answered and throttled. `waits` are throttled tries of Lambda's
    queue, `busiest` the most invocations at a time. `reasons` counts what the failed Creates were told.
    """

    creates: int
    succeeded: int
    by_fallback: int
    median: float
    slowest: float
    reads: int
    refused: int
    invocations: int
    waits: int
    busiest: int
    reasons: dict[str, int]


class Creates:
    """`creates` Creates at once with `others` other clusters, of the three presets in equal parts.

    `late` is the most seconds by which a schedule fires late. `share` is that of AWS's rates, for fewer
    Creates than the rates are meant for.
    """

    def __init__(
        self,
        creates: int,
        others: int,
        concurrency: int,
        *,
        late: float = LATEST_FIRING,
        seed: int = 1,
        share: float = 1.0,
    ) -> None:
        self._late = late
        self._random = Random(seed)
        self._here = threading.local()
        self.timeline = Timeline()
        self.queue = LambdaQueue(self.timeline, concurrency, self._handle, self._fall_back, self._random)
        self.aws = CrowdedAws(
            self.timeline,
            others,
            part=lambda: self._here.stack.aws,
            armed=self._arm,
            random=self._random,
            rates=Rates(share),
        )
        self.stacks = [
            _Stack(number, InMemoryAws(clock=self.timeline), self.queue.send) for number in range(creates)
        ]
        self._by_id = {stack.stack_id: stack for stack in self.stacks}
        self._by_fallback = 0

    def run(self) -> Figures:
        """Let an hour pass, or less where all are answered and no schedule polls on; judge the answers."""
        with ExitStack() as open_:
            open_.enter_context(self.aws)
            open_.enter_context(mock.patch.dict("os.environ", ENVIRONMENT))
            open_.enter_context(silenced())
            for stack in self.stacks:
                self.timeline.start(stack.begin)
            self.timeline.run(self.timeline.now() + LONGEST_OPERATION, self._all_over)
        violations = [what for stack in self.stacks for what in stack.violations]
        assert not violations, violations
        return self._figures()

    # --- the function ------------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        """Handle an event in a container of its own."""
        import app

        stack = self._here.stack = self._by_id[event["StackId"]]
        app.wire(self.timeline, stack.receive)(event, Context(self.timeline, LAMBDA_TIMEOUT))

    def _fall_back(self, record: dict[str, Any]) -> None:
        def run() -> None:
            stack = self._here.stack = self._by_id[record["requestPayload"]["StackId"]]
            done = fallback.take(record, stack.put, self.timeline.now())
            self._by_fallback += done["status"] in ("SUCCESS", "FAILED")

        self.timeline.start(run)

    # --- EventBridge Scheduler ---------------------------------------------------------------------------

    def _arm(self, schedule: Schedule) -> None:
        self._fire_at(schedule, schedule.start)

    def _fire_at(self, schedule: Schedule, scheduled: float) -> None:
        due = scheduled + self._random.uniform(0, self._late)
        self.timeline.at(due, lambda: self._fire(schedule, scheduled))

    def _fire(self, schedule: Schedule, scheduled: float) -> None:
        if schedule.name in self.aws.schedules.names():
            self.queue.send(json.loads(schedule.input_at(scheduled)))
            self._fire_at(schedule, scheduled + schedule.every)

    # --- what came of it ---------------------------------------------------------------------------------

    def _all_over(self) -> bool:
        return all(stack.response for stack in self.stacks) and not self.aws.schedules.names()

    def _figures(self) -> Figures:
        answers = [stack.response for stack in self.stacks]
        seconds = [answer.seconds if answer else math.inf for answer in answers]
        rates, kind = self.aws.rates, "elasticache reads"
        return Figures(
            creates=len(answers),
            succeeded=sum(answer is not None and answer.ok for answer in answers),
            by_fallback=self._by_fallback,
            median=statistics.median(seconds),
            slowest=max(seconds),
            reads=rates.taken[kind],
            refused=rates.refused[kind],
            invocations=self.queue.invocations,
            waits=self.queue.throttled,
            busiest=self.queue.busiest,
            reasons=Counter(_told(answer) for answer in answers if answer is None or not answer.ok),
        )


def _told(answer: ReceivedResponse | None) -> str:
    return re.sub(r"[a-z0-9-]*-[a-z0-9-]{4,}", "…", answer.reason) if answer else "no answer"
