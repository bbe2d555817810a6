"""Delete: whatever the properties were, it ends in SUCCESS once nothing of ours is left."""

from __future__ import annotations

from datetime import UTC, datetime

from massdriver_redis.aws import details
from massdriver_redis.aws.session import connect
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import InvalidRequestError, ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import LoopState, Verdict
from massdriver_redis.planner.delete import Leftovers, decide, without_snapshot_clash
from massdriver_redis.properties import parse
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state import naming


class DeleteController:
    """One Delete. It trusts the physical id and the ownership marker, never the properties."""

    def __init__(self, request: Request, clock: Clock, prefix: str) -> None:
        self._request = request
        self._clock = clock
        given = request.physical_id or ""
        self._invented = not naming.is_ours(given)
        self.resource_id = self._derive() if self._invented else given
        self.physical_id = given or naming.nothing_made(request.owner)
        self._names = naming.names(self.resource_id, prefix)
        self._resource: ExternalResource | None = None
        self._found = False

    def observe(self) -> Leftovers:
        """Read what is left under the id."""
        taken_at = self._clock.now()
        if not self.resource_id:
            return Leftovers(taken_at)
        if self._resource is None:
            authentication, region = parse.read_leniently(self._request.properties)
            aws = connect(authentication, region)
            self._resource = ExternalResource(aws, self._names, self._request.owner, self._clock)
        observed = self._resource.observe()
        self._found |= observed.exists
        return Leftovers(taken_at, observed.partial, observed, self._found)

    def decide(self, seen: Leftovers, state: LoopState) -> Verdict:
        """Return the next change towards nothing being left, or how the request ends or waits."""
        return decide(self._request.version, self._names, seen, state, invented=self._invented)

    def apply(self, call: Call, seen: Leftovers) -> bool:  # noqa: ARG002
        """Make a call; a final snapshot that can't be taken under its name is settled here."""
        assert self._resource  # noqa: S101  # a change is decided on what was observed
        try:
            return self._resource.apply(call, self._request.version)
        except ResourceError as error:
            other = without_snapshot_clash(call, error.code, self._took_snapshot)
            if other is None:
                raise
            logger.warning(other.summary, cause=error.code)
            return self._resource.apply(other, self._request.version)

    def _took_snapshot(self, name: str) -> bool:
        """Return whether this very Delete took the snapshot of that name before."""
        made_at = details.snapshot_made_at(self._resource.aws, name) if self._resource else None
        return made_at is not None and made_at >= self._request.started_at

    def conclude(self, seen: Leftovers) -> Response:
        """Return SUCCESS; what is left is not the request's."""
        if seen.observed.exists:
            logger.warning("The id isn't ours and the cluster of these properties is in service: untouched")
        return Response("SUCCESS", self.physical_id)

    def record_response(self, response: Response) -> None:
        """Record nothing: the record went with the security group."""

    def collect_garbage(self) -> None:
        """Remove nothing: a Delete makes nothing."""

    def timed_out(self, waiting: str) -> str:
        """Return the Reason of a Delete that timed out while `waiting`."""
        return f"Timed out while {waiting}. Delete the stack again to go on; what is gone stays gone"

    def _derive(self) -> str:
        """Return the id of a Create of these properties, "" where nothing was made or it can't be derived.

        CloudFormation invents an id when it deletes what it was still creating.
        """
        if naming.is_nothing_made(self._request.physical_id or ""):
            return ""
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        try:
            wanted = parse.read(self._request.properties, today=today)
        except InvalidRequestError:
            return ""
        return naming.physical_id(self._request.owner, wanted.name_prefix, wanted.create_only())
