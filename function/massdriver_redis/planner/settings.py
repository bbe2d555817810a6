"""Settings of ModifyReplicationGroup: windows, snapshots, parameter group, security group."""

from __future__ import annotations

from typing import NamedTuple

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import Call, ExpectedChange, FieldValue
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import values
from massdriver_redis.state.observed import Observed, ReplicationGroup


class _Setting(NamedTuple):
    """One setting: its field, the value desired, and the parameter with what is sent for it."""

    field: str
    value: FieldValue
    parameter: str
    sent: object


def change(desired: Desired, live: ReplicationGroup, observed: Observed) -> Call | None:
    """Send, in one call, those settings that differ."""
    wanted = [*_always(desired, live, observed), *_of_this_engine(desired, live)]
    different = [each for each in wanted if values(live, each.field) != (each.value,)]
    if not different:
        return None
    request = {each.parameter: each.sent for each in different}
    if "SnapshotRetentionLimit" in request and not live.snapshot_retention_limit and not live.cluster_mode:
        # Without cluster mode the member that is snapshotted must be named (aws/aws-cdk#6256), in cluster
        # mode it must not.
        request["SnapshottingClusterId"] = sorted(live.member_ids)[-1]
    names = ", ".join(each.field.replace("_", " ") for each in different)
    expected = ExpectedChange(tuple((each.field, each.value) for each in different))
    return elasticache.modify_replication_group(live.id, request, f"set {names}", expected)


def _always(desired: Desired, live: ReplicationGroup, observed: Observed) -> list[_Setting]:
    security_group = observed.security_group.id if observed.security_group else ""
    parameters = catalog.parameter_group(*live.engine, live.cluster_mode)
    retention, window = desired.snapshot_retention_limit, desired.maintenance_window
    return [
        _Setting("security_group", security_group, "SecurityGroupIds", [security_group]),
        _Setting("parameter_group", parameters, "CacheParameterGroupName", parameters),
        _Setting("snapshot_retention_limit", retention, "SnapshotRetentionLimit", retention),
        _Setting("maintenance_window", window, "PreferredMaintenanceWindow", window),
    ]


def _of_this_engine(desired: Desired, live: ReplicationGroup) -> list[_Setting]:
    found: list[_Setting] = []
    # The windows may not overlap even with snapshots off (hashicorp/terraform#17247), so they move together.
    if desired.snapshot_retention_limit or live.snapshot_window:
        window = desired.snapshot_window
        found.append(_Setting("snapshot_window", window, "SnapshotWindow", window))
    if catalog.auto_minor_upgrade(*live.engine):
        found.append(_Setting("auto_minor_version_upgrade", True, "AutoMinorVersionUpgrade", True))
    return found
