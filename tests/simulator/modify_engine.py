"""The engine of a replication group: its version and parameter group, changed by callers or by AWS."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from . import catalog, checks
from .errors import bad_combination
from .state import Effect, ReplicationGroup

if TYPE_CHECKING:
    from .region import Region


def upgrade_by_aws(region: Region, group: ReplicationGroup, full: str) -> None:
    """Upgrade a replication group and its parameter group at once, as AWS does in a maintenance window."""
    known = next(version for version in catalog.VERSIONS if version.full == full)
    _upgrade(group, known, f"default.{known.family}{checks.CLUSTER_ON if group.cluster_enabled else ''}")
    for member in group.every_member():
        member.engine, member.version = known.engine, known.full
    region.event(group.id, f"Upgraded the engine of {group.id} to {full} in the maintenance window")


def engine_effects(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> list[Effect]:
    """Return the effect of another version, or refuse."""
    target = target_version(region, group, params)
    name = params.get("CacheParameterGroupName", group.parameter_group)
    checks.parameter_group(name, target.engine, target.family)
    if name.endswith(checks.CLUSTER_ON) != group.cluster_enabled:
        raise bad_combination("A parameter group can not change whether cluster mode is enabled.")
    if target.full != group.version or target.engine != group.engine:
        return [
            Effect(
                "engine_version",
                region.timing.engine,
                partial(_upgrade, group, target, name),
                pending={"EngineVersion": target.full},
            )
        ]
    return []


def target_version(region: Region, group: ReplicationGroup, params: dict[str, Any]) -> catalog.EngineVersion:
    """Return the version that the call asks for, or refuse.

    Sources: cloudposse/terraform-aws-elasticache-redis#88 (6.x), hashicorp/terraform-provider-aws#4166
    (older versions) and #45229 (Valkey to Redis). Valkey 7.2 goes back to Redis OSS 7.1 (user guide,
    VersionManagement).
    """
    engine = params.get("Engine", group.engine)
    current = catalog.EngineVersion(group.engine, group.version, group.version, _family(group))
    if engine != group.engine and "EngineVersion" not in params:
        raise bad_combination("EngineVersion must be given with a new engine.")
    back = (group.engine, engine) == ("valkey", "redis")
    returns = back and group.version.startswith("7.2") and params["EngineVersion"] == "7.1"
    if back and not returns:
        raise bad_combination(f"Cannot modify valkey {group.version} to redis.")
    wanted = params.get("EngineVersion")
    if wanted is None:
        return current
    if engine == group.engine and wanted == _spelled(group):
        return current
    if wanted.endswith(".x") and engine == group.engine and wanted[:-1] == group.version[: len(wanted) - 1]:
        raise bad_combination(
            f"Upgrading minor engine version for redis '{wanted}' using modify API is not allowed, "
            "please use Service Updates"
        )
    target = checks.engine_version(engine, wanted, region.withdrawn)
    older = catalog.generation(engine, target.full) < catalog.generation(group.engine, group.version)
    if older and not returns:
        raise bad_combination(f"Cannot modify {engine} from {group.version} to {target.full}")
    return target


def _spelled(group: ReplicationGroup) -> str:
    """Return the group's version as a caller may write it: with the patch before 6, without it since."""
    major, minor, _ = group.version.split(".")
    return group.version if int(major) < 6 else f"{major}.{minor}"


def _family(group: ReplicationGroup) -> str:
    return group.parameter_group.removeprefix("default.").removesuffix(checks.CLUSTER_ON)


def _upgrade(group: ReplicationGroup, target: catalog.EngineVersion, parameter_group: str) -> None:
    group.engine, group.version, group.parameter_group = target.engine, target.full, parameter_group
