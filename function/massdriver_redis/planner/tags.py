"""Tags of everything made for the cluster, brought to what is desired one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.calls.base import Call
from massdriver_redis.planner.decision import Apply, Decision, Look
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Group, Observed
from massdriver_redis.state.record import PREFIX


class _Tagged(NamedTuple):
    """A thing with tags: those it has, and the calls that set and remove some."""

    live: Mapping[str, str]
    tag: Callable[[Mapping[str, str]], Call]
    untag: Callable[[Iterable[str]], Call]


def next_tags(desired: Desired, group: Group, observed: Observed, dropped: frozenset[str]) -> Decision | None:
    """Return the next step of tagging; `dropped` are keys the previous properties had and these have not.

    Nobody else's tags are removed. The replication group is last: tagging makes it `modifying`.
    """
    if observed.tags is None:
        return Look("tags")
    for thing in _things(desired, group, observed):
        missing = {key: value for key, value in desired.tags.items() if thing.live.get(key) != value}
        if missing:
            return Apply(thing.tag(missing))
        surplus = dropped & thing.live.keys() - desired.tags.keys()
        ours = {key for key in surplus if not key.startswith(PREFIX)}
        if ours:
            return Apply(thing.untag(ours))
    return None


def _things(desired: Desired, group: Group, observed: Observed) -> Iterator[_Tagged]:
    beside, subnets, name = observed.security_group, observed.subnet_group, desired.names.secret
    if beside:
        yield _Tagged(
            beside.tags,
            lambda tags: calls.tag_security_group(beside.id, tags),
            lambda keys: calls.untag_security_group(beside.id, keys),
        )
    if observed.secret and desired.secure:
        yield _Tagged(
            observed.secret.tags,
            lambda tags: calls.tag_secret(name, tags),
            lambda keys: calls.untag_secret(name, keys),
        )
    if subnets:
        yield _Tagged(
            observed.subnet_group_tags,
            lambda tags: group_calls.tag_group(subnets.arn, tags, "subnet group"),
            lambda keys: group_calls.untag_group(subnets.arn, keys, "subnet group"),
        )
    yield _Tagged(
        observed.tags or {},
        lambda tags: group_calls.tag_group(group.arn, tags),
        lambda keys: group_calls.untag_group(group.arn, keys),
    )
