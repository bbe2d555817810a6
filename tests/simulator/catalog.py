"""Engine versions, parameter group families and node types that AWS offers in mid-2026.

Versions: DescribeCacheEngineVersions of us-east-1 as recorded by aws-cloudformation/cfn-lint in July
2026. Node types and their minimum engines: the user guide's page of supported node types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class EngineVersion:
    """One offered version: what Create takes (`version`) and what members report (`full`)."""

    engine: str
    version: str
    full: str
    family: str


VERSIONS = (
    EngineVersion("redis", "4.0.10", "4.0.10", "redis4.0"),
    EngineVersion("redis", "5.0.6", "5.0.6", "redis5.0"),
    EngineVersion("redis", "6.0", "6.0.5", "redis6.x"),
    EngineVersion("redis", "6.2", "6.2.6", "redis6.x"),
    EngineVersion("redis", "7.0", "7.0.7", "redis7"),
    EngineVersion("redis", "7.1", "7.1.0", "redis7"),
    EngineVersion("valkey", "7.2", "7.2.6", "valkey7"),
    EngineVersion("valkey", "8.0", "8.0.1", "valkey8"),
    EngineVersion("valkey", "8.1", "8.1.0", "valkey8"),
    EngineVersion("valkey", "8.2", "8.2.0", "valkey8"),
    EngineVersion("valkey", "9.0", "9.0.0", "valkey9"),
    EngineVersion("valkey", "9.1", "9.1.0", "valkey9"),
)

FAMILIES = ("redis3.2", *dict.fromkeys(version.family for version in VERSIONS))

_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge")
_GRAVITON_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_BURSTABLE = {"micro": 0.5, "small": 1.37, "medium": 3.09}
_GENERAL = dict(zip(_SIZES, (6.38, 12.93, 26.04, 52.26, 157.12, 314.32), strict=True))
_MEMORY = dict(zip(_SIZES, (13.07, 26.32, 52.82, 105.81, 317.77, 635.61), strict=True))
_GENERAL_ARM = dict(zip(_GRAVITON_SIZES, (6.38, 12.94, 26.05, 52.26, 103.68, 157.13, 209.55), strict=True))
_MEMORY_ARM = dict(zip(_GRAVITON_SIZES, (13.07, 26.32, 52.82, 105.81, 209.55, 317.77, 419.09), strict=True))

_GENERAL_8 = dict(zip(_GRAVITON_SIZES, (6.79, 14.18, 29.68, 61.33, 124.65, 187.96, 251.27), strict=True))
_MEMORY_8 = dict(zip(_GRAVITON_SIZES, (14.18, 29.68, 61.33, 124.65, 251.27, 377.9, 504.52), strict=True))
_NETWORK_7 = dict(zip(_GRAVITON_SIZES, (3.09, 6.38, 12.94, 26.05, 52.26, 78.56, 105.81), strict=True))
_NETWORK_8 = dict(zip(_GRAVITON_SIZES, (3.1, 6.79, 14.18, 29.68, 61.33, 92.99, 124.65), strict=True))

_INTEL = (3, 2, 4)
_GRAVITON = (5, 0, 6)
_GRAVITON_7 = (6, 2, 0)
_VALKEY = (7, 2, 0)
"""The oldest Valkey, and newer than every Redis: no Redis runs on these families."""

_FAMILY_SIZES: dict[str, tuple[dict[str, float], tuple[int, ...]]] = {
    "t3": (_BURSTABLE, _INTEL),
    "m5": (_GENERAL, _INTEL),
    "r5": (_MEMORY, _INTEL),
    "t4g": (_BURSTABLE, _GRAVITON),
    "m6g": (_GENERAL_ARM, _GRAVITON),
    "r6g": (_MEMORY_ARM, _GRAVITON),
    "m7g": (_GENERAL_ARM, _GRAVITON_7),
    "r7g": (_MEMORY_ARM, _GRAVITON_7),
    "c7gn": (_NETWORK_7, _GRAVITON_7),
    "m8g": (_GENERAL_8, _VALKEY),
    "r8g": (_MEMORY_8, _VALKEY),
    "c8gn": (_NETWORK_8, _VALKEY),
}


@dataclass(frozen=True)
class NodeType:
    """A node type: its memory in GiB and the oldest engine it runs."""

    name: str
    memory: float
    minimum_engine: tuple[int, ...]


NODE_TYPES = {
    f"cache.{family}.{size}": NodeType(f"cache.{family}.{size}", memory, engine)
    for family, (sizes, engine) in _FAMILY_SIZES.items()
    for size, memory in sizes.items()
}


def numbers(version: str) -> tuple[int, ...]:
    """Return a full version as numbers: '6.2.6' as (6, 2, 6)."""
    return tuple(int(part) for part in version.split("."))


def generation(engine: str, full: str) -> tuple[int, tuple[int, ...]]:
    """Return the sort key of a version: every Valkey comes after every Redis."""
    return (1 if engine == "valkey" else 0, numbers(full))


def offered(engine: str, version: str) -> EngineVersion | None:
    """Return the version a caller named, '6.x' being the newest 6, or None."""
    wanted = [known for known in VERSIONS if known.engine == engine]
    if re.fullmatch(r"\d+\.x", version):
        major = version.split(".", maxsplit=1)[0]
        return next((known for known in reversed(wanted) if known.version.split(".")[0] == major), None)
    return next((known for known in wanted if known.version == version), None)


def allowed_changes(node_type: str, full: str) -> tuple[list[str], list[str]]:
    """Return the node types that a cluster of this type and engine can scale up and down to.

    A type of the same memory in another family counts as scaling up.
    """
    memory = NODE_TYPES[node_type].memory
    fitting = [kind for kind in NODE_TYPES.values() if kind.minimum_engine <= numbers(full)]
    up = sorted(kind.name for kind in fitting if kind.memory >= memory and kind.name != node_type)
    down = sorted(kind.name for kind in fitting if kind.memory < memory)
    return up, down
