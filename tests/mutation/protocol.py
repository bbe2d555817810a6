"""Bugs of the protocol: who answers and when, who may act, what a poll is, what is made and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from massdriver_redis import intent, log
from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.calls import ec2
from massdriver_redis.cloudformation import poll_event
from massdriver_redis.cloudformation.work import Limits
from massdriver_redis.errors import TransientError
from massdriver_redis.handler import PollingResource
from massdriver_redis.planner import (
    create,
    delete,
    engine,
    order,
    replacement,
    request,
    requested_change,
    scaling,
    target,
)
from massdriver_redis.reconciler import retries
from massdriver_redis.reconciler.apply import ApplyController
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.reconciler.lease import Lease
from massdriver_redis.reconciler.loop import Reconciliation
from massdriver_redis.state import record

from .changes import (
    do_nothing,
    drop_definition,
    drop_guard,
    drop_item,
    drop_operand,
    drop_statement,
    preceded_by,
    replaced_by,
    reverse_operands,
    set_condition,
    set_item,
    set_keyword,
    set_return,
    swap_constant,
)
from .planting import Bug

if TYPE_CHECKING:
    from massdriver_redis.cloudformation.outcome import Outcome, Response

_HANDLER = "unit/test_handler.py"
_LOOP = "unit/reconciler/test_loop.py"
_APPLY = "unit/reconciler/test_apply.py"
_DELETE = "unit/reconciler/test_delete.py"
_LEASE = "unit/reconciler/test_lease.py"
_RACES = "concurrency/test_named_races.py"
_SCHEDULES = "concurrency/test_schedules_end.py"


def _forged(self: Any, poll: object, context: object) -> object:
    return poll


def _logged(self: Any, event: object, context: object) -> None:
    from massdriver_redis.log import logger

    logger.info("Event", event=event)


def _finished(self: Any, reason: str) -> Outcome:
    from massdriver_redis.cloudformation.outcome import Response

    return Response("SUCCESS", self.physical_id)


def _failed_with_the_derived_id(self: Any, reason: str, physical_id: str) -> Response:
    from massdriver_redis.cloudformation.outcome import Response

    intent = getattr(self._controller, "_intent", None)
    return Response("FAILED", getattr(intent, "derived_id", self.physical_id), reason)


def _recorded_late(self: Any, call: Any, version: Any) -> bool:
    from massdriver_redis.aws.execute import perform
    from massdriver_redis.state.record import LAST_REQUESTED_CHANGE, RequestedChange

    began = self._clock.now()
    applied = perform(self.aws, call, self.names.secret) == "applied"
    if call.change:
        change = RequestedChange.of(call.change, version.request_id, began)
        self.mark({LAST_REQUESTED_CHANGE: change.text()})
    return applied


def _random_name(request: Any, physical_id: str) -> str:
    import random

    return f"{physical_id}-{int(request.signed_at or 0):010d}-{''.join(random.choices('abcdefgh', k=12))}"


PROTOCOL_BUGS: tuple[Bug, ...] = (
    # --- who answers when, and with which id ---
    Bug(
        "crhelper answers with an id of its own making",
        PollingResource,
        drop_definition(PollingResource._cfn_response),
        (_HANDLER,),
    ),
    Bug("a poll's True counts as an id", PollingResource._physical_id, drop_operand(0), (_HANDLER,)),
    Bug("a poll returns True", PollingResource._run, set_return(True), (_HANDLER,)),
    Bug("an answer before all is settled", Reconciliation._pause, replaced_by(_finished), (_LOOP,)),
    Bug(
        "a failed update carries the new cluster's id",
        Reconciliation._failed,
        replaced_by(_failed_with_the_derived_id),
        (_APPLY,),
    ),
    Bug(
        "what was answered is answered again",
        request._over,
        drop_guard(at=0),
        (_LOOP, "concurrency/test_races.py"),
    ),
    Bug(
        "one observation is enough to change what shows without its record",
        Reconciliation._confirmed,
        drop_operand(0, at=-1),
        (_DELETE,),
    ),
    Bug(
        "one observation is enough to end a Delete",
        Reconciliation._confirmed,
        drop_operand(1, at=-1),
        (_LOOP,),
    ),
    Bug("one observation is enough to fail", Reconciliation._confirmed, drop_operand(2, at=-1), (_LOOP,)),
    Bug(
        "the deadline is not looked at",
        Reconciliation.run,
        drop_guard(mentions=Reconciliation._timed_out),
        (_LOOP,),
    ),
    Bug(
        "a request is answered after CloudFormation stopped waiting",
        Reconciliation.run,
        drop_guard(mentions="CloudFormation waits no longer"),
        (_SCHEDULES,),
    ),
    Bug("an invocation waits in a crowd", Limits.until, drop_guard(at=-1), (_LOOP,)),
    Bug(
        "in a crowd a failure is not looked at again",
        Reconciliation._until,
        drop_operand(0, at=-1),
        (_LOOP,),
    ),
    Bug("the last poll does not wait", Reconciliation._until, drop_operand(1, at=-1), (_LOOP,)),
    # --- the schedule ---
    Bug("no schedule is created", Lease.acquire, drop_statement(mentions=PollSchedules.create), (_LEASE,)),
    Bug(
        "the schedule is created after the first change",
        Reconciliation._advance,
        reverse_operands(mentions=Lease.acquire),
        (_LOOP,),
    ),
    Bug("the schedule stays after the response", Lease.release, do_nothing(), (_LEASE,)),
    Bug(
        "a response leaves its schedule",
        Reconciliation.after_response,
        drop_statement(mentions=Lease.release),
        (_LOOP,),
    ),
    Bug(
        "a schedule does not delete itself",
        PollSchedules.create,
        set_keyword("ActionAfterCompletion", "NONE"),
        ("unit/aws/test_poll_schedule.py",),
    ),
    Bug(
        "a conflict without a schedule counts as created",
        PollSchedules.create,
        set_condition(False, mentions=TransientError),
        ("unit/aws/test_poll_schedule.py",),
    ),
    Bug(
        "every delivery of a request has a schedule of its own",
        poll_event.schedule_name,
        replaced_by(_random_name),
        ("unit/cloudformation/test_poll_event.py",),
    ),
    Bug(
        "Scheduler replaces its placeholders in the properties",
        poll_event._text,
        swap_constant("\\u003c", "<"),
        (_SCHEDULES,),
    ),
    # --- polls ---
    Bug("a poll acts on its own words", PollingResource._carried, replaced_by(_forged), (_HANDLER,)),
    Bug(
        "a missing schedule is believed at once",
        PollSchedules.read,
        set_condition(False, at=0),
        ("unit/aws/test_poll_schedule.py",),
    ),
    Bug(
        "a clock that is ahead makes every poll late", poll_event, swap_constant(1200.0, 480.0), (_SCHEDULES,)
    ),
    Bug(
        "the poll of a Create derives its id again",
        intent.read_intent,
        set_condition(False, mentions=poll_event.id_in),
        ("concurrency/test_histories.py",),
    ),
    # --- taking over ---
    Bug("a newer schedule is not looked at", Lease.check, drop_guard(), (_LEASE,)),
    Bug(
        "a newer schedule is not looked at before the security group",
        Reconciliation._apply,
        set_condition(False, mentions=Lease.check),
        (_RACES,),
    ),
    Bug(
        "older schedules are not deleted",
        Lease.stop_older,
        drop_statement(mentions=PollSchedules.delete),
        (_LEASE,),
    ),
    Bug(
        "a success is answered while an older request polls",
        Reconciliation._reconcile,
        drop_operand(0, mentions=ApplyController.conclude),
        (_RACES,),
    ),
    Bug(
        "a failure is answered while an older request polls",
        Reconciliation._answer,
        drop_operand(0, at=0),
        (_RACES,),
    ),
    Bug("the drain is skipped", Lease.state, set_keyword("drained", True), (_LEASE,)),
    Bug(
        "a Delete that finds nothing does not wait for the drain",
        delete.decide,
        drop_operand(1, at=-2),
        (_DELETE,),
    ),
    Bug("a superseded request goes on", request._over, drop_guard(at=1), (_LOOP,)),
    Bug(
        "a superseded Delete goes on",
        delete.decide,
        drop_guard(at=0),
        ("unit/planner/test_delete.py",),
    ),
    Bug("a request that takes over is not on record", order.acceptance, do_nothing(), (_LOOP, _DELETE)),
    Bug(
        "a change is made on an old observation",
        Reconciliation._apply,
        drop_operand(1, at=-1),
        (_RACES, "concurrency/test_races.py"),
    ),
    Bug(
        "a Create goes on after its Delete was answered",
        ApplyController.observe,
        drop_operand(1, at=-1),
        (_RACES,),
    ),
    # --- whose is it ---
    Bug(
        "a cluster in service is adopted",
        target._new,
        drop_guard(mentions=target._still_exists, at=1),
        (_APPLY,),
    ),
    Bug(
        "an invented id deletes a cluster in service",
        delete.never_in_service,
        set_return(True, at=-1),
        (_DELETE,),
    ),
    Bug(
        "a deletion of the stack reverts what was answered",
        delete.never_in_service,
        drop_operand(1, at=-1),
        (_DELETE,),
    ),
    Bug(
        "a half-made replacement passes for answered",
        ApplyController.record_response,
        drop_operand(1, at=-1),
        (_APPLY,),
    ),
    Bug(
        "a half-made replacement passes for in service",
        request.abandoned_id,
        set_return("", at=0),
        (_APPLY,),
    ),
    Bug(
        "a cluster in service passes for abandoned",
        request.abandoned_id,
        drop_operand(1, at=1),
        (_APPLY,),
    ),
    # --- who may send a request ---
    Bug(
        "a request is carried out whatever its stack does",
        order.unexpected,
        do_nothing(),
        ("unit/planner/test_order.py",),
    ),
    Bug(
        "a stack's status is believed at once",
        order.unexpected,
        drop_guard(at=1),
        ("unit/planner/test_order.py",),
    ),
    Bug(
        "a late copy is answered like a forged event",
        order.unexpected,
        drop_guard(at=2),
        ("unit/planner/test_order.py",),
    ),
    Bug(
        "a Delete is carried out whatever its stack does",
        delete.decide,
        drop_operand(0, at=-2),
        ("unit/planner/test_delete.py",),
    ),
    Bug(
        "a Create or an Update is carried out whatever its stack does",
        request._over,
        set_return(None, at=-1),
        (_APPLY, "contract/test_stack_state.py"),
    ),
    Bug(
        "a schedule that names the resource is its own",
        Lease._is_of_this_resource,
        drop_operand(1, at=0),
        (_LEASE,),
    ),
    Bug(
        "a time in the future silences a resource",
        record.OperationRecord.newer_than,
        drop_operand(1),
        ("unit/state/test_record.py",),
    ),
    Bug(
        "in service is not marked",
        ApplyController.conclude,
        drop_statement(mentions=ExternalResource.mark),
        (_APPLY, _DELETE),
    ),
    Bug(
        "garbage collection removes what another request made",
        delete.plan_garbage_collection,
        drop_operand(2, at=-1),
        ("unit/planner/test_delete.py",),
    ),
    Bug(
        "garbage collection removes what a cluster in service had",
        delete.plan_garbage_collection,
        drop_operand(1, at=-1),
        ("unit/planner/test_delete.py",),
    ),
    # --- what is changed, and how ---
    Bug(
        "the record is written after the change",
        ExternalResource.apply,
        replaced_by(_recorded_late),
        ("unit/reconciler/test_external.py",),
    ),
    Bug(
        "a denial is believed at once",
        retries,
        swap_constant(3, 1),
        ("unit/reconciler/test_retries.py",),
    ),
    Bug(
        "failover is sent to a cluster-mode group",
        scaling.failover_on,
        set_keyword("failover", True),
        ("unit/planner/test_update.py", "unit/planner/test_plan.py"),
    ),
    Bug(
        "compared with the old properties and not with what is live",
        replacement._differing_modes,
        drop_item("secure"),
        (_APPLY,),
    ),
    Bug(
        "a change that AWS reverted goes unnoticed",
        requested_change.in_flight,
        do_nothing(),
        ("unit/planner/test_plan.py", _LOOP),
    ),
    Bug("a downgrade is not refused", engine.reject_downgrade, do_nothing(), ("unit/planner/test_plan.py",)),
    Bug(
        "at-rest encryption is off",
        create.creation_request,
        set_item("AtRestEncryptionEnabled", False),
        ("unit/planner/test_create.py",),
    ),
    # --- what is kept when all goes ---
    Bug(
        "the token goes without a recovery window",
        delete.plan_deletion,
        set_keyword("recoverable", False),
        ("unit/planner/test_delete.py",),
    ),
    Bug(
        "the security group is left behind",
        delete.plan_deletion,
        drop_guard(mentions=ec2.delete_security_group),
        ("unit/planner/test_delete.py",),
    ),
    # --- secrets ---
    Bug("the event is logged as it came", PollingResource._handle, preceded_by(_logged), (_HANDLER,)),
    Bug(
        "the secrets of a request are not known to the log",
        PollingResource._handle,
        drop_statement(mentions=log.protect),
        (_HANDLER,),
    ),
)
