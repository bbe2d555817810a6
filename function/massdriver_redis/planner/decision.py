"""What a plan may decide, and the context it decides in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from massdriver_redis.calls.base import Call
from massdriver_redis.state.record import RequestVersion


@dataclass(frozen=True)
class Apply:
    """Make `call` and then those of `then`, and observe again.

    None of `then` depends on what the calls before it made. The caller stops at the first that fails, is a
    no-op, or would come too long after the observation: planned again, the rest follows.
    """

    call: Call
    then: tuple[Call, ...] = ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls in order."""
        return (self.call, *self.then)


@dataclass(frozen=True)
class Requeue:
    """Nothing can be done now; `reason` completes "Timed out while ..."."""

    reason: str


@dataclass(frozen=True)
class Reject:
    """It can't be done; `reason` says why and what to do.

    `physical_id` is the id that the response must carry where it is not the request's own.
    """

    reason: str
    physical_id: str = ""


@dataclass(frozen=True)
class Ignore:
    """The request is over, and nothing is answered; `superseded` says that a later one is known of."""

    reason: str
    superseded: bool = False


@dataclass(frozen=True)
class UpToDate:
    """What is observed is as desired.

    `kept` is the Reason for which a rollback can't restore it where nothing is left to undo, else "".
    """

    kept: str = ""


Decision = Apply | Requeue | Reject | UpToDate
"""What a plan decides."""

Verdict = Decision | Ignore
"""What an observation calls for in one request: a decision, or nothing at all any more."""


@dataclass(frozen=True)
class LoopState:
    """What the lease knows of other requests for the same resource.

    `preempted`: an older one was still polling, or may have been: only the first delivery of a request sees
    that. `drained`: no call of an older one can arrive any more. `armed_for`: the seconds since the poll
    schedule was created.
    """

    preempted: bool
    drained: bool
    armed_for: float


@dataclass(frozen=True)
class Observation:
    """What was read of AWS in one go, from `taken_at` on (seconds since the epoch).

    `partial`: something was seen whose record was not; a stale read may have left it out. `abandons`: what
    doesn't show in it is left for good, for no later request looks for it.
    """

    taken_at: float
    partial: bool = False
    abandons: bool = False


@dataclass(frozen=True)
class PlanContext:
    """Who asks, when, and what the request allows; times are seconds since the epoch."""

    now: float
    request_version: RequestVersion
    may_create: bool = False
    """Whether the request makes the replication group: a Create, or a replacement."""
    version_requested: bool = False
    """Whether the request itself changes engine or redis_version."""
    rolling_back: bool = False
    """Whether the stack is rolling back; unknown counts as not."""
    unused_subnets_kept: bool = False
    """Whether subnets that the properties no longer name stay, because AWS refused to drop them."""
    kept_counts: frozenset[str] = frozenset()
    """Of node_groups and replicas, those that stay as they are live, whatever the properties say."""
    tags_unshown: bool = False
    """Whether AWS accepted the tags several times in this invocation and doesn't show them."""
    dropped_tags: frozenset[str] = frozenset()
    """Tag keys that the previous properties had and these have not."""


def apply_all(calls: Iterable[Call]) -> Apply | None:
    """Return the step that makes these calls in order, None where there are none."""
    due = tuple(calls)
    return Apply(due[0], due[1:]) if due else None
