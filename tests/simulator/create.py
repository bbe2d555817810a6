"""CreateReplicationGroup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import checks, gaps, views
from .errors import Refusal, bad_combination, bad_value
from .members import shard
from .state import ReplicationGroup, SubnetGroup
from .windows import check_windows

if TYPE_CHECKING:
    from .catalog import EngineVersion
    from .region import Region

# The windows that AWS picks when none is given. AWS may pick one that overlaps the other, given one
# (ministryofjustice/cloud-platform-environments#5252), so this one overlaps a usual morning backup.
_MAINTENANCE = "sun:07:30-sun:08:30"
_SNAPSHOTS = "03:00-04:00"
_NETWORK_TYPE = "ipv4"
"""The default of NetworkType (botocore model). A subnet with IPv6 alone doesn't support it (user guide,
network-type; the text is inferred)."""


@dataclass(frozen=True)
class _Shape:
    """The number of shards, of replicas in each, and whether cluster mode is on."""

    shards: int
    replicas: int
    cluster: bool

    @property
    def nodes(self) -> int:
        return self.shards * (self.replicas + 1)


def create_replication_group(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    group_id = checks.legal_name(params["ReplicationGroupId"], "ReplicationGroupId")
    if group_id in region.groups:
        raise Refusal("ReplicationGroupAlreadyExists", f"Replication group {group_id} already exists.")
    version = _version(region, params)
    shape = _shape(params, version)
    _check_failover(params, shape)
    _check_encryption(params, version)
    snapshot_window, maintenance_window = _windows(params)
    checks.retention(params.get("SnapshotRetentionLimit", 0))
    _check_source(region, params)
    checks.nodes_of_one_cluster(shape.nodes, region.quotas, "NodeQuotaForClusterExceeded")
    checks.nodes_of_the_region(region.nodes() + shape.nodes, region.quotas)
    subnets = _subnets(region, params)
    region.check_capacity()
    group = ReplicationGroup(
        id=group_id,
        arn=region.arn("replicationgroup", group_id),
        description=params["ReplicationGroupDescription"],
        engine=version.engine,
        version=version.full,
        parameter_group=params.get("CacheParameterGroupName") or _default_parameters(version, shape),
        node_type=params["CacheNodeType"],
        cluster_mode="enabled" if shape.cluster else "disabled",
        node_groups=[],
        subnet_group=subnets.name,
        security_groups=tuple(params.get("SecurityGroupIds", ())),
        port=params.get("Port", 6379),
        tls_mode=_tls_mode(params),
        at_rest=params.get("AtRestEncryptionEnabled", version.engine == "valkey"),
        kms_key=params.get("KmsKeyId"),
        failover="enabled" if params.get("AutomaticFailoverEnabled") else "disabled",
        multi_az=params.get("MultiAZEnabled", False),
        maintenance_window=maintenance_window,
        snapshot_window=snapshot_window,
        retention=params.get("SnapshotRetentionLimit", 0),
        snapshotting_member=None,
        auto_minor=params.get("AutoMinorVersionUpgrade", True),
        created=region.now,
        next_shard=shape.shards + 1,
    )
    group.node_groups = [shard(region, group, number, shape.replicas + 1) for number in _numbers(shape)]
    if params.get("AuthToken"):
        group.tokens, group.token_changed = [params["AuthToken"]], region.now
    if group.retention and not group.cluster_enabled:
        group.snapshotting_member = group.in_service[-1].id
    _begin(region, group, params)
    return {"ReplicationGroup": views.replication_group(region, group)}


def _begin(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> None:
    region.groups[group.id] = group
    region.history[group.id] = group.history
    region.tags[group.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    if region.timing.stale > 0:
        group.stale_view, group.stale_until = views.NOTHING, region.now + region.timing.stale
    region.notify("created", group)
    failure = region.script.failed_creates.popleft() if region.script.failed_creates else None

    def end() -> None:
        if failure is not None:
            # Its members stay as they are: their status has no value create-failed (API_CacheCluster).
            group.status = "create-failed"
            region.event(group.id, failure)
            return
        region.event(group.id, f"Replication group {group.id} created")
        region.settle(group, list(group.every_member()))
        region.notify("available", group)

    region.at(region.timing.create, end)


def _version(region: Region, params: dict[str, Any]) -> EngineVersion:
    engine = params.get("Engine", "redis")
    if engine not in ("redis", "valkey"):
        raise bad_value(f"Engine {engine} is not supported for replication groups.")
    newest = {"redis": "7.1", "valkey": "9.1"}[engine]
    version = checks.engine_version(engine, params.get("EngineVersion", newest), region.withdrawn)
    if "CacheParameterGroupName" in params:
        checks.parameter_group(params["CacheParameterGroupName"], engine, version.family)
    if "CacheNodeType" not in params:
        raise bad_combination("A cache node type must be given.")
    checks.node_type(params["CacheNodeType"], version.full, region.withdrawn)
    return version


def _shape(params: dict[str, Any], version: EngineVersion) -> _Shape:
    shards = params.get("NumNodeGroups", 1)
    if "NumCacheClusters" in params:
        if "NumNodeGroups" in params or "ReplicasPerNodeGroup" in params:
            raise bad_combination("NumCacheClusters can not be used with NumNodeGroups.")
        if not 1 <= params["NumCacheClusters"] <= 6:
            raise bad_value("The number of cache clusters must be between 1 and 6.")
        replicas = params["NumCacheClusters"] - 1
    else:
        replicas = params.get("ReplicasPerNodeGroup", 0)
    if shards < 1:
        raise bad_value("The number of node groups must be at least 1.")
    checks.replicas_per_shard(replicas)
    name = params.get("CacheParameterGroupName")
    cluster = name.endswith(checks.CLUSTER_ON) if name else shards > 1
    if shards > 1 and not cluster:
        raise bad_combination(
            "Use a parameter group with cluster-enabled parameter to create more than one node group."
        )
    if params.get("PreferredCacheClusterAZs"):
        if shards > 1:
            raise bad_combination("PreferredCacheClusterAZs can only be specified for one node group.")
        raise gaps.met("CreateReplicationGroup", "PreferredCacheClusterAZs")
    return _Shape(shards, replicas, cluster)


def _check_failover(params: dict[str, Any], shape: _Shape) -> None:
    failover = params.get("AutomaticFailoverEnabled", False)
    if shape.cluster and not failover:
        raise bad_combination(
            "Automatic failover must be enabled for replication groups with cluster mode enabled."
        )
    if failover and not shape.cluster and shape.replicas < 1:
        raise bad_combination(
            "When using automatic failover, there must be at least 2 cache clusters in the replication group."
        )
    if params.get("MultiAZEnabled"):
        if not failover:
            raise bad_combination("Multi-AZ needs automatic failover to be enabled.")
        if shape.replicas < 1:
            raise bad_combination("Must have at least 1 replica for Multi-AZ enabled Replication Group")


def _check_encryption(params: dict[str, Any], version: EngineVersion) -> None:
    if "CacheSecurityGroupNames" in params:
        raise bad_combination("Use of cache security groups is not permitted in this API version.")
    if "TransitEncryptionMode" in params and not checks.tls_changes(version.engine, version.full):
        raise bad_combination(f"Transit encryption mode is not supported for engine version {version.full}")
    if "AuthToken" in params:
        if not params.get("TransitEncryptionEnabled"):
            raise bad_combination("The AUTH token is only supported when encryption-in-transit is enabled")
        if _tls_mode(params) == "preferred":
            raise bad_combination("Transit encryption preferred is not supported with redis access control.")
        checks.auth_token(params["AuthToken"])
    if params.get("KmsKeyId") and not params.get("AtRestEncryptionEnabled"):
        raise bad_combination("A KMS key can only be given when encryption at rest is enabled.")


def _tls_mode(params: dict[str, Any]) -> str:
    return params.get("TransitEncryptionMode", "required") if params.get("TransitEncryptionEnabled") else ""


def _windows(params: dict[str, Any]) -> tuple[str, str]:
    snapshots = params.get("SnapshotWindow", _SNAPSHOTS)
    maintenance = params.get("PreferredMaintenanceWindow", _MAINTENANCE)
    check_windows(snapshots, maintenance)
    return snapshots, maintenance.lower()


def _check_source(region: Region, params: dict[str, Any]) -> None:
    name = params.get("SnapshotName")
    if name is None:
        return
    source = region.snapshots.get(name.lower())
    if source is None:
        raise Refusal("SnapshotNotFoundFault", f"Snapshot {name} not found.")
    if source.status != "available":
        raise Refusal("InvalidSnapshotState", f"Snapshot {name} is {source.status}.")


def _subnets(region: Region, params: dict[str, Any]) -> SubnetGroup:
    name = params.get("CacheSubnetGroupName", "default")
    subnets = region.subnet_group(name)
    if region.now < subnets.created + region.timing.subnet_group_lag:
        raise Refusal("CacheSubnetGroupNotFoundFault", f"Cache Subnet Group {name} does not exist.")
    if _NETWORK_TYPE not in subnets.network_types:
        raise bad_combination(
            f"Network type {_NETWORK_TYPE} is not supported by subnet group {name}: {subnets.network_types}"
        )
    region.check_security_groups(tuple(params.get("SecurityGroupIds", ())), subnets)
    if params.get("MultiAZEnabled"):
        checks.two_zones(subnets)
    if len(params.get("Tags", [])) > region.quotas.tags:
        raise Refusal("TagQuotaPerResourceExceeded", f"At most {region.quotas.tags} tags are allowed.")
    return subnets


def _default_parameters(version: EngineVersion, shape: _Shape) -> str:
    return f"default.{version.family}{checks.CLUSTER_ON if shape.cluster else ''}"


def _numbers(shape: _Shape) -> range:
    return range(1, shape.shards + 1)
