"""ModifyReplicationGroupShardConfiguration: scaling shards out and in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import checks, views
from .errors import bad_combination, bad_value
from .members import shard
from .state import Effect, NodeGroup, ReplicationGroup

if TYPE_CHECKING:
    from .region import Region


def modify_replication_group_shard_configuration(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    group = region.settled_group(params["ReplicationGroupId"])
    if not group.cluster_enabled:
        raise bad_value("Operation is only applicable for cluster mode enabled replication groups")
    checks.compatible(group)
    if not params.get("ApplyImmediately"):
        raise bad_value("ApplyImmediately must be true: only immediate changes are supported.")
    wanted = params["NodeGroupCount"]
    if wanted < 1:
        raise bad_value("NodeGroupCount must be at least 1.")
    if wanted == len(group.node_groups):
        raise bad_combination("No modifications were requested")
    if wanted > len(group.node_groups):
        _out(region, group, wanted, params)
    else:
        _in(region, group, wanted, params)
    return {"ReplicationGroup": views.replication_group(region, group)}


def _out(region: Region, group: ReplicationGroup, wanted: int, params: dict[str, Any]) -> None:
    """New shards get as many nodes as the smallest (user guide, online resharding)."""
    if "NodeGroupsToRemove" in params or "NodeGroupsToRetain" in params:
        raise bad_combination("Node groups to remove or retain can only be given when removing node groups.")
    size = min(len(node_group.members) for node_group in group.node_groups)
    count = wanted - len(group.node_groups)
    nodes = len(group.in_service) + count * size
    checks.nodes_of_one_cluster(nodes, region.quotas, "NodeGroupsPerReplicationGroupQuotaExceeded")
    checks.nodes_of_the_region(region.nodes() + count * size, region.quotas)
    region.check_capacity()
    added: list[NodeGroup] = []
    for number in range(group.next_shard, group.next_shard + count):
        node_group = shard(region, group, number, size)
        node_group.serving, node_group.arriving, node_group.members = False, node_group.members, []
        added.append(node_group)

    def begin() -> None:
        group.next_shard += count
        group.node_groups.extend(added)
        group.resharding = (region.now, region.now + region.timing.reshard)

    def apply() -> None:
        for node_group in added:
            node_group.serving, node_group.members, node_group.arriving = True, node_group.arriving, []

    def undo() -> None:
        group.node_groups = [node_group for node_group in group.node_groups if node_group not in added]

    moving = [member for node_group in added for member in node_group.arriving]
    region.change(
        group,
        [Effect("node_groups", region.timing.reshard, apply, begin=begin, undo=undo)],
        lambda: moving,
        "members",
    )


def _in(region: Region, group: ReplicationGroup, wanted: int, params: dict[str, Any]) -> None:
    leaving = _to_remove(group, wanted, params)
    script = region.script.partial_removals
    reached = max(wanted, script.popleft()) if script else wanted
    surplus = len(group.node_groups) - reached
    removed = leaving[:surplus]

    def begin() -> None:
        for node_group in leaving:
            node_group.status = "deleting"
        group.resharding = (region.now, region.now + region.timing.reshard)

    def apply() -> None:
        for node_group in removed:
            group.node_groups.remove(node_group)
            for member in node_group.members:
                member.status = "deleting"
                group.leaving.append(member)
        if reached != wanted:
            region.event(
                group.id,
                f"Scale-in of {group.id} was partially successful: {reached} node groups remain "
                "because of insufficient memory",
            )

    region.change(group, [Effect("node_groups", region.timing.reshard, apply, begin=begin)], list, "members")


def _to_remove(group: ReplicationGroup, wanted: int, params: dict[str, Any]) -> list[NodeGroup]:
    """Return the shards to remove, or refuse an unknown id (hashicorp/terraform-provider-aws#43884)."""
    ways = [name for name in ("NodeGroupsToRemove", "NodeGroupsToRetain") if name in params]
    if len(ways) != 1:
        raise bad_combination("Either NodeGroupsToRemove or NodeGroupsToRetain must be given.")
    named = set(params[ways[0]])
    unknown = sorted(named - {node_group.id for node_group in group.node_groups})
    if unknown:
        raise bad_value(f"The following node group ids are invalid: [{', '.join(unknown)}]")
    keep = ways[0] == "NodeGroupsToRetain"
    leaving = [node_group for node_group in group.node_groups if (node_group.id in named) != keep]
    if len(leaving) != len(group.node_groups) - wanted:
        raise bad_value(
            f"The number of node groups named does not lead from {len(group.node_groups)} to {wanted}."
        )
    return leaving
