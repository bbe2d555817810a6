"""The change last requested of ElastiCache: not visible yet, reverted, or never received.

A scale-down or a reshard can be accepted and reverted later; only DescribeEvents says why
(aws-cloudformation/cloudformation-coverage-roadmap#2273).
"""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis.calls.base import Call, ExpectedChange, text_of
from massdriver_redis.planner.decision import Decision, PlanContext, Reject, Requeue
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import described, missing_field
from massdriver_redis.state.observed import Detail, Observed, ReplicationGroup
from massdriver_redis.state.record import RequestedChange

VISIBILITY_TIMEOUT = 180.0
"""Seconds a change may stay invisible after it was accepted: describes can be stale that long."""

MAX_ATTEMPTS = 2
"""How often one request asks for the same change."""


def in_flight(
    _desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Wait for the requested change to show; reject a change of this request that was reverted."""
    requested = observed.record.requested
    missing = missing_field(live, requested.change) if requested else None
    if requested is None or missing is None:
        return None
    if not _overdue(requested, context):
        return Requeue(f"waiting for the change of {_names(requested)} to show")
    if not _is_own(requested, context) or _worth_another_try(live, requested, observed):
        return None
    name, wanted = missing
    return Reject(
        f"{name}: AWS accepted the change to {text_of(wanted)} but the cluster is at {described(live, name)}"
        f": {cause(observed)}. Free memory or choose a smaller change, then update again"
    )


def details(
    _desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> frozenset[Detail]:
    """Return events where a change of this request is overdue."""
    requested = observed.record.requested
    if requested is None or missing_field(live, requested.change) is None:
        return frozenset()
    due = _overdue(requested, context) and _is_own(requested, context)
    return frozenset({"events"}) if due else frozenset()


def cause(observed: Observed) -> str:
    """Return ElastiCache's own words on the latest failure."""
    return observed.events[0].rstrip(". ") if observed.events else "no event says why"


def counted(call: Call, requested: RequestedChange | None, context: PlanContext) -> Call:
    """Return the call with its attempt counted, where this request repeats the same change."""
    if call.change is None or requested is None or not _is_own(requested, context):
        return call
    recorded = requested.change.fields
    if recorded != call.change.fields[: len(recorded)]:
        return call
    return replace(call, change=replace(call.change, attempt=requested.change.attempt + 1))


def _overdue(requested: RequestedChange, context: PlanContext) -> bool:
    return context.now - requested.at >= VISIBILITY_TIMEOUT


def _is_own(requested: RequestedChange, context: PlanContext) -> bool:
    return requested.by(context.request_version.request_id)


def _names(requested: RequestedChange) -> str:
    return ", ".join(name for name, _ in requested.change.fields)


def _worth_another_try(live: ReplicationGroup, requested: RequestedChange, observed: Observed) -> bool:
    """Whether to ask again: after a partial removal of node groups, and for what AWS never received.

    An invocation may have ended between recording a change and asking for it: then no event reports a
    failure.
    """
    if requested.change.attempt >= MAX_ATTEMPTS:
        return False
    return not observed.events or _is_partial_removal(live, requested.change)


def _is_partial_removal(live: ReplicationGroup, change: ExpectedChange) -> bool:
    (name, wanted), previous = change.fields[0], change.previous
    if name != "node_groups" or not isinstance(wanted, int) or not isinstance(previous, int):
        return False
    return wanted < len(live.node_groups) < previous
