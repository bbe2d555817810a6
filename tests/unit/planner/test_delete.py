"""Delete as a plan: one thing after the other, and only what carries the owner's marker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.planner.decision import Apply, Reject, Requeue, UpToDate
from massdriver_redis.planner.delete import DeletionScope, own_security_group, owned, plan_deletion
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import IN_SERVICE
from tests.harness.builders import (
    ID,
    MINE,
    NAMES,
    THEIRS,
    group,
    observed,
    secret,
    security_group,
    subnet_group,
)

TARGET = DeletionScope(MINE, NAMES, "final")
FOREIGN = Observed(group(owner=THEIRS), subnet_group(THEIRS), security_group(THEIRS), secret(THEIRS))


def step(decision):
    assert isinstance(decision, Apply)
    return decision.call.operation, dict(decision.call.request)


def test_the_order_is_group_subnet_group_security_group_secret():
    left = observed()
    taken = []
    for part in ("group", "subnet_group", "security_group", "secret"):
        taken.append(step(plan_deletion(TARGET, left))[0])
        left = replace(left, **{part: None})

    assert taken == [
        "delete_replication_group",
        "delete_cache_subnet_group",
        "delete_security_group",
        "delete_secret",
    ]
    assert plan_deletion(TARGET, left) == UpToDate()


@pytest.mark.parametrize("part", ["group", "subnet_group", "security_group", "secret"])
def test_nothing_of_another_owner_is_touched(part):
    only = replace(Observed(), **{part: getattr(FOREIGN, part)})

    assert plan_deletion(TARGET, only) == UpToDate()
    assert not owned(MINE, only)
    assert owned(THEIRS, only)


def test_what_is_ours_goes_even_beside_what_is_not():
    mixed = replace(FOREIGN, secret=secret())

    assert step(plan_deletion(TARGET, mixed))[0] == "delete_secret"
    assert own_security_group(MINE, mixed) is None
    assert own_security_group(THEIRS, mixed) == FOREIGN.security_group


@pytest.mark.parametrize("snapshot", ["final", None])
def test_a_quiet_group_goes_with_the_final_snapshot_that_is_wanted(snapshot):
    _, request = step(plan_deletion(replace(TARGET, snapshot=snapshot), observed()))

    assert request.get("FinalSnapshotIdentifier") == snapshot


def test_a_group_whose_creation_failed_has_nothing_to_snapshot():
    operation, request = step(plan_deletion(TARGET, observed(group=group(status="create-failed"))))

    assert (operation, request) == ("delete_replication_group", {"ReplicationGroupId": ID})


@pytest.mark.parametrize("status", ["creating", "modifying", "snapshotting", "deleting", "unheard-of"])
def test_a_busy_group_is_waited_for(status):
    decision = plan_deletion(TARGET, observed(group=group(status=status)))

    assert isinstance(decision, Requeue)
    assert "deleted" in decision.why


def test_a_member_of_a_global_datastore_is_left_to_the_user():
    decision = plan_deletion(TARGET, observed(group=group(global_datastore="ldgnf-x")))

    assert isinstance(decision, Reject)
    assert "disassociate it there" in decision.reason


@pytest.mark.parametrize(
    ("tags", "how"),
    [
        ({IN_SERVICE: "1 a"}, {"RecoveryWindowInDays": 30}),
        ({}, {"ForceDeleteWithoutRecovery": True}),
    ],
)
def test_only_the_token_of_a_cluster_that_was_handed_over_can_be_restored(tags, how):
    _, request = step(plan_deletion(TARGET, Observed(secret=secret(tags=tags))))

    assert request == {"SecretId": NAMES.secret, **how}


def test_a_secret_in_its_recovery_window_counts_as_gone():
    leaving = Observed(secret=secret(deleting=True))

    assert plan_deletion(TARGET, leaving) == UpToDate()
    assert not owned(MINE, leaving)
