"""What the handler asks of the provider: the work that one invocation does on one request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from massdriver_redis.cloudformation.outcome import Outcome, Response
from massdriver_redis.cloudformation.request import Request

_FOR_THE_RESPONSE = 30.0
"""Seconds of an invocation kept for a last observation and the response."""
_WITHOUT_A_POLL = 90.0
"""Seconds for which an invocation goes on that no poll follows; then Lambda delivers the event again."""


@dataclass(frozen=True)
class Limits:
    """One invocation's limits, in seconds; `ends` is when Lambda ends it, in seconds since the epoch.

    `window` is how long it goes on observing, `pause` the time between two observations while AWS is at work.
    Where `crowded` says that others need its place, it leaves waiting to the polls.
    """

    ends: float
    crowded: Callable[[], bool] = lambda: False
    window: float = 45.0
    pause: float = 10.0

    def until(self, began: float, *, polling: bool, alone: bool, stays: bool) -> float:
        """Return when an invocation stops observing.

        `alone` says that nobody else would know that a Create which is denied has made nothing, and `stays`
        that the next poll could not go on in its stead.
        """
        last = self.ends - _FOR_THE_RESPONSE
        if alone:
            return last
        if polling and not stays and self.crowded():
            return began
        return min(began + (self.window if polling else _WITHOUT_A_POLL), last)


class LambdaContext(Protocol):
    """What is used of Lambda's context."""

    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


class Work(Protocol):
    """One invocation's work on one request.

    `physical_id` is the id any response must carry, `polling` whether a poll comes for this request; `run`
    may raise; `after_response` must not.
    """

    @property
    def physical_id(self) -> str:
        """Return the id any response must carry."""

    @property
    def polling(self) -> bool:
        """Return whether a poll comes for this request."""

    def run(self) -> Outcome:
        """Advance the request until it is answered or this invocation ends."""

    def after_response(self, response: Response, *, delivered: bool) -> None:
        """Record the response, if CloudFormation took it, and stop polling."""


class Provider(Protocol):
    """What the resource is made by."""

    def begin(self, request: Request, context: LambdaContext) -> Work:
        """Return the work on a request; raises ResourceError where there can be none."""

    def carried(self, schedule: str, context: LambdaContext) -> object:
        """Return the event that a poll schedule carries, None where it is gone."""

    def stop_polling(self, request: Request, context: LambdaContext) -> None:
        """Delete the schedule of a poll whose work can't begin; failures are logged."""
