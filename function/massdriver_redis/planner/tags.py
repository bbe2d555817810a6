"""Tags of the replication group and of its supporting resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from massdriver_redis.calls import ec2, elasticache, secretsmanager
from massdriver_redis.calls.base import Call
from massdriver_redis.planner.decision import Decision, PlanContext, apply_all
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Detail, Observed, ReplicationGroup
from massdriver_redis.state.record import PREFIX


class _Tagged(NamedTuple):
    """A resource with tags: those it has, and the calls that set and remove some."""

    live: Mapping[str, str]
    tag: Callable[[Mapping[str, str]], Call]
    untag: Callable[[Iterable[str]], Call]


def details(
    _desired: Desired, _live: ReplicationGroup, _observed: Observed, _context: PlanContext
) -> frozenset[Detail]:
    """Return the tags of the replication group and the subnet group, which take a call each."""
    return frozenset({"tags"})


def bring_up_to_date(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Set the tags that differ; then remove those that the previous properties had and these have not.

    Tags of others stay. Each resource gets one call per step; the replication group is last, because it is
    `modifying` afterwards. Tags that don't show fail no cluster.
    """
    if context.tags_unshown:
        return None
    return apply_all(_due(desired, live, observed, context.dropped_tags))


def _due(
    desired: Desired, live: ReplicationGroup, observed: Observed, dropped: frozenset[str]
) -> Iterator[Call]:
    removable = {key for key in dropped if not key.startswith(PREFIX)} - desired.tags.keys()
    for resource in _resources(desired, live, observed):
        missing = {key: value for key, value in desired.tags.items() if resource.live.get(key) != value}
        surplus = removable & resource.live.keys()
        if missing:
            yield resource.tag(missing)
        elif surplus:
            yield resource.untag(surplus)


def _resources(desired: Desired, live: ReplicationGroup, observed: Observed) -> Iterator[_Tagged]:
    security_group, subnet_group, name = observed.security_group, observed.subnet_group, desired.names.secret
    if security_group:
        yield _Tagged(
            security_group.tags,
            lambda tags: ec2.tag_security_group(security_group.id, tags),
            lambda keys: ec2.untag_security_group(security_group.id, keys),
        )
    if observed.secret and desired.secure:
        yield _Tagged(
            observed.secret.tags,
            lambda tags: secretsmanager.tag_secret(name, tags),
            lambda keys: secretsmanager.untag_secret(name, keys),
        )
    if subnet_group:
        yield _Tagged(
            observed.subnet_group_tags,
            lambda tags: elasticache.tag_resource(subnet_group.arn, tags, "subnet group"),
            lambda keys: elasticache.untag_resource(subnet_group.arn, keys, "subnet group"),
        )
    yield _Tagged(
        observed.tags,
        lambda tags: elasticache.tag_resource(live.arn, tags),
        lambda keys: elasticache.untag_resource(live.arn, keys),
    )
