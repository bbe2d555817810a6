"""The order of requests: which one is on record as the last, and whether an older one may still act."""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis.calls import ec2
from massdriver_redis.planner.decision import Apply, Requeue
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_ACCEPTED_REQUEST, RequestVersion

DRAINING = Requeue("waiting for the last calls of an older request")


def acceptance(observed: Observed, version: RequestVersion) -> Apply | None:
    """Return what records a request as the last one; None where it is, or where nothing carries a record."""
    group = observed.security_group
    if group is None or observed.record.was_accepted(version.request_id):
        return None
    call = ec2.tag_security_group(group.id, {LAST_ACCEPTED_REQUEST: version.text()})
    return Apply(replace(call, accepts=True))
