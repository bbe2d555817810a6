"""The three calls on tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import gaps
from .errors import Refusal, bad_value

if TYPE_CHECKING:
    from .region import Region
    from .state import ReplicationGroup

_GROUP_KIND = "replicationgroup"


def list_tags_for_resource(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """Refused for a replication group that is not available (hashicorp/terraform-provider-aws#41416)."""
    arn, _ = _resource(region, params["ResourceName"])
    return {"TagList": _list(region.tags[arn])}


def add_tags_to_resource(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    arn, group = _resource(region, params["ResourceName"])
    added = {tag["Key"]: tag.get("Value", "") for tag in params["Tags"]}
    if any(key.lower().startswith("aws:") for key in added):
        raise bad_value("Tag keys must not begin with aws:")
    merged = {**region.tags[arn], **added}
    if len(merged) > region.quotas.tags:
        raise Refusal("TagQuotaPerResourceExceeded", f"At most {region.quotas.tags} tags are allowed.")
    return _set(region, arn, group, merged)


def remove_tags_from_resource(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    arn, group = _resource(region, params["ResourceName"])
    missing = [key for key in params["TagKeys"] if key not in region.tags[arn]]
    if missing:
        raise Refusal("TagNotFound", f"Tag {missing[0]} does not exist.")
    kept = {key: value for key, value in region.tags[arn].items() if key not in params["TagKeys"]}
    return _set(region, arn, group, kept)


def _set(region: Region, arn: str, group: ReplicationGroup | None, tags: dict[str, str]) -> dict[str, Any]:
    region.tags[arn] = tags
    if group is not None:
        region.pause(group, "modifying", region.timing.tag)
    return {"TagList": _list(tags)}


def _resource(region: Region, arn: str) -> tuple[str, ReplicationGroup | None]:
    parts = arn.split(":")
    if len(parts) != 7 or parts[2] != "elasticache":
        raise Refusal("InvalidARN", f"The ARN {arn} is not valid.")
    kind, name = parts[5], parts[6]
    if kind == _GROUP_KIND:
        group = region.available_group(name, "tagging")
        return group.arn, group
    if kind == "subnetgroup":
        return region.subnet_group(name).arn, None
    if kind == "snapshot":
        taken = region.snapshots.get(name)
        if taken is None:
            raise Refusal("SnapshotNotFoundFault", f"Snapshot {name} not found.")
        return taken.arn, None
    raise gaps.met("ListTagsForResource", "ResourceName")


def _list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
