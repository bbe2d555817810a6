"""Every simulated operation by its name in botocore's model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import create, delete, describe, gaps, snapshots, subnet_groups, tags
from .modify import modify_replication_group
from .region import Region
from .replicas import decrease_replica_count, increase_replica_count
from .shards import modify_replication_group_shard_configuration

Operation = Callable[[Region, dict[str, Any]], dict[str, Any] | None]

OPERATIONS: dict[str, Operation] = {
    "CreateReplicationGroup": create.create_replication_group,
    "ModifyReplicationGroup": modify_replication_group,
    "IncreaseReplicaCount": increase_replica_count,
    "DecreaseReplicaCount": decrease_replica_count,
    "ModifyReplicationGroupShardConfiguration": modify_replication_group_shard_configuration,
    "DeleteReplicationGroup": delete.delete_replication_group,
    "DescribeReplicationGroups": describe.describe_replication_groups,
    "DescribeCacheClusters": describe.describe_cache_clusters,
    "DescribeCacheEngineVersions": describe.describe_cache_engine_versions,
    "DescribeCacheParameterGroups": describe.describe_cache_parameter_groups,
    "DescribeEvents": describe.describe_events,
    "ListAllowedNodeTypeModifications": describe.list_allowed_node_type_modifications,
    "CreateCacheSubnetGroup": subnet_groups.create_cache_subnet_group,
    "ModifyCacheSubnetGroup": subnet_groups.modify_cache_subnet_group,
    "DeleteCacheSubnetGroup": subnet_groups.delete_cache_subnet_group,
    "DescribeCacheSubnetGroups": subnet_groups.describe_cache_subnet_groups,
    "CreateSnapshot": snapshots.create_snapshot,
    "DescribeSnapshots": snapshots.describe_snapshots,
    "DeleteSnapshot": snapshots.delete_snapshot,
    "AddTagsToResource": tags.add_tags_to_resource,
    "RemoveTagsFromResource": tags.remove_tags_from_resource,
    "ListTagsForResource": tags.list_tags_for_resource,
}


def act(region: Region, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Do one operation; raise Refusal where AWS refuses, NotSimulatedError for what is not simulated."""
    if operation not in OPERATIONS:
        raise gaps.NotSimulatedError(operation)
    gaps.check(operation, params)
    return OPERATIONS[operation](region, params)
