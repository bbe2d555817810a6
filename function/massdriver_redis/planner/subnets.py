"""Subnets of the subnet group: new ones are added early, unused ones removed last."""

from __future__ import annotations

from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import Call
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed, ReplicationGroup


def add(desired: Desired, _live: ReplicationGroup, observed: Observed) -> Call | None:
    """Add subnets before anything grows: Multi-AZ may need their zones."""
    group = observed.subnet_group
    new = [] if group is None else [each for each in desired.subnets if each not in group.subnets]
    if group is None or not new:
        return None
    return elasticache.modify_subnet_group(group.name, [*group.subnets, *new])


def drop_unused(desired: Desired, _live: ReplicationGroup, observed: Observed) -> Call | None:
    """Remove subnets after every decrease: a subnet with a node in it can't be removed."""
    group = observed.subnet_group
    if group is None or group.subnets.keys() <= desired.subnets.keys():
        return None
    return elasticache.modify_subnet_group(group.name, desired.subnets)
