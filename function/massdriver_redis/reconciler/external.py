"""Everything under one physical id: what was seen of it, and the calls made on it."""

from __future__ import annotations

from massdriver_redis.aws import details, observe
from massdriver_redis.aws.execute import Effect, perform
from massdriver_redis.aws.session import Aws
from massdriver_redis.calls import base as calls
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.errors import BusyError, ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Look
from massdriver_redis.state.naming import Names
from massdriver_redis.state.observed import World
from massdriver_redis.state.record import REQUESTED, Requested, Stamp

FRESH = 5.0
"""Seconds that may pass between a look and the step decided on it: another request may have come by."""


class Site:
    """One replication group and its companions, in the region and by the role of `aws`."""

    def __init__(self, aws: Aws, names: Names, clock: Clock) -> None:
        self.aws = aws
        self.names = names
        self.world = World()
        self._clock = clock

    def look(self) -> World:
        """Read all anew; details read before are forgotten."""
        self.world = observe.look(self.aws, self.names)
        return self.world

    def look_closer(self, look: Look, engine: str, since: float) -> None:
        """Read one more detail of the world just seen."""
        self.world = details.look_closer(self.aws, self.world, look.detail, engine, since)

    def make(self, call: Call, stamp: Stamp) -> Effect:
        """Make a call; a change of ElastiCache is recorded first, and struck out if it fails."""
        began = self._clock.now()
        logger.info("Step", summary=call.summary, call=f"{call.service}:{call.operation}")
        try:
            if call.change:
                self.mark({REQUESTED: Requested(call.change, stamp.request_id, began).text()})
            if self._clock.now() > began + FRESH:
                raise BusyError("AWS was slow to take the record of a change; it is planned anew")
            return perform(self.aws, call, self.names.secret)
        except ResourceError:
            # Refused or unsure: planning it anew is harmless, waiting for it to show would not be.
            if call.change:
                self._strike_out()
            raise

    def mark(self, tags: dict[str, str]) -> None:
        """Write ledger tags, where there is a security group to carry them."""
        group = self.world.security_group
        if group:
            perform(self.aws, calls.tag_security_group(group.id, tags), self.names.secret)

    def _strike_out(self) -> None:
        group = self.world.security_group
        if group is None:
            return
        try:
            perform(self.aws, calls.untag_security_group(group.id, [REQUESTED]), self.names.secret)
        except ResourceError as error:
            logger.warning("The refused change stays on record for a while", reason=str(error))
