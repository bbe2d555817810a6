"""One look at AWS: a bounded number of reads, turned into `World`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis import calls
from massdriver_redis.aws import Aws, code_of, translate
from massdriver_redis.decision import Detail
from massdriver_redis.ledger import OWNER
from massdriver_redis.naming import Names
from massdriver_redis.world import (
    Endpoint,
    Group,
    Node,
    NodeGroup,
    NodeTypes,
    Secret,
    SecurityGroup,
    SubnetGroup,
    World,
)

_PAGE = 100
_GROUP_PENDING = ("Resharding", "AutomaticFailoverStatus", "PrimaryClusterId")
_NODE_PENDING = ("EngineVersion", "CacheNodeType", "NumCacheNodes")
_BAD_NEWS = ("fail", "insufficient", "unable", "error", "not enough", "cannot", "could not")


def look(aws: Aws, names: Names) -> World:
    """Return what exists under `names`.

    Five reads, and one page of DescribeCacheClusters for every hundred clusters of the region: that
    call can't filter by replication group. Raises the exceptions of `aws.translate`.
    """
    return World(
        group=_group(aws, names.group),
        subnet_group=_subnet_group(aws, names.subnet_group),
        security_group=_security_group(aws, names.security_group),
        secret=_secret(aws, names.secret),
    )


def look_closer(aws: Aws, world: World, detail: Detail, engine: str, since: float) -> World:
    """Return `world` with one more detail read: versions, node_types, tags or events.

    `since` is in seconds since the epoch. A denied list of engine versions is noted as unknown, so
    that a create can go on without it.
    """
    group = world.group
    if detail == "versions":
        return _with_versions(aws, world, engine)
    if group is None:
        return replace(world, tags={}, events=(), node_types=NodeTypes(frozenset(), frozenset()))
    if detail == "node_types":
        answer = _read(
            aws, "elasticache", "list_allowed_node_type_modifications", ReplicationGroupId=group.id
        )
        up, down = answer.get("ScaleUpModifications", []), answer.get("ScaleDownModifications", [])
        return replace(world, node_types=NodeTypes(frozenset(up), frozenset(down)))
    if detail == "tags":
        beside = _cache_tags(aws, world.subnet_group.arn) if world.subnet_group else {}
        return replace(world, tags=_cache_tags(aws, group.arn), subnet_group_tags=beside)
    return replace(world, events=_events(aws, group, since))


def newest_secret_value(aws: Aws, name: str) -> tuple[str, str]:
    """Return the secret's JSON text and its version id."""
    answer = _read(aws, "secretsmanager", "get_secret_value", SecretId=name)
    return str(answer.get("SecretString", "")), str(answer.get("VersionId", ""))


def snapshot_made_at(aws: Aws, name: str) -> float | None:
    """Return when the snapshot of that name was made, in seconds since the epoch, or None.

    One that is still being made shows no time yet and counts as later than any request.
    """
    answer = _read(
        aws, "elasticache", "describe_snapshots", absent=("SnapshotNotFoundFault",), SnapshotName=name
    )
    for snapshot in answer.get("Snapshots", []):
        times = [node.get("SnapshotCreateTime") for node in snapshot.get("NodeSnapshots", [])]
        known = [time.timestamp() for time in times if isinstance(time, datetime)]
        return min(known, default=math.inf)
    return None


# --- reads -----------------------------------------------------------------------------------------


def _read(aws: Aws, service: str, operation: str, absent: Iterable[str] = (), **request: Any) -> Any:
    """Make one read; codes in `absent` mean that nothing is there and give an empty answer."""
    try:
        return getattr(aws.client(service), operation)(**request)
    except (ClientError, BotoCoreError) as error:
        if code_of(error) in set(absent):
            return {}
        raise translate(error, service, operation) from None


def _group(aws: Aws, group_id: str) -> Group | None:
    answer = _read(
        aws,
        "elasticache",
        "describe_replication_groups",
        absent=("ReplicationGroupNotFoundFault",),
        ReplicationGroupId=group_id,
    )
    found = next(iter(answer.get("ReplicationGroups", [])), None)
    if found is None:
        return None
    member_ids = tuple(found.get("MemberClusters", []))
    nodes = _nodes(aws, group_id, frozenset(member_ids))
    pending = found.get("PendingModifiedValues") or {}
    first: Mapping[str, Any] = next(iter(found.get("NodeGroups", [])), {})
    return Group(
        id=str(found.get("ReplicationGroupId", group_id)),
        arn=str(found.get("ARN", "")),
        status=str(found.get("Status", "")),
        description=str(found.get("Description", "")),
        cluster_mode=bool(found.get("ClusterEnabled", False)),
        node_type=str(found.get("CacheNodeType") or (nodes[0].node_type if nodes else "")),
        node_groups=tuple(_node_group(item) for item in found.get("NodeGroups", [])),
        member_ids=member_ids,
        nodes=nodes,
        automatic_failover=str(found.get("AutomaticFailover", "disabled")),
        multi_az=found.get("MultiAZ") == "enabled",
        tls=bool(found.get("TransitEncryptionEnabled", False)),
        snapshot_retention_limit=int(found.get("SnapshotRetentionLimit", 0)),
        snapshot_window=str(found.get("SnapshotWindow", "")),
        pending=frozenset(key for key in _GROUP_PENDING if pending.get(key)),
        primary=_endpoint(first.get("PrimaryEndpoint")),
        reader=_endpoint(first.get("ReaderEndpoint")),
        configuration=_endpoint(found.get("ConfigurationEndpoint")),
        global_datastore=str(
            (found.get("GlobalReplicationGroupInfo") or {}).get("GlobalReplicationGroupId", "")
        ),
    )


def _node_group(item: Mapping[str, Any]) -> NodeGroup:
    members = item.get("NodeGroupMembers", [])
    return NodeGroup(
        id=str(item.get("NodeGroupId", "")),
        status=str(item.get("Status", "")),
        node_ids=tuple(str(member.get("CacheClusterId", "")) for member in members),
    )


def _endpoint(item: Mapping[str, Any] | None) -> Endpoint | None:
    if not item or not item.get("Address"):
        return None
    return Endpoint(str(item["Address"]), int(item.get("Port", calls.PORT)))


def _nodes(aws: Aws, group_id: str, member_ids: frozenset[str]) -> tuple[Node, ...]:
    """Return the group's members, reading whole pages until all are found."""
    found: list[Node] = []
    marker: dict[str, str] = {}
    while len(found) < len(member_ids):
        answer = _read(aws, "elasticache", "describe_cache_clusters", MaxRecords=_PAGE, **marker)
        found += [
            _node(item)
            for item in answer.get("CacheClusters", [])
            if item.get("ReplicationGroupId") == group_id
        ]
        if not answer.get("Marker"):
            break
        marker = {"Marker": answer["Marker"]}
    return tuple(sorted(found, key=lambda node: node.id))


def _node(item: Mapping[str, Any]) -> Node:
    pending = item.get("PendingModifiedValues") or {}
    return Node(
        id=str(item.get("CacheClusterId", "")),
        status=str(item.get("CacheClusterStatus", "")),
        node_type=str(item.get("CacheNodeType", "")),
        engine=str(item.get("Engine", "")),
        engine_version=str(item.get("EngineVersion", "")),
        parameter_group=str((item.get("CacheParameterGroup") or {}).get("CacheParameterGroupName", "")),
        security_groups=frozenset(
            str(group.get("SecurityGroupId", "")) for group in item.get("SecurityGroups", [])
        ),
        subnet_group=str(item.get("CacheSubnetGroupName", "")),
        auto_minor_version_upgrade=bool(item.get("AutoMinorVersionUpgrade", False)),
        maintenance_window=str(item.get("PreferredMaintenanceWindow", "")),
        pending=frozenset(key for key in _NODE_PENDING if pending.get(key)),
    )


def _subnet_group(aws: Aws, name: str) -> SubnetGroup | None:
    answer = _read(
        aws,
        "elasticache",
        "describe_cache_subnet_groups",
        absent=("CacheSubnetGroupNotFoundFault",),
        CacheSubnetGroupName=name,
    )
    found = next(iter(answer.get("CacheSubnetGroups", [])), None)
    if found is None:
        return None
    return SubnetGroup(
        name=str(found.get("CacheSubnetGroupName", name)),
        description=str(found.get("CacheSubnetGroupDescription", "")),
        vpc_id=str(found.get("VpcId", "")),
        subnets={
            str(subnet.get("SubnetIdentifier", "")): str(
                (subnet.get("SubnetAvailabilityZone") or {}).get("Name", "")
            )
            for subnet in found.get("Subnets", [])
        },
        arn=str(found.get("ARN", "")),
    )


def _security_group(aws: Aws, name: str) -> SecurityGroup | None:
    answer = _read(
        aws,
        "ec2",
        "describe_security_groups",
        absent=("InvalidGroup.NotFound",),
        Filters=[{"Name": "group-name", "Values": [name]}],
    )
    # The same name may stand in another VPC too: ours goes first.
    found = min(
        answer.get("SecurityGroups", []),
        key=lambda each: OWNER not in _tags(each.get("Tags", [])),
        default=None,
    )
    if found is None:
        return None
    group_id, account = str(found.get("GroupId", "")), found.get("OwnerId", "")
    return SecurityGroup(
        id=group_id,
        arn=str(
            found.get("SecurityGroupArn")
            or f"arn:{aws.partition}:ec2:{aws.region}:{account}:security-group/{group_id}"
        ),
        vpc_id=str(found.get("VpcId", "")),
        description=str(found.get("Description", "")),
        tags=_tags(found.get("Tags", [])),
        cidrs=frozenset(
            str(cidr.get("CidrIp", ""))
            for rule in found.get("IpPermissions", [])
            for cidr in rule.get("IpRanges", [])
            if cidr.get("Description") == calls.INGRESS_NOTE
        ),
    )


def _secret(aws: Aws, name: str) -> Secret | None:
    answer = _read(
        aws, "secretsmanager", "describe_secret", absent=("ResourceNotFoundException",), SecretId=name
    )
    if not answer.get("ARN"):
        return None
    return Secret(
        arn=str(answer["ARN"]),
        description=str(answer.get("Description", "")),
        deleting=bool(answer.get("DeletedDate")),
        tags=_tags(answer.get("Tags", [])),
    )


def _cache_tags(aws: Aws, arn: str) -> dict[str, str]:
    answer = _read(aws, "elasticache", "list_tags_for_resource", ResourceName=arn)
    return _tags(answer.get("TagList", []))


def _tags(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(item.get("Key", "")): str(item.get("Value", "")) for item in items}


def _with_versions(aws: Aws, world: World, engine: str) -> World:
    """Read the versions on offer; failing open, for the create itself is the last judge."""
    versions: list[str] = []
    marker: dict[str, str] = {}
    try:
        while True:
            answer = aws.elasticache.describe_cache_engine_versions(Engine=engine, MaxRecords=_PAGE, **marker)
            versions += [str(item.get("EngineVersion", "")) for item in answer.get("CacheEngineVersions", [])]
            if not answer.get("Marker"):
                break
            marker = {"Marker": answer["Marker"]}
    except (ClientError, BotoCoreError):
        return replace(world, versions_unknown=True)
    return replace(world, versions=tuple(versions)) if versions else replace(world, versions_unknown=True)


def _events(aws: Aws, group: Group, since: float) -> tuple[str, ...]:
    """Return the bad news ElastiCache told of the group and its first members, newest first."""
    sources = [("replication-group", group.id)] + [("cache-cluster", name) for name in group.member_ids[:5]]
    told: list[tuple[float, str]] = []
    for kind, name in sources:
        answer = _read(
            aws,
            "elasticache",
            "describe_events",
            SourceType=kind,
            SourceIdentifier=name,
            StartTime=datetime.fromtimestamp(since, UTC),
            MaxRecords=_PAGE,
        )
        for event in answer.get("Events", []):
            text, date = str(event.get("Message", "")), event.get("Date")
            if any(word in text.lower() for word in _BAD_NEWS):
                told.append((date.timestamp() if isinstance(date, datetime) else 0.0, text))
    return tuple(text for _, text in sorted(told, reverse=True))
