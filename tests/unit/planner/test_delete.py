"""Delete as a plan: one thing after the other, and only what carries the owner's marker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.planner.decision import Done, Failed, Step, Wait
from massdriver_redis.planner.delete import Demolition, own_security_group, owned, tear_down
from massdriver_redis.state.observed import World
from massdriver_redis.state.record import HANDED_OVER
from tests.harness.builders import ID, MINE, NAMES, THEIRS, group, secret, security_group, subnet_group, world

TARGET = Demolition(MINE, NAMES, "final")
FOREIGN = World(group(owner=THEIRS), subnet_group(THEIRS), security_group(THEIRS), secret(THEIRS))


def step(decision):
    assert isinstance(decision, Step)
    return decision.call.operation, dict(decision.call.request)


def test_the_order_is_group_subnet_group_security_group_secret():
    left = world()
    taken = []
    for part in ("group", "subnet_group", "security_group", "secret"):
        taken.append(step(tear_down(TARGET, left))[0])
        left = replace(left, **{part: None})

    assert taken == [
        "delete_replication_group",
        "delete_cache_subnet_group",
        "delete_security_group",
        "delete_secret",
    ]
    assert tear_down(TARGET, left) == Done()


@pytest.mark.parametrize("part", ["group", "subnet_group", "security_group", "secret"])
def test_nothing_of_another_owner_is_touched(part):
    only = replace(World(), **{part: getattr(FOREIGN, part)})

    assert tear_down(TARGET, only) == Done()
    assert not owned(MINE, only)
    assert owned(THEIRS, only)


def test_what_is_ours_goes_even_beside_what_is_not():
    mixed = replace(FOREIGN, secret=secret())

    assert step(tear_down(TARGET, mixed))[0] == "delete_secret"
    assert own_security_group(MINE, mixed) is None
    assert own_security_group(THEIRS, mixed) == FOREIGN.security_group


@pytest.mark.parametrize("snapshot", ["final", None])
def test_a_quiet_group_goes_with_the_final_snapshot_that_is_wanted(snapshot):
    _, request = step(tear_down(replace(TARGET, snapshot=snapshot), world()))

    assert request.get("FinalSnapshotIdentifier") == snapshot


def test_a_group_whose_creation_failed_has_nothing_to_snapshot():
    operation, request = step(tear_down(TARGET, world(group=group(status="create-failed"))))

    assert (operation, request) == ("delete_replication_group", {"ReplicationGroupId": ID})


@pytest.mark.parametrize("status", ["creating", "modifying", "snapshotting", "deleting", "unheard-of"])
def test_a_busy_group_is_waited_for(status):
    decision = tear_down(TARGET, world(group=group(status=status)))

    assert isinstance(decision, Wait)
    assert "deleted" in decision.why


def test_a_member_of_a_global_datastore_is_left_to_the_user():
    decision = tear_down(TARGET, world(group=group(global_datastore="ldgnf-x")))

    assert isinstance(decision, Failed)
    assert "disassociate it there" in decision.reason


@pytest.mark.parametrize(
    ("tags", "how"),
    [
        ({HANDED_OVER: "1 a"}, {"RecoveryWindowInDays": 30}),
        ({}, {"ForceDeleteWithoutRecovery": True}),
    ],
)
def test_only_the_token_of_a_cluster_that_was_handed_over_can_be_restored(tags, how):
    _, request = step(tear_down(TARGET, World(secret=secret(tags=tags))))

    assert request == {"SecretId": NAMES.secret, **how}


def test_a_secret_in_its_recovery_window_counts_as_gone():
    leaving = World(secret=secret(deleting=True))

    assert tear_down(TARGET, leaving) == Done()
    assert not owned(MINE, leaving)
