"""Delete, planned from what is left: replication group, subnet group, secret, security group, in that order.

The security group carries the record and so goes last: until then a repeated Delete knows whether the
cluster was in service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from massdriver_redis.calls import ec2, elasticache, secretsmanager
from massdriver_redis.calls.base import Call
from massdriver_redis.planner.decision import (
    Apply,
    Decision,
    Ignore,
    LoopState,
    Observation,
    Reject,
    Requeue,
    UpToDate,
    Verdict,
)
from massdriver_redis.planner.order import DRAINING, acceptance, unexpected
from massdriver_redis.state import naming
from massdriver_redis.state.naming import Names
from massdriver_redis.state.observed import Observed, ReplicationGroup
from massdriver_redis.state.record import OperationRecord, RequestVersion
from massdriver_redis.state.stack import Stack

_NO_SNAPSHOTS = "SnapshotFeatureNotSupportedFault"
_SNAPSHOT_REFUSALS = (_NO_SNAPSHOTS, "SnapshotAlreadyExistsFault")


@dataclass(frozen=True)
class DeletionScope:
    """What a deletion covers: the names, and the name of the final snapshot, None where none is taken."""

    names: Names
    snapshot: str | None


@dataclass(frozen=True)
class Leftovers(Observation):
    """What is left of the cluster `names` that a Delete removes next; nothing where it has removed all.

    `found` says whether this invocation has found anything at all, and `kept` whether a cluster in service
    is left that the Delete doesn't name.
    """

    names: Names = field(default_factory=lambda: naming.names("", ""))
    observed: Observed = field(default_factory=Observed)
    stack: Stack = field(default_factory=Stack)
    found: bool = False
    kept: bool = False


def never_in_service(record: OperationRecord, stack: Stack) -> bool:
    """Return whether nobody can be using a cluster that CloudFormation doesn't name.

    Its first SUCCESS was never sent, or met a stack that was reverting the operation it was sent for. A
    deletion of the stack reverts only what was never noted as answered.
    """
    if record.in_service is None:
        return True
    taken = stack.being_deleted and record.answered is not None
    return stack.reverts(record.in_service) and not taken


def next_to_remove(
    derived_id: str, found: Observed, owned: Mapping[str, OperationRecord], stack: Stack, request_id: str
) -> str:
    """Return the next cluster that a Delete removes besides the one it names, "" where there is none.

    `owned` are all clusters of the owner that have a record. `found` is what lives under the id that the
    properties lead to; a replication group without a record counts as in service. What the Delete of this
    `request_id` was accepted for it has begun to remove, whatever an older request notes on it meanwhile.
    """
    if found.exists and found.security_group is None and not found.unrecorded:
        return derived_id
    for physical_id, record in sorted(owned.items()):
        if record.was_accepted(request_id) or never_in_service(record, stack):
            return physical_id
    return ""


def decide(version: RequestVersion, seen: Leftovers, state: LoopState) -> Verdict:
    """Return the next step of a Delete, or how it ends or waits."""
    observed = seen.observed
    if observed.record.newer_than(version, seen.taken_at):
        return Ignore("a newer request was accepted")
    decision = plan_deletion(scope(version, seen.names, observed), observed)
    if not isinstance(decision, UpToDate):
        accepted = observed.record.was_accepted(version.request_id)
        refusal = None if accepted else unexpected(seen.stack, version, state, seen.taken_at)
        return refusal or acceptance(observed, version) or decision
    unsure = state.preempted or not seen.found
    return DRAINING if unsure and not state.drained else decision


def scope(version: RequestVersion, names: Names, observed: Observed) -> DeletionScope:
    """Return what a deletion covers: no final snapshot of a cluster that was never in service.

    Nobody put data into it. One whose record doesn't show counts as in service.
    """
    used = observed.record.in_service is not None or observed.unrecorded
    snapshot = naming.final_snapshot(names.replication_group, version.request_id) if used else None
    return DeletionScope(names, snapshot)


def plan_garbage_collection(version: RequestVersion, names: Names, observed: Observed) -> Call | None:
    """Return the next call that removes what a superseded request made for a cluster that nobody has.

    Nothing is removed of a replication group that exists or was in service, nor where the record is another
    request's: a copy of the request that has just succeeded loses nothing.
    """
    record = observed.record
    others = observed.security_group is not None and not record.was_accepted(version.request_id)
    if observed.replication_group or record.in_service is not None or others:
        return None
    decision = plan_deletion(DeletionScope(names, snapshot=None), observed)
    return decision.call if isinstance(decision, Apply) else None


def without_snapshot_clash(call: Call, code: str, took: Callable[[str], bool]) -> Call | None:
    """Return the deletion to make where ElastiCache refused the final snapshot with `code`, else None.

    `took(name)` says whether this very Delete took the snapshot of that name before.
    """
    name = call.request.get("FinalSnapshotIdentifier")
    if not name or code not in _SNAPSHOT_REFUSALS:
        return None
    taken = code == _NO_SNAPSHOTS or took(str(name))
    group_id = str(call.request["ReplicationGroupId"])
    return elasticache.delete_replication_group(group_id, None if taken else f"{name}-2")


def plan_deletion(scope: DeletionScope, observed: Observed) -> Decision:
    """Return the next step towards nothing of ours being left; final snapshots stay.

    The token of a cluster in service is kept in a recovery window; so is one whose record is lost.
    """
    if observed.replication_group:
        return _replication_group(scope, observed.replication_group)
    if observed.subnet_group:
        return Apply(elasticache.delete_subnet_group(observed.subnet_group.name))
    if observed.secret and not observed.secret.deleting:
        keep = observed.security_group is None or observed.record.in_service is not None
        return Apply(secretsmanager.delete_secret(scope.names.secret, recoverable=keep))
    if observed.security_group:
        return Apply(ec2.delete_security_group(observed.security_group.id))
    return UpToDate()


def _replication_group(scope: DeletionScope, live: ReplicationGroup) -> Decision:
    if live.global_datastore:
        return Reject(
            f"{live.id} belongs to a global datastore; disassociate it there, then delete the stack again"
        )
    if live.status == "deleting":
        return Requeue("the replication group is being deleted")
    if live.status == "create-failed":
        return Apply(elasticache.delete_replication_group(live.id, None))
    if live.status != "available":
        # ElastiCache takes a delete only from a quiet state (aws-controllers-k8s/community#948).
        return Requeue(f"the replication group is {live.status} and can't be deleted yet")
    return Apply(elasticache.delete_replication_group(live.id, scope.snapshot))
