"""DeleteReplicationGroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import checks, gaps, snapshots, views
from .errors import bad_combination, group_busy

if TYPE_CHECKING:
    from .region import Region
    from .state import ReplicationGroup

_DELETABLE = ("available", "create-failed")
_DELETABLE_MEMBERS = ("available", "incompatible-network", "restore-failed")
"""hashicorp/terraform#1331 quotes AWS's list; user guide, Nodes.viewing (the remedy is to delete)."""


def delete_replication_group(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """Accept a settled or a create-failed replication group (aws-controllers-k8s/community#948)."""
    group = region.group(params["ReplicationGroupId"])
    if params.get("RetainPrimaryCluster"):
        raise gaps.met("DeleteReplicationGroup", "RetainPrimaryCluster")
    checks.in_global_datastore(group)
    _check_deletable(group)
    seconds = region.timing.delete
    if "FinalSnapshotIdentifier" in params:
        if group.status == "create-failed":
            raise bad_combination("A group that was never created has nothing to take a snapshot of.")
        snapshots.take(region, group, params["FinalSnapshotIdentifier"])
        seconds += region.timing.snapshot
    region.about_to_change(group)
    group.status = "deleting"
    for node_group in group.node_groups:
        node_group.status = "deleting"
    region.at(seconds, lambda: region.remove(group))
    return {"ReplicationGroup": views.replication_group(region, group)}


def _check_deletable(group: ReplicationGroup) -> None:
    if group.status not in _DELETABLE:
        raise group_busy(
            f"Replication group {group.id} has status {group.status} which is not valid for deletion."
        )
    if group.status == "create-failed":
        return
    for member in group.every_member():
        if member.status not in _DELETABLE_MEMBERS:
            raise group_busy(f"Cache cluster {member.id} is not in a valid state to be deleted")
