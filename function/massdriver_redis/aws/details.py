"""Details that a look leaves out, read one at a time when a plan or an answer needs one."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws.describe import PAGE, read, tags_of
from massdriver_redis.aws.session import Aws
from massdriver_redis.state.observed import Detail, Group, NodeTypes, Observed

_BAD_NEWS = ("fail", "insufficient", "unable", "error", "not enough", "cannot", "could not")


def observe_detail(aws: Aws, observed: Observed, detail: Detail, engine: str, since: float) -> Observed:
    """Return `world` with one more detail read: versions, node_types, tags or events.

    `since` is in seconds since the epoch. A denied list of engine versions is noted as unknown, so
    that a create can go on without it.
    """
    group = observed.group
    if detail == "versions":
        return _with_versions(aws, observed, engine)
    if group is None:
        return replace(observed, tags={}, events=(), node_types=NodeTypes(frozenset(), frozenset()))
    if detail == "node_types":
        answer = read(aws, "elasticache", "list_allowed_node_type_modifications", ReplicationGroupId=group.id)
        up, down = answer.get("ScaleUpModifications", []), answer.get("ScaleDownModifications", [])
        return replace(observed, node_types=NodeTypes(frozenset(up), frozenset(down)))
    if detail == "tags":
        beside = _cache_tags(aws, observed.subnet_group.arn) if observed.subnet_group else {}
        return replace(observed, tags=_cache_tags(aws, group.arn), subnet_group_tags=beside)
    return replace(observed, events=_events(aws, group, since))


def newest_secret_value(aws: Aws, name: str) -> tuple[str, str]:
    """Return the secret's JSON text and its version id."""
    answer = read(aws, "secretsmanager", "get_secret_value", SecretId=name)
    return str(answer.get("SecretString", "")), str(answer.get("VersionId", ""))


def snapshot_made_at(aws: Aws, name: str) -> float | None:
    """Return when the snapshot of that name was made, in seconds since the epoch, or None.

    One that is still being made shows no time yet and counts as later than any request.
    """
    answer = read(
        aws, "elasticache", "describe_snapshots", absent=("SnapshotNotFoundFault",), SnapshotName=name
    )
    for snapshot in answer.get("Snapshots", []):
        times = [node.get("SnapshotCreateTime") for node in snapshot.get("NodeSnapshots", [])]
        known = [time.timestamp() for time in times if isinstance(time, datetime)]
        return min(known, default=math.inf)
    return None


def _cache_tags(aws: Aws, arn: str) -> dict[str, str]:
    answer = read(aws, "elasticache", "list_tags_for_resource", ResourceName=arn)
    return tags_of(answer.get("TagList", []))


def _with_versions(aws: Aws, observed: Observed, engine: str) -> Observed:
    """Read the versions on offer; failing open, for the create itself is the last judge."""
    versions: list[str] = []
    marker: dict[str, str] = {}
    try:
        while True:
            answer = aws.elasticache.describe_cache_engine_versions(Engine=engine, MaxRecords=PAGE, **marker)
            versions += [str(item.get("EngineVersion", "")) for item in answer.get("CacheEngineVersions", [])]
            if not answer.get("Marker"):
                break
            marker = {"Marker": answer["Marker"]}
    except (ClientError, BotoCoreError):
        return replace(observed, versions_unknown=True)
    return (
        replace(observed, versions=tuple(versions)) if versions else replace(observed, versions_unknown=True)
    )


def _events(aws: Aws, group: Group, since: float) -> tuple[str, ...]:
    """Return the bad news ElastiCache told of the group and its first members, newest first."""
    sources = [("replication-group", group.id)] + [("cache-cluster", name) for name in group.member_ids[:5]]
    told: list[tuple[float, str]] = []
    for kind, name in sources:
        answer = read(
            aws,
            "elasticache",
            "describe_events",
            SourceType=kind,
            SourceIdentifier=name,
            StartTime=datetime.fromtimestamp(since, UTC),
            MaxRecords=PAGE,
        )
        for event in answer.get("Events", []):
            text, date = str(event.get("Message", "")), event.get("Date")
            if any(word in text.lower() for word in _BAD_NEWS):
                told.append((date.timestamp() if isinstance(date, datetime) else 0.0, text))
    return tuple(text for _, text in sorted(told, reverse=True))
