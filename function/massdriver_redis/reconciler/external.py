"""Everything under one physical id: what was seen of it, and the calls made on it."""

from __future__ import annotations

from massdriver_redis.aws import details, observe
from massdriver_redis.aws.execute import Effect, perform
from massdriver_redis.aws.session import Aws
from massdriver_redis.calls import base as calls
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.errors import ResourceError, TransientError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Look
from massdriver_redis.state.naming import Names
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_REQUESTED_CHANGE, RequestedChange, RequestVersion

MAX_OBSERVATION_AGE = 5.0
"""Seconds that may pass between a look and the step decided on it: another request may have come by."""


class ExternalResource:
    """One replication group and its companions, in the region and by the role of `aws`."""

    def __init__(self, aws: Aws, names: Names, clock: Clock) -> None:
        self.aws = aws
        self.names = names
        self.observed = Observed()
        self._clock = clock

    def look(self) -> Observed:
        """Read all anew; details read before are forgotten."""
        self.observed = observe.look(self.aws, self.names)
        return self.observed

    def observe_detail(self, look: Look, engine: str, since: float) -> None:
        """Read one more detail of the world just seen."""
        self.observed = details.observe_detail(self.aws, self.observed, look.detail, engine, since)

    def make(self, call: Call, request_version: RequestVersion) -> Effect:
        """Make a call; a change of ElastiCache is recorded first, and struck out if it fails."""
        began = self._clock.now()
        logger.info("Step", summary=call.summary, call=f"{call.service}:{call.operation}")
        try:
            if call.change:
                self.mark(
                    {
                        LAST_REQUESTED_CHANGE: RequestedChange(
                            call.change, request_version.request_id, began
                        ).text()
                    }
                )
            if self._clock.now() > began + MAX_OBSERVATION_AGE:
                raise TransientError("AWS was slow to take the record of a change; it is planned anew")
            return perform(self.aws, call, self.names.secret)
        except ResourceError:
            # Refused or unsure: planning it anew is harmless, waiting for it to show would not be.
            if call.change:
                self._strike_out()
            raise

    def mark(self, tags: dict[str, str]) -> None:
        """Write ledger tags, where there is a security group to carry them."""
        group = self.observed.security_group
        if group:
            perform(self.aws, calls.tag_security_group(group.id, tags), self.names.secret)

    def _strike_out(self) -> None:
        group = self.observed.security_group
        if group is None:
            return
        try:
            perform(
                self.aws, calls.untag_security_group(group.id, [LAST_REQUESTED_CHANGE]), self.names.secret
            )
        except ResourceError as error:
            logger.warning("The refused change stays on record for a while", reason=str(error))
