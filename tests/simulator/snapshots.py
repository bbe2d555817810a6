"""Manual and final snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import checks, views
from .errors import Refusal, bad_combination
from .pages import page
from .state import ReplicationGroup, Snapshot

if TYPE_CHECKING:
    from .region import Region

_DAY = 24 * 3600.0


def take(region: Region, group: ReplicationGroup, name: str) -> Snapshot:
    """Begin a snapshot of `group`, or refuse."""
    key = checks.legal_name(name, "SnapshotName")
    if key in region.snapshots:
        raise Refusal("SnapshotAlreadyExistsFault", f"Snapshot {key} already exists.")
    if len(region.snapshots) >= region.quotas.snapshots:
        raise Refusal("SnapshotQuotaExceededFault", f"At most {region.quotas.snapshots} snapshots are kept.")
    allowed = region.quotas.snapshots_per_node_and_day * len(group.in_service)
    if sum(region.now - taken < _DAY for taken in group.snapshots) >= allowed:
        raise Refusal("SnapshotQuotaExceededFault", f"At most {allowed} snapshots of {group.id} in 24 hours.")
    if group.id in region.unsupported_snapshots:
        raise Refusal("SnapshotFeatureNotSupportedFault", f"Snapshots of {group.id} are not supported.")
    taken = Snapshot(
        name=key,
        arn=region.arn("snapshot", key),
        group_id=group.id,
        created=region.now,
        facts={
            "node_groups": [node_group.id for node_group in group.serving],
            "shown": {
                "ReplicationGroupDescription": group.description,
                "CacheNodeType": group.node_type,
                "Engine": group.engine,
                "EngineVersion": group.version,
                "NumNodeGroups": len(group.serving),
                "AutomaticFailover": group.failover,
                "Port": group.port,
                "CacheParameterGroupName": group.parameter_group,
                "CacheSubnetGroupName": group.subnet_group,
                "VpcId": region.subnet_groups[group.subnet_group].vpc,
            },
        },
    )
    region.snapshots[key] = taken
    group.snapshots.append(region.now)

    def end() -> None:
        taken.status = "available"
        region.event(group.id, f"Snapshot {key} succeeded")

    region.at(region.timing.snapshot, end)
    return taken


def create_snapshot(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    if "ReplicationGroupId" not in params:
        raise bad_combination("Exactly one of ReplicationGroupId and CacheClusterId must be given.")
    group = region.settled_group(params["ReplicationGroupId"], "a snapshot")
    taken = take(region, group, params["SnapshotName"])
    region.tags[taken.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    region.pause(group, "snapshotting", region.timing.snapshot)
    return {"Snapshot": views.snapshot(taken)}


def describe_snapshots(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    found = [region.snapshots[name] for name in sorted(region.snapshots)]
    wanted = params.get("SnapshotName")
    if wanted is not None:
        found = [taken for taken in found if taken.name == wanted.lower()]
        if not found:
            raise Refusal("SnapshotNotFoundFault", f"Snapshot {wanted} not found.")
    if "ReplicationGroupId" in params:
        found = [taken for taken in found if taken.group_id == params["ReplicationGroupId"].lower()]
    if params.get("SnapshotSource") in ("system", "automated"):
        found = []
    return page("Snapshots", [views.snapshot(taken) for taken in found], params, most=50)


def delete_snapshot(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    taken = region.snapshots.get(params["SnapshotName"].lower())
    if taken is None:
        raise Refusal("SnapshotNotFoundFault", f"Snapshot {params['SnapshotName']} not found.")
    if taken.status != "available":
        raise Refusal("InvalidSnapshotState", f"Snapshot {taken.name} is {taken.status}.")
    del region.snapshots[taken.name]
    region.tags.pop(taken.arn, None)
    return {"Snapshot": {**views.snapshot(taken), "SnapshotStatus": "deleting"}}
