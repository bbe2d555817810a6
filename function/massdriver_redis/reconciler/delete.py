"""Delete: whatever the properties were, it ends in SUCCESS once nothing of ours is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from massdriver_redis.aws import details
from massdriver_redis.aws.execute import Effect
from massdriver_redis.aws.session import connect
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation.outcome import Ignored, Outcome, Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import InvalidRequestError, ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Apply, Decision, Requeue, UpToDate
from massdriver_redis.planner.delete import DeletionScope, own_security_group, owned, plan_deletion
from massdriver_redis.properties import parse as properties
from massdriver_redis.reconciler.controller import LoopState
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state import naming
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_ACCEPTED_REQUEST, RequestVersion


class DeleteController:
    """One Delete. Trusts the physical id and the ownership marker, never the properties."""

    def __init__(self, request: Request, clock: Clock, prefix: str) -> None:
        self._request = request
        self._clock = clock
        self._prefix = prefix
        self._stamp = RequestVersion(request.request_id, request.signed_at or 0.0)
        given = request.physical_id or ""
        self._recomputed = not naming.is_ours(given)
        self._target = self._recompute() if self._recomputed else given
        self._site: ExternalResource | None = None
        self.rule_id = self._target
        self.physical_id = given or naming.nothing_made(request.owner)

    def decide(self, turn: LoopState) -> Decision | Outcome:
        """Look at AWS anew and return the next step of the removal, or its end."""
        if not self._target:
            return self._gone("nothing was ever made under this id")
        observed = self._look()
        if owned(self._request.owner, observed):
            if observed.record.newer_than(self._stamp.signed_at):
                return Ignored("a newer request was accepted")
            if self._recomputed and self._handed_over(observed, delivered=True):
                return self._gone(
                    "the id isn't ours and the cluster of these properties is in use; untouched"
                )
        decision = plan_deletion(self._demolition(observed), observed)
        if isinstance(decision, UpToDate):
            return self._gone("nothing is left") if turn.calm else Requeue("an operation taken over to stop")
        return self._accept(observed) or decision

    def make(self, step: Apply) -> Effect:
        """Make the call; a final snapshot that can't be taken under its name is settled here."""
        site = self._here()
        try:
            return site.make(step.call, self._stamp)
        except ResourceError as error:
            other = self._without_clash(step.call, error.code)
            if other is None:
                raise
            return site.make(other, self._stamp)

    def abandon(self) -> Decision:
        """A Delete makes nothing."""
        return UpToDate()

    def mark(self, tags: dict[str, str], *, succeeded: bool) -> None:  # noqa: ARG002
        """Write ledger tags while there is a security group of ours to carry them."""
        if self._site and own_security_group(self._request.owner, self._site.observed):
            self._site.mark(tags)

    def late(self, waiting: str) -> str:
        """Return the Reason of a Delete that ran out of time."""
        return f"Out of time while {waiting}. Delete the stack again to go on; what is gone stays gone"

    def _recompute(self) -> str:
        """The id a Create of these properties would have; "" where it can't be told or nothing was made.

        CloudFormation invents an id when it deletes what it was still creating.
        """
        if naming.is_nothing_made(self._request.physical_id or ""):
            return ""
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        try:
            wanted = properties.read(self._request.properties, today=today)
        except InvalidRequestError:
            return ""
        return naming.physical_id(self._request.owner, wanted.name_prefix, wanted.create_only())

    def _here(self) -> ExternalResource:
        if self._site is None:
            authentication, region = properties.read_leniently(self._request.properties)
            names = naming.names(self._target, self._prefix)
            self._site = ExternalResource(connect(authentication, region), names, self._clock)
        return self._site

    def _look(self) -> Observed:
        observed = self._here().look()
        # A group without its ledger counts as handed over: not on the word of a single read.
        return self._here().look() if observed.group and not observed.security_group else observed

    def _handed_over(self, observed: Observed, *, delivered: bool) -> bool:
        """Whether the stack was ever given this cluster; without a ledger, a live group counts as given."""
        group = own_security_group(self._request.owner, observed)
        if group is None:
            return observed.group is not None
        return group.record.delivered if delivered else group.record.in_service

    def _demolition(self, observed: Observed) -> DeletionScope:
        """None of a cluster that never answered SUCCESS: nobody can have put data into it."""
        given = self._handed_over(observed, delivered=False)
        snapshot = naming.final_snapshot(self._target, self._request.request_id) if given else None
        return DeletionScope(self._request.owner, naming.names(self._target, self._prefix), snapshot)

    def _accept(self, observed: Observed) -> Apply | None:
        group = own_security_group(self._request.owner, observed)
        if not group or observed.record.was_accepted(self._request.request_id):
            return None
        return Apply(calls.tag_security_group(group.id, {LAST_ACCEPTED_REQUEST: self._stamp.text()}))

    def _without_clash(self, call: calls.Call, code: str) -> calls.Call | None:
        """Return the delete call to make instead, or None where the error is not about the snapshot."""
        name = call.request.get("FinalSnapshotIdentifier")
        if not name:
            return None
        if code == "SnapshotFeatureNotSupportedFault":
            logger.warning("This cluster can't be snapshotted; it is deleted without a final snapshot")
            return group_calls.delete_group(self._target, None)
        if code != "SnapshotAlreadyExistsFault":
            return None
        made_at = details.snapshot_made_at(self._here().aws, str(name))
        if made_at is not None and made_at >= self._request.started_at:
            return group_calls.delete_group(self._target, None)
        return replace(call, request={**call.request, "FinalSnapshotIdentifier": f"{name}-2"})

    def _gone(self, why: str) -> Response:
        logger.info("Delete is done", why=why)
        return Response("SUCCESS", self.physical_id)
