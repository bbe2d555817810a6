"""What is observed after each call, if AWS does as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from massdriver_redis.calls.base import Call, FieldValue
from massdriver_redis.state.observed import (
    Node,
    NodeGroup,
    Observed,
    ReplicationGroup,
    Secret,
    SecurityGroup,
    SubnetGroup,
)
from massdriver_redis.state.settings import SETTINGS

T = TypeVar("T")
Request = Mapping[str, Any]
SUBNET_GROUP_ARN = "subnet group"


def predict(observed: Observed, call: Call, zones: Mapping[str, str]) -> Observed:
    """Return what is observed once `call` has stabilized; `zones` are those of the subnets it may name."""
    request = cast("Request", call.request)
    if call.operation in _ON_GROUP:
        return replace(
            observed, replication_group=_ON_GROUP[call.operation](_there(observed.replication_group), request)
        )
    if call.operation in _ON_SUBNETS:
        return _ON_SUBNETS[call.operation](observed, request, zones)
    return _ON_REST[call.operation](observed, request)


def _there(thing: T | None) -> T:
    if thing is None:
        raise LookupError("the planner changes what isn't there")
    return thing


# --- replication group ------------------------------------------------------------------------------


def _create_group(observed: Observed, request: Request) -> Observed:
    node = Node(
        id="",
        status="available",
        node_type=request["CacheNodeType"],
        engine=request["Engine"],
        engine_version=request["EngineVersion"],
        parameter_group=request["CacheParameterGroupName"],
        security_groups=frozenset(request["SecurityGroupIds"]),
    )
    group = ReplicationGroup(
        id=request["ReplicationGroupId"],
        arn=request["ReplicationGroupId"],
        status="available",
        description=request["ReplicationGroupDescription"],
        cluster_mode=request["CacheParameterGroupName"].endswith(".cluster.on"),
        node_type=request["CacheNodeType"],
        node_groups=(),
        member_ids=(),
        nodes=(),
        automatic_failover="enabled" if request["AutomaticFailoverEnabled"] else "disabled",
        multi_az=request["MultiAZEnabled"],
        tls=request["TransitEncryptionEnabled"],
        settings=_settings({**_UNSENT, **request}),
    )
    shards = {f"{n:04d}": request["ReplicasPerNodeGroup"] for n in range(1, request["NumNodeGroups"] + 1)}
    return replace(observed, replication_group=_formed(group, shards, node), tags=_tags(request["Tags"]))


def _formed(group: ReplicationGroup, shards: Mapping[str, int], node: Node) -> ReplicationGroup:
    """Return the group with these replicas in each node group, all members like `node`."""
    members = {
        shard: tuple(
            f"{group.id}-{shard}-{n:03d}" if group.cluster_mode else f"{group.id}-{n:03d}"
            for n in range(1, replicas + 2)
        )
        for shard, replicas in shards.items()
    }
    ids = tuple(member for shard in members.values() for member in shard)
    return replace(
        group,
        node_groups=tuple(NodeGroup(shard, "available", names) for shard, names in members.items()),
        member_ids=ids,
        nodes=tuple(replace(node, id=member) for member in ids),
    )


def _modify_group(group: ReplicationGroup, request: Request) -> ReplicationGroup:
    nodes = tuple(replace(node, **_renamed(_NODE_FIELDS, request)) for node in group.nodes)
    settings = {**group.settings, **_settings(request)}
    changed = replace(group, nodes=nodes, settings=settings, **_renamed(_GROUP_FIELDS, request))
    if "AutomaticFailoverEnabled" in request:
        failover = "enabled" if request["AutomaticFailoverEnabled"] else "disabled"
        changed = replace(changed, automatic_failover=failover)
    if "SecurityGroupIds" in request:
        wanted = frozenset(request["SecurityGroupIds"])
        changed = replace(changed, nodes=tuple(replace(node, security_groups=wanted) for node in nodes))
    return changed


def _settings(request: Request) -> dict[str, tuple[FieldValue, ...]]:
    return {each.name: (request[each.parameter],) for each in SETTINGS if each.parameter in request}


_UNSENT = {"AutoMinorVersionUpgrade": True}
"""AWS's defaults of settings that not every create sends."""

_GROUP_FIELDS = {
    "CacheNodeType": "node_type",
    "MultiAZEnabled": "multi_az",
}
_NODE_FIELDS = {
    "CacheNodeType": "node_type",
    "Engine": "engine",
    "EngineVersion": "engine_version",
    "CacheParameterGroupName": "parameter_group",
}


def _renamed(fields: Mapping[str, str], request: Request) -> dict[str, Any]:
    return {field: request[parameter] for parameter, field in fields.items() if parameter in request}


def _replicas(group: ReplicationGroup, request: Request) -> ReplicationGroup:
    shards: dict[str, int] = {each.id: each.replicas for each in group.node_groups}
    if "NewReplicaCount" in request:
        shards = dict.fromkeys(shards, int(request["NewReplicaCount"]))
    for entry in request.get("ReplicaConfiguration", ()):
        shards[entry["NodeGroupId"]] = entry["NewReplicaCount"]
    return _formed(group, shards, group.nodes[0])


def _node_groups(group: ReplicationGroup, request: Request) -> ReplicationGroup:
    """New node groups get as many replicas as the smallest one has (user guide, online resharding)."""
    gone = set(request.get("NodeGroupsToRemove", ()))
    shards = {each.id: each.replicas for each in group.node_groups if each.id not in gone}
    last = max(int(each.id) for each in group.node_groups)
    for number in range(last + 1, last + 1 + request["NodeGroupCount"] - len(shards)):
        shards[f"{number:04d}"] = group.fewest_replicas
    return _formed(group, shards, group.nodes[0])


# --- supporting resources --------------------------------------------------------------------------


def _subnet_group(observed: Observed, request: Request, zones: Mapping[str, str]) -> Observed:
    subnets = {subnet: zones.get(subnet, "") for subnet in request["SubnetIds"]}
    if observed.subnet_group:
        return replace(observed, subnet_group=replace(observed.subnet_group, subnets=subnets))
    made = SubnetGroup(
        name=request["CacheSubnetGroupName"],
        description=request["CacheSubnetGroupDescription"],
        vpc_id=observed.security_group.vpc_id if observed.security_group else "",
        subnets=subnets,
        arn=SUBNET_GROUP_ARN,
    )
    return replace(observed, subnet_group=made, subnet_group_tags=_tags(request["Tags"]))


def _security_group(observed: Observed, request: Request) -> Observed:
    tags = _tags(request["TagSpecifications"][0]["Tags"])
    made = SecurityGroup("the new one", "", request["VpcId"], request["Description"], tags, frozenset())
    return replace(observed, security_group=made)


def _secret(observed: Observed, request: Request) -> Observed:
    made = Secret(request["Name"], request["Description"], deleting=False, tags=_tags(request["Tags"]))
    return replace(observed, secret=made)


def _ingress(observed: Observed, request: Request, *, allowed: bool) -> Observed:
    group = _there(observed.security_group)
    named = {each["CidrIp"] for rule in request["IpPermissions"] for each in rule["IpRanges"]}
    cidrs = group.cidrs | named if allowed else group.cidrs - named
    return replace(observed, security_group=replace(group, cidrs=cidrs))


def _tags(items: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {item["Key"]: item.get("Value", "") for item in items}


def _without(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in set(keys)}


def _tag_cache(observed: Observed, request: Request) -> Observed:
    if request["ResourceName"] == SUBNET_GROUP_ARN:
        return replace(observed, subnet_group_tags={**observed.subnet_group_tags, **_tags(request["Tags"])})
    return replace(observed, tags={**observed.tags, **_tags(request["Tags"])})


def _untag_cache(observed: Observed, request: Request) -> Observed:
    if request["ResourceName"] == SUBNET_GROUP_ARN:
        return replace(observed, subnet_group_tags=_without(observed.subnet_group_tags, request["TagKeys"]))
    return replace(observed, tags=_without(observed.tags, request["TagKeys"]))


def _tag_security_group(observed: Observed, request: Request) -> Observed:
    group = _there(observed.security_group)
    return replace(observed, security_group=replace(group, tags={**group.tags, **_tags(request["Tags"])}))


def _untag_security_group(observed: Observed, request: Request) -> Observed:
    group = _there(observed.security_group)
    return replace(observed, security_group=replace(group, tags=_without(group.tags, _tags(request["Tags"]))))


def _tag_secret(observed: Observed, request: Request) -> Observed:
    secret = _there(observed.secret)
    return replace(observed, secret=replace(secret, tags={**secret.tags, **_tags(request["Tags"])}))


def _untag_secret(observed: Observed, request: Request) -> Observed:
    secret = _there(observed.secret)
    return replace(observed, secret=replace(secret, tags=_without(secret.tags, request["TagKeys"])))


_ON_GROUP: dict[str, Callable[[ReplicationGroup, Request], ReplicationGroup]] = {
    "modify_replication_group": _modify_group,
    "increase_replica_count": _replicas,
    "decrease_replica_count": _replicas,
    "modify_replication_group_shard_configuration": _node_groups,
}
_ON_SUBNETS: dict[str, Callable[[Observed, Request, Mapping[str, str]], Observed]] = {
    "create_cache_subnet_group": _subnet_group,
    "modify_cache_subnet_group": _subnet_group,
}
_ON_REST: dict[str, Callable[[Observed, Request], Observed]] = {
    "create_security_group": _security_group,
    "create_secret": _secret,
    "create_replication_group": _create_group,
    "authorize_security_group_ingress": lambda observed, request: _ingress(observed, request, allowed=True),
    "revoke_security_group_ingress": lambda observed, request: _ingress(observed, request, allowed=False),
    "create_tags": _tag_security_group,
    "delete_tags": _untag_security_group,
    "tag_resource": _tag_secret,
    "untag_resource": _untag_secret,
    "add_tags_to_resource": _tag_cache,
    "remove_tags_from_resource": _untag_cache,
}
