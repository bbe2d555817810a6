"""The planner: desired and observed state and the request's context give the one next step.

The rules are evaluated in order: whether the replication group can be changed at all, what is in flight,
what is rejected, what is missing, what differs. The first rule that has a decision decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from massdriver_redis.planner import engine, requested_change, subnets, supporting, tags
from massdriver_redis.planner.create import create
from massdriver_redis.planner.decision import Apply, Decision, PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.update import next_change
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import (
    TERMINAL_NODE_STATES,
    Detail,
    Observed,
    ReplicationGroup,
    not_stabilized_reason,
)

_NOTHING: frozenset[Detail] = frozenset()
_VERSIONS: frozenset[Detail] = frozenset({"versions"})


class _Rule(NamedTuple):
    """One rule: its decision, None where it has none, and the details that the decision depends on."""

    decide: Callable[[Desired, ReplicationGroup, Observed, PlanContext], Decision | None]
    details: Callable[[Desired, ReplicationGroup, Observed, PlanContext], frozenset[Detail]]


def plan(desired: Desired, observed: Observed, context: PlanContext) -> Decision:
    """Return the next step towards `desired`, or that there is none.

    Needs the details of `required_details`; one that couldn't be read counts as unknown.
    """
    foreign = foreign_reason(desired.id, observed)
    if foreign:
        return Reject(foreign)
    live = observed.replication_group
    if live is None:
        return create(desired, observed, context)
    decisions = (rule.decide(desired, live, observed, context) for rule in _RULES)
    return next((decision for decision in decisions if decision), UpToDate())


def required_details(desired: Desired, observed: Observed, context: PlanContext) -> frozenset[Detail]:
    """Return the details that `plan` needs and that are not read yet.

    They are those of one rule at a time, because details cost calls and an earlier rule may decide without
    the later ones: read them and ask again, until none is missing.
    """
    if observed.foreign:
        return _NOTHING
    live = observed.replication_group
    if live is None:
        return _VERSIONS - observed.details
    for rule in _RULES:
        missing = rule.details(desired, live, observed, context) - observed.details
        if missing or rule.decide(desired, live, observed, context):
            return missing
    return _NOTHING


def foreign_reason(physical_id: str, observed: Observed) -> str | None:
    """Return the Reason where something of another owner has a name of ours, None where nothing has."""
    if not observed.foreign:
        return None
    return (
        f"a {observed.foreign[0]} named for {physical_id} exists and isn't this resource's; it was left "
        "alone. Set md_metadata.name_prefix to another value, or delete it"
    )


# --- rules ------------------------------------------------------------------------------------------


def _beyond_repair(
    _desired: Desired, live: ReplicationGroup, observed: Observed, _context: PlanContext
) -> Decision | None:
    if not _is_broken(live):
        return None
    broken = next((node for node in live.nodes if node.status in TERMINAL_NODE_STATES), None)
    what = f"node {broken.id} is {broken.status}" if broken else "ElastiCache could not create it"
    return Reject(f"{what}: {requested_change.cause(observed)}. Fix the cause and deploy again")


def _events_if_broken(
    _desired: Desired, live: ReplicationGroup, _observed: Observed, _context: PlanContext
) -> frozenset[Detail]:
    return frozenset({"events"}) if _is_broken(live) else _NOTHING


def _is_broken(live: ReplicationGroup) -> bool:
    return live.status == "create-failed" or any(node.status in TERMINAL_NODE_STATES for node in live.nodes)


def _being_deleted(
    _desired: Desired, live: ReplicationGroup, _observed: Observed, context: PlanContext
) -> Decision | None:
    if live.status not in {"deleting", "deleted"}:
        return None
    if context.may_create:
        return Requeue("an earlier replication group of the same name is being deleted")
    return Reject(f"replication group {live.id} is being deleted; wait, then deploy again")


def _not_stabilized(
    _desired: Desired, live: ReplicationGroup, _observed: Observed, _context: PlanContext
) -> Decision | None:
    reason = not_stabilized_reason(live)
    return Requeue(reason) if reason else None


def _change(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    call = next_change(desired, live, observed, context)
    return Apply(requested_change.counted(call, observed, context)) if call else None


def _no_details(
    _desired: Desired, _live: ReplicationGroup, _observed: Observed, _context: PlanContext
) -> frozenset[Detail]:
    return _NOTHING


_RULES = (
    _Rule(_beyond_repair, _events_if_broken),
    _Rule(_being_deleted, _no_details),
    _Rule(_not_stabilized, _no_details),
    _Rule(requested_change.in_flight, requested_change.details),
    _Rule(engine.reject_downgrade, _no_details),
    _Rule(engine.reject_version, engine.version_details),
    _Rule(engine.reject_node_type, engine.node_type_details),
    _Rule(subnets.reject_in_use, _no_details),
    _Rule(supporting.restore, _no_details),
    _Rule(_change, _no_details),
    _Rule(tags.bring_up_to_date, tags.details),
)
