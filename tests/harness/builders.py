"""Observed and desired state for tests of the pure core: one settled cluster, changed by keyword."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from massdriver_redis.calls import secretsmanager
from massdriver_redis.calls.base import FieldValue
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.naming import Owner, names
from massdriver_redis.state.observed import (
    Endpoint,
    Node,
    NodeGroup,
    Observed,
    ReplicationGroup,
    Secret,
    SecurityGroup,
    SubnetGroup,
)
from massdriver_redis.state.record import OWNER

ID = "shop-redis-abcdefghij"
PREFIX = "mdr-1a2b3c4d"
NAMES = names(ID, PREFIX)
MINE = Owner("arn:aws:cloudformation:us-east-1:123456789012:stack/shop/0a1b2c3d", "Redis")
THEIRS = Owner("arn:aws:cloudformation:us-east-1:123456789012:stack/other/9f8e7d6c", "Redis")
SETTINGS: dict[str, FieldValue] = {
    "snapshot_retention_limit": 7,
    "snapshot_window": "07:00-08:00",
    "maintenance_window": "sun:09:00-sun:10:00",
    "auto_minor_version_upgrade": True,
}
ZONES = {"subnet-a": "us-east-1a", "subnet-b": "us-east-1b"}


def node(number: int = 1, **changes: Any) -> Node:
    """Return an available member of Redis 6.2.6."""
    made = Node(
        id=f"{ID}-{number:03d}",
        status="available",
        node_type="cache.t3.micro",
        engine="redis",
        engine_version="6.2.6",
        parameter_group="default.redis6.x",
        security_groups=frozenset({"sg-1"}),
    )
    return replace(made, **changes)


def replication_group(nodes: int = 1, owner: Owner = MINE, **changes: Any) -> ReplicationGroup:
    """Return a settled replication group without cluster mode."""
    members = tuple(node(number) for number in range(1, nodes + 1))
    made = ReplicationGroup(
        id=ID,
        arn=f"arn:aws:elasticache:us-east-1:123456789012:replicationgroup:{ID}",
        status="available",
        description=owner.marker,
        cluster_mode=False,
        node_type="cache.t3.micro",
        node_groups=(NodeGroup("0001", "available", tuple(member.id for member in members)),),
        member_ids=tuple(member.id for member in members),
        nodes=members,
        automatic_failover="enabled" if nodes > 1 else "disabled",
        multi_az=False,
        tls=True,
        settings={name: (value,) for name, value in SETTINGS.items()},
        primary=Endpoint("master.cache.amazonaws.com", 6379),
    )
    return replace(made, **changes)


def subnet_group(owner: Owner = MINE, **changes: Any) -> SubnetGroup:
    """Return the group's subnet group."""
    return replace(SubnetGroup(NAMES.subnet_group, owner.marker, "vpc-1", ZONES), **changes)


def security_group(owner: Owner = MINE, **tags: str) -> SecurityGroup:
    """Return the group's security group; tags by their short key."""
    marks = {OWNER: owner.marker, **{f"massdriver-redis:{key}": text for key, text in tags.items()}}
    return SecurityGroup("sg-1", "arn:sg", "vpc-1", owner.marker, marks, frozenset({"10.1.0.0/16"}))


def secret(owner: Owner = MINE, **changes: Any) -> Secret:
    """Return the token's secret."""
    description = secretsmanager.description(owner.marker)
    return replace(Secret("arn:secret", description, deleting=False, tags={}), **changes)


def observed(**changes: Any) -> Observed:
    """Return an observation in which everything of the cluster is there and is ours."""
    whole = Observed(replication_group(), subnet_group(), security_group(), secret())
    return replace(whole, **changes)


def desired(**changes: Any) -> Desired:
    """Return what the observation above meets."""
    made = Desired(
        owner=MINE,
        names=NAMES,
        engine="redis",
        redis_version="6.x",
        node_type="cache.t3.micro",
        node_groups=1,
        replicas=0,
        cluster_mode=False,
        secure=True,
        vpc_id="vpc-1",
        subnets=ZONES,
        ingress=frozenset({"10.1.0.0/16"}),
        settings=SETTINGS,
        tags={"team": "shop", OWNER: MINE.marker},
    )
    return replace(made, **changes)
