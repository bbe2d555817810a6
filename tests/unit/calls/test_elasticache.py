"""How replicas and node groups are asked for: up or down by where they were, all of them or some."""

from __future__ import annotations

import pytest

from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import ExpectedChange


@pytest.mark.parametrize(
    ("previous", "wanted", "operation"),
    [(1, 2, "increase_replica_count"), (2, 1, "decrease_replica_count"), (0, 1, "increase_replica_count")],
)
def test_replicas_are_added_or_removed_by_where_they_were(previous, wanted, operation):
    call = elasticache.set_replicas("c", previous, wanted)

    assert call.operation == operation
    assert call.request["NewReplicaCount"] == wanted
    assert call.change == ExpectedChange((("replicas", wanted),), previous)


def test_uneven_node_groups_are_named_one_by_one():
    request = elasticache.set_replicas("c", 1, 0, ("0001", "0003")).request

    assert "NewReplicaCount" not in request
    assert request["ReplicaConfiguration"] == [
        {"NodeGroupId": "0001", "NewReplicaCount": 0},
        {"NodeGroupId": "0003", "NewReplicaCount": 0},
    ]


@pytest.mark.parametrize("removed", [(), ("0002",)])
def test_a_reshard_names_the_node_groups_it_removes_and_expects_their_count(removed):
    call = elasticache.set_node_groups("c", 3, 2, removed)

    assert call.request.get("NodeGroupsToRemove", []) == list(removed)
    assert call.change == ExpectedChange((("node_groups", 2),), 3)
