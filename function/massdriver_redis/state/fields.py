"""Fields of a replication group by name, so that a recorded change can be compared with what is observed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from massdriver_redis import catalog
from massdriver_redis.calls.base import ExpectedChange, FieldValue, text_of
from massdriver_redis.state.observed import ReplicationGroup


def values(live: ReplicationGroup, name: str) -> tuple[FieldValue, ...]:
    """Return the distinct values of a field: several where node groups or members differ.

    Names: engine and redis_version (those of the oldest member), node_type, node_groups, replicas, failover
    ("enabled" once it is), multi_az, security_group, parameter_group, and the rows of state/settings.py.
    """
    shown = live.settings[name] if name in live.settings else _FIELDS[name](live)
    return tuple(sorted(set(shown), key=text_of))


def described(live: ReplicationGroup, name: str) -> str:
    """Return the values of a field for people."""
    return " and ".join(text_of(value) for value in values(live, name)) or "none"


def missing_fields(live: ReplicationGroup, change: ExpectedChange) -> list[tuple[str, FieldValue]]:
    """Return the fields of a recorded change that aren't observed yet, with the expected values."""
    return [
        (name, expected)
        for name, expected in change.fields
        if (name in _FIELDS or name in live.settings) and not _is_observed(live, name, expected)
    ]


def _is_observed(live: ReplicationGroup, name: str, expected: FieldValue) -> bool:
    if name == "redis_version":
        return catalog.matches(str(expected), live.engine.version)
    return values(live, name) == (expected,)


_FIELDS: Mapping[str, Callable[[ReplicationGroup], Iterable[FieldValue]]] = {
    "engine": lambda live: [live.engine.name],
    "redis_version": lambda live: [live.engine.version],
    "node_type": lambda live: [live.node_type],
    "node_groups": lambda live: [len(live.node_groups)],
    "replicas": lambda live: [each.replicas for each in live.node_groups],
    "failover": lambda live: [live.automatic_failover],
    "multi_az": lambda live: [live.multi_az],
    "security_group": lambda live: [group for node in live.nodes for group in node.security_groups],
    "parameter_group": lambda live: [node.parameter_group for node in live.nodes],
}
