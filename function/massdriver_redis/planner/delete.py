"""Delete, planned from what is there: group, subnet group, security group, secret, in that order."""

from __future__ import annotations

from dataclasses import dataclass

from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.planner.decision import Apply, Decision, Reject, Requeue, UpToDate
from massdriver_redis.state.naming import Names, Owner
from massdriver_redis.state.observed import Group, Observed, SecurityGroup
from massdriver_redis.state.record import IN_SERVICE


@dataclass(frozen=True)
class DeletionScope:
    """What is to go: names and owner, and the final snapshot's name where one is to be taken."""

    owner: Owner
    names: Names
    snapshot: str | None


def plan_deletion(target: DeletionScope, observed: Observed) -> Decision:
    """Return the next step towards nothing of ours being left.

    Only what carries the owner's marker is touched. A secret in its recovery window and final
    snapshots count as gone. The token of a cluster that was never handed over is not kept.
    """
    marker = target.owner.marker
    group = observed.group
    if group and group.description == marker:
        return _group(target, group)
    if observed.subnet_group and observed.subnet_group.description == marker:
        return Apply(group_calls.delete_subnet_group(observed.subnet_group.name))
    if observed.security_group and observed.security_group.description == marker:
        return Apply(calls.delete_security_group(observed.security_group.id))
    secret = observed.secret
    if secret and not secret.deleting and calls.owns_secret(secret.description, marker):
        return Apply(calls.delete_secret(target.names.secret, recoverable=IN_SERVICE in secret.tags))
    return UpToDate()


def owned(owner: Owner, observed: Observed) -> bool:
    """Tell whether anything in `world` that still counts as left is this owner's."""
    marker = owner.marker
    secret = observed.secret
    return bool(
        (observed.group and observed.group.description == marker)
        or (observed.subnet_group and observed.subnet_group.description == marker)
        or (observed.security_group and observed.security_group.description == marker)
        or (secret and not secret.deleting and calls.owns_secret(secret.description, marker))
    )


def own_security_group(owner: Owner, observed: Observed) -> SecurityGroup | None:
    """Return the security group if it is this owner's; only such a one's tags are a ledger."""
    group = observed.security_group
    return group if group and group.description == owner.marker else None


def _group(target: DeletionScope, group: Group) -> Decision:
    if group.global_datastore:
        return Reject(
            f"{group.id} belongs to a global datastore; disassociate it there, then delete the stack again"
        )
    if group.status == "deleting":
        return Requeue("the replication group is being deleted")
    if group.status == "create-failed":
        return Apply(group_calls.delete_group(group.id, None))
    if group.status != "available":
        # ElastiCache takes a delete only from a quiet state (aws-controllers-k8s/community#948).
        return Requeue(f"the replication group is {group.status} and can't be deleted yet")
    return Apply(group_calls.delete_group(group.id, target.snapshot))
