"""Engine, version and node type of a settled replication group: what AWS refuses, and the calls.

An engine and a larger node type may share a call: with either pending, AWS refuses the other (user
guide, scaling up). A node type that only a newer engine lists, or a smaller one, comes after it.
"""

from __future__ import annotations

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.calls.base import Call, ExpectedChange
from massdriver_redis.planner.decision import Decision, Look, PlanContext, Reject
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import engine_and_version
from massdriver_redis.state.observed import Group, Observed


def wants_upgrade(desired: Desired, group: Group) -> bool:
    """Tell whether the desired engine or version is ahead of the live one."""
    return not _met(desired, group) and _ahead(desired, group)


def keeps_newer(desired: Desired, group: Group) -> bool:
    """Tell whether the live engine is ahead of the desired one."""
    return not _met(desired, group) and not _ahead(desired, group)


def version_refusal(
    desired: Desired, group: Group, observed: Observed, moment: PlanContext
) -> Decision | None:
    """Refuse a downgrade that this request asks for, and a version that AWS doesn't offer.

    An upgrade made by AWS, or one that a rollback finds done, is no downgrade request: it is kept.
    """
    if keeps_newer(desired, group) and moment.version_asked:
        if moment.rolling_back is None:
            return Look("rolling_back")
        if not moment.rolling_back:
            return Reject(_downgrade(desired, group), refused=True)
    if wants_upgrade(desired, group):
        if observed.versions is None and not observed.versions_unknown:
            return Look("versions")
        if _target_version(desired, observed) is None:
            offered = ", ".join(catalog.offered(desired.engine, observed.versions or ()))
            return Reject(
                f"redis_version: AWS doesn't offer this {desired.engine} version; choose one of {offered}",
                refused=True,
            )
    return None


def upgrade(desired: Desired, group: Group, observed: Observed) -> Call | None:
    """Version and parameter group in one call (hashicorp/terraform-provider-aws#27748), a scale-up too."""
    version = _target_version(desired, observed) if wants_upgrade(desired, group) else None
    if version is None:
        return None
    live_engine, live_version = engine_and_version(group)
    settings: dict[str, object] = {
        "EngineVersion": version,
        "CacheParameterGroupName": desired.parameter_group(version),
    }
    values = [("engine", f"{desired.engine} {version}")]
    if live_engine != desired.engine:
        settings["Engine"] = desired.engine
    if _larger(desired, group, observed):
        settings["CacheNodeType"] = desired.node_type
        values.append(("node_type", desired.node_type))
    larger = f" on {desired.node_type}" if "CacheNodeType" in settings else ""
    summary = f"upgrade {live_engine} {live_version} to {desired.engine} {version}{larger}"
    return group_calls.modify_group(
        group.id, settings, summary, ExpectedChange(tuple(values), was=f"{live_engine} {live_version}")
    )


def node_type_refusal(desired: Desired, group: Group, observed: Observed) -> Decision | None:
    """Refuse a node type that AWS doesn't list for this group, now or after the upgrade asked for."""
    if desired.node_type == group.node_type:
        return None
    if observed.node_types is None:
        return Look("node_types")
    allowed = observed.node_types.up | observed.node_types.down
    if desired.node_type in allowed or _needs_engine_first(desired, group):
        return None
    return Reject(
        f"node_type: AWS can't change this cluster to {desired.node_type}; it allows "
        f"{', '.join(sorted(allowed)) or 'no other type'}",
        refused=True,
    )


def scale_up(desired: Desired, group: Group, observed: Observed) -> Call | None:
    """Go to a larger node type, or to another family of the same size."""
    return _node_type(desired, group) if _larger(desired, group, observed) else None


def scale_down(desired: Desired, group: Group, observed: Observed) -> Call | None:
    """Go to a smaller node type."""
    if desired.node_type == group.node_type or _larger(desired, group, observed):
        return None
    return _node_type(desired, group)


def _met(desired: Desired, group: Group) -> bool:
    engine, version = engine_and_version(group)
    return engine == desired.engine and catalog.matches(desired.redis_version, version)


def _ahead(desired: Desired, group: Group) -> bool:
    engine, version = engine_and_version(group)
    return catalog.compare(desired.engine, desired.redis_version, engine, version) > 0


def _target_version(desired: Desired, observed: Observed) -> str | None:
    return catalog.creatable(desired.engine, desired.redis_version, desired.secure, observed.versions)


def _downgrade(desired: Desired, group: Group) -> str:
    engine, version = engine_and_version(group)
    if engine != desired.engine:
        return (
            f"engine: {engine} can't go back to {desired.engine} in place; make a second resource with "
            f"engine {desired.engine} and move the data, then remove this one"
        )
    return (
        f"redis_version: ElastiCache can't downgrade from the live {version}; keep it, or make a second "
        "resource with the older version and move the data"
    )


def _needs_engine_first(desired: Desired, group: Group) -> bool:
    """A newer family is listed only from its minimum engine on; the upgrade of this request meets it."""
    minimum = catalog.minimum_engine(desired.node_type)
    engine, version = engine_and_version(group)
    return wants_upgrade(desired, group) and catalog.compare("redis", minimum, engine, version) > 0


def _larger(desired: Desired, group: Group, observed: Observed) -> bool:
    if desired.node_type == group.node_type or observed.node_types is None:
        return False
    return desired.node_type in observed.node_types.up


def _node_type(desired: Desired, group: Group) -> Call:
    return group_calls.modify_group(
        group.id,
        {"CacheNodeType": desired.node_type},
        f"change the node type: {group.node_type} to {desired.node_type}",
        ExpectedChange((("node_type", desired.node_type),), was=group.node_type),
    )
