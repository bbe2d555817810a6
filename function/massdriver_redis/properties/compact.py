"""Properties cut to what a poll needs: they ride in an EventBridge target's Input of 8,192 characters.

Both functions take anything and never raise. Values that `properties.read` would refuse anyway may be
left out; nothing is kept that isn't known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from massdriver_redis.properties.rules import MAX_SUBNETS, MAX_TAG_TEXT

_MAX_TEXT = 1_300
"""Longer than any valid single value; an external id may take 1,224 characters."""

_SCALARS = (
    "ServiceTimeout",
    "node_type",
    "cluster_mode_enabled",
    "node_groups",
    "replicas",
    "redis_version",
    "engine",
    "secure",
    "subnet_type",
    "allow_vpc_access",
    "snapshot_retention_limit",
    "snapshot_window",
    "maintenance_window",
    "allow_replacement",
    "password_attribute",
)
_OLD_SCALARS = ("cluster_mode_enabled", "secure", "subnet_type", "redis_version", "engine")


def slim(raw: object) -> dict[str, object]:
    """Return the same properties for a poll: `properties.read` gives the same but for subnet CIDRs."""
    result = _scalars(raw, _SCALARS)
    _put(result, ("vpc", "data", "infrastructure", "cidr"), raw)
    _put(result, ("aws_authentication", "data", "external_id"), raw)
    _shared(result, raw)
    kind = _text(_at(raw, ("subnet_type",))) or "internal"
    subnets = _subnets(_at(raw, ("vpc", "data", "infrastructure", f"{kind}_subnets")))
    if subnets and kind in ("internal", "private"):
        _set(result, ("vpc", "data", "infrastructure", f"{kind}_subnets"), subnets)
    for path in (("tags",), ("md_metadata", "default_tags")):
        tags = _tags(_at(raw, path))
        if tags:
            _set(result, path, tags)
    return result


def slim_old(raw: object) -> dict[str, object]:
    """Return what a poll needs of OldResourceProperties: identity, engine, place, and the tags' keys."""
    result = _scalars(raw, _OLD_SCALARS)
    _shared(result, raw)
    keys = {**_tags(_at(raw, ("md_metadata", "default_tags"))), **_tags(_at(raw, ("tags",)))}
    if keys:
        result["tags"] = dict.fromkeys(keys, "")
    return result


def _shared(result: dict[str, object], raw: object) -> None:
    for path in (
        ("vpc", "data", "infrastructure", "arn"),
        ("vpc", "specs", "aws", "region"),
        ("aws_authentication", "data", "arn"),
        ("aws_authentication", "specs", "aws", "region"),
        ("md_metadata", "name_prefix"),
    ):
        _put(result, path, raw)


def _scalars(raw: object, names: tuple[str, ...]) -> dict[str, object]:
    result: dict[str, object] = {}
    for name in names:
        _put(result, (name,), raw)
    return result


def _put(result: dict[str, object], path: tuple[str, ...], raw: object) -> None:
    value = _at(raw, path)
    if _small(value):
        _set(result, path, value)


def _set(result: dict[str, object], path: tuple[str, ...], value: object) -> None:
    node = result
    for key in path[:-1]:
        inner = node.setdefault(key, {})
        assert isinstance(inner, dict)  # noqa: S101  # made by this very loop
        node = inner
    node[path[-1]] = value


def _at(raw: object, path: tuple[str, ...]) -> object:
    value = raw
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _small(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _MAX_TEXT
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 10**15)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _subnets(value: object) -> list[dict[str, str]]:
    """Each subnet once, one more than may be so that too many stay too many."""
    kept: dict[str, dict[str, str]] = {}
    for subnet in value if isinstance(value, list) else []:
        arn, zone = _text(_at(subnet, ("arn",))), _text(_at(subnet, ("aws_zone",)))
        if arn and len(arn) <= _MAX_TEXT and len(kept) <= MAX_SUBNETS:
            entry = {"arn": arn, "aws_zone": zone} if zone and len(zone) <= 64 else {"arn": arn}
            kept.setdefault(arn.rsplit("/", 1)[-1], entry)
    return list(kept.values())


def _tags(value: object) -> dict[str, str]:
    tags = value if isinstance(value, Mapping) else {}
    texts = {key: item for key, item in tags.items() if isinstance(key, str) and isinstance(item, str)}
    return texts if len(json.dumps(texts)) <= MAX_TAG_TEXT else {}
