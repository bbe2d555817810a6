"""Create: the supporting resources in one step, then the replication group in a step of its own."""

from __future__ import annotations

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import PORT, tag_list
from massdriver_redis.planner import engine, settings, supporting
from massdriver_redis.planner.decision import Apply, Decision, PlanContext, Reject, apply_all
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed


def create(desired: Desired, observed: Observed, context: PlanContext) -> Decision:
    """Return the next step towards a replication group that isn't there yet.

    The version is checked before the first write. The replication group is planned from an observation
    that includes its supporting resources: a repeated create uses the same token, and Multi-AZ depends on
    the zones of the subnets. The ingress rule is made in the same step, before it.
    """
    version = catalog.creatable(desired.engine, desired.redis_version, desired.secure, observed.versions)
    if version is None:
        return Reject(engine.not_offered(desired, observed))
    missing = apply_all(supporting.missing(desired, observed, context.request_version))
    if missing:
        return missing
    request = creation_request(desired, observed, version)
    made = elasticache.create_replication_group(request, secure=desired.secure)
    first, *then = (*supporting.ingress(desired, observed), made)
    return Apply(first, tuple(then))


def creation_request(desired: Desired, observed: Observed, version: str) -> dict[str, object]:
    """Return CreateReplicationGroup's parameters, the token left out.

    Version and parameter group are always sent together: they would stop matching when AWS changes a
    default (hashicorp/terraform-provider-aws#27748). Cluster mode requires automatic failover.
    """
    security_group = observed.security_group.id if observed.security_group else ""
    return {
        "ReplicationGroupId": desired.id,
        "ReplicationGroupDescription": desired.owner.marker,
        "Engine": desired.engine,
        "EngineVersion": version,
        "CacheParameterGroupName": desired.parameter_group(version),
        "CacheNodeType": desired.node_type,
        "NumNodeGroups": desired.node_groups,
        "ReplicasPerNodeGroup": desired.replicas,
        "AutomaticFailoverEnabled": desired.failover,
        "MultiAZEnabled": desired.multi_az(observed.zones),
        "CacheSubnetGroupName": desired.names.subnet_group,
        "SecurityGroupIds": [security_group],
        "Port": PORT,
        "AtRestEncryptionEnabled": True,
        "TransitEncryptionEnabled": desired.secure,
        "Tags": tag_list(sorted(desired.tags.items())),
        **settings.creation_parameters(desired, version),
    }
