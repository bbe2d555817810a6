"""The planner: what is desired, what is there and what was asked before give the one next step.

Read top to bottom it is the rule sheet: whose is it, can it be touched, what is still in flight,
what must be refused, what is missing, what differs, in that order.
"""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis.calls import base as calls
from massdriver_redis.planner.create import create_next, secret, security_group
from massdriver_redis.planner.decision import Apply, Decision, Look, PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.engine import keeps_newer
from massdriver_redis.planner.tags import next_tags
from massdriver_redis.planner.update import next_change, refusal
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import current, missing_field, zones
from massdriver_redis.state.observed import TERMINAL_NODE_STATES, Group, Observed, not_stabilized_reason
from massdriver_redis.state.record import RequestedChange, RequestVersion

VISIBILITY_TIMEOUT = 180.0
"""Seconds a change may stay invisible after it was accepted: describes can be stale that long."""

MAX_ATTEMPTS = 2
"""How often one request asks for the same change."""


def plan(desired: Desired, observed: Observed, moment: PlanContext) -> Decision:
    """Return the next single step towards `desired`, or that there is none."""
    foreign = not_ours(desired, observed)
    if foreign:
        return Reject(foreign, refused=True)
    if observed.group is None:
        if moment.may_create:
            return create_next(desired, observed, moment)
        return Reject(
            f"replication group {desired.id} was not found; remove the resource from the template and "
            "add it again to make a new one",
            refused=True,
        )
    return _converge(desired, observed.group, observed, moment)


def _converge(desired: Desired, group: Group, observed: Observed, moment: PlanContext) -> Decision:
    stopped = _stopped(group, observed, moment)
    if stopped:
        return stopped
    moving = not_stabilized_reason(group)
    if moving:
        return Requeue(moving)
    in_flight = _in_flight(group, observed, moment)
    if in_flight:
        return in_flight
    refused = refusal(desired, group, observed, moment)
    if refused:
        return refused
    companion = _supporting_resources(desired, observed, moment.request_version)
    if companion:
        return companion
    call = next_change(desired, group, observed, subnets_stay=moment.subnets_stay)
    if call:
        return Apply(_counted(call, observed.record.requested, moment))
    return next_tags(desired, group, observed, moment.dropped_tags) or UpToDate()


def not_ours(desired: Desired, observed: Observed) -> str | None:
    """Return a Reason when something of our names belongs to someone else."""
    marker = desired.owner.marker
    found = (
        ("replication group", observed.group and observed.group.description == marker),
        ("subnet group", observed.subnet_group and observed.subnet_group.description == marker),
        ("security group", observed.security_group and observed.security_group.description == marker),
        ("secret", observed.secret and calls.owns_secret(observed.secret.description, marker)),
    )
    for what, ours in found:
        if ours is False:
            return (
                f"a {what} named for {desired.id} exists and isn't this resource's; it was left alone. "
                "Set md_metadata.name_prefix to another value, or delete it"
            )
    return None


def _stopped(group: Group, observed: Observed, moment: PlanContext) -> Decision | None:
    """A group on its way out or beyond repair is never changed."""
    broken = [node for node in group.nodes if node.status in TERMINAL_NODE_STATES]
    if group.status == "create-failed" or broken:
        if observed.events is None:
            return Look("events")
        what = f"node {broken[0].id} is {broken[0].status}" if broken else "ElastiCache could not create it"
        return Reject(f"{what}: {_told(observed)}. Fix the cause and deploy again")
    if group.status in {"deleting", "deleted"}:
        if moment.may_create:
            return Requeue("an earlier group of the same name is being deleted")
        return Reject(f"replication group {group.id} is being deleted; wait, then deploy again", refused=True)
    return None


def _in_flight(group: Group, observed: Observed, moment: PlanContext) -> Decision | None:
    """Judge the change last asked for: not visible yet, or taken back by AWS without a word.

    A scale-down or a reshard can be accepted and undone later; only DescribeEvents tells why
    (aws-cloudformation/cloudformation-coverage-roadmap#2273).
    """
    asked = observed.record.requested
    missing = missing_field(group, asked.change) if asked else None
    if asked is None or missing is None:
        return None
    if moment.now - asked.at < VISIBILITY_TIMEOUT:
        keys = ", ".join(key for key, _ in asked.change.values)
        return Requeue(f"the change of {keys} to show")
    if not asked.by(moment.request_id):
        return None
    if observed.events is None:
        return Look("events")
    if _worth_another_try(group, asked, observed):
        return None
    return Reject(_taken_back(group, missing, observed))


def _worth_another_try(group: Group, asked: RequestedChange, observed: Observed) -> bool:
    """A partial removal of node groups is asked for again, and so is what AWS never heard of.

    An invocation may have died between recording a change and asking for it: then no event tells of
    a failure.
    """
    if asked.change.attempt >= MAX_ATTEMPTS:
        return False
    key, wanted = asked.change.values[0]
    partial = key == "node_groups" and int(wanted) < len(group.node_groups) < int(asked.change.was or 0)
    return partial or not observed.events


def _taken_back(group: Group, missing: tuple[str, str], observed: Observed) -> str:
    key, wanted = missing
    return (
        f"{key}: AWS accepted the change to {wanted} but the cluster is at {current(group, key)}: "
        f"{_told(observed)}. Free memory or choose a smaller change, then update again"
    )


def _told(observed: Observed) -> str:
    return observed.events[0].rstrip(". ") if observed.events else "no event tells why"


def _counted(call: calls.Call, asked: RequestedChange | None, moment: PlanContext) -> calls.Call:
    """Count the attempts of one request at the same change."""
    repeated = asked and call.change and asked.by(moment.request_id)
    if not (repeated and asked and call.change and asked.change.values == call.change.values):
        return call
    return replace(call, change=replace(call.change, attempt=asked.change.attempt + 1))


# --- what stands beside the group ------------------------------------------------------------------


def _supporting_resources(
    desired: Desired, observed: Observed, request_version: RequestVersion
) -> Decision | None:
    if observed.security_group is None:
        return Apply(security_group(desired, request_version))
    if desired.secure:
        if observed.secret is None:
            return Reject(
                f"the secret {desired.names.secret} is gone and AWS never tells a token again; recreate it "
                "with the token as JSON key password and this resource's description, then update"
            )
        restore = secret(desired, observed)
        if restore:
            return restore
    return _ingress(desired, observed)


def _ingress(desired: Desired, observed: Observed) -> Decision | None:
    group = observed.security_group
    if group is None:
        return None
    for cidr in sorted(desired.ingress - group.cidrs):
        return Apply(calls.allow_ingress(group.id, cidr))
    for cidr in sorted(group.cidrs - desired.ingress):
        return Apply(calls.revoke_ingress(group.id, cidr))
    return None


# --- warnings --------------------------------------------------------------------------------------


def warnings(desired: Desired, observed: Observed) -> tuple[str, ...]:
    """Return what the user should know of a cluster that is as desired as it can be."""
    found: list[str] = []
    if observed.group and observed.group.nodes and keeps_newer(desired, observed.group):
        live = current(observed.group, "engine")
        found.append(f"The live engine {live} is newer than redis_version and was kept.")
    if observed.subnet_group and observed.subnet_group.subnets.keys() - desired.subnets.keys():
        found.append("Subnets that the cluster still uses were kept.")
    unknown_zones = "" in desired.subnets.values()  # else the properties' own warnings say it
    if unknown_zones and desired.replicas >= 1 and not desired.multi_az(zones(observed)):
        found.append("Multi-AZ is left off: all subnets lie in one zone.")
    return tuple(found)
