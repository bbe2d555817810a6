"""Invocations inside one another, each in a container of its own, around the same stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

from massdriver_redis import log
from tests.harness import samples as document
from tests.harness.cloudformation import LAMBDA_TIMEOUT, Delivery, KilledError, SentRequest
from tests.harness.interleaved import Halt

from .stack import SERVICE_TIMEOUT, FaultyStack

CLOSES_AFTER = 1.0
"""Seconds within which CloudFormation reads a response, closes the request and takes no other one."""

_REVERTED = {
    "CREATE_IN_PROGRESS": "ROLLBACK_IN_PROGRESS",
    "UPDATE_IN_PROGRESS": "UPDATE_ROLLBACK_IN_PROGRESS",
}


@dataclass(frozen=True)
class Invocation:
    """One invocation under way: its request, the number of that event's delivery (0: a poll), and its end."""

    request_id: str
    delivery: int
    ends: float


@dataclass(frozen=True)
class Answer:
    """A response that arrived."""

    at: float
    status: str
    physical_id: str

    def contradicts(self, other: Answer) -> bool:
        return (self.status, self.physical_id) != (other.status, other.physical_id)


class Containers(FaultyStack):
    """A stack of which an invocation may be suspended while others run; a context manager.

    `service_timeout` is the seconds for which CloudFormation waits for each answer.
    """

    def __init__(self, service_timeout: int = SERVICE_TIMEOUT) -> None:
        super().__init__()
        self._service_timeout = service_timeout
        self.running: list[Invocation] = []
        self._deliveries: Counter[str] = Counter()
        self._arrived: dict[str, list[Answer]] = {}

    def properties(self, preset: Mapping[str, Any] = document.FREE_TIER, **changes: Any) -> dict[str, Any]:
        """Return a preset's properties in this VPC; a change to None removes a key."""
        return super().properties(preset, **{"ServiceTimeout": self._service_timeout, **changes})

    def answers(self, request: SentRequest) -> list[Answer]:
        """Return all responses to a request; CloudFormation takes the first."""
        return self._arrived.get(request.id, [])

    def meanwhile(self, what: Callable[[], object]) -> None:
        """Let something happen while the innermost invocation is suspended; Lambda may end that one."""
        suspended = self.running[-1]
        try:
            with self.recorder.handling(False):
                what()
        except Exception as error:
            raise Halt(repr(error)) from error
        if self.clock.now() > suspended.ends:
            raise KilledError("Lambda ends an invocation that takes too long")

    def invoke(self, request: SentRequest) -> None:
        """Have an event delivered now, before all others, once more if it was before."""
        self._queue[:] = [each for each in self._queue if each.event["RequestId"] != request.id]
        self._invoke(Delivery(self.clock.now(), next(self._numbers), request.event))

    def _invoke(self, delivery: Delivery) -> None:
        request_id = delivery.event["RequestId"]
        is_poll = "ScheduleName" in delivery.event
        self._deliveries[request_id] += not is_poll
        number = 0 if is_poll else self._deliveries[request_id]
        self.running.append(Invocation(request_id, number, self.clock.now() + LAMBDA_TIMEOUT))
        answers = sum(map(len, self._arrived.values()))
        # Another container knows none of this one's secrets.
        hidden, log._secrets = log._secrets, set()
        try:
            own = self._app.wire(self.clock, self._receive)
            with mock.patch.object(self._app, "resource", own):
                super()._invoke(delivery)
        finally:
            log._secrets = hidden
            self.running.pop()
        if sum(map(len, self._arrived.values())) > answers:
            # Invocations that go on at the same time stand one after another here.
            self.clock.advance(CLOSES_AFTER)

    def put(self, url: str, body: bytes) -> int:
        """Take a response, and revert the operation that it fails; a second one is judged by its time."""
        before = {key: len(request.puts) for key, request in self.requests.items()}
        for request in self.requests.values():
            request.given_up = True
        status = super().put(url, body)
        for key, request in self.requests.items():
            for sent in request.puts[before[key] :]:
                self._note(request, Answer(self.clock.now(), sent["Status"], sent["PhysicalResourceId"]))
        return status

    def _note(self, request: SentRequest, answer: Answer) -> None:
        answers = self._arrived.setdefault(request.id, [])
        answers.append(answer)
        if len(answers) == 1 and answer.status == "FAILED":
            status = str(self.swift.stack_status)
            self.stack_status(_REVERTED.get(status, status))
