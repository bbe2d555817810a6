"""How replicas are asked for: up or down by where they were, for all node groups or for some."""

from __future__ import annotations

import pytest

from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.calls.base import ExpectedChange


@pytest.mark.parametrize(
    ("was", "wanted", "operation"),
    [
        ("1", 2, "increase_replica_count"),
        ("2", 1, "decrease_replica_count"),
        ("", 1, "increase_replica_count"),
    ],
)
def test_replicas_are_added_or_removed_by_where_they_were(was, wanted, operation):
    assert group_calls.set_replicas("c", wanted, (), ExpectedChange((), was=was)).operation == operation


def test_uneven_node_groups_are_named_one_by_one():
    request = group_calls.set_replicas("c", 0, ("0001", "0003"), ExpectedChange((), was="1")).request

    assert "NewReplicaCount" not in request
    assert request["ReplicaConfiguration"] == [
        {"NodeGroupId": "0001", "NewReplicaCount": 0},
        {"NodeGroupId": "0003", "NewReplicaCount": 0},
    ]
