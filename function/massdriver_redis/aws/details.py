"""Details that an observation leaves out, read when a plan or an answer needs them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from massdriver_redis.aws.describe import PAGE, epoch, pages, read, tags_of
from massdriver_redis.aws.session import Aws
from massdriver_redis.errors import ResourceError
from massdriver_redis.state.observed import Detail, NodeTypes, Observed, ReplicationGroup

_FAILURE_WORDS = ("fail", "insufficient", "unable", "error", "not enough", "cannot", "could not")


def observe_details(
    aws: Aws, observed: Observed, details: Iterable[Detail], engine: str, since: float
) -> Observed:
    """Return the observation with these details read; events are those after `since` (epoch seconds).

    Where the versions of `engine` can't be read they stay unknown: a create goes on without them.
    """
    for detail in sorted(details):
        observed = replace(observed, details=observed.details | {detail})
        if detail == "versions":
            observed = replace(observed, versions=_versions(aws, engine))
        elif observed.replication_group:
            observed = _with_detail(aws, observed, observed.replication_group, detail, since)
    return observed


def was_snapshot_made(aws: Aws, name: str, since: float) -> bool:
    """Return whether the snapshot of that name was made after `since` (epoch seconds).

    One that is still being made shows no time yet and counts as later than any time.
    """
    answer = read(
        aws, "elasticache", "describe_snapshots", absent=("SnapshotNotFoundFault",), SnapshotName=name
    )
    for snapshot in answer.get("Snapshots", []):
        times = [node.get("SnapshotCreateTime") for node in snapshot.get("NodeSnapshots", [])]
        known = [time.timestamp() for time in times if isinstance(time, datetime)]
        return min(known, default=math.inf) >= since
    return False


def _cache_tags(aws: Aws, arn: str) -> dict[str, str]:
    answer = read(aws, "elasticache", "list_tags_for_resource", ResourceName=arn)
    return tags_of(answer.get("TagList", []))


def _with_detail(
    aws: Aws, observed: Observed, live: ReplicationGroup, detail: Detail, since: float
) -> Observed:
    if detail == "node_types":
        return replace(observed, node_types=_node_types(aws, live))
    if detail == "events":
        return replace(observed, events=_events(aws, live, since))
    of_subnets = _cache_tags(aws, observed.subnet_group.arn) if observed.subnet_group else {}
    return replace(observed, tags=_cache_tags(aws, live.arn), subnet_group_tags=of_subnets)


def _node_types(aws: Aws, live: ReplicationGroup) -> NodeTypes:
    answer = read(aws, "elasticache", "list_allowed_node_type_modifications", ReplicationGroupId=live.id)
    up, down = answer.get("ScaleUpModifications", []), answer.get("ScaleDownModifications", [])
    return NodeTypes(frozenset(up), frozenset(down))


def _versions(aws: Aws, engine: str) -> tuple[str, ...] | None:
    """Return the versions on offer, None where they can't be read."""
    try:
        listed = list(pages(aws, "describe_cache_engine_versions", Engine=engine))
    except ResourceError:
        return None
    versions = (item for page in listed for item in page.get("CacheEngineVersions", []))
    return tuple(str(item.get("EngineVersion", "")) for item in versions) or None


def _events(aws: Aws, live: ReplicationGroup, since: float) -> tuple[str, ...]:
    """Return failures reported of the replication group and its first members, newest first."""
    sources = [("replication-group", live.id)] + [("cache-cluster", name) for name in live.member_ids[:5]]
    found: list[tuple[float, str]] = []
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
            text = str(event.get("Message", ""))
            if any(word in text.lower() for word in _FAILURE_WORDS):
                found.append((epoch(event.get("Date")), text))
    return tuple(text for _, text in sorted(found, reverse=True))
