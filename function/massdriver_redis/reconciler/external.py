"""One replication group with its supporting resources: what was observed of it, and changes made to it."""

from __future__ import annotations

from massdriver_redis.aws import details, observe
from massdriver_redis.aws.execute import perform
from massdriver_redis.aws.session import Aws
from massdriver_redis.calls import ec2
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.errors import ResourceError, TransientError
from massdriver_redis.log import logger
from massdriver_redis.planner import requested_change
from massdriver_redis.planner.decision import PlanContext
from massdriver_redis.planner.delete import plan_garbage_collection
from massdriver_redis.planner.plan import required_details
from massdriver_redis.reconciler.lease import MAX_OBSERVATION_AGE
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.naming import Names, Owner
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_REQUESTED_CHANGE, RequestedChange, RequestVersion

_MAX_CLEAN_UPS = 10


class ExternalResource:
    """Everything named `names` that is the owner's, in the Region and by the role of `aws`."""

    def __init__(self, aws: Aws, names: Names, owner: Owner, clock: Clock) -> None:
        self.aws = aws
        self.names = names
        self.observed = Observed()
        self._owner = owner
        self._clock = clock

    def observe(self) -> Observed:
        """Read all again; details read before are forgotten."""
        self.observed = observe.observe(self.aws, self.names, self._owner)
        return self.observed

    def observe_details(self, desired: Desired, context: PlanContext, since: float) -> Observed:
        """Read the details that a plan needs; events are those after `since` (epoch seconds)."""
        while missing := required_details(desired, self.observed, context):
            self.observed = details.observe_details(self.aws, self.observed, missing, desired.engine, since)
        return self.observed

    def apply(self, call: Call, version: RequestVersion) -> bool:
        """Make a call; False where AWS had nothing left to do.

        A change of ElastiCache is recorded first, and the record is removed if it fails.
        """
        began = self._clock.now()
        change = call.change and RequestedChange.of(call.change, version.request_id, began)
        marks = change.tags() if change else {}
        logger.info("Applying", summary=call.summary, call=call.name)
        try:
            if marks:
                self.mark(marks)
            if self._clock.now() > began + MAX_OBSERVATION_AGE:
                raise TransientError("EC2 was slow to take the record of a change, which is planned again")
            applied = perform(self.aws, call, self.names.secret) == "applied"
        except ResourceError as error:
            # Refused or unsure: planning it again is harmless, waiting for it to show would not be. A count
            # that was requested after all is still to be reverted.
            unsure = isinstance(error, TransientError)
            self._forget([tag for tag in marks if tag == LAST_REQUESTED_CHANGE or not unsure])
            raise
        self._note_accepted(call, version, began)
        return applied

    def mark(self, tags: dict[str, str]) -> None:
        """Write tags of the record, where there is a security group to carry them."""
        group = self.observed.security_group
        if group:
            perform(self.aws, ec2.tag_security_group(group.id, tags), self.names.secret)

    def collect_garbage(self, version: RequestVersion) -> None:
        """Remove what the superseded request `version` made for a cluster that nobody has; log failures."""
        for _ in range(_MAX_CLEAN_UPS):
            try:
                # A stale read may leave out the record, which may be another request's.
                observed = self.observe()
                if not observed.security_group:
                    observed = self.observe()
                call = plan_garbage_collection(version, self.names, observed)
                if call is None:
                    return
                self.apply(call, version)
            except ResourceError as error:
                logger.warning("Removing what a superseded request made goes on", reason=str(error))
                self._clock.sleep(1.0)

    def _note_accepted(self, call: Call, version: RequestVersion, at: float) -> None:
        """Record that AWS has taken a change of settings, which then fails no cluster if it doesn't show."""
        taken = call.change and requested_change.with_accepted(call.change)
        if taken and taken != call.change:
            self.mark({LAST_REQUESTED_CHANGE: RequestedChange.of(taken, version.request_id, at).text()})

    def _forget(self, marks: list[str]) -> None:
        group = self.observed.security_group
        if group is None or not marks:
            return
        try:
            perform(self.aws, ec2.untag_security_group(group.id, marks), self.names.secret)
        except ResourceError as error:
            logger.warning("The refused change stays on record for a while", reason=str(error))
