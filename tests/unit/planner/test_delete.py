"""Delete as a plan: one resource after the other, and only what carries the owner's marker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.planner.decision import Apply, Ignore, LoopState, Reject, Requeue, UpToDate
from massdriver_redis.planner.delete import (
    DeletionScope,
    Leftovers,
    decide,
    plan_deletion,
    plan_garbage_collection,
)
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.ownership import Found, judge
from massdriver_redis.state.record import RequestVersion
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
ALONE = LoopState(preempted=False, drained=False)
DRAINED = LoopState(preempted=True, drained=True)


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


def decided(left, state=DRAINED, found=True, invented=False):
    return decide(VERSION, NAMES, Leftovers(0.0, left.partial, left, found), state, invented=invented)


def test_a_delete_that_a_newer_request_followed_is_over():
    left = Observed(security_group=security_group(**{"last-accepted-request": "101 update"}))

    assert isinstance(decided(left), Ignore)


def test_a_delete_is_on_record_before_it_deletes_anything():
    operation, request = step(decided(observed()))

    assert operation == "create_tags"
    assert request["Tags"] == [{"Key": "massdriver-redis:last-accepted-request", "Value": "100 delete"}]


@pytest.mark.parametrize(
    ("state", "found"),
    [(ALONE, False), (LoopState(preempted=True, drained=False), True)],
    ids=["nothing was ever found", "an older request was stopped"],
)
def test_nothing_left_is_believed_only_once_no_older_call_can_arrive(state, found):
    assert isinstance(decided(Observed(), state, found), Requeue)
    assert decided(Observed(), DRAINED, found) == UpToDate()
    assert decided(Observed(), ALONE, found=True) == UpToDate()


@pytest.mark.parametrize(
    "left",
    [
        observed(security_group=security_group(**{"in-service": "1 a", "last-answered-request": "1 a"})),
        observed(security_group=None),
    ],
    ids=["in service", "its record does not show"],
)
def test_an_id_that_is_not_ours_leads_to_no_cluster_in_service(left):
    assert decided(left, invented=True) == UpToDate()


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

    call = plan_garbage_collection(VERSION, TARGET, observed(security_group=accepted, **left))

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

    assert plan_garbage_collection(VERSION, TARGET, left) is None
