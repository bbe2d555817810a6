"""Delete as a plan: one resource after the other, and only what carries the owner's marker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.planner.decision import Apply, Reject, Requeue, UpToDate
from massdriver_redis.planner.delete import DeletionScope, plan_deletion
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.ownership import Found, judge
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
