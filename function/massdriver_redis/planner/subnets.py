"""Subnets of the subnet group: new ones are added early, unused ones removed last."""

from __future__ import annotations

from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import Call
from massdriver_redis.planner.decision import Decision, PlanContext, Reject
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed, ReplicationGroup


def add(desired: Desired, _live: ReplicationGroup, observed: Observed, _context: PlanContext) -> Call | None:
    """Add subnets before anything grows: Multi-AZ may need their zones."""
    group = observed.subnet_group
    new = [] if group is None else [each for each in desired.subnets if each not in group.subnets]
    if group is None or not new:
        return None
    return elasticache.modify_subnet_group(group.name, [*group.subnets, *new])


def drop_unused(
    desired: Desired, _live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Call | None:
    """Remove subnets after every decrease: a subnet with a node in it can't be removed."""
    group = observed.subnet_group
    if group is None or context.unused_subnets_kept or group.subnets.keys() <= desired.subnets.keys():
        return None
    return elasticache.modify_subnet_group(group.name, desired.subnets)


def reject_in_use(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Reject an update that leaves a node without any subnet of its zone: no call would move it.

    An update that removes nodes may go on, for the node may be one of those. So may one whose subnets don't
    all name their zone, and a rollback, which keeps the subnets in use.
    """
    zones = {observed.zones.get(subnet_id) or zone for subnet_id, zone in desired.subnets.items()}
    removes = len(live.member_ids) > desired.node_groups * (desired.replicas + 1)
    if "" in zones or removes or context.rolling_back:
        return None
    left = sorted({node.zone for node in live.nodes} - zones - {""})
    if not left:
        return None
    return Reject(
        f"vpc: zone {left[0]} still has a node of the cluster, and none of the subnets listed is in it; keep "
        "one there, for ElastiCache can't move a node"
    )
