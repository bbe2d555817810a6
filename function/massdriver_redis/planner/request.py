"""A Create or an Update as a whole: order of requests, target, leftovers, plan, and what goes on record."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from massdriver_redis.errors import REASON_LIMIT, shorten
from massdriver_redis.planner.decision import (
    Apply,
    Decision,
    Ignore,
    LoopState,
    PlanContext,
    Reject,
    Requeue,
    UpToDate,
    Verdict,
)
from massdriver_redis.planner.delete import never_in_service, plan_deletion, scope
from massdriver_redis.planner.order import DRAINING, acceptance, unexpected
from massdriver_redis.planner.plan import plan
from massdriver_redis.planner.target import Intent, Situation
from massdriver_redis.planner.update import next_change
from massdriver_redis.planner.warnings import warnings
from massdriver_redis.state import naming
from massdriver_redis.state.record import OperationRecord, RequestedCount
from massdriver_redis.state.stack import Stack

_LEAST_TIMEOUT = 1200
"""The least ServiceTimeout for a small cluster: ElastiCache takes 5 to 15 minutes to create one, and the
answer is due two minutes before the time is over."""

_CONTINUE = "continue-update-rollback"
_TAGGINGS = 4  # of the replication group and the subnet group, twice each


def decide(intent: Intent, seen: Situation, state: LoopState) -> Verdict:
    """Return the next step of a Create or an Update, or how it ends or waits."""
    over = _over(intent, seen, state)
    if over:
        return over
    decision = seen.target.obstacle or _next_step(intent, seen, state)
    kept = _kept(intent, seen, state, decision)
    if kept or seen.target.obstacle:
        return kept or decision
    return (_must_be_recorded(decision, intent, seen, state) and _acceptance(intent, seen)) or decision


def _over(intent: Intent, seen: Situation, state: LoopState) -> Verdict | None:
    """Return how a request ends or waits that nobody waits for any more, None for any other."""
    request_id = intent.version.request_id
    # After the clean-up of a replacement the record is on the new cluster alone.
    records = [each.record for each in (seen.current, seen.derived) if each]
    if any(each.was_answered(request_id) for each in records):
        return Ignore("this request was answered already")
    if any(each.newer_than(intent.version, seen.taken_at) for each in records):
        return Ignore("a newer request was accepted", superseded=True)
    if any(each.was_accepted(request_id) for each in records):
        return None
    return unexpected(seen.stack, intent.version, state, seen.taken_at)


def plan_context(intent: Intent, seen: Situation) -> PlanContext:
    """Return the context in which the target's plan is made."""
    version = (intent.properties.engine, intent.properties.redis_version)
    new_keys = {key for key, _ in intent.properties.tags}
    return PlanContext(
        now=seen.taken_at,
        request_version=intent.version,
        may_create=not intent.updates or seen.target.physical_id != intent.current_id,
        version_requested=intent.updates
        and version != (intent.previous.engine, intent.previous.redis_version),
        rolling_back=seen.stack.rolling_back,
        unused_subnets_kept=seen.unused_subnets_kept,
        kept_counts=_kept_counts(intent, seen),
        tags_unshown=seen.taggings >= _TAGGINGS,
        dropped_tags=frozenset(intent.previous.tag_keys - new_keys) if intent.updates else frozenset(),
    )


def all_warnings(intent: Intent, seen: Situation, token_made_at: float) -> tuple[str, ...]:
    """Return the warnings about the properties, and about the cluster that is as they ask."""
    desired, context = intent.desired(seen.target.physical_id), plan_context(intent, seen)
    return (*intent.properties.warnings, *warnings(desired, seen.observed, context, token_made_at))


def abandoned_id(owned: Mapping[str, OperationRecord], known: Container[str], stack: Stack) -> str:
    """Return the first of the owner's clusters that an Update removes, "" where there is none.

    It is none of the `known` ids, and CloudFormation never took a SUCCESS for it: it shows by the Update
    that it holds another id.
    """
    for physical_id, record in sorted(owned.items()):
        unanswered = record.answered is None and record.accepted == record.in_service
        if physical_id not in known and (unanswered or never_in_service(record, stack)):
            return physical_id
    return ""


def timed_out(intent: Intent, waiting: str, *, rolling_back: bool, service_timeout: int) -> str:
    """Return the Reason of a request that timed out while `waiting`; a rollback has none of its own.

    `service_timeout` are the seconds that CloudFormation allowed.
    """
    if intent.updates and rolling_back:
        return (
            f"Timed out while {waiting}; the stack is now UPDATE_ROLLBACK_FAILED. Once the cluster is "
            "available, run aws cloudformation continue-update-rollback"
        )
    after = "rolls back, waiting for it first" if intent.updates else "deletes it"
    way = "Change less at once" if intent.updates else "Use fewer nodes"
    if service_timeout < _LEAST_TIMEOUT:
        way = f"Set ServiceTimeout to {_LEAST_TIMEOUT} or more"
    return (
        f"Timed out while {waiting}. CloudFormation now {after}. {way} or, to look into it, "
        "deploy with --disable-rollback"
    )


def to_continue(reason: str) -> str:
    """Return the Reason for which a rollback failed, with how the stack goes on once that is mended."""
    if _CONTINUE in reason:
        return reason
    advice = f"; then run aws cloudformation {_CONTINUE}"
    return shorten(reason, REASON_LIMIT - len(advice)) + advice


def _next_step(intent: Intent, seen: Situation, state: LoopState) -> Verdict:
    """Return what the observation calls for, whether or not the request is on record yet."""
    cleanup = _cleanup(intent, seen)
    if isinstance(cleanup, Apply | Reject):
        return cleanup
    planned = plan(intent.desired(seen.target.physical_id), seen.observed, plan_context(intent, seen))
    if not isinstance(planned, UpToDate):
        return planned
    if state.preempted and not state.drained:
        return DRAINING
    if intent.updates and seen.observed.record.in_service is None:
        # A SUCCESS that nobody takes would leave a cluster in service, which no Delete removes unnamed.
        refusal = unexpected(seen.stack, intent.version, state, seen.taken_at)
        if refusal:
            return refusal
    return cleanup or planned


def _kept(intent: Intent, seen: Situation, state: LoopState, decision: Verdict) -> Verdict | None:
    """Return how a rollback with nothing to undo succeeds where it would be rejected, None for all others.

    Its failure would leave the stack in UPDATE_ROLLBACK_FAILED for what the failed update hasn't done. It is
    not recorded: by its own record the next observation could not see whether the failed update has one.
    """
    rollback = intent.updates and seen.stack.rolling_back
    if not rollback or not isinstance(decision, Reject) or not _nothing_to_undo(intent, seen):
        return None
    cleanup = _cleanup(intent, seen)
    return cleanup or (UpToDate(kept=decision.reason) if state.drained else DRAINING)


def _nothing_to_undo(intent: Intent, seen: Situation) -> bool:
    """Return whether the update that is reverted changed nothing, or nothing that still shows."""
    live, accepted = seen.current.replication_group, seen.current.record.accepted
    if live is None or accepted is None or (accepted.signed_at and not seen.stack.reverts(accepted)):
        return True
    if intent.differences(seen.current):
        return False
    context = replace(plan_context(intent, seen), unused_subnets_kept=True)
    return next_change(intent.desired(intent.current_id), live, seen.current, context) is None


def _kept_counts(intent: Intent, seen: Situation) -> frozenset[str]:
    """Return the counts that a request leaves alone: auto scaling may have changed them since.

    An Update sets a count where its properties differ in it, as CloudFormation's own resources do. A
    rollback sets one that was requested in the operation that it reverts.
    """
    if not intent.updates:
        return frozenset()
    previous, properties = intent.previous, intent.properties
    counts = {
        "node_groups": (previous.node_groups, properties.node_groups),
        "replicas": (previous.replicas, properties.replicas),
    }
    if not seen.stack.rolling_back:
        return frozenset(name for name, (before, now) in counts.items() if before == now)
    record = seen.owned.get(seen.target.physical_id or intent.current_id, OperationRecord())
    requested = record.counts_requested
    return frozenset(name for name in counts if not _undoes(requested.get(name), *counts[name], seen.stack))


def _undoes(requested: RequestedCount | None, reverted: int | None, now: int, stack: Stack) -> bool:
    """Return whether a count was requested in the operation that a rollback reverts.

    Either the time says so, or it is the very count that the reverted properties ask for.
    """
    if requested is None:
        return False
    return requested.at >= (stack.updated_at or 0.0) or (reverted != now and requested.number == reverted)


def _cleanup(intent: Intent, seen: Situation) -> Decision | None:
    """Remove a cluster that CloudFormation knows nothing of, such as that of a replacement that failed."""
    if not seen.abandoned.exists:
        return None
    names = naming.names(seen.abandoned_id, intent.prefix)
    decision = plan_deletion(scope(intent.version, names, seen.abandoned), seen.abandoned)
    return None if isinstance(decision, UpToDate) else decision


def _must_be_recorded(decision: Verdict, intent: Intent, seen: Situation, state: LoopState) -> bool:
    """Return whether others must learn of this request: it changes something, or an older one may act.

    A late copy of the request that an Update reverts would change something too.
    """
    if isinstance(decision, Apply | Requeue):
        return True
    was_open = seen.current.record.open or seen.observed.record.open
    return state.preempted or was_open or (intent.reverts and isinstance(decision, UpToDate))


def _acceptance(intent: Intent, seen: Situation) -> Apply | None:
    """Record that this request is the last one, on every cluster that it concerns."""
    return acceptance(seen.current, intent.version) or acceptance(seen.observed, intent.version)
