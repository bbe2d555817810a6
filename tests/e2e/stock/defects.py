"""What MiniStack's ElastiCache does unlike AWS, where this project meets it: one row each.

A row's `shows` looks whether the defect is still there, on a cluster without shards, `sample`, that was made
for it. A row that no longer holds fails its test: then the row goes, and what was left out for it comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = "sample"
_BY_ID = {"ReplicationGroupId": SAMPLE}
_NODE = f"{SAMPLE}-0001-001"


@dataclass
class Sample:
    """A cluster of one node with TLS, and ElastiCache's and EC2's clients; `made` is the create's answer."""

    cache: Any
    ec2: Any
    security_group: str
    made: dict[str, Any] = field(default_factory=dict)

    def group(self) -> dict[str, Any]:
        """Return the cluster as it is described."""
        found: dict[str, Any] = self.cache.describe_replication_groups(**_BY_ID)["ReplicationGroups"][0]
        return found

    def node(self) -> dict[str, Any]:
        """Return its first node as it is described."""
        found: dict[str, Any] = self.cache.describe_cache_clusters(CacheClusterId=_NODE)["CacheClusters"][0]
        return found

    def modify(self, **changes: Any) -> None:
        """Change the cluster at once."""
        self.cache.modify_replication_group(**_BY_ID, ApplyImmediately=True, **changes)


@dataclass(frozen=True)
class Defect:
    """One defect: what AWS does instead, and what this bed does about it."""

    name: str
    on_aws: str
    here: str
    shows: Callable[[Sample], bool]


def _refused(call: Callable[..., Any], code: str, **request: Any) -> bool:
    try:
        call(**request)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == code)
    return False


def _two_shards_refused(sample: Sample) -> bool:
    given = {"ReplicationGroupId": "two", "ReplicationGroupDescription": "x", "NumNodeGroups": 2}
    return _refused(sample.cache.create_replication_group, "InvalidParameterValue", **given)


def _ignores_the_maintenance_window(sample: Sample) -> bool:
    sample.modify(PreferredMaintenanceWindow="mon:02:00-mon:03:00")
    return bool(sample.node()["PreferredMaintenanceWindow"] != "mon:02:00-mon:03:00")


def _ignores_security_groups(sample: Sample) -> bool:
    sample.modify(SecurityGroupIds=["sg-0123456789abcdef0"])
    return [each["SecurityGroupId"] for each in sample.node()["SecurityGroups"]] == [sample.security_group]


def _keeps_the_nodes_type(sample: Sample) -> bool:
    sample.modify(CacheNodeType="cache.t3.small")
    return bool(sample.node()["CacheNodeType"] != sample.group()["CacheNodeType"])


def _keeps_the_member_list(sample: Sample) -> bool:
    sample.cache.increase_replica_count(**_BY_ID, NewReplicaCount=1, ApplyImmediately=True)
    group = sample.group()
    return len(group["MemberClusters"]) < len(group["NodeGroups"][0]["NodeGroupMembers"])


def _takes_no_final_snapshot(sample: Sample) -> bool:
    sample.cache.delete_replication_group(**_BY_ID, FinalSnapshotIdentifier=f"{SAMPLE}-final")
    return not sample.cache.describe_snapshots()["Snapshots"]


def _deletes_a_security_group_in_use(sample: Sample) -> bool:
    sample.ec2.delete_security_group(GroupId=sample.security_group)
    return sample.group()["Status"] == "available"


DEFECTS = (
    Defect(
        "minor upgrades don't show",
        "DescribeCacheClusters shows AutoMinorVersionUpgrade of each node (API_CacheCluster)",
        "its change never shows, which fails no cluster: each preset succeeds with a warning",
        lambda sample: "AutoMinorVersionUpgrade" not in sample.node(),
    ),
    Defect(
        "two shards are refused",
        "NumNodeGroups may be 2 (user guide, cluster mode)",
        "the sharded preset has three",
        _two_shards_refused,
    ),
    Defect(
        "no resharding",
        "ModifyReplicationGroupShardConfiguration changes the number of shards",
        "no life changes it",
        lambda sample: _refused(
            sample.cache.modify_replication_group_shard_configuration,
            "InvalidAction",
            **_BY_ID,
            NodeGroupCount=2,
            ApplyImmediately=True,
        ),
    ),
    Defect(
        "no list of node types",
        "ListAllowedNodeTypeModifications names them",
        "a change of the node type is refused with that call's name, and rolled back",
        lambda sample: _refused(sample.cache.list_allowed_node_type_modifications, "InvalidAction", **_BY_ID),
    ),
    Defect(
        "available at once",
        "a create takes 5 to 15 minutes in status creating",
        "nothing waits here but for what never shows",
        lambda sample: sample.made["Status"] == "available",
    ),
    Defect(
        "nodes have the name of a shard without cluster mode",
        "without cluster mode nodes are <id>-001, <id>-002 (user guide, replication groups)",
        "gaps/stock_elasticache.py finds a node's tags for IAM by either name",
        lambda sample: sample.group()["MemberClusters"] == [_NODE],
    ),
    Defect(
        "the version is what was asked for",
        "EngineVersion is a full version such as 6.2.6",
        "the attribute specs.cache.version is 6.2",
        lambda sample: sample.node()["EngineVersion"] == "6.2",
    ),
    Defect(
        "the maintenance window stays",
        "ModifyReplicationGroup changes PreferredMaintenanceWindow",
        "no life changes it",
        _ignores_the_maintenance_window,
    ),
    Defect(
        "security groups stay",
        "ModifyReplicationGroup changes SecurityGroupIds",
        "no life changes them",
        _ignores_security_groups,
    ),
    Defect(
        "nodes keep their type",
        "a change of CacheNodeType changes every node",
        "no life changes it",
        _keeps_the_nodes_type,
    ),
    Defect(
        "new replicas are no members",
        "IncreaseReplicaCount adds to MemberClusters",
        "no life changes the number of replicas: the member list would never stabilize",
        _keeps_the_member_list,
    ),
    Defect(
        "no final snapshot",
        "FinalSnapshotIdentifier makes a snapshot before the cluster goes (API_DeleteReplicationGroup)",
        "nobody looks for one",
        _takes_no_final_snapshot,
    ),
    Defect(
        "a security group in use can be deleted",
        "DeleteSecurityGroup answers DependencyViolation",
        "the order of a deletion is not tested here",
        _deletes_a_security_group_in_use,
    ),
)
