"""What is made for a new cluster, in its order: security group, secret, subnet group, replication group."""

from __future__ import annotations

from massdriver_redis import catalog
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.planner.decision import Apply, Decision, Look, PlanContext, Reject
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_ACCEPTED_REQUEST, RequestVersion


def create_next(desired: Desired, observed: Observed, moment: PlanContext) -> Decision:
    """Return the next step towards a replication group that isn't there yet.

    The version is checked before anything is made; the secret is written before the group, so that
    a repeated create finds the same token.
    """
    if observed.versions is None and not observed.versions_unknown:
        return Look("versions")
    version = catalog.creatable(desired.engine, desired.redis_version, desired.secure, observed.versions)
    if version is None:
        return Reject(_not_creatable(desired, observed), refused=True)
    if observed.security_group is None:
        return Apply(security_group(desired, moment.request_version))
    if desired.secure:
        step = secret(desired, observed)
        if step:
            return step
    if observed.subnet_group is None:
        return Apply(
            group_calls.create_subnet_group(
                desired.names.subnet_group,
                desired.owner.marker,
                desired.subnets,
                sorted(desired.tags.items()),
            )
        )
    return Apply(
        group_calls.create_group(creation_request(desired, observed, version), secure=desired.secure)
    )


def security_group(desired: Desired, request_version: RequestVersion) -> calls.Call:
    """Make the security group with its owner and the accepting request on it from the start."""
    tags = {
        **desired.tags,
        "Name": desired.names.security_group,
        LAST_ACCEPTED_REQUEST: request_version.text(),
    }
    return calls.create_security_group(
        desired.names.security_group, desired.owner.marker, desired.vpc_id, sorted(tags.items())
    )


def secret(desired: Desired, observed: Observed) -> Decision | None:
    """Return the step that makes the token's secret usable, or None when it is."""
    if observed.secret is None:
        return Apply(
            calls.create_secret(desired.names.secret, desired.owner.marker, sorted(desired.tags.items()))
        )
    if observed.secret.deleting:
        return Apply(calls.restore_secret(desired.names.secret))
    return None


def creation_request(desired: Desired, observed: Observed, version: str) -> dict[str, object]:
    """Return CreateReplicationGroup's parameters, the token left out.

    Version and parameter group always go together: a default that AWS moves would otherwise break
    the pair (hashicorp/terraform-provider-aws#27748). Cluster mode must be created with failover on.
    """
    zones = observed.subnet_group.subnets if observed.subnet_group else {}
    group_id = observed.security_group.id if observed.security_group else ""
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


def _not_creatable(desired: Desired, observed: Observed) -> str:
    offered = catalog.offered(desired.engine, observed.versions or ())
    return (
        f"redis_version: AWS no longer creates this {desired.engine} version; "
        f"choose one of {', '.join(offered) or 'the versions in docs/properties.md'}"
    )
