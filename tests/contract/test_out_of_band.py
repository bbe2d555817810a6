"""What happens to a cluster between two requests, and what an unrelated request makes of it."""

from __future__ import annotations

import pytest

from tests.harness.samples import HIGHLY_AVAILABLE, SHARDED_CLUSTER
from tests.harness.stack import NAME, StackUnderTest

MINUTE = 60


def primary(stack: StackUnderTest, physical_id: str) -> str:
    (shard,) = stack.group(physical_id)["NodeGroups"]
    return next(
        str(member["CacheClusterId"])
        for member in shard["NodeGroupMembers"]
        if member["CurrentRole"] == "primary"
    )


def test_after_a_failover_replicas_are_added_and_removed_and_the_new_primary_stays(
    stack: StackUnderTest,
) -> None:
    properties = stack.properties(HIGHLY_AVAILABLE, replicas=1)
    physical_id = stack.created(properties)
    stack.simulator.out_of_band(physical_id).fail_over()
    stack.clock.advance(MINUTE)
    promoted = primary(stack, physical_id)

    for replicas in (3, 1):
        response = stack.changed(properties, replicas=replicas)
        assert response.ok, response.reason
        assert stack.simulator.group(physical_id).replicas == replicas

    assert promoted.endswith("-002")
    assert primary(stack, physical_id) == promoted


def test_an_update_that_begins_during_a_failover_waits_for_it(stack: StackUnderTest) -> None:
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    stack.simulator.out_of_band(physical_id).fail_over()

    response = stack.changed(stack.properties(SHARDED_CLUSTER), tags={"team": "shop"})

    assert response.ok, response.reason


def test_a_member_of_a_global_datastore_is_not_changed_and_says_so(stack: StackUnderTest) -> None:
    """hashicorp/terraform-provider-aws#27875."""
    physical_id = stack.created()
    stack.simulator.out_of_band(physical_id).join_global_datastore("ldgnf-shop")

    response = stack.changed(stack.properties(node_type="cache.t3.small"))

    assert not response.ok
    assert f"Cluster [{physical_id}] is part of a global cluster [ldgnf-shop]" in response.reason


@pytest.mark.parametrize("status", ["incompatible-network", "restore-failed"])
def test_a_cluster_with_a_stranded_node_is_deleted(stack: StackUnderTest, status: str) -> None:
    """User guide, Nodes.viewing: the remedy is to delete."""
    physical_id = stack.created()
    stack.simulator.out_of_band(physical_id).strand(f"{physical_id}-001", status)

    response = stack.delete(NAME)

    assert response.ok, response.reason
    assert stack.leftovers() == []


def test_capacity_lost_after_a_create_was_accepted_is_said_in_the_words_of_the_event(
    stack: StackUnderTest,
) -> None:
    """ministryofjustice/cloud-platform#8304."""
    stack.simulator.lose_capacity()

    response = stack.create(NAME, stack.properties())

    assert not response.ok
    assert "insufficient capacity" in response.reason.lower()
    assert stack.roll_back(NAME).ok
    assert stack.leftovers() == []
    assert stack.create(NAME, stack.properties()).ok
