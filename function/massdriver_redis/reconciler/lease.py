"""Who may act on a resource: a request's right to do so, shown by its poll schedule.

There is no lock. Each request creates its own schedule before it does anything else, then lists those of
the resource: of two requests, the later one sees the earlier one, stops its polls and takes over. The
earlier one learns of it from the record on the security group, which every observation reads, and where
there is none yet, from one more list right before that group is created.
"""

from __future__ import annotations

from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.aws.session import SLOWEST_CALL
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation import poll_event
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Ignore, LoopState, Requeue

MAX_OBSERVATION_AGE = 5.0
"""Seconds that may pass between an observation and the change decided on it."""

_MARGIN = 10.0
DRAIN_TIME = MAX_OBSERVATION_AGE + SLOWEST_CALL + _MARGIN
"""Seconds after taking over in which a change of the other request may still arrive at AWS."""


class Lease:
    """The poll schedule of `request`, for the resource known by `resource_id`.

    `held` says whether a poll comes for this request. `first` says whether this invocation is the first to
    work on it: it created the schedule, which any other creates or finds before it does anything else.
    `acquire` and `check` raise the exceptions of PollSchedules.
    """

    def __init__(self, schedules: PollSchedules, request: Request, resource_id: str, clock: Clock) -> None:
        self.held = request.is_poll
        self.first = False
        self._schedules = schedules
        self._request = request
        self._resource_id = resource_id
        self._clock = clock
        self._name = request.schedule_name or poll_event.schedule_name(request, resource_id)
        self._armed_at = request.armed_at or clock.now()
        self._preempted = False
        self._older: frozenset[str] | None = None
        self._listed = request.is_poll

    def acquire(self) -> Ignore | None:
        """Create the schedule and stop the polls of older requests; report if a newer request is there."""
        if not self.held:
            self._armed_at = self._clock.now()
            text = poll_event.schedule_input(self._request, self._name, self._armed_at)
            start, end = poll_event.schedule_dates(self._request, self._armed_at)
            self.first = self._schedules.create(self._name, text, start, end)
            self._preempted = not self.first
            self.held = True
        if self._listed:
            return None
        overtaken = self.check()
        if overtaken is None:
            self.stop_older()
        return overtaken

    def check(self) -> Ignore | None:
        """List the resource's schedules again, and report if a newer request is there."""
        listed = self._schedules.list(f"{self._resource_id}-")
        others = [name for name in listed if name != self._name and self._is_of_this_resource(name)]
        created = {self._name: self._armed_at, **listed}
        if any(poll_event.is_newer(name, self._name, created, self._clock.now()) for name in others):
            return Ignore("a newer request is being worked on", superseded=True)
        self._older, self._listed = frozenset(others), True
        self._preempted |= bool(others)
        return None

    def list_again(self) -> None:
        """Have the schedules listed before the next step: a newer record may have been written over."""
        self._listed = False

    def stop_older(self) -> Requeue | Ignore | None:
        """Delete the schedules of older requests; None once none is left."""
        overtaken = self.check() if self._older is None else None
        left: dict[str, str] = {}
        for name in self._older or ():
            try:
                self._schedules.delete(name)
            except ResourceError as error:
                left[name] = str(error)
        self._older = frozenset(left)
        if left:
            return Requeue(f"stopping an older request: {next(iter(left.values()))}")
        return overtaken

    def state(self) -> LoopState:
        """Return what is known of other requests now."""
        armed_for = self._clock.now() - self._armed_at
        return LoopState(self._preempted, drained=armed_for >= DRAIN_TIME, armed_for=armed_for)

    def release(self) -> None:
        """Delete the schedule, whoever created it; a failure is logged and left: it ends by itself."""
        try:
            self._schedules.delete(self._name)
        except ResourceError as error:
            logger.warning("The poll schedule stays until its end", schedule=self._name, error=str(error))

    def _is_of_this_resource(self, name: str) -> bool:
        """Return whether a listed schedule is for this very resource.

        Another's id may begin with this one's, and a forged event may name it: what the schedule carries
        must be of the same stack and logical id.
        """
        ours = poll_event.id_in(name) == self._resource_id
        return ours and poll_event.owner_in(self._schedules.read(name) or {}) == self._request.owner
