"""The life that a run leads, as data: the simulator leads the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

NODE_TYPE = "cache.t3.micro"
"""The smallest node there is, and so the cheapest."""

_BASE: Mapping[str, Any] = {
    "node_type": NODE_TYPE,
    "redis_version": "6.x",
    "replicas": 0,
    "secure": True,
    "allow_vpc_access": True,
}
_SCALED = {**_BASE, "replicas": 1}


@dataclass(frozen=True)
class Step:
    """One operation on the stack: what it asks for, and the status in which the stack must end.

    `minutes` is how long AWS takes, on the long side, and `nodes` the most that run meanwhile. With
    `fails_afterwards` another resource fails once the cluster has changed.
    """

    name: str
    what: str
    kind: Literal["create", "update", "delete"]
    properties: Mapping[str, Any]
    ends: str
    minutes: int
    nodes: int
    fails_afterwards: bool = False


STEPS = (
    Step("create", "one node, TLS, a password", "create", _BASE, "CREATE_COMPLETE", 15, 1),
    Step("scale", "replicas 0 -> 1, with failover", "update", _SCALED, "UPDATE_COMPLETE", 20, 2),
    Step(
        "roll back",
        "snapshots 7 -> 1 days, then another resource fails",
        "update",
        {**_SCALED, "snapshot_retention_limit": 1},
        "UPDATE_ROLLBACK_COMPLETE",
        10,
        2,
        fails_afterwards=True,
    ),
    Step(
        "replace",
        "cluster mode on, two shards: a new cluster, a final snapshot of the old",
        "update",
        {
            **_BASE,
            "cluster_mode_enabled": True,
            "node_groups": 2,
            "allow_replacement": True,
        },
        "UPDATE_COMPLETE",
        35,
        4,
    ),
    Step("delete", "a final snapshot, then nothing is left", "delete", {}, "DELETE_COMPLETE", 20, 2),
)


@dataclass(frozen=True)
class Question:
    """A read that changes nothing, asked of AWS and of the simulator; `{cluster}` is the live cluster."""

    operation: str
    params: Mapping[str, str]


QUESTIONS_AFTER = "scale"
"""The step after which the questions are asked."""

QUESTIONS = (
    Question("DescribeCacheEngineVersions", {"Engine": "redis"}),
    Question("DescribeCacheEngineVersions", {"Engine": "valkey"}),
    Question("DescribeCacheParameterGroups", {"CacheParameterGroupName": "default.redis6.x.cluster.on"}),
    Question("ListAllowedNodeTypeModifications", {"ReplicationGroupId": "{cluster}"}),
    Question("ListAllowedNodeTypeModifications", {"ReplicationGroupId": "{cluster}-x"}),
    Question("DescribeReplicationGroups", {"ReplicationGroupId": "{cluster}-x"}),
    Question("DescribeCacheClusters", {"CacheClusterId": "{cluster}-x"}),
    Question("DescribeCacheSubnetGroups", {"CacheSubnetGroupName": "{cluster}-x"}),
    Question("DescribeSnapshots", {"SnapshotName": "{cluster}-x"}),
    Question("DescribeEvents", {"SourceIdentifier": "{cluster}"}),
)
