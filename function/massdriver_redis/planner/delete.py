"""Delete, planned from what is there: group, subnet group, security group, secret, in that order."""

from __future__ import annotations

from dataclasses import dataclass

from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.planner.decision import Decision, Done, Failed, Step, Wait
from massdriver_redis.state.naming import Names, Owner
from massdriver_redis.state.observed import Group, SecurityGroup, World
from massdriver_redis.state.record import HANDED_OVER


@dataclass(frozen=True)
class Demolition:
    """What is to go: names and owner, and the final snapshot's name where one is to be taken."""

    owner: Owner
    names: Names
    snapshot: str | None


def tear_down(target: Demolition, world: World) -> Decision:
    """Return the next step towards nothing of ours being left.

    Only what carries the owner's marker is touched. A secret in its recovery window and final
    snapshots count as gone. The token of a cluster that was never handed over is not kept.
    """
    marker = target.owner.marker
    group = world.group
    if group and group.description == marker:
        return _group(target, group)
    if world.subnet_group and world.subnet_group.description == marker:
        return Step(group_calls.delete_subnet_group(world.subnet_group.name))
    if world.security_group and world.security_group.description == marker:
        return Step(calls.delete_security_group(world.security_group.id))
    secret = world.secret
    if secret and not secret.deleting and calls.owns_secret(secret.description, marker):
        return Step(calls.delete_secret(target.names.secret, recoverable=HANDED_OVER in secret.tags))
    return Done()


def owned(owner: Owner, world: World) -> bool:
    """Tell whether anything in `world` that still counts as left is this owner's."""
    marker = owner.marker
    secret = world.secret
    return bool(
        (world.group and world.group.description == marker)
        or (world.subnet_group and world.subnet_group.description == marker)
        or (world.security_group and world.security_group.description == marker)
        or (secret and not secret.deleting and calls.owns_secret(secret.description, marker))
    )


def own_security_group(owner: Owner, world: World) -> SecurityGroup | None:
    """Return the security group if it is this owner's; only such a one's tags are a ledger."""
    group = world.security_group
    return group if group and group.description == owner.marker else None


def _group(target: Demolition, group: Group) -> Decision:
    if group.global_datastore:
        return Failed(
            f"{group.id} belongs to a global datastore; disassociate it there, then delete the stack again"
        )
    if group.status == "deleting":
        return Wait("the replication group is being deleted")
    if group.status == "create-failed":
        return Step(group_calls.delete_group(group.id, None))
    if group.status != "available":
        # ElastiCache takes a delete only from a quiet state (aws-controllers-k8s/community#948).
        return Wait(f"the replication group is {group.status} and can't be deleted yet")
    return Step(group_calls.delete_group(group.id, target.snapshot))
