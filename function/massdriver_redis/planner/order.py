"""Which request may act: one that its stack is waiting for, and of several the last on record."""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis.calls import ec2
from massdriver_redis.planner.decision import Apply, Ignore, LoopState, Reject, Requeue
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_ACCEPTED_REQUEST, RequestVersion
from massdriver_redis.state.stack import MISSING, Stack

DRAINING = Requeue("waiting for the last calls of an older request")

_BELIEVED_AFTER = 60.0
"""Seconds after the first look at a stack from which on a status without an operation is believed.

DescribeStacks may be stale, and a request that is wrongly refused rolls its stack back.
"""
_MISSING_BELIEVED_AFTER = 120.0

_LATE = 120.0
"""Seconds from a request's signing to its delivery, from which on it is a copy and no first delivery."""


def unexpected(
    stack: Stack, version: RequestVersion, state: LoopState, now: float
) -> Requeue | Reject | Ignore | None:
    """Return None where CloudFormation is working on the stack, else how a request waits or ends.

    CloudFormation sends a request only as part of an operation; anyone else who may invoke the function can
    send one at any time. It is judged before the first write, and once it is on record only before a
    replacement is put in service.
    """
    if stack.operating:
        return None
    if state.armed_for < (_MISSING_BELIEVED_AFTER if stack.status == MISSING else _BELIEVED_AFTER):
        return Requeue("waiting for the stack to show an operation in progress")
    if 0 < version.signed_at < now - state.armed_for - _LATE:
        return Ignore("the operation of this request is over; this is a late copy", superseded=True)
    shown = "does not exist" if stack.status == MISSING else f"is {stack.status}"
    return Reject(
        f"The stack {shown}: no operation of it is in progress that could have sent this request. "
        "Nothing was changed; deploy or delete the stack itself"
    )


def acceptance(observed: Observed, version: RequestVersion) -> Apply | None:
    """Return what records a request as the last one; None where it is, or where nothing carries a record."""
    group = observed.security_group
    if group is None or observed.record.was_accepted(version.request_id):
        return None
    call = ec2.tag_security_group(group.id, {LAST_ACCEPTED_REQUEST: version.text()})
    return Apply(replace(call, accepts=True))
