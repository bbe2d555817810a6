"""Engine versions and node families: what `catalog.json` says about them, and how versions compare.

A *desired* version is a value of `redis_version` ("6.x", "5.0", "8.1"); a *wire* version is what AWS
accepts and reports ("6.2", "5.0.6", "6.2.6").
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

NODE_QUOTA = 90
"""AWS's default quota of nodes per cluster (ElastiCache quotas)."""

NEAR = timedelta(days=180)
"""How long before the end of a support phase the warnings begin."""

_PATCHLESS_FROM = 6
"""From this major version on AWS accepts no patch version and upgrades minor versions itself (user guide,
VersionManagement)."""


@dataclass(frozen=True)
class Version:
    """One desired version; dates are the last day of a support phase, None where none is published."""

    family: str
    wire: tuple[str, ...]
    wire_with_tls: tuple[str, ...]
    available: bool
    standard_support_until: date | None
    extended_support_until: date | None


def versions(engine: str) -> tuple[str, ...]:
    """Return the desired versions of an engine, oldest first; none for an unknown engine."""
    return tuple(_engines().get(engine, {}))


def parameter_group(engine: str, version: str, cluster_mode: bool) -> str:
    """Return AWS's default parameter group for a desired or wire version.

    A major version that the catalog doesn't know (AWS upgraded the cluster) follows AWS's pattern since 7.
    """
    known = _known(engine, version)
    family = known.family if known else f"{engine}{_numbers(version)[0]}"
    return f"default.{family}" + (".cluster.on" if cluster_mode else "")


def auto_minor_upgrade(engine: str, version: str) -> bool:
    """Return whether AWS upgrades minor versions itself: redis from 6 on, and every valkey."""
    return engine != "redis" or _numbers(version)[0] >= _PATCHLESS_FROM


def matches(desired: str, observed: str) -> bool:
    """Return whether an observed wire version satisfies a desired or wire one of the same engine.

    Any 6 satisfies "6.x". A patch version counts only below 6, and only where the desired version has one.
    """
    asked, found = _comparable(desired), _comparable(observed)
    return found[: len(asked)] == asked


def compare(engine_a: str, version_a: str, engine_b: str, version_b: str) -> int:
    """Return -1, 0 or 1 where version a is older than, the same as or newer than version b.

    Every valkey is newer than every redis, the only direction in which AWS upgrades. Only the parts that
    both versions have are compared: "6.x" is the same as every 6, and "5.0" the same as 5.0.6.
    """
    if engine_a != engine_b:
        return 1 if engine_a == "valkey" else -1
    a, b = _comparable(version_a), _comparable(version_b)
    shared = min(len(a), len(b))
    return (a[:shared] > b[:shared]) - (a[:shared] < b[:shared])


def is_way_back(engine_a: str, version_a: str, engine_b: str, version_b: str) -> bool:
    """Return whether ElastiCache takes version a back to the older version b in place.

    It does so from Valkey 7.2 to Redis OSS 7.1 alone (user guide, VersionManagement).
    """
    engines = (engine_a, engine_b) == ("valkey", "redis")
    return engines and matches("7.2", version_a) and matches("7.1", version_b)


def creatable(engine: str, desired: str, secure: bool, available: Collection[str] | None) -> str | None:
    """Return the EngineVersion to send for a desired version, None if AWS can't create it.

    `available` lists what DescribeCacheEngineVersions offers for the engine; without it (None) the
    catalog decides.
    """
    version = _engines().get(engine, {}).get(desired)
    if version is None:
        return None
    candidates = version.wire_with_tls if secure else version.wire
    if available is None:
        return candidates[0] if version.available else None
    if _numbers(desired)[0] < _PATCHLESS_FROM:
        return next((wire for wire in candidates if wire in available), None)
    return _newest(wire for wire in available if matches(desired, wire))


def _newest(wire_versions: Iterable[str]) -> str | None:
    """Return the newest of some wire versions without its patch, None where there is none."""
    newest = max(map(_comparable, wire_versions), default=None)
    return ".".join(map(str, newest)) if newest else None


def offered(engine: str, available: Collection[str]) -> tuple[str, ...]:
    """Return the desired versions that can be created, newest last; with no list, those of the catalog."""
    known = available or None
    return tuple(each for each in versions(engine) if creatable(engine, each, False, known))


def support_warning(engine: str, version: str, today: date) -> str | None:
    """Return one sentence about a desired or wire version at or near the end of its support, else None."""
    known = _known(engine, version)
    if known is None or known.standard_support_until is None:
        return None
    standard, extended = known.standard_support_until, known.extended_support_until
    name = f"{engine} {version}"
    if today + NEAR < standard:
        return None
    if today <= standard:
        paid = f", then paid Extended Support until {extended}" if extended else ""
        return f"{name} leaves standard support on {standard}{paid}; plan an upgrade."
    if extended is None or today > extended:
        return f"{name} reached its end of life on {extended or standard}; upgrade."
    if today + NEAR >= extended:
        return f"{name} reaches its end of life on {extended}, and AWS then upgrades it; upgrade before that."
    return f"{name} is in paid Extended Support since {standard + timedelta(days=1)}, until {extended}."


def minimum_version(node_type: str, engine: str) -> str | None:
    """Return the oldest version of an engine that runs on a node type, None where none does.

    An unknown family runs on every engine: AWS may know better.
    """
    family = node_type.split(".")[1] if node_type.count(".") == 2 else ""
    if family not in _data()["node_families"]:
        return "0"
    minimum = _data()["node_families"][family]["minimum"]
    version = minimum.get(engine) if isinstance(minimum, dict) else None
    return version if isinstance(version, str) else None


def runs_on(node_type: str, engine: str, version: str) -> bool:
    """Return whether a desired or wire version of an engine runs on a node type."""
    minimum = minimum_version(node_type, engine)
    return minimum is not None and compare(engine, version, engine, minimum) >= 0


def sizes(family: str) -> tuple[str, ...]:
    """Return the sizes of a node family such as "m5"; none for an unknown family."""
    return _texts(_data()["node_families"].get(family, {}).get("sizes"))


def node_types() -> tuple[str, ...]:
    """Return every node type of the catalog."""
    return tuple(f"cache.{family}.{size}" for family in _data()["node_families"] for size in sizes(family))


def _known(engine: str, version: str) -> Version | None:
    for desired, known in _engines().get(engine, {}).items():
        if matches(desired, version):
            return known
    return None


def _comparable(version: str) -> tuple[int, ...]:
    numbers = _numbers(version)
    return numbers[:2] if numbers[0] >= _PATCHLESS_FROM else numbers


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (6,) for "6.x", (0,) for text without any."""
    leading = re.match(r"[0-9]{1,9}(\.[0-9]{1,9})*", version)
    return tuple(int(part) for part in leading[0].split(".")) if leading else (0,)


@cache
def _engines() -> dict[str, dict[str, Version]]:
    return {
        engine: {desired: _version(raw) for desired, raw in known.items()}
        for engine, known in _data()["engines"].items()
    }


def _version(raw: dict[str, object]) -> Version:
    wire = raw["wire"]
    return Version(
        family=str(raw["family"]),
        wire=_texts(wire),
        wire_with_tls=_texts(raw.get("wire_with_tls", wire)),
        available=raw["available"] is True,
        standard_support_until=_date(raw["standard_support_until"]),
        extended_support_until=_date(raw["extended_support_until"]),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _date(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else None


@cache
def _data() -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    data: dict[str, dict[str, dict[str, dict[str, object]]]] = json.loads(
        files(__package__).joinpath("catalog.json").read_text("utf-8")
    )
    return data
