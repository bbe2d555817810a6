"""Live properties as text, so that a recorded change can be compared with what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from massdriver_redis import catalog
from massdriver_redis.calls.base import ExpectedChange
from massdriver_redis.state.observed import Group, Node, Observed


def current(group: Group, key: str) -> str:
    """Return the live value of one property; properties only members show come from a member.

    Keys: engine ("redis 6.2.6", the oldest of any member), node_type, node_groups, replicas ("1", or
    "1-2" where uneven), failover, multi_az, retention, snapshot_window, maintenance_window,
    security_groups ("+" joined), parameter_group, auto_minor. Members that differ are joined by "|",
    which no wanted value is.
    """
    if key in _OF_GROUP:
        return _OF_GROUP[key](group)
    values = sorted({_OF_NODE[key](node) for node in group.nodes})
    if key == "engine":
        return values[0] if values else ""
    return "|".join(values)


def engine_and_version(group: Group) -> tuple[str, str]:
    """Return engine and full version, the oldest of any member: ("redis", "6.2.6")."""
    engine, _, version = current(group, "engine").partition(" ")
    return engine, version


def missing_field(group: Group, change: ExpectedChange) -> tuple[str, str] | None:
    """Return the first property that a recorded change asked for and that can't be seen, with its value."""
    differing = (
        (key, wanted)
        for key, wanted in change.values
        if key in _KEYS and not _same(key, wanted, current(group, key))
    )
    return next(differing, None)


def zones(observed: Observed) -> Mapping[str, str]:
    """Return the live zone of each subnet."""
    return observed.subnet_group.subnets if observed.subnet_group else {}


def _same(key: str, wanted: str, live: str) -> bool:
    if key != "engine":
        return wanted == live
    engine, _, version = wanted.partition(" ")
    live_engine, _, live_version = live.partition(" ")
    return engine == live_engine and catalog.matches(version, live_version)


def _replicas(group: Group) -> str:
    fewest, most = group.fewest_replicas, group.most_replicas
    return str(fewest) if fewest == most else f"{fewest}-{most}"


_OF_GROUP: dict[str, Callable[[Group], str]] = {
    "node_type": lambda group: group.node_type,
    "node_groups": lambda group: str(len(group.node_groups)),
    "replicas": _replicas,
    "failover": lambda group: group.automatic_failover,
    "multi_az": lambda group: str(group.multi_az),
    "retention": lambda group: str(group.snapshot_retention_limit),
    "snapshot_window": lambda group: group.snapshot_window,
}
_OF_NODE: dict[str, Callable[[Node], str]] = {
    "engine": lambda node: f"{node.engine} {node.engine_version}",
    "maintenance_window": lambda node: node.maintenance_window,
    "security_groups": lambda node: "+".join(sorted(node.security_groups)),
    "parameter_group": lambda node: node.parameter_group,
    "auto_minor": lambda node: str(node.auto_minor_version_upgrade),
}
_KEYS = frozenset(_OF_GROUP) | frozenset(_OF_NODE)
