"""When a failing call is tried again, and when its failure is the request's."""

from __future__ import annotations

from massdriver_redis.clock import Clock
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError
from massdriver_redis.planner.decision import Reject, Requeue

FAILURES_BELIEVED = 3
"""Observations in a row that must fail before a failure is believed that may pass within minutes."""
IAM_SPREADS = 120.0
"""Seconds after the request, or after a write of ours, in which a denial may pass: IAM is eventually
consistent (hashicorp/terraform-provider-aws#6566, aws/aws-cdk#37675)."""
RETRY_WINDOW = 300.0
"""Seconds after the same from which on a missing thing or a lack of capacity is final."""


class RetryPolicy:
    """Judges the failures of one invocation's calls, for a request that began at `started_at`.

    `trouble` names the failure that stands in the way now, "" while calls succeed. `denial` is its Reason if
    it is a denial: that, and not the time, is what a request fails with then. `failures` are those in a row
    of which one more may be final.
    """

    def __init__(self, started_at: float, clock: Clock) -> None:
        self.trouble = self.denial = ""
        self.failures = 0
        self._since = started_at
        self._clock = clock

    def wrote(self) -> None:
        """Note that AWS took a write just now: what it made may take a while to show."""
        self._since = self._clock.now()

    def succeeded(self) -> None:
        """Note that the calls of one observation, and of its change, were answered."""
        self.trouble = self.denial = ""
        self.failures = 0

    def judge(self, error: ResourceError) -> Requeue | Reject:
        """Return whether to wait for the failure to pass or to fail the request with it."""
        self.trouble = f"retrying {error}"
        self.denial = str(error) if isinstance(error, AccessDeniedError) else ""
        if isinstance(error, TransientError):
            return Requeue(self.trouble)
        self.failures += 1
        if self._passes(error):
            return Requeue(self.trouble)
        return Reject(str(error))

    def _passes(self, error: ResourceError) -> bool:
        if not isinstance(error, AccessDeniedError | NotYetVisibleError):
            return False
        window = IAM_SPREADS if isinstance(error, AccessDeniedError) else RETRY_WINDOW
        return self._clock.now() <= self._since + window or self.failures < FAILURES_BELIEVED
