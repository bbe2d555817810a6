"""Delete: whatever the properties were, it ends in SUCCESS once nothing of ours is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from massdriver_redis.aws import details, observe
from massdriver_redis.aws.session import Aws, connect
from massdriver_redis.aws.stack import read_stack
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import InvalidRequestError, ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import LoopState, Verdict
from massdriver_redis.planner.delete import Leftovers, decide, next_to_remove, without_snapshot_clash
from massdriver_redis.properties import parse
from massdriver_redis.reconciler.controller import Controller
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state import naming
from massdriver_redis.state.desired import derived_id
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.stack import Stack


class DeleteController(Controller[Leftovers]):
    """One Delete. It trusts the physical id and the ownership marker, never the properties.

    It records no response, for the record goes with the security group, and makes no garbage.
    """

    def __init__(self, request: Request, clock: Clock, prefix: str) -> None:
        self._request = request
        self._clock = clock
        given = request.physical_id or ""
        self._invented = not naming.is_ours(given)
        self.resource_id = self._derive() if self._invented else given
        self.physical_id = given or naming.nothing_made(request.owner)
        self._prefix = prefix
        self._aws: Aws | None = None
        self._resource: ExternalResource | None = None
        self._found = False

    def observe(self) -> Leftovers:
        """Read what is left under the id, and once nothing is, what else of the owner's is left."""
        taken_at, request = self._clock.now(), self._request
        if not self.resource_id:
            return Leftovers(taken_at)
        if self._aws is None:
            self._aws = connect(*parse.read_leniently(request.properties), request.owner.session_name)
        named = self._look(self._aws, self.resource_id)
        if self._invented or not named.exists:
            return self._others(self._aws, taken_at, named)
        accepted = named.record.was_accepted(request.request_id)
        return self._left(taken_at, named, Stack() if accepted else read_stack(request.stack_id))

    def _others(self, aws: Aws, taken_at: float, named: Observed) -> Leftovers:
        """Read the next of the owner's clusters to remove besides the one that the id names."""
        owned = observe.owned(aws, self._request.owner, self._prefix)
        stack = read_stack(self._request.stack_id) if named.exists or owned else Stack()
        other = next_to_remove(self.resource_id, named, owned, stack, self._request.request_id)
        observed = named
        if other != self.resource_id:
            observed = self._look(aws, other) if other else Observed()
        seen = self._left(taken_at, observed, stack)
        return replace(seen, partial=seen.partial or named.partial, kept=bool(owned.keys() - {other}))

    def _left(self, taken_at: float, observed: Observed, stack: Stack) -> Leftovers:
        assert self._resource  # noqa: S101  # the one that was observed last
        self._found |= observed.exists
        names = self._resource.names
        return Leftovers(taken_at, observed.partial, True, names, observed, stack, self._found)

    def _look(self, aws: Aws, physical_id: str) -> Observed:
        names = naming.names(physical_id, self._prefix)
        self._resource = ExternalResource(aws, names, self._request.owner, self._clock)
        return self._resource.observe()

    def decide(self, seen: Leftovers, state: LoopState) -> Verdict:
        """Return the next change towards nothing being left, or how the request ends or waits."""
        return decide(self._request.version, seen, state)

    def apply(self, call: Call, seen: Leftovers) -> bool:  # noqa: ARG002
        """Make a call; a final snapshot that can't be taken under its name is settled here."""
        resource = self._resource
        assert resource  # noqa: S101  # a change is decided on what was observed
        try:
            return resource.apply(call, self._request.version)
        except ResourceError as error:
            since, aws = self._request.started_at, resource.aws
            other = without_snapshot_clash(
                call, error.code, lambda name: details.was_snapshot_made(aws, name, since)
            )
            if other is None:
                raise
            logger.warning(other.summary, cause=error.code)
            return resource.apply(other, self._request.version)

    def conclude(self, seen: Leftovers, kept: str = "") -> Response:  # noqa: ARG002
        """Return SUCCESS; what is left is not the request's."""
        if seen.kept and self._invented:
            logger.warning("The id isn't ours and a cluster of this resource is in service: untouched")
        return Response("SUCCESS", self.physical_id)

    def timed_out(self, waiting: str) -> str:
        """Return the Reason of a Delete that timed out while `waiting`."""
        return f"Timed out while {waiting}. Delete the stack again to go on; what is gone stays gone"

    def _derive(self) -> str:
        """Return the id of a Create of these properties, "" where nothing was ever made.

        CloudFormation invents an id when it deletes what it was still creating. Of properties that can't be
        read it is an id that no cluster has: what the Create made is found by its tags.
        """
        if naming.is_nothing_made(self._request.physical_id or ""):
            return ""
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        try:
            return derived_id(parse.read(self._request.properties, today=today), self._request.owner)
        except InvalidRequestError:
            return naming.physical_id(self._request.owner, None, {})
