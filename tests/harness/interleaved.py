"""Invocations put inside one another, call by call, on one simulated clock and without threads.

While one request's invocation is about to make its nth AWS call, something else happens to its end: a
second delivery of the same event, a newer request with all its polls, a kill. Then the call goes out.
Each invocation runs in a sandbox of its own, as concurrent invocations of Lambda do.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self
from unittest import mock

from botocore import xform_name
from botocore.exceptions import ClientError

from massdriver_redis import log
from tests.simulator import Timing

from . import fallback, inmemory_aws
from . import samples as document
from .clock import SimulatedClock, SkewedClock
from .cloudformation import (
    LAMBDA_TIMEOUT,
    PREFIX,
    Delivery,
    FakeCloudFormation,
    KilledError,
    ReceivedResponse,
    SentRequest,
    StackResource,
    stringify,
)
from .context import Context
from .inmemory_aws import REGION, InMemoryAws
from .moto_aws import MotoAws
from .recorder import Call, Recorder
from .stack import BRISK

LOGICAL_ID = "Redis"

SLOW = Timing(create=130, delete=100, node_type=150, replica=120, reshard=150, engine=150)
"""Everything takes several polls."""

_CLEAN_UP = ("Delete", "Remove", "Untag")
_SHOW_THE_NEWER = (
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
    "ec2:DescribeSecurityGroups",
)
"""Reads that show a newer request: its schedule, or its mark on the security group."""


@dataclass(frozen=True)
class Made:
    """One AWS call, who made it (a request's id), and in which of all invocations."""

    request_id: str
    invocation: int
    call: Call


@dataclass
class _Running:
    request_id: str
    invocation: int
    ends: float
    suspended: bool = False


class _Outcome:
    """What came of a call that was on its way for a while."""

    def __init__(self) -> None:
        self.known = False
        self._answer: Mapping[str, Any] = {}
        self._error: ClientError | None = None

    def take(self, call: Call) -> None:
        self.known = True
        try:
            self._answer = getattr(inmemory_aws.client(call.service), xform_name(call.operation))(
                **call.params
            )
        except ClientError as error:
            self._error = error

    def told(self) -> Mapping[str, Any]:
        if self._error:
            raise self._error
        return self._answer


class Halt(BaseException):
    """What went wrong inside a suspended invocation; the handler must not take it for its own trouble."""


class InterleavedCloudFormation(FakeCloudFormation):
    """A driver whose invocations may run inside one another, each in its own copy of the handler's state."""

    def __init__(self, interleaved: Interleaved, **options: Any) -> None:
        super().__init__(interleaved.clock, interleaved.schedules, **options)
        self.running: list[_Running] = []
        self._scene = interleaved
        self._invocations = 0

    def _invoke(self, delivery: Delivery) -> None:
        self._invocations += 1
        ends = self.clock.now() + LAMBDA_TIMEOUT
        self.running.append(_Running(delivery.event.get("RequestId", ""), self._invocations, ends))
        # Another invocation's secrets live in another process.
        hidden, log._secrets = log._secrets, set()
        try:
            own = self._app.wire(SkewedClock(self.clock, self._scene.skew), self._receive)
            with mock.patch.object(self._app, "resource", own):
                super()._invoke(delivery)
        finally:
            log._secrets = hidden
            self.running.pop()

    def _context(self) -> Context:
        return Context(self.clock, LAMBDA_TIMEOUT, self._scene.skew)

    def put_by_the_fallback(self, url: str, body: bytes) -> int:
        """Take a response of the fallback, which can't know what the function told, nor that of this."""
        for request in self.requests.values():
            request.given_up |= request.event["ResponseURL"] == url
        return self.put(url, body)

    def _make_stack(self) -> None:
        if self._scene.real:
            super()._make_stack()

    def stack_status(self, status: str) -> None:
        self._scene.set_stack_status(status)
        if self._scene.real:
            super().stack_status(status)


class Interleaved:
    """One resource of one stack, and what is put between its calls; a context manager.

    `real` runs it on moto instead of the swift AWS. `fault` may refuse a call of the function, or answer in
    AWS's place. `skew` is how many seconds the function's clock is ahead of every other one.
    """

    def __init__(
        self, timing: Timing = BRISK, *, real: bool = False, lateness: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.real = real
        self._cloud = MotoAws(timing) if real else None
        self._swift = None if real else InMemoryAws(timing)
        self.clock: SimulatedClock = self._aws.clock
        self.simulator = self._aws.simulator
        self.schedules = self._aws.schedules
        self.recorder = Recorder(before=self._before)
        self.cloudformation = InterleavedCloudFormation(self, lateness=lateness, failed=self._fall_back)
        self.made: list[Made] = []
        self.fault: Callable[[Made], Mapping[str, Any] | None] = lambda _: None
        self.skew = 0.0
        self.counts: dict[str, int] = {}
        self._named_cuts: dict[tuple[str, str], Callable[[], object]] = {}
        self._cuts: dict[tuple[str, int], Callable[[], object]] = {}
        self._in_flight: dict[tuple[str, int], float] = {}
        self._is_own_call = False
        self._open = ExitStack()

    @property
    def _aws(self) -> Any:
        return self._cloud or self._swift

    def __enter__(self) -> Self:
        for each in (self._aws, self.recorder, self.cloudformation):
            self._open.enter_context(each)
        return self

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)

    # --- between the calls --------------------------------------------------------------------------

    def cut(self, request: SentRequest | str, at: int, then: Callable[[], object]) -> None:
        """Let `then` happen when `request` is about to make its call number `at`, counted from 0."""
        request_id = request if isinstance(request, str) else request.id
        self._cuts[request_id, at] = then

    def cut_before(self, request: SentRequest, name: str, then: Callable[[], object]) -> None:
        """Let `then` happen when `request` is about to make its next call of a name ("ec2:CreateTags")."""
        self._named_cuts[request.id, name] = then

    def cut_in_flight(
        self, request: SentRequest, at: int, then: Callable[[], object], lands_after: float
    ) -> None:
        """Let `then` happen while call number `at` is on its way: AWS takes it after so many seconds."""
        self.cut(request, at, then)
        self._in_flight[request.id, at] = lands_after

    def _before(self, call: Call, _index: int) -> Mapping[str, Any] | None:
        running = self.cloudformation.running
        if not running or running[-1].suspended or self._is_own_call:
            return None
        top = running[-1]
        at = self.counts.get(top.request_id, 0)
        self.counts[top.request_id] = at + 1
        then = self._cuts.pop((top.request_id, at), None)
        lands_after = self._in_flight.pop((top.request_id, at), None)
        then = then or self._named_cuts.pop((top.request_id, call.name), None)
        made = Made(top.request_id, top.invocation, call)
        answer = self.fault(made)
        if then is None or answer is not None:
            self.made.append(made)
            return answer
        if lands_after is not None and call.mutates:
            return self._suspended_in_flight(top, made, then, lands_after)
        self._suspended(top, then)
        self.made.append(made)
        return None

    def _suspended_in_flight(
        self, top: _Running, made: Made, then: Callable[[], object], lands_after: float
    ) -> Mapping[str, Any]:
        due, outcome = self.clock.now() + lands_after, _Outcome()

        def land() -> None:
            if outcome.known:
                return
            self._is_own_call = True
            self.made.append(made)
            outcome.take(made.call)
            self._is_own_call = False

        pass_time = self.clock.advance

        def advance(seconds: float) -> None:
            until = self.clock.now() + seconds
            if not outcome.known and until >= due:
                pass_time(max(0.0, due - self.clock.now()))
                land()
            pass_time(until - self.clock.now())

        with mock.patch.object(self.clock, "advance", advance):
            self._suspended(top, then, wait=land)
        return outcome.told()

    def _suspended(
        self, top: _Running, then: Callable[[], object], wait: Callable[[], None] = lambda: None
    ) -> None:
        top.suspended = True
        try:
            then()
        except KilledError:
            raise
        except Exception as error:
            raise Halt(repr(error)) from error
        finally:
            top.suspended = False
        wait()
        if self.clock.now() > top.ends:
            raise KilledError("Lambda ends an invocation that takes too long")

    def _fall_back(self, record: dict[str, Any]) -> None:
        """Run the fallback on an event that failed at every try; its calls are no request's."""
        with mock.patch.object(self, "_is_own_call", True):
            fallback.take(record, self.cloudformation.put_by_the_fallback, self.clock.now())

    # --- what CloudFormation does ---------------------------------------------------------------------

    def properties(self, **changes: Any) -> dict[str, Any]:
        """Return the properties of the free tier's preset in this VPC; None removes a key."""
        zones = [(name, REGION + zone) for name, zone in zip(self._aws.subnets, "aba", strict=False)]
        vpc = document.vpc_in(REGION, self._aws.vpc, dict(zones[:2]), dict(zones[2:]))
        made = document.properties(vpc=vpc, **changes)
        return {key: value for key, value in made.items() if key != "ServiceToken"}

    def begin_create(self, properties: Mapping[str, Any]) -> SentRequest:
        """Send a Create and return at once."""
        self.cloudformation.stack_status("CREATE_IN_PROGRESS")
        self.cloudformation.resources[LOGICAL_ID] = StackResource(properties=stringify(properties))
        return self.cloudformation.send("Create", LOGICAL_ID)

    def begin_update(self, properties: Mapping[str, Any]) -> SentRequest:
        """Send an Update and return at once; `roll_back` is CloudFormation's answer to a cancellation."""
        self.cloudformation.stack_status("UPDATE_IN_PROGRESS")
        resource = self.resource
        resource.before = (resource.physical_id, resource.properties)
        resource.properties = stringify(properties)
        return self.cloudformation.send("Update", LOGICAL_ID)

    def begin_roll_back(self) -> SentRequest:
        """Send the swapped Update of a cancelled update and return at once."""
        self.cloudformation.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        resource = self.resource
        assert resource.before
        given_up = (resource.physical_id, resource.properties)
        resource.properties, resource.before = resource.before[1], given_up
        return self.cloudformation.send("Update", LOGICAL_ID)

    def begin_delete(self) -> SentRequest:
        """Send a Delete of the whole stack and return at once."""
        self.cloudformation.stack_status("DELETE_IN_PROGRESS")
        return self.cloudformation.send("Delete", LOGICAL_ID)

    def cancel_create(self, physical_id: str | None) -> ReceivedResponse:
        """Delete what is still being created, under the id that CloudFormation invented, knows or lacks."""
        self.cloudformation.stack_status("ROLLBACK_IN_PROGRESS")
        return self.cloudformation.run(
            self.cloudformation.send("Delete", LOGICAL_ID, physical_id=physical_id)
        )

    def create(self, properties: Mapping[str, Any]) -> ReceivedResponse:
        """Create and demand success."""
        response = self.cloudformation.create(LOGICAL_ID, properties)
        assert response.ok, response.reason
        return response

    def end(self, request: SentRequest) -> ReceivedResponse:
        """Wait for the answer and let CloudFormation note the id."""
        response = self.cloudformation.run(request)
        if response.ok:
            self.resource.physical_id = response.physical_id
        return response

    def again(self, request: SentRequest) -> None:
        """Deliver an event once more, at once and before all others."""
        self.invoke(request.event)

    def deliver_first(self, request: SentRequest) -> None:
        """Deliver a request just sent, at once and before all others."""
        queue = self.cloudformation._queue
        queue[:] = [delivery for delivery in queue if delivery.event["RequestId"] != request.id]
        heapq.heapify(queue)
        self.invoke(request.event)

    def invoke(self, event: Mapping[str, Any]) -> None:
        """Let the function handle an event now."""
        self.cloudformation._invoke(
            Delivery(self.clock.now(), next(self.cloudformation._numbers), dict(event))
        )

    @property
    def resource(self) -> StackResource:
        return self.cloudformation.resources[LOGICAL_ID]

    def begin_another_stack(self) -> None:
        """Let the stack be, and begin one of the same name: its ids are others."""
        assert self._swift
        self._swift.begin_another_stack(self.cloudformation.stack_id)
        head, _, guid = self.cloudformation.stack_id.rpartition("/")
        self.cloudformation.stack_id = f"{head}/{uuid.uuid5(uuid.UUID(guid), 'the next')}"

    def set_stack_status(self, status: str) -> None:
        if self._swift:
            self._swift.stack_status = status

    def forget_cuts(self) -> None:
        """Forget what was put before calls that never came."""
        self._cuts.clear()
        self._named_cuts.clear()
        self._in_flight.clear()

    # --- what is judged -------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everything still under way end; demand that no schedule is left and no violation."""
        self.cloudformation.idle(1200)
        assert self.cloudformation.armed() == [], "a schedule is left"
        assert self.cloudformation.violations == []
        assert not self._cuts, "a point of suspension was never reached"
        assert not self._named_cuts, "a call to suspend at was never made"

    def leftovers(self) -> list[str]:
        """Return all that is left, final snapshots and secrets in their recovery window apart."""
        return [
            *self.simulator.leftovers(),
            *self.security_groups(),
            *self._secrets(),
            *self.cloudformation.armed(),
        ]

    def security_groups(self) -> dict[str, str]:
        """Return the name of every security group of the provider by its id."""
        if self._swift:
            return {group_id: each["GroupName"] for group_id, each in self._swift.ec2.groups.items()}
        found = inmemory_aws.client("ec2").describe_security_groups()["SecurityGroups"]
        return {each["GroupId"]: each["GroupName"] for each in found if each["GroupName"].startswith(PREFIX)}

    def tags(self, physical_id: str) -> dict[str, str]:
        """Return the tags of a cluster's security group, none where it has none."""
        assert self._swift
        shown = self._swift.ec2.groups.values()
        tags = [each["Tags"] for each in shown if each["GroupName"] == f"{PREFIX}-{physical_id}"]
        return {tag["Key"]: tag["Value"] for each in tags for tag in each}

    def _secrets(self) -> list[str]:
        if self._swift:
            secrets = self._swift.secrets.secrets.values()
            return [secret["ARN"] for secret in secrets if "DeletedDate" not in secret]
        return [each["ARN"] for each in inmemory_aws.client("secretsmanager").list_secrets()["SecretList"]]

    def groups(self) -> dict[str, Any]:
        """Return the true state of every replication group by id."""
        return {group.id: group for group in self.simulator.groups()}

    def calls_of(self, request: SentRequest) -> list[Made]:
        return [made for made in self.made if made.request_id == request.id]

    def steps_after_knowing(self, request: SentRequest, at: int) -> list[str]:
        """Return what a superseded request still did after it could know, clean-up left out.

        Suspended before its call `at`, it could know from its next read of a schedule or of the record on.
        """
        calls = self.calls_of(request)[at:]
        looked = next((n for n, made in enumerate(calls) if made.call.name in _SHOW_THE_NEWER), None)
        if looked is None:
            return []
        later = (made.call for made in calls[looked:])
        return [call.name for call in later if call.mutates and not call.operation.startswith(_CLEAN_UP)]

    def finish(self) -> None:
        """Delete the stack's resource and demand that nothing at all is left."""
        response = self.cloudformation.delete(LOGICAL_ID)
        assert response.ok, response.reason
        self.settle()
        assert self.leftovers() == []
