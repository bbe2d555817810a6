"""What a plan may answer, and the moment it is asked in."""

from __future__ import annotations

from dataclasses import dataclass

from massdriver_redis.calls.base import Call
from massdriver_redis.state.observed import Detail
from massdriver_redis.state.record import RequestVersion


@dataclass(frozen=True)
class Apply:
    """Make this one call, then look again.

    `needs_poll` is False for a mere note, which leaves no work to go on with.
    """

    call: Call
    needs_poll: bool = True


@dataclass(frozen=True)
class Look:
    """Read this too before anything can be decided."""

    detail: Detail


@dataclass(frozen=True)
class Requeue:
    """AWS is at work; `why` says on what."""

    why: str


@dataclass(frozen=True)
class UpToDate:
    """The world is as desired."""


@dataclass(frozen=True)
class Reject:
    """It can't be done; `reason` says why and what to do.

    `refused` marks a reason found before any write of this request.
    """

    reason: str
    refused: bool = False


Decision = Apply | Look | Requeue | UpToDate | Reject


@dataclass(frozen=True)
class PlanContext:
    """Who asks, when, and what the request allows.

    Times are seconds since the epoch. `rolling_back` is None until it was looked up.
    """

    now: float
    request_version: RequestVersion
    may_create: bool = False
    version_asked: bool = False
    """Whether this request itself changes engine or redis_version."""
    rolling_back: bool | None = None
    subnets_stay: bool = False
    """Whether AWS just refused to drop subnets, and a rollback has to go on without."""
    dropped_tags: frozenset[str] = frozenset()
    """Tag keys the previous properties had and these have not."""

    @property
    def request_id(self) -> str:
        """The request that asks."""
        return self.request_version.request_id
