"""ModifyReplicationGroup: its refusals and its effects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from . import catalog, checks, gaps, views
from .errors import Refusal, bad_combination
from .modify_engine import engine_effects, target_version
from .modify_token import token_effects
from .state import Effect, ReplicationGroup
from .windows import check_windows

if TYPE_CHECKING:
    from .region import Region

_SCALING = {"node_type", "engine_version"}
_EVERY_MEMBER = {"node_type", "engine_version", "security_groups", "auth_token"}


def modify_replication_group(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    group = region.settled_group(params["ReplicationGroupId"])
    effects = [
        *_encryption(group, params),
        *token_effects(region, group, params),
        *engine_effects(region, group, params),
        *_node_type(region, group, params),
        *_failover(region, group, params),
        *_security_groups(region, group, params),
        *_minor(region, group, params),
    ]
    if _SCALING & {effect.kind for effect in effects}:
        checks.compatible(group)
    if not params.get("ApplyImmediately", False):
        return _defer(region, group, effects)
    effects = [*group.deferred, *effects]
    if not effects:
        raise bad_combination("No modifications were requested")
    group.deferred = []
    kinds = {effect.kind for effect in effects}
    moving = group.in_service if kinds & _EVERY_MEMBER else []
    region.change(group, effects, lambda: moving, "token" if "auth_token" in kinds else "")
    return {"ReplicationGroup": _answer(region, group)}


def _answer(region: Region, group: ReplicationGroup) -> dict[str, Any]:
    """Return a response as stale as the Describe calls (elasticache-controller: "a stale Engine field")."""
    shown = group.stale_view.group if group.stale_view and region.now < group.stale_until else None
    return shown or views.replication_group(region, group)


def _defer(region: Region, group: ReplicationGroup, effects: list[Effect]) -> dict[str, Any]:
    """Without ApplyImmediately a change waits for the maintenance window; members show it as pending."""
    if not effects:
        raise bad_combination("No modifications were requested")
    region.about_to_change(group)
    group.deferred.extend(effects)
    for effect in effects:
        for member in group.every_member():
            member.pending.update(effect.pending)
    return {"ReplicationGroup": views.replication_group(region, group)}


def _encryption(group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    """Refuse every change of encryption in transit, the unchanged value included.

    Sources: aws-controllers-k8s/community#2536; the user guide (create-only before 7.0.5).
    """
    if "CacheSecurityGroupNames" in params:
        raise bad_combination("Use of cache security groups is not permitted in this API version.")
    if params.get("TransitEncryptionEnabled", group.tls) != group.tls or "TransitEncryptionMode" in params:
        if not checks.tls_changes(group.engine, group.version):
            raise bad_combination(
                f"Transit encryption mode is not supported for engine version {group.version}"
            )
        mode = "TransitEncryptionMode" in params
        raise gaps.met(
            "ModifyReplicationGroup", "TransitEncryptionMode" if mode else "TransitEncryptionEnabled"
        )
    if "TransitEncryptionEnabled" in params:
        raise bad_combination(
            "Modification of transit encryption is not supported for access control enabled clusters."
        )
    return []


def _node_type(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    wanted = params.get("CacheNodeType", group.node_type)
    if wanted == group.node_type:
        return []
    target = target_version(region, group, params)
    checks.node_type(wanted, target.full, region.withdrawn)
    up, _ = catalog.allowed_changes(group.node_type, target.full)
    if wanted in up:
        region.check_capacity()

    def apply() -> None:
        group.node_type = wanted

    return [Effect("node_type", region.timing.node_type, apply, pending={"CacheNodeType": wanted})]


def _failover(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    """Failover and Multi-AZ (aws-cloudformation/cloudformation-coverage-roadmap#383 and #1275)."""
    on = params.get("AutomaticFailoverEnabled", group.failover == "enabled")
    multi_az = params.get("MultiAZEnabled", group.multi_az)
    if "AutomaticFailoverEnabled" in params:
        _check_failover(group, on)
    if multi_az and not on:
        raise bad_combination("Multi-AZ needs automatic failover to be enabled.")
    if params.get("MultiAZEnabled"):
        if group.replicas < 1:
            raise bad_combination("Must have at least 1 replica for Multi-AZ enabled Replication Group")
        checks.two_zones(region.subnet_groups[group.subnet_group])
    effects = []
    if "AutomaticFailoverEnabled" in params:
        effects.append(_failover_effect(region, group, on))
    if "MultiAZEnabled" in params:
        effects.append(_multi_az_effect(region, group, multi_az))
    return effects


def _check_failover(group: ReplicationGroup, on: bool) -> None:
    if group.cluster_enabled and not on:
        raise bad_combination(
            "Turning off automatic failover for replication group with cluster mode enabled is not supported."
        )
    if on and group.replicas < 1:
        raise bad_combination("Replication group must have at least one read replica to enable autofailover.")


def _failover_effect(region: Region, group: ReplicationGroup, on: bool) -> Effect:
    before, after = group.failover, "enabled" if on else "disabled"

    def begin() -> None:
        if before != after:
            group.failover = "enabling" if on else "disabling"
            group.pending["AutomaticFailoverStatus"] = after

    def set_to(value: str) -> None:
        group.failover = value

    return Effect(
        "automatic_failover",
        region.timing.failover,
        partial(set_to, after),
        begin=begin,
        undo=partial(set_to, before),
    )


def _multi_az_effect(region: Region, group: ReplicationGroup, on: bool) -> Effect:
    def apply() -> None:
        group.multi_az = on

    return Effect("multi_az", region.timing.failover, apply)


def _security_groups(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    """The same set sent again starts another round of `modifying` (crossplane-contrib/provider-aws#1023)."""
    if "SecurityGroupIds" not in params:
        return []
    wanted = tuple(params["SecurityGroupIds"])
    if not wanted:
        raise bad_combination("At least one security group must be given.")
    region.check_security_groups(wanted, region.subnet_groups[group.subnet_group])

    def begin() -> None:
        group.pending_security_groups = tuple(dict.fromkeys((*group.security_groups, *wanted)))

    def apply() -> None:
        region.release(set(group.security_groups) - set(wanted))
        group.security_groups, group.pending_security_groups = wanted, ()

    def undo() -> None:
        region.release(set(wanted) - set(group.security_groups))
        group.pending_security_groups = ()

    return [Effect("security_groups", region.timing.security_groups, apply, begin=begin, undo=undo)]


def _minor(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    """Description, windows, backups and automatic minor upgrades: shown at once."""
    changes: dict[str, Any] = {}
    sent = {**params}
    if "PreferredMaintenanceWindow" in sent:
        sent["PreferredMaintenanceWindow"] = sent["PreferredMaintenanceWindow"].lower()
    for parameter, attribute in (
        ("ReplicationGroupDescription", "description"),
        ("AutoMinorVersionUpgrade", "auto_minor"),
        ("SnapshotWindow", "snapshot_window"),
        ("PreferredMaintenanceWindow", "maintenance_window"),
    ):
        if parameter in sent and sent[parameter] != getattr(group, attribute):
            changes[attribute] = sent[parameter]
    check_windows(
        changes.get("snapshot_window", group.snapshot_window),
        changes.get("maintenance_window", group.maintenance_window),
    )
    changes.update(_backups(group, params))
    if not changes:
        return []

    def begin() -> None:
        for attribute, value in changes.items():
            setattr(group, attribute, value)

    return [Effect("minor", region.timing.minor, lambda: None, begin=begin)]


def _backups(group: ReplicationGroup, params: dict[str, Any]) -> dict[str, Any]:
    """Retention and the cluster snapshots are taken of.

    Sources: aws/aws-cdk#6256 and hashicorp/terraform#19336 (cluster mode disabled needs both
    parameters), hashicorp/terraform-provider-aws#46326 (a member that no longer exists).
    """
    days = params.get("SnapshotRetentionLimit", group.retention)
    member = params.get("SnapshottingClusterId")
    checks.retention(days)
    if member is not None:
        if group.cluster_enabled:
            raise bad_combination("Cannot set snapshotting cluster for cluster mode enabled")
        if member not in {present.id for present in group.in_service}:
            raise Refusal("CacheClusterNotFound", f"CacheCluster not found: {member}")
    elif days > 0 and not group.cluster_enabled and group.snapshotting_member is None:
        raise bad_combination("Must specify both SnapshotRetentionLimit and SnapshottingClusterId")
    after = {"retention": days, "snapshotting_member": member or group.snapshotting_member}
    if days == 0:
        after["snapshotting_member"] = None
    return {name: value for name, value in after.items() if value != getattr(group, name)}
