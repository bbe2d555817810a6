"""Subnets, windows, snapshots, parameter group and security group of a settled replication group."""

from __future__ import annotations

from dataclasses import dataclass

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.calls.base import Call, ExpectedChange
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import current, engine_and_version
from massdriver_redis.state.observed import Group, Observed


@dataclass(frozen=True)
class _Setting:
    """One property of ModifyReplicationGroup: how it reads when live, and what is sent for it."""

    key: str
    live: str
    parameter: str
    value: object


def more_subnets(desired: Desired, _group: Group, observed: Observed) -> Call | None:
    """Add subnets before anything grows: the new zones may be what Multi-AZ waits for."""
    live = observed.subnet_group
    new = [] if live is None else [each for each in desired.subnets if each not in live.subnets]
    if live is None or not new:
        return None
    return group_calls.modify_subnet_group(live.name, [*live.subnets, *new])


def fewer_subnets(desired: Desired, _group: Group, observed: Observed) -> Call | None:
    """Drop subnets after everything shrank: one with a node in it can't go."""
    live = observed.subnet_group
    if live is None or live.subnets.keys() <= desired.subnets.keys():
        return None
    return group_calls.modify_subnet_group(live.name, desired.subnets)


def settings(desired: Desired, group: Group, observed: Observed) -> Call | None:
    """Send, in one call, those settings that differ."""
    wanted = [*_always(desired, group, observed), *_of_this_engine(desired, group)]
    different = [each for each in wanted if current(group, each.key) != each.live]
    if not different:
        return None
    request = {each.parameter: each.value for each in different}
    if "SnapshotRetentionLimit" in request and not group.snapshot_retention_limit and not group.cluster_mode:
        # A group without cluster mode must name the member it snapshots (aws/aws-cdk#6256); one in
        # cluster mode must not.
        request["SnapshottingClusterId"] = sorted(group.member_ids)[-1]
    names = ", ".join(each.key for each in different)
    change = ExpectedChange(tuple((each.key, each.live) for each in different))
    return group_calls.modify_group(group.id, request, f"set {names.replace('_', ' ')}", change)


def _always(desired: Desired, group: Group, observed: Observed) -> list[_Setting]:
    security_group = observed.security_group.id if observed.security_group else ""
    parameters = catalog.parameter_group(*engine_and_version(group), group.cluster_mode)
    retention, window = desired.snapshot_retention_limit, desired.maintenance_window
    return [
        _Setting("security_groups", security_group, "SecurityGroupIds", [security_group]),
        _Setting("parameter_group", parameters, "CacheParameterGroupName", parameters),
        _Setting("retention", str(retention), "SnapshotRetentionLimit", retention),
        _Setting("maintenance_window", window, "PreferredMaintenanceWindow", window),
    ]


def _of_this_engine(desired: Desired, group: Group) -> list[_Setting]:
    found: list[_Setting] = []
    # The windows may not overlap even with snapshots off (hashicorp/terraform#17247), so they move together.
    if desired.snapshot_retention_limit or group.snapshot_window:
        window = desired.snapshot_window
        found.append(_Setting("snapshot_window", window, "SnapshotWindow", window))
    if catalog.auto_minor_upgrade(*engine_and_version(group)):
        found.append(_Setting("auto_minor", "True", "AutoMinorVersionUpgrade", True))
    return found
