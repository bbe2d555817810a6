"""IncreaseReplicaCount and DecreaseReplicaCount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import checks, views
from .errors import Refusal, bad_combination, bad_value
from .members import new_member
from .state import Effect, Member, NodeGroup, ReplicationGroup

if TYPE_CHECKING:
    from .region import Region

_WAYS = ("NewReplicaCount", "ReplicaConfiguration", "ReplicasToRemove")


def increase_replica_count(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    group, wanted = _wanted(region, params)
    for node_group in group.node_groups:
        if wanted[node_group.id] < node_group.replicas:
            raise bad_value(
                f"The new replica count of node group {node_group.id} must be greater than the current one."
            )
    added = sum(wanted[node_group.id] - node_group.replicas for node_group in group.node_groups)
    nodes = len(group.in_service) + added
    checks.nodes_of_one_cluster(nodes, region.quotas, "NodeGroupsPerReplicationGroupQuotaExceeded")
    checks.nodes_of_the_region(region.nodes() + added, region.quotas)
    region.check_capacity()

    def begin() -> None:
        for node_group in group.node_groups:
            for _ in range(wanted[node_group.id] - node_group.replicas):
                node_group.arriving.append(new_member(region, group, node_group))

    def apply() -> None:
        for node_group in group.node_groups:
            node_group.members.extend(node_group.arriving)
            node_group.arriving = []

    def undo() -> None:
        for node_group in group.node_groups:
            node_group.arriving = []

    return _run(region, group, Effect("replicas", region.timing.replica, apply, begin=begin, undo=undo))


def decrease_replica_count(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    group, wanted = _wanted(region, params)
    named = set(params.get("ReplicasToRemove", ()))
    for node_group in group.node_groups:
        if wanted[node_group.id] > node_group.replicas:
            raise bad_value(
                f"The new replica count of node group {node_group.id} must be less than the current one."
            )
    _check_enough_left(group, min(wanted.values()))
    removed = {
        node_group.id: _choose(node_group, wanted[node_group.id], named) for node_group in group.node_groups
    }

    def begin() -> None:
        for node_group in group.node_groups:
            for member in removed[node_group.id]:
                node_group.members.remove(member)
                member.status = "deleting"
                group.leaving.append(member)
        _keep_a_snapshotting_member(group)

    def undo() -> None:
        for node_group in group.node_groups:
            for member in removed[node_group.id]:
                group.leaving.remove(member)
                node_group.members.append(member)

    effect = Effect("replicas", region.timing.replica, lambda: None, begin=begin, undo=undo)
    return _run(region, group, effect)


def _run(region: Region, group: ReplicationGroup, effect: Effect) -> dict[str, Any]:
    before = {member.id for member in group.in_service}

    def moving() -> list[Member]:
        staying = {member.id for member in group.in_service} & before
        return [member for member in group.every_member() if member.id not in staying]

    region.change(group, [effect], moving, "members")
    return {"ReplicationGroup": views.replication_group(region, group)}


def _wanted(region: Region, params: dict[str, Any]) -> tuple[ReplicationGroup, dict[str, int]]:
    """Return the replication group and the desired replicas of each shard, or refuse."""
    group = region.settled_group(params["ReplicationGroupId"])
    checks.compatible(group)
    if not params.get("ApplyImmediately"):
        raise bad_value("ApplyImmediately must be true: only immediate changes are supported.")
    ways = [
        name for name in ("NewReplicaCount", "ReplicaConfiguration", "ReplicasToRemove") if name in params
    ]
    if len(ways) != 1:
        raise bad_combination(f"Exactly one of {', '.join(_WAYS)} must be given.")
    current = {node_group.id: node_group.replicas for node_group in group.node_groups}
    wanted = dict(current)
    if ways == ["NewReplicaCount"]:
        wanted = dict.fromkeys(current, params["NewReplicaCount"])
    elif ways == ["ReplicaConfiguration"]:
        wanted.update(_per_shard(current, params["ReplicaConfiguration"]))
    else:
        wanted = _without(group, params["ReplicasToRemove"])
    for replicas in wanted.values():
        checks.replicas_per_shard(replicas)
    if wanted == current:
        raise Refusal(
            "NoOperationFault", "Requested new replica count already matches current number of replicas."
        )
    return group, wanted


def _per_shard(current: dict[str, int], configuration: list[dict[str, Any]]) -> dict[str, int]:
    wanted = {entry["NodeGroupId"]: entry["NewReplicaCount"] for entry in configuration}
    unknown = sorted(set(wanted) - set(current))
    if unknown:
        raise bad_value(f"The following node group ids are invalid: [{', '.join(unknown)}]")
    return wanted


def _without(group: ReplicationGroup, named: list[str]) -> dict[str, int]:
    replicas = {member.id: shard for shard in group.node_groups for member in shard.members[1:]}
    unknown = sorted(set(named) - set(replicas))
    if unknown:
        raise bad_value(f"The following are not replicas of {group.id}: [{', '.join(unknown)}]")
    return {
        shard.id: shard.replicas - sum(replicas[name] is shard for name in set(named))
        for shard in group.node_groups
    }


def _check_enough_left(group: ReplicationGroup, replicas: int) -> None:
    """Sources: hashicorp/terraform-provider-aws#24244 and #34819, pulumi/pulumi#11458."""
    if replicas > 0:
        return
    if group.multi_az:
        raise bad_value("Must have at least 1 replica for Multi-AZ enabled Replication Group")
    if not group.cluster_enabled and group.failover != "disabled":
        raise bad_value(
            "Must have at least 1 replica when cluster mode is disabled with auto failover enabled."
        )


def _choose(node_group: NodeGroup, replicas: int, named: set[str]) -> list[Member]:
    """Return the replicas to remove: the named ones, else the last; never the primary."""
    if named:
        return [member for member in node_group.members if member.id in named]
    return node_group.members[replicas + 1 :]


def _keep_a_snapshotting_member(group: ReplicationGroup) -> None:
    present = [member.id for member in group.in_service]
    if group.snapshotting_member is not None and group.snapshotting_member not in present:
        group.snapshotting_member = present[-1]
