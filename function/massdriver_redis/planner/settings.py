"""Settings of the replication group: the rows of state/settings.py, and two that are derived."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import Call, ExpectedChange, FieldValue
from massdriver_redis.planner.decision import PlanContext
from massdriver_redis.planner.requested_change import left_alone
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import values
from massdriver_redis.state.observed import Engine, Observed, ReplicationGroup
from massdriver_redis.state.settings import SETTINGS


class _Wanted(NamedTuple):
    """A field with the value desired, and the parameter with what is sent for it."""

    field: str
    value: FieldValue
    parameter: str
    sent: object


def creation_parameters(desired: Desired, version: str) -> dict[str, object]:
    """Return the settings of CreateReplicationGroup, by parameter."""
    engine = Engine(desired.engine, version)
    return {
        setting.parameter: desired.settings[setting.name]
        for setting in SETTINGS
        if setting.applies(engine, desired.settings, {})
    }


def change(desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext) -> Call | None:
    """Change all settings that differ, in one call."""
    wanted = (*_derived(live, observed), *_settings(desired, live, left_alone(observed, context)))
    different = [each for each in wanted if values(live, each.field) != (each.value,)]
    if not different:
        return None
    request = {each.parameter: each.sent for each in different}
    if "SnapshotRetentionLimit" in request and not live.cluster_mode and not _takes_snapshots(live):
        # Without cluster mode the request must name the member to snapshot (aws/aws-cdk#6256), with cluster
        # mode it must not.
        request["SnapshottingClusterId"] = sorted(live.member_ids)[-1]
    names = ", ".join(each.field.replace("_", " ") for each in different)
    expected = ExpectedChange(tuple((each.field, each.value) for each in different))
    return elasticache.modify_replication_group(live.id, request, f"set {names}", expected)


def _settings(desired: Desired, live: ReplicationGroup, left: Container[str]) -> Iterator[_Wanted]:
    for setting in SETTINGS:
        if setting.name not in left and setting.applies(live.engine, desired.settings, live.settings):
            value = desired.settings[setting.name]
            yield _Wanted(setting.name, value, setting.parameter, value)


def _derived(live: ReplicationGroup, observed: Observed) -> Iterator[_Wanted]:
    """Yield our security group, and the default parameter group of the live engine."""
    security_group = observed.security_group.id if observed.security_group else ""
    yield _Wanted("security_group", security_group, "SecurityGroupIds", [security_group])
    parameters = catalog.parameter_group(*live.engine, live.cluster_mode)
    yield _Wanted("parameter_group", parameters, "CacheParameterGroupName", parameters)


def _takes_snapshots(live: ReplicationGroup) -> bool:
    return any(live.settings["snapshot_retention_limit"])
