"""When a failing call is tried again, and when its failure is the request's."""

from __future__ import annotations

from massdriver_redis.clock import Clock
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError
from massdriver_redis.planner.decision import Reject, Requeue

FAILURES_BELIEVED = 3
"""Observations in a row that must fail before a denial is believed: IAM takes seconds to spread."""

RETRY_WINDOW = 300.0
"""Seconds after the request from which on a missing thing or a lack of capacity is final."""


class RetryPolicy:
    """Judges the failures of one invocation's calls, for a request that began at `started_at`.

    `trouble` names the failure that stands in the way now, "" while calls succeed.
    """

    def __init__(self, started_at: float, clock: Clock) -> None:
        self.trouble = ""
        self._failures = 0
        self._final_after = started_at + RETRY_WINDOW
        self._clock = clock

    def succeeded(self) -> None:
        """Note that the calls of one observation, and of its change, were answered."""
        self.trouble = ""
        self._failures = 0

    def judge(self, error: ResourceError) -> Requeue | Reject:
        """Return whether to wait for the failure to pass or to fail the request with it."""
        self.trouble = f"retrying {error}"
        if isinstance(error, TransientError):
            return Requeue(self.trouble)
        self._failures += 1
        if self._passes(error):
            return Requeue(self.trouble)
        return Reject(str(error))

    def _passes(self, error: ResourceError) -> bool:
        if isinstance(error, AccessDeniedError):
            return self._failures < FAILURES_BELIEVED
        if isinstance(error, NotYetVisibleError):
            early = self._clock.now() <= self._final_after
            return early or self._failures < FAILURES_BELIEVED
        return False
