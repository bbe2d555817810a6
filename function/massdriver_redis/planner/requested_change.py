"""The change last requested of ElastiCache: not visible yet, reverted, or never received.

A scale-down or a reshard can be accepted and reverted later; only DescribeEvents says why
(aws-cloudformation/cloudformation-coverage-roadmap#2273).
"""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis.calls.base import Call, ExpectedChange, text_of
from massdriver_redis.planner.decision import Decision, PlanContext, Reject, Requeue
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import described, missing_fields
from massdriver_redis.state.observed import Detail, Observed, ReplicationGroup
from massdriver_redis.state.record import RequestedChange
from massdriver_redis.state.settings import SETTING_NAMES

VISIBILITY_TIMEOUT = 180.0
"""Seconds a change may stay invisible after it was accepted: describes can be stale that long."""

MAX_ATTEMPTS = 2
"""How often one request asks for the same change."""

_ADVICE = {
    **dict.fromkeys(("node_type", "node_groups"), "Free memory or choose a smaller change"),
    **dict.fromkeys(("failover", "multi_az"), "Give every node group a replica in another zone"),
    "replicas": "Free addresses in the subnets, or change fewer at once",
}
_ANY_ADVICE = "Mend what the event names, or wait"


def in_flight(
    _desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Wait for the requested change to show; reject a change of this request that was reverted.

    A setting never fails a cluster that is good otherwise: it is left as it is shown (`left_alone`).
    """
    requested = observed.record.requested
    missing = missing_fields(live, requested.change) if requested else []
    if requested is None or not missing:
        return None
    if not _overdue(requested, context):
        return Requeue(f"waiting for the change of {_names(requested)} to show")
    failed = next((each for each in missing if each[0] not in SETTING_NAMES), None)
    if failed is None or not _is_own(requested, context) or _worth_another_try(live, requested, observed):
        return None
    name, wanted = failed
    return Reject(
        f"{name}: AWS accepted the change to {text_of(wanted)} but the cluster is at {described(live, name)}"
        f": {cause(observed)}. {_ADVICE.get(name, _ANY_ADVICE)}, then update again"
    )


def details(
    _desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> frozenset[Detail]:
    """Return events where a change of this request is overdue."""
    requested = observed.record.requested
    if requested is None or not missing_fields(live, requested.change):
        return frozenset()
    due = _overdue(requested, context) and _is_own(requested, context)
    return frozenset({"events"}) if due else frozenset()


def left_alone(observed: Observed, context: PlanContext) -> frozenset[str]:
    """Return the settings that AWS accepted from this request: whatever it shows now, it shows for good.

    Not those on record alone: an invocation may have ended between the record and the call.
    """
    requested = observed.record.requested
    ours = requested is not None and _is_own(requested, context)
    return frozenset(requested.change.accepted) if requested and ours else frozenset()


def with_accepted(change: ExpectedChange) -> ExpectedChange:
    """Return a change with the settings that AWS has accepted by taking its call."""
    names = {name for name, _ in change.fields if name in SETTING_NAMES}
    return replace(change, accepted=tuple(sorted({*names, *change.accepted})))


def cause(observed: Observed) -> str:
    """Return ElastiCache's own words on the latest failure."""
    return observed.events[0].rstrip(". ") if observed.events else "no event says why"


def counted(call: Call, observed: Observed, context: PlanContext) -> Call:
    """Return the call with its attempt counted, where this request repeats the same change."""
    requested = observed.record.requested
    if call.change is None or requested is None or not _is_own(requested, context):
        return call
    change = replace(call.change, accepted=requested.change.accepted)
    recorded = requested.change.fields
    if recorded == change.fields[: len(recorded)]:
        change = replace(change, attempt=requested.change.attempt + 1)
    return replace(call, change=change)


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
