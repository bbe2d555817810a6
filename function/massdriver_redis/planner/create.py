"""What is made for a new cluster, in its order: security group, secret, subnet group, replication group."""

from __future__ import annotations

from massdriver_redis import catalog
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.planner.decision import Decision, Failed, Look, Moment, Step
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import World
from massdriver_redis.state.record import ACCEPTED, Stamp


def create_next(desired: Desired, world: World, moment: Moment) -> Decision:
    """Return the next step towards a replication group that isn't there yet.

    The version is checked before anything is made; the secret is written before the group, so that
    a repeated create finds the same token.
    """
    if world.versions is None and not world.versions_unknown:
        return Look("versions")
    version = catalog.creatable(desired.engine, desired.redis_version, desired.secure, world.versions)
    if version is None:
        return Failed(_not_creatable(desired, world), refused=True)
    if world.security_group is None:
        return Step(security_group(desired, moment.stamp))
    if desired.secure:
        step = secret(desired, world)
        if step:
            return step
    if world.subnet_group is None:
        return Step(
            group_calls.create_subnet_group(
                desired.names.subnet_group,
                desired.owner.marker,
                desired.subnets,
                sorted(desired.tags.items()),
            )
        )
    return Step(group_calls.create_group(creation_request(desired, world, version), secure=desired.secure))


def security_group(desired: Desired, stamp: Stamp) -> calls.Call:
    """Make the security group with its owner and the accepting request on it from the start."""
    tags = {**desired.tags, "Name": desired.names.security_group, ACCEPTED: stamp.text()}
    return calls.create_security_group(
        desired.names.security_group, desired.owner.marker, desired.vpc_id, sorted(tags.items())
    )


def secret(desired: Desired, world: World) -> Decision | None:
    """Return the step that makes the token's secret usable, or None when it is."""
    if world.secret is None:
        return Step(
            calls.create_secret(desired.names.secret, desired.owner.marker, sorted(desired.tags.items()))
        )
    if world.secret.deleting:
        return Step(calls.restore_secret(desired.names.secret))
    return None


def creation_request(desired: Desired, world: World, version: str) -> dict[str, object]:
    """Return CreateReplicationGroup's parameters, the token left out.

    Version and parameter group always go together: a default that AWS moves would otherwise break
    the pair (hashicorp/terraform-provider-aws#27748). Cluster mode must be created with failover on.
    """
    zones = world.subnet_group.subnets if world.subnet_group else {}
    group_id = world.security_group.id if world.security_group else ""
    request: dict[str, object] = {
        "ReplicationGroupId": desired.id,
        "ReplicationGroupDescription": desired.owner.marker,
        "Engine": desired.engine,
        "EngineVersion": version,
        "CacheParameterGroupName": desired.parameter_group(version),
        "CacheNodeType": desired.node_type,
        "NumNodeGroups": desired.node_groups,
        "ReplicasPerNodeGroup": desired.replicas,
        "AutomaticFailoverEnabled": desired.failover,
        "MultiAZEnabled": desired.multi_az(zones),
        "CacheSubnetGroupName": desired.names.subnet_group,
        "SecurityGroupIds": [group_id],
        "Port": calls.PORT,
        "AtRestEncryptionEnabled": True,
        "TransitEncryptionEnabled": desired.secure,
        "SnapshotRetentionLimit": desired.snapshot_retention_limit,
        "SnapshotWindow": desired.snapshot_window,
        "PreferredMaintenanceWindow": desired.maintenance_window,
        "Tags": calls.tag_list(sorted(desired.tags.items())),
    }
    if catalog.auto_minor_upgrade(desired.engine, version):
        request["AutoMinorVersionUpgrade"] = True
    return request


def _not_creatable(desired: Desired, world: World) -> str:
    offered = catalog.offered(desired.engine, world.versions or ())
    return (
        f"redis_version: AWS no longer creates this {desired.engine} version; "
        f"choose one of {', '.join(offered) or 'the versions in docs/properties.md'}"
    )
