"""The Describe calls: replication groups, clusters, engine versions, parameter groups, events, node types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import catalog, checks, views
from .errors import Refusal, bad_combination
from .pages import page

if TYPE_CHECKING:
    from datetime import datetime

    from .region import Region

_TWO_WEEKS = 14 * 24 * 3600.0


def describe_replication_groups(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    shown = [view.group for view in region.shown() if view.group]
    wanted = params.get("ReplicationGroupId")
    if wanted is not None:
        shown = [group for group in shown if group["ReplicationGroupId"] == wanted.lower()]
        if not shown:
            raise Refusal("ReplicationGroupNotFoundFault", f"ReplicationGroup {wanted} not found.")
    shown.sort(key=lambda group: group["ReplicationGroupId"])
    return page("ReplicationGroups", shown, params)


def describe_cache_clusters(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    members = {name: member for view in region.shown() for name, member in view.members.items()}
    if params.get("ShowCacheClustersNotInReplicationGroups"):
        members = {}
    wanted = params.get("CacheClusterId")
    if wanted is not None:
        if wanted.lower() not in members:
            raise Refusal("CacheClusterNotFound", f"CacheCluster not found: {wanted}")
        members = {wanted.lower(): members[wanted.lower()]}
    result = page("CacheClusters", [members[name] for name in sorted(members)], params)
    if params.get("ShowCacheNodeInfo"):
        result["CacheClusters"] = [
            {**shown, "CacheNodes": views.cache_nodes(shown)} for shown in result["CacheClusters"]
        ]
    return result


def describe_cache_engine_versions(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    found = [
        version
        for version in catalog.VERSIONS
        if params.get("Engine", version.engine) == version.engine
        and f"{version.engine} {version.version}" not in region.withdrawn
        and params.get("EngineVersion", version.version) == version.version
        and params.get("CacheParameterGroupFamily", version.family) == version.family
    ]
    if params.get("DefaultOnly"):
        found = [version for version in found if version.version in ("7.1", "9.1")]
    shown = [
        {
            "Engine": version.engine,
            "EngineVersion": version.version,
            "CacheParameterGroupFamily": version.family,
            "CacheEngineDescription": version.engine.capitalize(),
            "CacheEngineVersionDescription": f"{version.engine} version {version.full}",
        }
        for version in found
    ]
    return page("CacheEngineVersions", shown, params)


def describe_cache_parameter_groups(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    names = [f"default.{family}{mode}" for family in catalog.FAMILIES for mode in ("", checks.CLUSTER_ON)]
    wanted = params.get("CacheParameterGroupName")
    if wanted is not None:
        if wanted not in names:
            raise Refusal("CacheParameterGroupNotFound", f"CacheParameterGroup not found: {wanted}")
        names = [wanted]
    shown = [
        {
            "CacheParameterGroupName": name,
            "CacheParameterGroupFamily": name.removeprefix("default.").removesuffix(checks.CLUSTER_ON),
            "Description": f"Default parameter group {name}",
            "ARN": region.arn("parametergroup", name),
        }
        for name in names
    ]
    return page("CacheParameterGroups", shown, params)


def describe_events(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """Return events, newest first: of the last hour by default, and of the last two weeks at most."""
    if "SourceIdentifier" in params and "SourceType" not in params:
        raise bad_combination("SourceType must be specified when SourceIdentifier is specified.")
    end = _epoch(params.get("EndTime"), region.now)
    start = _epoch(params.get("StartTime"), end - 60.0 * params.get("Duration", 60))
    if start > end:
        raise bad_combination("StartTime must be before EndTime.")
    found = [
        entry
        for entry in reversed(region.events)
        if max(start, region.now - _TWO_WEEKS) <= entry.at <= end
        and params.get("SourceType", entry.source_type) == entry.source_type
        and params.get("SourceIdentifier", entry.source_id).lower() == entry.source_id
    ]
    return page("Events", [views.event(entry) for entry in found], params)


def list_allowed_node_type_modifications(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    if "ReplicationGroupId" not in params:
        raise bad_combination("Exactly one of ReplicationGroupId and CacheClusterId must be given.")
    group = region.group(params["ReplicationGroupId"])
    up, down = (
        [kind for kind in kinds if kind not in region.withdrawn]
        for kinds in catalog.allowed_changes(group.node_type, group.version)
    )
    return {"ScaleUpModifications": up, "ScaleDownModifications": down}


def _epoch(time: datetime | None, default: float) -> float:
    return default if time is None else time.timestamp()
