"""In-place changes of a settled replication group, one rule a function, in the order they are made.

The order: engine (a scale-up with it), scale up, node groups out, replicas up, failover on, node
groups in, scale down, failover off, replicas down, settings. So memory and copies grow before they
shrink; where growing first would pass the node quota, the decrease goes first.
"""

from __future__ import annotations

from collections.abc import Callable

from massdriver_redis import calls, catalog
from massdriver_redis.calls import Call, Change
from massdriver_redis.decision import Decision, Failed, Look, Moment
from massdriver_redis.desired import DEFAULT_NODE_QUOTA, Desired
from massdriver_redis.live import current, zones
from massdriver_redis.world import Group, World

Rule = Callable[[Desired, Group, World], Call | None]


def refusal(desired: Desired, group: Group, world: World, moment: Moment) -> Decision | None:
    """Say before the first write what can't be done in place, or None.

    Raises nothing; asks for a `Look` at what it needs to know.
    """
    return _version_refusal(desired, group, world, moment) or _node_type_refusal(desired, group, world)


def next_change(desired: Desired, group: Group, world: World) -> Call | None:
    """Return the first call that brings the group nearer to what is desired, or None."""
    upgrade = _upgrade(desired, group, world)
    if upgrade:
        return upgrade
    for rule in _ORDER:
        call = rule(desired, group, world)
        if call:
            return call
    return None


# --- engine ----------------------------------------------------------------------------------------


def wants_upgrade(desired: Desired, group: Group) -> bool:
    """Tell whether the desired engine or version is ahead of the live one."""
    engine, version = current(group, "engine").split(" ", 1)
    if engine == desired.engine and catalog.matches(desired.redis_version, version):
        return False
    return catalog.compare(desired.engine, desired.redis_version, engine, version) > 0


def keeps_newer(desired: Desired, group: Group) -> bool:
    """Tell whether the live engine is ahead of the desired one."""
    engine, version = current(group, "engine").split(" ", 1)
    if engine == desired.engine and catalog.matches(desired.redis_version, version):
        return False
    return not wants_upgrade(desired, group)


def _version_refusal(desired: Desired, group: Group, world: World, moment: Moment) -> Decision | None:
    if keeps_newer(desired, group) and moment.version_asked:
        if moment.rolling_back is None:
            return Look("rolling_back")
        if not moment.rolling_back:
            return Failed(_downgrade(desired, group), refused=True)
    if wants_upgrade(desired, group):
        if world.versions is None and not world.versions_unknown:
            return Look("versions")
        if _target_version(desired, world) is None:
            offered = ", ".join(catalog.offered(desired.engine, world.versions or ()))
            return Failed(
                f"redis_version: AWS doesn't offer this {desired.engine} version; choose one of {offered}",
                refused=True,
            )
    return None


def _downgrade(desired: Desired, group: Group) -> str:
    engine, version = current(group, "engine").split(" ", 1)
    if engine != desired.engine:
        return (
            f"engine: {engine} can't go back to {desired.engine} in place; make a second resource with "
            f"engine {desired.engine} and move the data, then remove this one"
        )
    return (
        f"redis_version: ElastiCache can't downgrade from the live {version}; keep it, or make a second "
        "resource with the older version and move the data"
    )


def _target_version(desired: Desired, world: World) -> str | None:
    return catalog.creatable(desired.engine, desired.redis_version, desired.secure, world.versions)


def _upgrade(desired: Desired, group: Group, world: World) -> Call | None:
    if not wants_upgrade(desired, group) or keeps_newer(desired, group):
        return None
    version = _target_version(desired, world)
    if version is None:
        return None
    settings: dict[str, object] = {
        "EngineVersion": version,
        "CacheParameterGroupName": desired.parameter_group(version),
    }
    values = [("engine", f"{desired.engine} {version}")]
    live_engine = current(group, "engine").split(" ", 1)[0]
    if live_engine != desired.engine:
        settings["Engine"] = desired.engine
    if _scales_up(desired, group, world):
        settings["CacheNodeType"] = desired.node_type
        values.append(("node_type", desired.node_type))
    change = Change(tuple(values), was=current(group, "engine"))
    return calls.modify_group(group.id, settings, f"upgrade to {desired.engine} {version}", change)


# --- node type -------------------------------------------------------------------------------------


def _node_type_refusal(desired: Desired, group: Group, world: World) -> Decision | None:
    if desired.node_type == group.node_type:
        return None
    if world.node_types is None:
        return Look("node_types")
    if desired.node_type in world.node_types.up | world.node_types.down:
        return None
    if _needs_engine_first(desired, group):
        return None
    allowed = sorted(world.node_types.up | world.node_types.down)
    return Failed(
        f"node_type: AWS can't change this cluster to {desired.node_type}; it allows "
        f"{', '.join(allowed) or 'no other type'}",
        refused=True,
    )


def _needs_engine_first(desired: Desired, group: Group) -> bool:
    """A newer family is listed only from its minimum engine on; the upgrade of this request meets it."""
    minimum = catalog.minimum_engine(desired.node_type)
    engine, version = current(group, "engine").split(" ", 1)
    return wants_upgrade(desired, group) and catalog.compare("redis", minimum, engine, version) > 0


def _scales_up(desired: Desired, group: Group, world: World) -> bool:
    if desired.node_type == group.node_type or world.node_types is None:
        return False
    return desired.node_type in world.node_types.up or _needs_engine_first(desired, group)


def _node_type(desired: Desired, group: Group) -> Call:
    change = Change((("node_type", desired.node_type),), was=group.node_type)
    return calls.modify_group(
        group.id,
        {"CacheNodeType": desired.node_type},
        f"change the node type: {group.node_type} to {desired.node_type}",
        change,
    )


def _scale_up(desired: Desired, group: Group, world: World) -> Call | None:
    return _node_type(desired, group) if _scales_up(desired, group, world) else None


def _scale_down(desired: Desired, group: Group, world: World) -> Call | None:
    if desired.node_type == group.node_type or _scales_up(desired, group, world):
        return None
    return _node_type(desired, group)


# --- node groups -----------------------------------------------------------------------------------


def _node_groups_out(desired: Desired, group: Group, world: World) -> Call | None:
    have = len(group.node_groups)
    if not group.cluster_mode or desired.node_groups <= have:
        return None
    nodes = len(group.member_ids) + (desired.node_groups - have) * (group.fewest_replicas + 1)
    if nodes > DEFAULT_NODE_QUOTA and group.most_replicas > desired.replicas:
        return _fewer_replicas(desired, group, world)
    return calls.set_node_groups(group.id, desired.node_groups, (), _node_group_change(desired, have))


def _node_groups_in(desired: Desired, group: Group, _world: World) -> Call | None:
    have = len(group.node_groups)
    if not group.cluster_mode or desired.node_groups >= have:
        return None
    # Ids are those of the live group: after resharding they need not be contiguous
    # (hashicorp/terraform-provider-aws#43884).
    removed = tuple(sorted(node_group.id for node_group in group.node_groups)[desired.node_groups :])
    return calls.set_node_groups(group.id, desired.node_groups, removed, _node_group_change(desired, have))


def _node_group_change(desired: Desired, have: int) -> Change:
    return Change((("node_groups", str(desired.node_groups)),), was=str(have))


# --- replicas and failover -------------------------------------------------------------------------


def _more_replicas(desired: Desired, group: Group, world: World) -> Call | None:
    if group.fewest_replicas >= desired.replicas:
        return None
    nodes = len(group.node_groups) * (desired.replicas + 1)
    if nodes > DEFAULT_NODE_QUOTA and len(group.node_groups) > desired.node_groups:
        return _node_groups_in(desired, group, world)
    return _set_replicas(desired, group, group.fewest_replicas)


def _fewer_replicas(desired: Desired, group: Group, world: World) -> Call | None:
    if group.most_replicas <= desired.replicas:
        return None
    return _failover_off(desired, group, world) or _set_replicas(desired, group, group.most_replicas)


def _set_replicas(desired: Desired, group: Group, was: int) -> Call:
    wrong = tuple(
        node_group.id
        for node_group in group.node_groups
        if (node_group.replicas < desired.replicas) == (was < desired.replicas)
        and node_group.replicas != desired.replicas
    )
    uneven = len({node_group.replicas for node_group in group.node_groups}) > 1
    change = Change((("replicas", str(desired.replicas)),), was=str(was))
    return calls.set_replicas(group.id, desired.replicas, wrong if uneven else (), change)


def _failover_on(desired: Desired, group: Group, world: World) -> Call | None:
    if group.fewest_replicas < 1:
        return None
    return _set_failover(
        group,
        failover=not group.cluster_mode and desired.failover and group.automatic_failover != "enabled",
        multi_az=desired.multi_az(zones(world)) and not group.multi_az,
        to=True,
    )


def _failover_off(desired: Desired, group: Group, world: World) -> Call | None:
    return _set_failover(
        group,
        failover=not group.cluster_mode and not desired.failover and group.automatic_failover == "enabled",
        multi_az=not desired.multi_az(zones(world)) and group.multi_az,
        to=False,
    )


def _set_failover(group: Group, *, failover: bool, multi_az: bool, to: bool) -> Call | None:
    """Send only what differs: on a cluster-mode group failover may never be sent again (aws-cdk#13389)."""
    settings: dict[str, object] = {}
    values: list[tuple[str, str]] = []
    if failover:
        settings["AutomaticFailoverEnabled"] = to
        values.append(("failover", "enabled" if to else "disabled"))
    if multi_az:
        settings["MultiAZEnabled"] = to
        values.append(("multi_az", str(to)))
    if not settings:
        return None
    what = " and ".join(name for name, wanted in (("failover", failover), ("Multi-AZ", multi_az)) if wanted)
    return calls.modify_group(
        group.id, settings, f"turn {what} {'on' if to else 'off'}", Change(tuple(values), was=str(not to))
    )


# --- settings --------------------------------------------------------------------------------------


def _subnets(desired: Desired, group: Group, world: World) -> Call | None:
    live = world.subnet_group
    if live is None or set(live.subnets) == set(desired.subnets):
        return None
    if group.multi_az and not desired.multi_az(live.subnets):
        return None  # its zones may only go once Multi-AZ is off, further down the ladder
    return calls.modify_subnet_group(live.name, desired.subnets)


def _settings(desired: Desired, group: Group, world: World) -> Call | None:
    security_group = world.security_group.id if world.security_group else ""
    version = current(group, "engine").split(" ", 1)[1]
    engine = current(group, "engine").split(" ", 1)[0]
    wanted: list[tuple[str, str, str, object]] = [
        ("security_groups", security_group, "SecurityGroupIds", [security_group]),
        (
            "parameter_group",
            parameter_group := catalog.parameter_group(engine, version, group.cluster_mode),
            "CacheParameterGroupName",
            parameter_group,
        ),
        (
            "retention",
            str(desired.snapshot_retention_limit),
            "SnapshotRetentionLimit",
            desired.snapshot_retention_limit,
        ),
        (
            "maintenance_window",
            desired.maintenance_window,
            "PreferredMaintenanceWindow",
            desired.maintenance_window,
        ),
    ]
    if desired.snapshot_retention_limit:
        wanted.append(("snapshot_window", desired.snapshot_window, "SnapshotWindow", desired.snapshot_window))
    if catalog.auto_minor_upgrade(engine, version):
        wanted.append(("auto_minor", "True", "AutoMinorVersionUpgrade", True))
    different = [item for item in wanted if current(group, item[0]) != item[1]]
    if not different:
        return None
    settings = {name: value for _, _, name, value in different}
    starts_snapshots = "SnapshotRetentionLimit" in settings and group.snapshot_retention_limit == 0
    if starts_snapshots and not group.cluster_mode:
        # A group without cluster mode must name the member it snapshots (aws-cdk#6256); one in
        # cluster mode must not.
        settings["SnapshottingClusterId"] = sorted(group.member_ids)[-1]
    names = ", ".join(key for key, _, _, _ in different)
    values = tuple((key, value) for key, value, _, _ in different)
    return calls.modify_group(group.id, settings, f"set {names.replace('_', ' ')}", Change(values))


_ORDER: tuple[Rule, ...] = (
    _subnets,
    _scale_up,
    _node_groups_out,
    _more_replicas,
    _failover_on,
    _node_groups_in,
    _scale_down,
    _failover_off,
    _fewer_replicas,
    _subnets,
    _settings,
)
