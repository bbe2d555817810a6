"""One observation of AWS: a bounded number of reads, turned into `Observed`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from massdriver_redis.aws.describe import epoch, pages, read, tags_of
from massdriver_redis.aws.session import Aws
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import ec2
from massdriver_redis.calls.base import FieldValue
from massdriver_redis.state.naming import Names, Owner
from massdriver_redis.state.observed import (
    Endpoint,
    Node,
    NodeGroup,
    Observed,
    ReplicationGroup,
    Secret,
    SecurityGroup,
    SubnetGroup,
)
from massdriver_redis.state.ownership import Found, judge
from massdriver_redis.state.record import OWNER, PROVIDER, OperationRecord
from massdriver_redis.state.settings import SETTINGS, Setting

Item = Mapping[str, Any]

_GROUP_PENDING = (
    "Resharding",
    "AutomaticFailoverStatus",
    "PrimaryClusterId",
    "AuthTokenStatus",
    "TransitEncryptionEnabled",
    "TransitEncryptionMode",
    "ClusterMode",
)
_NODE_PENDING = ("EngineVersion", "CacheNodeType", "NumCacheNodes")
_CLUSTERS = "describe_cache_clusters"
_A_FEW = 2
"""Members that are read one by one: a page of a Region's clusters is as much as that."""


def observe(aws: Aws, names: Names, owner: Owner) -> Observed:
    """Return what exists under `names` and is the owner's.

    Four reads, and where there is a replication group those of its members. Raises the exceptions of
    `errors.translate`.
    """
    found = Found(
        replication_group=_replication_group(aws, names.replication_group),
        subnet_group=_subnet_group(aws, names.subnet_group),
        security_groups=tuple(
            # A name is unique within its VPC only.
            _security_group(aws, item)
            for item in _security_groups(aws, {"group-name": names.security_group})
        ),
        secret=_secret(aws, names.secret),
    )
    return judge(found, owner)


def owned(aws: Aws, owner: Owner, prefix: str) -> dict[str, OperationRecord]:
    """Return the record of every cluster of the owner's under this provider's prefix, by physical id.

    It is found by the tags of its security group, which is made first and deleted last.
    """
    items = _security_groups(aws, {f"tag:{OWNER}": owner.marker, f"tag:{PROVIDER}": prefix})
    groups = {str(item.get("GroupName", "")): _security_group(aws, item) for item in items}
    ours = {name: group for name, group in groups.items() if group.description == owner.marker}
    return {name.removeprefix(f"{prefix}-"): group.record for name, group in ours.items()}


def _replication_group(aws: Aws, group_id: str) -> ReplicationGroup | None:
    answer = read(
        aws,
        "elasticache",
        "describe_replication_groups",
        absent=("ReplicationGroupNotFoundFault",),
        ReplicationGroupId=group_id,
    )
    found = next(iter(answer.get("ReplicationGroups", [])), None)
    if found is None:
        return None
    return _built(found, _members(aws, group_id, found.get("MemberClusters", [])))


def _built(found: Item, members: list[Item]) -> ReplicationGroup:
    nodes = tuple(sorted((_node(item) for item in members), key=lambda node: node.id))
    node_types = (node.node_type for node in nodes)
    node_groups = found.get("NodeGroups", [])
    first: Item = next(iter(node_groups), {})
    return ReplicationGroup(
        id=str(found.get("ReplicationGroupId", "")),
        arn=str(found.get("ARN", "")),
        status=str(found.get("Status", "")),
        description=str(found.get("Description", "")),
        cluster_mode=bool(found.get("ClusterEnabled", False)),
        node_type=str(found.get("CacheNodeType") or next(node_types, "")),
        node_groups=tuple(_node_group(item) for item in node_groups),
        member_ids=tuple(found.get("MemberClusters", [])),
        nodes=nodes,
        automatic_failover=str(found.get("AutomaticFailover", "disabled")),
        multi_az=found.get("MultiAZ") == "enabled",
        tls=bool(found.get("TransitEncryptionEnabled", False)),
        settings={setting.name: _shown(setting, found, members) for setting in SETTINGS},
        pending=_pending(found, _GROUP_PENDING),
        primary=_endpoint(first.get("PrimaryEndpoint")),
        reader=_endpoint(first.get("ReaderEndpoint")),
        configuration=_endpoint(found.get("ConfigurationEndpoint")),
        global_datastore=str(found.get("GlobalReplicationGroupInfo", {}).get("GlobalReplicationGroupId", "")),
        created_at=epoch(found.get("ReplicationGroupCreateTime")),
        auth_token_enabled=found.get("AuthTokenEnabled"),
        auth_token_changed_at=epoch(found.get("AuthTokenLastModifiedDate")),
        tls_mode=str(found.get("TransitEncryptionMode", "")),
        cluster_mode_setting=str(found.get("ClusterMode", "")),
    )


def _pending(item: Item, names: Iterable[str]) -> frozenset[str]:
    pending = item.get("PendingModifiedValues", {})
    # False is a change as well: TLS that is being turned off.
    return frozenset(name for name in names if pending.get(name) not in (None, "", {}))


def _node_group(item: Item) -> NodeGroup:
    members = item.get("NodeGroupMembers", [])
    return NodeGroup(
        id=str(item.get("NodeGroupId", "")),
        status=str(item.get("Status", "")),
        node_ids=tuple(str(member.get("CacheClusterId", "")) for member in members),
    )


def _endpoint(item: Item | None) -> Endpoint | None:
    if not item or not item.get("Address"):
        return None
    return Endpoint(str(item["Address"]), int(item.get("Port", calls.PORT)))


def _shown(setting: Setting, group: Item, members: Iterable[Item]) -> tuple[FieldValue, ...]:
    items = [group] if setting.shown_by == "replication group" else members
    return tuple(setting.kind(item.get(setting.parameter) or setting.kind()) for item in items)


def _members(aws: Aws, group_id: str, member_ids: Iterable[str]) -> list[Item]:
    """Return the members of the replication group that show.

    DescribeCacheClusters can't filter by replication group. Of a few members each is read by its id; of many
    the pages of the whole Region are read until all are found, or until reading the rest one by one is
    cheaper: never more than twice as many calls as there are members.
    """
    missing = set(member_ids)
    found: list[Item] = []
    many = pages(aws, _CLUSTERS) if len(missing) > _A_FEW else ()
    for number, page in enumerate(many, start=1):
        members = [item for item in page["CacheClusters"] if item.get("ReplicationGroupId") == group_id]
        found += members
        missing -= {str(item.get("CacheClusterId", "")) for item in members}
        if len(missing) <= max(_A_FEW, number):
            break
    for member_id in sorted(missing):
        answer = read(
            aws, "elasticache", _CLUSTERS, absent=("CacheClusterNotFound",), CacheClusterId=member_id
        )
        found += answer.get("CacheClusters", [])
    return found


def _node(item: Item) -> Node:
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
        pending=_pending(item, _NODE_PENDING),
        zone=str(item.get("PreferredAvailabilityZone", "")),
    )


def _subnet_group(aws: Aws, name: str) -> SubnetGroup | None:
    answer = read(
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


def _security_groups(aws: Aws, filters: Mapping[str, str]) -> list[Item]:
    wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    answer = read(aws, "ec2", "describe_security_groups", absent=("InvalidGroup.NotFound",), Filters=wanted)
    return list(answer.get("SecurityGroups", []))


def _security_group(aws: Aws, item: Item) -> SecurityGroup:
    group_id, account = str(item.get("GroupId", "")), item.get("OwnerId", "")
    return SecurityGroup(
        id=group_id,
        arn=str(
            item.get("SecurityGroupArn")
            or f"arn:{aws.partition}:ec2:{aws.region}:{account}:security-group/{group_id}"
        ),
        vpc_id=str(item.get("VpcId", "")),
        description=str(item.get("Description", "")),
        tags=tags_of(item.get("Tags", [])),
        cidrs=frozenset(
            str(cidr.get("CidrIp", ""))
            for rule in item.get("IpPermissions", [])
            for cidr in rule.get("IpRanges", [])
            if cidr.get("Description") == ec2.INGRESS_NOTE
        ),
    )


def _secret(aws: Aws, name: str) -> Secret | None:
    answer = read(
        aws, "secretsmanager", "describe_secret", absent=("ResourceNotFoundException",), SecretId=name
    )
    if not answer.get("ARN"):
        return None
    return Secret(
        arn=str(answer["ARN"]),
        description=str(answer.get("Description", "")),
        deleting=bool(answer.get("DeletedDate")),
        tags=tags_of(answer.get("Tags", [])),
    )
