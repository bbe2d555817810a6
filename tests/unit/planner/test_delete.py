"""Delete as a plan: one resource after the other, and only what carries the owner's marker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.planner.decision import Apply, Ignore, LoopState, Reject, Requeue, UpToDate
from massdriver_redis.planner.delete import (
    DeletionScope,
    Leftovers,
    decide,
    next_to_remove,
    plan_deletion,
    plan_garbage_collection,
    scope,
)
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.ownership import Found, judge
from massdriver_redis.state.record import OperationRecord, RequestVersion
from massdriver_redis.state.stack import MISSING, Stack
from tests.harness.builders import (
    ID,
    MINE,
    NAMES,
    THEIRS,
    observed,
    replication_group,
    secret,
    security_group,
    subnet_group,
)

TARGET = DeletionScope(NAMES, "final")
VERSION = RequestVersion("delete", 100.0)
ALONE = LoopState(preempted=False, drained=False, armed_for=0.0)
DRAINED = LoopState(preempted=True, drained=True, armed_for=90.0)


def step(decision):
    assert isinstance(decision, Apply)
    return decision.call.operation, dict(decision.call.request)


def test_the_order_is_replication_group_subnet_group_secret_security_group():
    left = observed()
    taken = []
    for part in ("replication_group", "subnet_group", "secret", "security_group"):
        taken.append(step(plan_deletion(TARGET, left))[0])
        left = replace(left, **{part: None})

    assert taken == [
        "delete_replication_group",
        "delete_cache_subnet_group",
        "delete_secret",
        "delete_security_group",
    ]
    assert plan_deletion(TARGET, left) == UpToDate()


def test_of_another_owner_s_resources_under_our_names_nothing_is_touched():
    found = Found(
        replication_group(owner=THEIRS), subnet_group(THEIRS), (security_group(THEIRS),), secret(THEIRS)
    )

    assert plan_deletion(TARGET, judge(found, MINE)) == UpToDate()
    assert plan_deletion(TARGET, judge(replace(found, secret=secret()), MINE)) != UpToDate()


@pytest.mark.parametrize("snapshot", ["final", None])
def test_a_quiet_group_goes_with_the_final_snapshot_that_is_wanted(snapshot):
    _, request = step(plan_deletion(replace(TARGET, snapshot=snapshot), observed()))

    assert request.get("FinalSnapshotIdentifier") == snapshot


def test_a_group_whose_creation_failed_has_nothing_to_snapshot():
    operation, request = step(
        plan_deletion(TARGET, observed(replication_group=replication_group(status="create-failed")))
    )

    assert (operation, request) == ("delete_replication_group", {"ReplicationGroupId": ID})


@pytest.mark.parametrize("status", ["creating", "modifying", "snapshotting", "deleting", "unheard-of"])
def test_a_busy_group_is_waited_for(status):
    decision = plan_deletion(TARGET, observed(replication_group=replication_group(status=status)))

    assert isinstance(decision, Requeue)
    assert "deleted" in decision.reason


def test_a_member_of_a_global_datastore_is_left_to_the_user():
    decision = plan_deletion(
        TARGET, observed(replication_group=replication_group(global_datastore="ldgnf-x"))
    )

    assert isinstance(decision, Reject)
    assert "disassociate it there" in decision.reason


@pytest.mark.parametrize(
    ("record", "how"),
    [
        (security_group(**{"in-service": "1 a"}), {"RecoveryWindowInDays": 30}),
        (security_group(), {"ForceDeleteWithoutRecovery": True}),
        (None, {"RecoveryWindowInDays": 30}),
    ],
    ids=["in service", "never in service", "record lost"],
)
def test_only_the_token_of_a_cluster_that_was_never_in_service_is_deleted_for_good(record, how):
    _, request = step(plan_deletion(TARGET, Observed(security_group=record, secret=secret())))

    assert request == {"SecretId": NAMES.secret, **how}


def test_a_secret_in_its_recovery_window_counts_as_gone():
    leaving = Observed(secret=secret(deleting=True))

    assert plan_deletion(TARGET, leaving) == UpToDate()


# What a Delete decides


def decided(left, state=DRAINED, found=True, stack=None):
    return decide(VERSION, Leftovers(200.0, left.partial, True, NAMES, left, stack or Stack(), found), state)


@pytest.mark.parametrize(
    ("group", "taken"),
    [(security_group(), False), (security_group(**{"in-service": "1 a"}), True), (None, True)],
    ids=["never in service", "in service", "record not shown"],
)
def test_only_of_a_cluster_that_was_never_in_service_no_final_snapshot_is_taken(group, taken):
    covered = scope(VERSION, NAMES, observed(security_group=group))

    assert (covered.snapshot is not None) is taken


def test_a_delete_that_a_newer_request_followed_is_over():
    left = Observed(security_group=security_group(**{"last-accepted-request": "101 update"}))

    assert isinstance(decided(left), Ignore)


def test_a_recorded_time_in_the_future_stops_no_delete():
    left = observed(security_group=security_group(**{"last-accepted-request": "9999999999 update"}))

    assert isinstance(decided(left), Apply)


def test_a_delete_is_on_record_before_it_deletes_anything():
    operation, request = step(decided(observed()))

    assert operation == "create_tags"
    assert request["Tags"] == [{"Key": "massdriver-redis:last-accepted-request", "Value": "100 delete"}]


@pytest.mark.parametrize(
    ("state", "found"),
    [(ALONE, False), (LoopState(preempted=True, drained=False, armed_for=0.0), True)],
    ids=["nothing was ever found", "an older request was stopped"],
)
def test_nothing_left_is_believed_only_once_no_older_call_can_arrive(state, found):
    assert isinstance(decided(Observed(), state, found), Requeue)
    assert decided(Observed(), DRAINED, found) == UpToDate()
    assert decided(Observed(), ALONE, found=True) == UpToDate()


# A Delete that no operation of the stack has sent


@pytest.mark.parametrize(
    ("status", "armed_for", "verdict"),
    [
        ("CREATE_COMPLETE", 59.0, Requeue),
        ("CREATE_COMPLETE", 60.0, Reject),
        ("REVIEW_IN_PROGRESS", 60.0, Reject),
        ("DELETE_COMPLETE", 60.0, Reject),
        (MISSING, 119.0, Requeue),
        (MISSING, 120.0, Reject),
        ("DELETE_IN_PROGRESS", 60.0, Apply),
        ("", 3000.0, Apply),
    ],
)
def test_a_delete_without_an_operation_of_its_stack_is_rejected_on_the_second_look(
    status, armed_for, verdict
):
    state = LoopState(preempted=False, drained=True, armed_for=armed_for)

    assert isinstance(decided(observed(), state, stack=Stack(status)), verdict)


def test_a_delete_on_record_is_not_judged_again():
    accepted = observed(security_group=security_group(**{"last-accepted-request": "100 delete"}))

    assert isinstance(decided(accepted, stack=Stack("DELETE_COMPLETE")), Apply)


def test_where_nothing_is_left_there_is_nothing_to_judge():
    assert decided(Observed(), stack=Stack("CREATE_COMPLETE")) == UpToDate()


# What a Delete removes besides the cluster that it names


def in_service(signed_at):
    return OperationRecord(in_service=RequestVersion("create", signed_at))


@pytest.mark.parametrize(
    ("record", "stack", "removed"),
    [
        (OperationRecord(), Stack(), True),
        (OperationRecord(accepted=RequestVersion("create", 50.0)), Stack("UPDATE_COMPLETE", 1.0), True),
        (in_service(50.0), Stack("ROLLBACK_IN_PROGRESS", 40.0), True),
        (in_service(50.0), Stack("DELETE_IN_PROGRESS", 40.0), True),
        (in_service(50.0), Stack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", 1.0, 40.0), True),
        (in_service(50.0), Stack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", 1.0, 60.0), False),
        (in_service(50.0), Stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 1.0, 40.0), False),
        (in_service(50.0), Stack("ROLLBACK_IN_PROGRESS"), False),
        (in_service(0.0), Stack("ROLLBACK_IN_PROGRESS", 40.0), False),
        (in_service(50.0), Stack(), False),
    ],
    ids=[
        "never in service, stack unknown",
        "never in service",
        "in service by the creation that is reverted",
        "in service by the creation of a stack that is deleted",
        "in service by the update that is reverted",
        "in service before the update that is reverted",
        "in service by an update that stays",
        "the stack's times are unknown",
        "the time of the SUCCESS is unknown",
        "the stack is unknown",
    ],
)
def test_only_a_cluster_that_nobody_can_be_using_is_removed_unnamed(record, stack, removed):
    found = next_to_remove(ID, Observed(), {"another-id": record}, stack, "delete")

    assert found == ("another-id" if removed else "")


def test_a_cluster_without_a_record_is_left_and_what_is_no_cluster_is_not():
    assert next_to_remove(ID, observed(security_group=None), {}, Stack(), "delete") == ""
    assert next_to_remove(ID, Observed(subnet_group=subnet_group()), {}, Stack(), "delete") == ID


def test_a_delete_goes_on_with_what_it_has_begun_to_remove_whatever_is_noted_on_it_meanwhile():
    create = RequestVersion("create", 50.0)
    begun = OperationRecord(accepted=VERSION, answered=create, in_service=create)
    stack = Stack("DELETE_IN_PROGRESS", 40.0)

    assert next_to_remove(ID, Observed(), {"another-id": begun}, stack, "delete") == "another-id"
    assert next_to_remove(ID, Observed(), {"another-id": begun}, stack, "another delete") == ""


# Garbage collection


@pytest.mark.parametrize(
    ("left", "operation"),
    [
        ({"replication_group": None}, "delete_cache_subnet_group"),
        ({"replication_group": None, "subnet_group": None}, "delete_secret"),
        ({"replication_group": None, "subnet_group": None, "secret": None}, "delete_security_group"),
    ],
)
def test_what_a_superseded_request_made_for_nobody_is_removed(left, operation):
    accepted = security_group(**{"last-accepted-request": "100 delete"})

    call = plan_garbage_collection(VERSION, NAMES, observed(security_group=accepted, **left))

    assert call.operation == operation


@pytest.mark.parametrize(
    "kept",
    [
        {"replication_group": replication_group()},
        {"security_group": security_group(**{"last-accepted-request": "100 delete", "in-service": "1 a"})},
        {"security_group": security_group(**{"last-accepted-request": "101 another"})},
        {"security_group": security_group()},
    ],
    ids=["a replication group", "a cluster in service", "another request", "no request"],
)
def test_garbage_collection_leaves_what_is_somebody_s(kept):
    accepted = security_group(**{"last-accepted-request": "100 delete"})
    left = observed(**{"replication_group": None, "security_group": accepted, **kept})

    assert plan_garbage_collection(VERSION, NAMES, left) is None
