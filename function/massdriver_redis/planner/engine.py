"""Engine, version and node type of a replication group that has stabilized: rejections and calls.

An upgrade and a larger node type share a call: while one is pending, AWS refuses the other (user guide,
scaling up). A smaller node type, or one that only the newer engine supports, follows the upgrade.
"""

from __future__ import annotations

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import Call, ExpectedChange, FieldValue
from massdriver_redis.planner.decision import Decision, PlanContext, Reject
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Detail, Observed, ReplicationGroup


def wants_change(desired: Desired, live: ReplicationGroup, context: PlanContext) -> bool:
    """Whether the engine is to change: an upgrade, or the one way back that there is.

    AWS doesn't take that way itself, so it needs a request that asks for the engine.
    """
    if _is_met(desired, live):
        return False
    returns = catalog.is_way_back(*live.engine, desired.engine, desired.redis_version)
    return (returns and context.version_requested) or _is_ahead(desired, live)


def keeps_newer(desired: Desired, live: ReplicationGroup, context: PlanContext) -> bool:
    """Whether the live engine or version is ahead of the desired one, and stays."""
    return not _is_met(desired, live) and not wants_change(desired, live, context)


# --- rejections ---------------------------------------------------------------------------------------


def reject_downgrade(
    desired: Desired, live: ReplicationGroup, _observed: Observed, context: PlanContext
) -> Decision | None:
    """Reject a downgrade that this request asks for.

    Where AWS made the upgrade, or a rollback finds it made, nobody asks for one: the newer engine stays.
    """
    requested = context.version_requested and not context.rolling_back
    if not requested or not keeps_newer(desired, live, context):
        return None
    if live.engine.name != desired.engine:
        return Reject(
            f"engine: {live.engine.name} can't go back to {desired.engine} in place; make a second resource "
            f"with engine {desired.engine} and move the data, then remove this one"
        )
    return Reject(
        f"redis_version: ElastiCache can't downgrade from the live {live.engine.version}; keep it, or make "
        "a second resource with the older version and move the data"
    )


def reject_version(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Reject an upgrade to a version that AWS doesn't offer."""
    if not wants_change(desired, live, context) or _version_to_send(desired, observed):
        return None
    return Reject(not_offered(desired, observed))


def not_offered(desired: Desired, observed: Observed) -> str:
    """Return the Reason of a version that AWS doesn't offer: too old, or not in this Region yet."""
    offered = catalog.offered(desired.engine, observed.versions or ())
    return (
        f"redis_version: AWS doesn't offer {desired.engine} {desired.redis_version} in this Region; "
        f"choose one of {', '.join(offered) or 'the versions in docs/properties.md'}"
    )


def version_details(
    desired: Desired, live: ReplicationGroup, _observed: Observed, context: PlanContext
) -> frozenset[Detail]:
    """Return the list of versions for another one."""
    return frozenset({"versions"}) if wants_change(desired, live, context) else frozenset()


def reject_node_type(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Reject a node type that AWS allows neither now nor after the upgrade."""
    allowed = observed.node_types.up | observed.node_types.down
    if desired.node_type in {live.node_type, *allowed} or _needs_engine_first(desired, live, context):
        return None
    return Reject(
        f"node_type: AWS can't change this cluster to {desired.node_type}; it allows "
        f"{', '.join(sorted(allowed)) or 'no other type'}"
    )


def node_type_details(
    desired: Desired, live: ReplicationGroup, _observed: Observed, _context: PlanContext
) -> frozenset[Detail]:
    """Return the list of allowed node types for another node type."""
    return frozenset() if desired.node_type == live.node_type else frozenset({"node_types"})


# --- changes ------------------------------------------------------------------------------------------


def upgrade(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Call | None:
    """Change version and parameter group in one call (hashicorp/terraform-provider-aws#27748)."""
    version = _version_to_send(desired, observed) if wants_change(desired, live, context) else None
    if version is None:
        return None
    settings: dict[str, object] = {
        "EngineVersion": version,
        "CacheParameterGroupName": desired.parameter_group(version),
    }
    fields: list[tuple[str, FieldValue]] = [("redis_version", version)]
    verb = "upgrade" if _is_ahead(desired, live) else "take"
    summary = f"{verb} {live.engine} to {desired.engine} {version}"
    if live.engine.name != desired.engine:
        settings["Engine"] = desired.engine
        fields.insert(0, ("engine", desired.engine))
    if _is_larger(desired, observed):
        settings["CacheNodeType"] = desired.node_type
        fields.append(("node_type", desired.node_type))
        summary += f" on {desired.node_type}"
    return elasticache.modify_replication_group(live.id, settings, summary, ExpectedChange(tuple(fields)))


def scale_up(
    desired: Desired, live: ReplicationGroup, observed: Observed, _context: PlanContext
) -> Call | None:
    """Change to a larger node type, or to another family of the same size."""
    return _change_node_type(desired, live) if _is_larger(desired, observed) else None


def scale_down(
    desired: Desired, live: ReplicationGroup, observed: Observed, _context: PlanContext
) -> Call | None:
    """Change to a smaller node type."""
    if desired.node_type == live.node_type or _is_larger(desired, observed):
        return None
    return _change_node_type(desired, live)


def _is_met(desired: Desired, live: ReplicationGroup) -> bool:
    return live.engine.name == desired.engine and catalog.matches(desired.redis_version, live.engine.version)


def _is_ahead(desired: Desired, live: ReplicationGroup) -> bool:
    return catalog.compare(desired.engine, desired.redis_version, *live.engine) > 0


def _version_to_send(desired: Desired, observed: Observed) -> str | None:
    return catalog.creatable(desired.engine, desired.redis_version, desired.secure, observed.versions)


def _needs_engine_first(desired: Desired, live: ReplicationGroup, context: PlanContext) -> bool:
    """Whether the node type is not listed yet because its family needs the engine of this upgrade."""
    return wants_change(desired, live, context) and not catalog.runs_on(desired.node_type, *live.engine)


def _is_larger(desired: Desired, observed: Observed) -> bool:
    """Whether AWS lists the desired node type as a scale-up; the present type is never listed."""
    return desired.node_type in observed.node_types.up


def _change_node_type(desired: Desired, live: ReplicationGroup) -> Call:
    return elasticache.modify_replication_group(
        live.id,
        {"CacheNodeType": desired.node_type},
        f"change the node type: {live.node_type} to {desired.node_type}",
        ExpectedChange((("node_type", desired.node_type),)),
    )
