"""Ownership, judged once per observation: what carries the owner's marker is ours, a namesake is foreign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from massdriver_redis.calls import secretsmanager
from massdriver_redis.state.naming import Owner
from massdriver_redis.state.observed import Observed, ReplicationGroup, Secret, SecurityGroup, SubnetGroup


@dataclass(frozen=True)
class Found:
    """Everything that has one of our names, whoever owns it.

    A security group's name is unique within its VPC only, so there may be several.
    """

    replication_group: ReplicationGroup | None = None
    subnet_group: SubnetGroup | None = None
    security_groups: tuple[SecurityGroup, ...] = ()
    secret: Secret | None = None


class _Described(Protocol):
    @property
    def description(self) -> str: ...


_Resource = TypeVar("_Resource", bound=_Described)


def judge(found: Found, owner: Owner) -> Observed:
    """Return what of `found` is the owner's, by the description; of the rest only the kinds."""
    ours = Observed(
        replication_group=_owned([found.replication_group], owner.marker),
        subnet_group=_owned([found.subnet_group], owner.marker),
        security_group=_owned(found.security_groups, owner.marker),
        secret=_owned([found.secret], secretsmanager.description(owner.marker)),
    )
    kinds = (
        ("replication group", found.replication_group, ours.replication_group),
        ("subnet group", found.subnet_group, ours.subnet_group),
        ("security group", found.security_groups, ours.security_group),
        ("secret", found.secret, ours.secret),
    )
    return replace(ours, foreign=tuple(kind for kind, there, owned in kinds if there and owned is None))


def _owned(candidates: Iterable[_Resource | None], description: str) -> _Resource | None:
    return next((each for each in candidates if each and each.description == description), None)
