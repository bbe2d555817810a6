"""The builders of every mutation of ElastiCache this resource makes.

Wire names are those of the botocore service model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from massdriver_redis.calls.base import Call, ExpectedChange, tag_list

# --- subnet group -----------------------------------------------------------------------------------


def create_subnet_group(
    name: str, marker: str, subnet_ids: Iterable[str], tags: Iterable[tuple[str, str]]
) -> Call:
    """Make the subnet group."""
    return Call(
        "elasticache",
        "create_cache_subnet_group",
        {
            "CacheSubnetGroupName": name,
            "CacheSubnetGroupDescription": marker,
            "SubnetIds": list(subnet_ids),
            "Tags": tag_list(tags),
        },
        "create the subnet group",
    )


def modify_subnet_group(name: str, subnet_ids: Iterable[str]) -> Call:
    """Give the subnet group another list of subnets; one that nodes use can't be dropped."""
    return Call(
        "elasticache",
        "modify_cache_subnet_group",
        {"CacheSubnetGroupName": name, "SubnetIds": list(subnet_ids)},
        "change the subnets of the subnet group",
    )


def delete_subnet_group(name: str) -> Call:
    """Delete the subnet group; refused while a node uses it."""
    return Call(
        "elasticache", "delete_cache_subnet_group", {"CacheSubnetGroupName": name}, "delete the subnet group"
    )


# --- replication group ------------------------------------------------------------------------------


def create_replication_group(request: Mapping[str, object], *, secure: bool) -> Call:
    """Make the replication group; the stored token is added by the shell."""
    return Call(
        "elasticache",
        "create_replication_group",
        request,
        "create the replication group",
        token="stored" if secure else "none",
    )


def modify_replication_group(
    group_id: str, settings: Mapping[str, object], summary: str, change: ExpectedChange
) -> Call:
    """Change what differs, at once: without ApplyImmediately it waits for the maintenance window."""
    return Call(
        "elasticache",
        "modify_replication_group",
        {"ReplicationGroupId": group_id, "ApplyImmediately": True, **settings},
        summary,
        change,
    )


def set_replicas(group_id: str, previous: int, wanted: int, node_group_ids: Sequence[str] = ()) -> Call:
    """Give every node group `wanted` replicas, or only the named ones where they are uneven."""
    upwards = previous < wanted
    count: dict[str, object] = {"NewReplicaCount": wanted}
    if node_group_ids:
        each = [{"NodeGroupId": name, "NewReplicaCount": wanted} for name in node_group_ids]
        count = {"ReplicaConfiguration": each}
    return Call(
        "elasticache",
        "increase_replica_count" if upwards else "decrease_replica_count",
        {"ReplicationGroupId": group_id, "ApplyImmediately": True, **count},
        f"{'add' if upwards else 'remove'} replicas: {previous} to {wanted} per node group",
        ExpectedChange((("replicas", wanted),), previous),
    )


def set_node_groups(group_id: str, previous: int, wanted: int, removed: Sequence[str] = ()) -> Call:
    """Reshard online to `wanted` node groups, removing exactly the named ones when scaling in."""
    request: dict[str, object] = {
        "ReplicationGroupId": group_id,
        "NodeGroupCount": wanted,
        "ApplyImmediately": True,
    }
    if removed:
        request["NodeGroupsToRemove"] = list(removed)
    return Call(
        "elasticache",
        "modify_replication_group_shard_configuration",
        request,
        f"{'remove' if removed else 'add'} node groups: {previous} to {wanted}",
        ExpectedChange((("node_groups", wanted),), previous),
    )


def delete_replication_group(group_id: str, final_snapshot: str | None) -> Call:
    """Delete the replication group, with a final snapshot where one is wanted."""
    request: dict[str, object] = {"ReplicationGroupId": group_id}
    if final_snapshot:
        request["FinalSnapshotIdentifier"] = final_snapshot
    how = "with a final snapshot" if final_snapshot else "without a snapshot"
    return Call("elasticache", "delete_replication_group", request, f"delete the replication group {how}")


def tag_resource(arn: str, tags: Mapping[str, str], what: str = "replication group") -> Call:
    """Set tags of the replication group, which makes it `modifying` for a while, or of the subnet group."""
    return Call(
        "elasticache",
        "add_tags_to_resource",
        {"ResourceName": arn, "Tags": tag_list(sorted(tags.items()))},
        f"tag the {what}",
    )


def untag_resource(arn: str, keys: Iterable[str], what: str = "replication group") -> Call:
    """Remove tags of the replication group, or of the subnet group, by key."""
    return Call(
        "elasticache",
        "remove_tags_from_resource",
        {"ResourceName": arn, "TagKeys": sorted(keys)},
        f"remove tags of the {what}",
    )
