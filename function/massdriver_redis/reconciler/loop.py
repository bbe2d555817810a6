"""One invocation's work on one request: observe, decide, apply, and observe again.

Nothing is remembered between invocations but what AWS shows. The request's poll schedule is created before
anything else, so that a crash at any line is picked up by the next poll.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation.outcome import Ignored, Outcome, Pending, Response
from massdriver_redis.cloudformation.request import POLL_INTERVAL, Request
from massdriver_redis.cloudformation.work import Limits
from massdriver_redis.errors import ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Apply, Ignore, Observation, Reject, Requeue, UpToDate, Verdict
from massdriver_redis.reconciler.apply import ApplyController
from massdriver_redis.reconciler.controller import Controller
from massdriver_redis.reconciler.delete import DeleteController
from massdriver_redis.reconciler.lease import MAX_OBSERVATION_AGE, Lease
from massdriver_redis.reconciler.retries import RetryPolicy
from massdriver_redis.state import naming

_NEXT_POLL = 2.0 * POLL_INTERVAL
"""Seconds within which the next poll surely comes."""
_RECORDING = (1.0, 4.0, 0.0)
"""Seconds of pause after each try to record a response: what a later request removes depends on it."""
_MAX_OBSERVATIONS = 60
"""Observations of one invocation; more would mean that changes have no effect."""


class Reconciliation:
    """One invocation's work on one request; raises InvalidRequestError for broken properties."""

    def __init__(
        self, request: Request, lease_for: Callable[[str], Lease], prefix: str, clock: Clock, limits: Limits
    ) -> None:
        self._request = request
        self._clock = clock
        self._limits = limits
        self._began = clock.now()
        self._is_last = self._began + POLL_INTERVAL >= request.deadline
        kind = DeleteController if request.kind == "Delete" else ApplyController
        self._controller: Controller[Any] = kind(request, clock, prefix)
        self._lease = lease_for(self._controller.resource_id)
        self._retries = RetryPolicy(request.started_at, clock)
        self._unconfirmed: Verdict | None = None

    @property
    def physical_id(self) -> str:
        """The id that any response must carry.

        A Create that fails before it has observed anything has made nothing, if it is the first to try.
        """
        known = self._controller.physical_id
        unknown = known == naming.unknown_outcome(self._request.owner)
        return naming.nothing_made(self._request.owner) if unknown and self._lease.first else known

    @property
    def polling(self) -> bool:
        """Whether a poll comes for this request."""
        return self._lease.held

    def run(self) -> Outcome:
        """Go on until the request is answered or superseded, or until this invocation's window is over."""
        if self._request.is_poll and self._clock.now() >= self._request.gives_up_at:
            # A response now would be recorded as taken, and the cluster it speaks of as in service.
            return self._leave(Ignore("CloudFormation waits no longer"))
        if not self._controller.resource_id:
            return self._controller.conclude(self._controller.observe())  # nothing was ever made
        reason = "making many changes"
        for _ in range(_MAX_OBSERVATIONS):
            match self._advance():
                case None:
                    continue
                case Requeue(reason):
                    pass
                case Ignore() as over:
                    return self._leave(over)
                case response:
                    return response
            if self._clock.now() >= self._request.deadline:
                return self._timed_out(reason)
            if self._clock.now() + self._limits.pause > self._until:
                break
            self._clock.sleep(self._limits.pause)
        return self._pause(reason)

    def after_response(self, response: Response, *, delivered: bool) -> None:
        """Record that CloudFormation took the response, then stop polling; failures are logged."""
        for pause in _RECORDING if delivered else ():
            try:
                self._controller.record_response(response)
                break
            except ResourceError as error:
                logger.warning("The response is not on record", reason=str(error))
                self._clock.sleep(pause)
        if self._controller.resource_id:
            self._lease.release()

    # --- one observation -----------------------------------------------------------------------------

    def _advance(self) -> Response | Ignore | Requeue | None:
        """Observe, decide, and make at most one change; None where another observation is to follow."""
        try:
            end = self._lease.acquire() or self._reconcile()
        except ResourceError as error:
            judged = self._retries.judge(error)
            return self._answer(self._failed(judged.reason)) if isinstance(judged, Reject) else judged
        self._retries.succeeded()
        return end

    def _answer(self, response: Response) -> Response | Ignore | Requeue:
        """Return the response, once no older request is polled that could still change something."""
        try:
            return (self.polling and self._lease.stop_older()) or response
        except ResourceError as error:
            return Requeue(f"retrying {error}")

    def _reconcile(self) -> Response | Ignore | Requeue | None:
        seen = self._controller.observe()
        verdict = self._controller.decide(seen, self._lease.state())
        if not self._confirmed(verdict, seen):
            return None
        match verdict:
            case Apply():
                return self._apply(verdict, seen)
            case UpToDate(kept):
                return self._lease.stop_older() or self._controller.conclude(seen, kept)
            case Reject(reason, physical_id):
                return self._answer(self._failed(reason, physical_id))
            case _:
                return verdict

    def _confirmed(self, verdict: Verdict, seen: Observation) -> bool:
        """Return whether a verdict needs no second observation, or has had one that says the same.

        Another invocation's change may fall into the middle of an observation, and what was just
        made may be missing in one.
        """
        earlier, self._unconfirmed = self._unconfirmed, verdict
        if verdict == earlier or isinstance(verdict, Requeue | Ignore):
            return True
        abandons = seen.abandons and isinstance(verdict, UpToDate)
        return not (seen.partial or abandons or isinstance(verdict, Reject))

    def _apply(self, change: Apply, seen: Observation) -> Ignore | Requeue | None:
        """Make a change while the observation behind it is fresh and the deadline has not passed."""
        for call in change.calls:
            if self._clock.now() >= self._request.deadline and call.service == "elasticache":
                return Requeue(self._retries.trouble or f"waiting to {call.summary} ({call.name})")
            overtaken = self._lease.check() if call.creates_record else None
            if overtaken or self._clock.now() > seen.taken_at + MAX_OBSERVATION_AGE:
                return overtaken
            if call.accepts:
                self._lease.list_again()
            if not self._controller.apply(call, seen):
                return Requeue(f"waiting for AWS to show what {call.name} found done already")
            self._retries.wrote()
        return None

    # --- the end of an invocation ----------------------------------------------------------------------

    @property
    def _until(self) -> float:
        alone = bool(self._retries.denial) and (self._lease.first or not self.polling)
        stays = self._retries.failures > 0 or self._is_last
        return self._limits.until(self._began, polling=self.polling, alone=alone, stays=stays)

    def _pause(self, reason: str) -> Outcome:
        """Leave the rest to the next poll, unless it would come too late to answer."""
        short = self._clock.now() + _NEXT_POLL > self._request.gives_up_at
        if self.polling and (short or (self._is_last and self._retries.trouble)):
            # The next poll would come too late, or would no longer know what stood in the way.
            return self._timed_out(reason)
        return Pending(self.physical_id, reason)

    def _leave(self, over: Ignore) -> Ignored:
        """End without a response, and without leaving behind what only this invocation knows of."""
        self._lease.release()
        if over.superseded:
            try:
                self._controller.collect_garbage()
            except ResourceError as error:
                logger.warning("What this superseded request made may be left", reason=str(error))
        return Ignored(over.reason)

    def _timed_out(self, reason: str) -> Response:
        return self._failed(self._retries.denial or self._controller.timed_out(reason))

    def _failed(self, reason: str, physical_id: str = "") -> Response:
        return Response("FAILED", physical_id or self.physical_id, self._controller.advised(reason))
