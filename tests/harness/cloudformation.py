"""CloudFormation, Lambda and EventBridge Scheduler for one stack, in process and on a simulated clock.

`FakeCloudFormation` sends a resource's events as CloudFormation does, runs them through `app.handler`, fires
the schedules that are armed, delivers again what crashed, and judges every response on arrival.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self
from unittest import mock

import boto3
from moto.cloudformation import cloudformation_backends

from massdriver_redis.cloudformation.delivery import RefusedError

from .clock import SimulatedClock
from .context import FUNCTION, Context
from .envelope import presigned, response_url
from .logs import captured
from .schedules import ACCOUNT, GROUP, REGION, ROLE_ARN, Firing, Firings, Schedules

PREFIX = GROUP
ENVIRONMENT = {
    "RESOURCE_PREFIX": PREFIX,
    "SCHEDULE_GROUP": GROUP,
    "SCHEDULER_ROLE_ARN": ROLE_ARN,
    "RESPONSE_HOST": "",
    "STACK_ACCOUNT_IDS": "",
    "AWS_REGION": REGION,
}
"""The environment of the provider's function."""

URL_LIFETIME = 7200.0
RETRY_AFTER = (60.0, 120.0)
"""Seconds after which Lambda tries a failed asynchronous invocation again (MaximumRetryAttempts 2)."""

LAMBDA_TIMEOUT = 180.0

AT_REST = (
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "DELETE_COMPLETE",
    "DELETE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
)
"""Every status of a stack without an operation in progress."""

Kind = Literal["Create", "Update", "Delete"]


class KilledError(BaseException):
    """The process ends here and now: nothing in the function may catch it."""


class HungError(AssertionError):
    """Nobody is left who could answer, or CloudFormation gave up waiting."""


@dataclass(frozen=True)
class ReceivedResponse:
    """What CloudFormation learnt of one request; `seconds` and `polls` say how long it took."""

    status: str
    physical_id: str
    reason: str
    data: dict[str, str] = field(repr=False)
    request_id: str
    seconds: float
    polls: int

    @property
    def ok(self) -> bool:
        return self.status == "SUCCESS"


@dataclass
class SentRequest:
    """One request on its way; `puts` are all bodies that arrived for it, the first of them counts.

    `given_up` says that CloudFormation cancelled it, or that the fallback answered it too: what is said
    twice then need not agree.
    """

    event: dict[str, Any]
    sent_at: float
    puts: list[dict[str, Any]] = field(default_factory=list)
    answered_at: float = 0.0
    polls: int = 0
    given_up: bool = False

    @property
    def id(self) -> str:
        return str(self.event["RequestId"])

    @property
    def timeout(self) -> float:
        return float(self.event["ResourceProperties"].get("ServiceTimeout", 3600))

    @property
    def response(self) -> ReceivedResponse | None:
        if not self.puts:
            return None
        body = self.puts[0]
        return ReceivedResponse(
            status=body["Status"],
            physical_id=body["PhysicalResourceId"],
            reason=body["Reason"],
            data=body["Data"],
            request_id=self.id,
            seconds=self.answered_at - self.sent_at,
            polls=self.polls,
        )


@dataclass
class StackResource:
    """What CloudFormation keeps of one resource: id and properties, and those before the last update."""

    physical_id: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    before: tuple[str | None, dict[str, Any]] | None = None


@dataclass(order=True)
class Delivery:
    """An event on its way to the function."""

    due: float
    number: int
    event: dict[str, Any] = field(compare=False)
    attempt: int = field(default=1, compare=False)


class FakeCloudFormation:
    """One stack called `stack_name` and the provider's function, on `clock`; a context manager inside an AWS.

    `schedules` are that AWS's. `lateness` gives the seconds by which a schedule fires late. `failed` is
    called with the on-failure record of an event that failed at every try. Faults of the response are put
    into `put_faults`, to be raised one by one.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        schedules: Schedules,
        *,
        stack_name: str = "shop",
        lateness: Callable[[], float] = lambda: 0.0,
        failed: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        guid = uuid.uuid5(uuid.NAMESPACE_DNS, stack_name)
        self.clock = clock
        self.stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack_name}/{guid}"
        self.resources: dict[str, StackResource] = {}
        self.requests: dict[str, SentRequest] = {}
        self.violations: list[str] = []
        self.put_faults: list[Exception] = []
        self.schedules = schedules
        self.schedule_inputs: list[str] = []
        self.failed = failed
        self._stack_name = stack_name
        self._numbers = itertools.count(1)
        self._queue: list[Delivery] = []
        self._firings = Firings(schedules, lateness)
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        self._exit.enter_context(mock.patch.dict("os.environ", ENVIRONMENT))
        import app

        self._app = app
        self._exit.enter_context(mock.patch.object(app, "resource", app.wire(self.clock, self._receive)))
        self.logs = self._exit.enter_context(captured())
        self._make_stack()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._exit.__exit__(*failure)

    # --- operations on a resource ------------------------------------------------------------------

    def create(self, logical_id: str, properties: Mapping[str, Any]) -> ReceivedResponse:
        """Create a resource; where it fails, CloudFormation's next move is `roll_back`."""
        self.stack_status("CREATE_IN_PROGRESS")
        resource = self.resources[logical_id] = StackResource(properties=stringify(properties))
        response = self.run(self.send("Create", logical_id))
        resource.physical_id = response.physical_id
        return response

    def update(
        self, logical_id: str, properties: Mapping[str, Any], *, clean_up: bool = True
    ) -> ReceivedResponse:
        """Update a resource; a replaced one is cleaned up unless `clean_up` is False."""
        self.stack_status("UPDATE_IN_PROGRESS")
        resource = self.resources[logical_id]
        resource.before = (resource.physical_id, resource.properties)
        resource.properties = stringify(properties)
        response = self.run(self.send("Update", logical_id))
        if response.ok:
            resource.physical_id = response.physical_id
            if clean_up:
                self.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
                self.clean_up(logical_id)
        return response

    def roll_back(self, logical_id: str) -> ReceivedResponse:
        """Do what CloudFormation does after a failure: delete what was created, or swap the update back."""
        resource = self.resources[logical_id]
        if resource.before is None:
            self.stack_status("ROLLBACK_IN_PROGRESS")
            return self.run(self.send("Delete", logical_id))
        self.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        given_up = (resource.physical_id, resource.properties)
        resource.properties = resource.before[1]
        resource.before = given_up
        response = self.run(self.send("Update", logical_id))
        if response.ok:
            resource.physical_id = response.physical_id
            self.stack_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            self.clean_up(logical_id)
        return response

    def clean_up(self, logical_id: str) -> ReceivedResponse | None:
        """Delete the old resource of a replacement, with its old properties; None where there is none."""
        resource = self.resources[logical_id]
        before, resource.before = resource.before, None
        if before is None or before[0] == resource.physical_id:
            return None
        return self.run(self.send("Delete", logical_id, physical_id=before[0], properties=before[1]))

    def delete(self, logical_id: str) -> ReceivedResponse:
        """Delete a resource as deleting its stack does."""
        self.stack_status("DELETE_IN_PROGRESS")
        return self.run(self.send("Delete", logical_id))

    # --- requests ----------------------------------------------------------------------------------

    def send(self, kind: Kind, logical_id: str, **changes: Any) -> SentRequest:
        """Send a request and return without waiting; `run` waits.

        `physical_id` and `properties` are those of the resource unless given; None leaves the id out.
        """
        # Two requests of a resource are never signed in the same second.
        self.clock.advance(2)
        resource = self.resources[logical_id]
        number = next(self._numbers)
        request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.stack_id}/{number}"))
        event: dict[str, Any] = {
            "RequestType": kind,
            "ServiceToken": FUNCTION,
            "ResponseURL": self._response_url(logical_id, request_id),
            "StackId": self.stack_id,
            "RequestId": request_id,
            "LogicalResourceId": logical_id,
            "ResourceType": "Custom::MassdriverRedis",
            "ResourceProperties": {
                "ServiceToken": FUNCTION,
                **changes.get("properties", resource.properties),
            },
        }
        physical_id = changes.get("physical_id", resource.physical_id)
        if kind != "Create" and physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if kind == "Update" and resource.before:
            event["OldResourceProperties"] = {"ServiceToken": FUNCTION, **resource.before[1]}
        request = self.requests[request_id] = SentRequest(event, self.clock.now())
        self.deliver(event)
        return request

    def adopt(self, event: Mapping[str, Any]) -> SentRequest:
        """Send a request as it stands in a file."""
        request = self.requests[event["RequestId"]] = SentRequest(dict(event), self.clock.now())
        self.deliver(event)
        return request

    def deliver(self, event: Mapping[str, Any], after: float = 0.0) -> None:
        """Have an event delivered to the function, once more if it was before."""
        delivery = Delivery(self.clock.now() + after, next(self._numbers), json.loads(json.dumps(event)))
        heapq.heappush(self._queue, delivery)

    def run(self, request: SentRequest) -> ReceivedResponse:
        """Let time pass until `request` is answered; raise HungError where CloudFormation would give up."""
        gives_up = request.sent_at + request.timeout
        while request.response is None:
            if not self.step(until=gives_up):
                raise HungError(f"{request.event['RequestType']} {request.id}: nobody is left to answer")
            if self.clock.now() > gives_up and request.response is None:
                raise HungError(f"{request.event['RequestType']} {request.id}: no answer within its time")
        return request.response

    def idle(self, seconds: float) -> None:
        """Let `seconds` pass, with everything that falls due in them."""
        until = self.clock.now() + seconds
        while self.step(until=until):
            pass
        self.clock.advance(max(0.0, until - self.clock.now()))

    def step(self, until: float) -> bool:
        """Deliver the next event or firing due by `until`; False where there is none."""
        firing = self._firings.next()
        due: list[tuple[float, Callable[[], None]]] = []
        if self._queue:
            due.append((self._queue[0].due, lambda: self._invoke(heapq.heappop(self._queue))))
        if firing:
            due.append((firing.due, lambda: self._fire(firing)))
        first = min(due, key=lambda each: each[0], default=None)
        if first is None or first[0] > until:
            return False
        self._advance_to(first[0])
        first[1]()
        return True

    # --- schedules ---------------------------------------------------------------------------------

    def armed(self) -> list[str]:
        """Return the names of the provider's schedules, oldest first."""
        return self.schedules.names()

    def carried(self, name: str) -> dict[str, Any]:
        """Return the event that stands in a schedule's Input."""
        event: dict[str, Any] = json.loads(self.schedules.find(name).params["Target"]["Input"])
        return event

    def polls(self) -> list[dict[str, Any]]:
        """Return the events that the armed schedules would deliver now."""
        now, live = self.clock.now(), self.schedules.live()
        return [json.loads(each.input_at(now)) for each in live if each.params.get("State") != "DISABLED"]

    def _fire(self, firing: Firing) -> None:
        self._firings.take(firing)
        text = firing.schedule.input_at(firing.scheduled)
        self.schedule_inputs.append(text)
        event = json.loads(text)
        if event["RequestId"] in self.requests:
            self.requests[event["RequestId"]].polls += 1
        self._invoke(Delivery(self.clock.now(), next(self._numbers), event))

    # --- Lambda ------------------------------------------------------------------------------------

    def _invoke(self, delivery: Delivery) -> None:
        """Run the handler; an error leads to two more tries, then to the on-failure record."""
        try:
            self._app.handler(json.loads(json.dumps(delivery.event)), self._context())
        except (Exception, KilledError) as error:
            self._retry(delivery, error)
        if self.violations:
            raise AssertionError("; ".join(self.violations))

    def _context(self) -> Context:
        return Context(self.clock, LAMBDA_TIMEOUT)

    def _retry(self, delivery: Delivery, error: BaseException) -> None:
        if delivery.attempt <= len(RETRY_AFTER):
            due = self.clock.now() + RETRY_AFTER[delivery.attempt - 1]
            again = Delivery(due, next(self._numbers), delivery.event, delivery.attempt + 1)
            heapq.heappush(self._queue, again)
        elif self.failed:
            self.failed(on_failure_record(delivery.event, error))

    def _advance_to(self, when: float) -> None:
        # A long invocation may have slept past what was due; then it is simply late.
        self.clock.advance(max(0.0, when - self.clock.now()))

    # --- responses ---------------------------------------------------------------------------------

    def _receive(self, url: str, body: bytes, **_: Any) -> None:
        """Take a response PUT as S3 and CloudFormation do."""
        if self.put_faults:
            raise self.put_faults.pop(0)
        self.put(url, body)

    def put(self, url: str, body: bytes) -> int:
        """Record and judge a response; return its HTTP status, or raise RefusedError for an expired URL."""
        request = next((each for each in self.requests.values() if each.event["ResponseURL"] == url), None)
        if request is None:
            self.violations.append("a response was sent to an unknown URL")
            return 403
        if self.clock.now() > request.sent_at + URL_LIFETIME:
            raise RefusedError("the response was refused with HTTP status 403")
        sent = json.loads(body)
        self.violations += [f"{request.event['RequestType']}: {what}" for what in judge(request, body, sent)]
        if not request.puts:
            request.answered_at = self.clock.now()
        request.puts.append(sent)
        return 200

    def _response_url(self, logical_id: str, request_id: str) -> str:
        signed = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        signature = hashlib.sha256(request_id.encode()).hexdigest()
        return response_url(self.stack_id, logical_id, request_id, presigned(signed, signature))

    # --- the stack ---------------------------------------------------------------------------------

    def stack_status(self, status: str) -> None:
        """Set what DescribeStacks says of the stack."""
        self._stack.status = status

    def _make_stack(self) -> None:
        client = boto3.client("cloudformation", REGION)
        client.create_stack(StackName=self._stack_name, TemplateBody='{"Resources": {}}')
        stacks = cloudformation_backends[ACCOUNT][REGION].stacks.values()
        self._stack = next(stack for stack in stacks if stack.name == self._stack_name)
        self._stack.stack_id = self.stack_id
        self._stack.status = "CREATE_IN_PROGRESS"


def judge(request: SentRequest, body: bytes, sent: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a response, in CloudFormation's terms and this project's own."""
    event = request.event
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        if sent.get(key) != event[key]:
            yield f"{key} is not the request's"
    if sent.get("Status") not in ("SUCCESS", "FAILED"):
        yield f"the status is {sent.get('Status')}"
    if len(body) > 4096:
        yield f"the response has {len(body)} bytes"
    yield from _judge_id(event, sent)
    reason, data = sent.get("Reason"), sent.get("Data")
    if sent.get("Status") == "FAILED" and not reason:
        yield "FAILED without a Reason"
    if len(reason or "") > 240 or re.search(r"[\r\n]", reason or ""):
        yield "the Reason is longer than 240 characters or one line"
    if sent.get("NoEcho") is not True:
        yield "NoEcho is not set"
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        yield "Data is no map of strings"
    first = request.puts[0] if request.puts and not request.given_up else sent
    if (first["Status"], first["PhysicalResourceId"]) != (sent.get("Status"), sent.get("PhysicalResourceId")):
        yield f"a second response says {sent.get('Status')} where the first said {first['Status']}"


def _judge_id(event: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[str]:
    physical_id, given = sent.get("PhysicalResourceId"), event.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= 1024:
        yield "PhysicalResourceId is no text of 1 to 1,024 bytes"
    elif re.fullmatch(r"True|None|[\w-]+_\w+_[A-Z0-9]{8}", physical_id):
        yield f"PhysicalResourceId {physical_id} looks like one of crhelper's making"
    elif given and physical_id != given and (event["RequestType"] == "Delete" or sent["Status"] == "FAILED"):
        yield f"PhysicalResourceId changed from {given} to {physical_id}"


def stringify(value: Any) -> Any:
    """Return properties as CloudFormation sends them: scalars as strings, AWS::NoValue (None) left out."""
    if isinstance(value, Mapping):
        return {key: stringify(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [stringify(item) for item in value if item is not None]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def on_failure_record(event: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    """Return what Lambda sends to the on-failure destination after the last failure."""
    return {
        "version": "1.0",
        "requestContext": {
            "functionArn": f"{FUNCTION}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1 + len(RETRY_AFTER),
        },
        "requestPayload": dict(event),
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": str(error), "errorType": type(error).__name__},
    }
