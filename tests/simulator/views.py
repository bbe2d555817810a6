"""The state as responses show it: plain dicts with the member names of botocore's model."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .state import Event, Member, NodeGroup, ReplicationGroup, Snapshot, SubnetGroup, View

if TYPE_CHECKING:
    from .region import Region

_SLOTS = 16384
_NO_ENDPOINTS = ("creating", "create-failed")

NOTHING = View(group=None, members={})
"""What the Describe calls show of a replication group that does not exist yet, or no longer."""


def view(region: Region, group: ReplicationGroup) -> View:
    """Return all that the Describe calls show of `group`."""
    return View(
        group=replication_group(region, group),
        members={member.id: cache_cluster(region, group, member) for member in group.every_member()},
    )


def replication_group(region: Region, group: ReplicationGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ReplicationGroupId": group.id,
        "Description": group.description,
        "Status": group.status,
        "PendingModifiedValues": _pending(region, group),
        "MemberClusters": sorted(member.id for member in group.every_member()),
        "AutomaticFailover": group.failover,
        "MultiAZ": "enabled" if group.multi_az else "disabled",
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "ClusterEnabled": group.cluster_enabled,
        "ClusterMode": group.cluster_mode,
        "CacheNodeType": group.node_type,
        "AuthTokenEnabled": bool(group.tokens),
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": group.at_rest,
        "ARN": group.arn,
        "ReplicationGroupCreateTime": _time(group.created),
        "AutoMinorVersionUpgrade": group.auto_minor,
        "NetworkType": "ipv4",
        "IpDiscovery": "ipv4",
        "DataTiering": "disabled",
        "Engine": group.engine,
    }
    if group.snapshotting_member and not group.cluster_enabled:
        shown["SnapshottingClusterId"] = group.snapshotting_member
    if group.token_changed is not None:
        shown["AuthTokenLastModifiedDate"] = _time(group.token_changed)
    if group.tls:
        shown["TransitEncryptionMode"] = group.tls_mode
    if group.user_groups:
        shown["UserGroupIds"] = list(group.user_groups)
    if group.global_datastore:
        shown["GlobalReplicationGroupInfo"] = {
            "GlobalReplicationGroupId": group.global_datastore,
            "GlobalReplicationGroupMemberRole": "PRIMARY",
        }
    if group.kms_key:
        shown["KmsKeyId"] = group.kms_key
    if group.status not in _NO_ENDPOINTS:
        shown["NodeGroups"] = _node_groups(region, group)
        if group.cluster_enabled:
            shown["ConfigurationEndpoint"] = _endpoint(region, group, "configuration")
    return shown


def _pending(region: Region, group: ReplicationGroup) -> dict[str, Any]:
    if group.resharding is None:
        return dict(group.pending)
    start, end = group.resharding
    share = 100.0 if end <= start else min(100.0, round(100 * (region.now - start) / (end - start), 1))
    return {**group.pending, "Resharding": {"SlotMigration": {"ProgressPercentage": share}}}


def _node_groups(region: Region, group: ReplicationGroup) -> list[dict[str, Any]]:
    slots = iter(_slot_ranges(len(group.serving)))
    return [
        _node_group(region, group, node_group, next(slots) if node_group.serving else None)
        for node_group in group.node_groups
    ]


def _node_group(
    region: Region, group: ReplicationGroup, node_group: NodeGroup, slots: str | None
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "NodeGroupId": node_group.id,
        "Status": node_group.status,
        "NodeGroupMembers": [
            _node_group_member(
                region, group, member, role="primary" if member is node_group.members[0] else "replica"
            )
            for member in sorted(node_group.members, key=lambda member: member.id)
        ],
    }
    if not group.cluster_enabled:
        shown["PrimaryEndpoint"] = _endpoint(region, group, "primary")
        shown["ReaderEndpoint"] = _endpoint(region, group, "reader")
    elif slots:
        shown["Slots"] = slots
    return shown


def _node_group_member(region: Region, group: ReplicationGroup, member: Member, role: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "CacheClusterId": member.id,
        "CacheNodeId": "0001",
        "PreferredAvailabilityZone": member.zone,
    }
    if not group.cluster_enabled:
        shown["CurrentRole"] = role
        shown["ReadEndpoint"] = _endpoint(region, group, member.id)
    return shown


def _slot_ranges(shards: int) -> list[str]:
    edges = [round(index * _SLOTS / shards) for index in range(shards + 1)] if shards else []
    return [f"{start}-{end - 1}" for start, end in itertools.pairwise(edges)]


def cache_cluster(region: Region, group: ReplicationGroup, member: Member) -> dict[str, Any]:
    held = group.pending_security_groups or group.security_groups
    shown: dict[str, Any] = {
        "CacheClusterId": member.id,
        "CacheClusterStatus": member.status if group.status != "deleting" else "deleting",
        "CacheNodeType": member.node_type,
        "Engine": member.engine,
        "EngineVersion": member.version,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": member.zone,
        "CacheClusterCreateTime": _time(member.created),
        "PreferredMaintenanceWindow": group.maintenance_window,
        "PendingModifiedValues": dict(member.pending),
        "CacheSecurityGroups": [],
        "CacheParameterGroup": {
            "CacheParameterGroupName": group.parameter_group,
            "ParameterApplyStatus": "in-sync",
            "CacheNodeIdsToReboot": [],
        },
        "CacheSubnetGroupName": group.subnet_group,
        "AutoMinorVersionUpgrade": group.auto_minor,
        "SecurityGroups": [
            {
                "SecurityGroupId": security_group,
                "Status": "active" if security_group in group.security_groups else "adding",
            }
            for security_group in held
        ],
        "ReplicationGroupId": group.id,
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "AuthTokenEnabled": bool(group.tokens),
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": group.at_rest,
        "ARN": region.arn("cluster", member.id),
    }
    return shown


def cache_nodes(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the CacheNodes that ShowCacheNodeInfo adds to a cache cluster."""
    return [
        {
            "CacheNodeId": "0001",
            "CacheNodeStatus": shown["CacheClusterStatus"],
            "CacheNodeCreateTime": shown["CacheClusterCreateTime"],
            "ParameterGroupStatus": "in-sync",
            "CustomerAvailabilityZone": shown["PreferredAvailabilityZone"],
        }
    ]


def subnet_group(group: SubnetGroup) -> dict[str, Any]:
    return {
        "CacheSubnetGroupName": group.name,
        "CacheSubnetGroupDescription": group.description,
        "VpcId": group.vpc,
        "Subnets": [
            {
                "SubnetIdentifier": name,
                "SubnetAvailabilityZone": {"Name": subnet.zone},
                "SupportedNetworkTypes": list(subnet.network_types),
            }
            for name, subnet in group.subnets.items()
        ],
        "ARN": group.arn,
        "SupportedNetworkTypes": group.network_types,
    }


def snapshot(taken: Snapshot) -> dict[str, Any]:
    return {
        "SnapshotName": taken.name,
        "ReplicationGroupId": taken.group_id,
        "SnapshotStatus": taken.status,
        "SnapshotSource": "manual",
        "ARN": taken.arn,
        "NodeSnapshots": [
            {"NodeGroupId": node_group, "SnapshotCreateTime": _time(taken.created)}
            for node_group in taken.facts["node_groups"]
        ],
        **taken.facts["shown"],
    }


def event(entry: Event) -> dict[str, Any]:
    return {
        "SourceIdentifier": entry.source_id,
        "SourceType": entry.source_type,
        "Message": entry.message,
        "Date": _time(entry.at),
    }


def _endpoint(region: Region, group: ReplicationGroup, role: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{region.account}/{region.name}".encode()).hexdigest()[:6]
    zone = f"{digest}.{_short(region.name)}.cache.amazonaws.com"
    heads = {
        ("configuration", True): f"clustercfg.{group.id}.{zone}",
        ("configuration", False): f"{group.id}.{digest}.clustercfg.{_short(region.name)}.cache.amazonaws.com",
        ("primary", True): f"master.{group.id}.{zone}",
        ("primary", False): f"{group.id}.{digest}.ng.0001.{_short(region.name)}.cache.amazonaws.com",
        ("reader", True): f"replica.{group.id}.{zone}",
        ("reader", False): f"{group.id}-ro.{zone}",
    }
    default = f"{role}.{group.id}.{zone}" if group.tls else f"{role}.{digest}.0001.{_short(region.name)}"
    address, port = region.around.endpoint(group.id, heads.get((role, group.tls), default), group.port)
    return {"Address": address, "Port": port}


def _short(region: str) -> str:
    """Return the Region as endpoints write it: us-east-1 as use1."""
    parts = region.split("-")
    return parts[0] + "".join(part[0] for part in parts[1:-1]) + parts[-1]


def _time(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
