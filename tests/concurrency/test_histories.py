"""Long lives of one resource through the real handler: there and back, leftovers, new names and providers."""

from __future__ import annotations

from typing import Any

import pytest

from massdriver_redis.properties import schemas
from tests.harness.samples import FREE_TIER, HIGHLY_AVAILABLE, SHARDED_CLUSTER
from tests.harness.stack import NAME, SLOW, StackUnderTest

LARGE = {
    **HIGHLY_AVAILABLE,
    "node_type": "cache.r5.large",
    "replicas": 3,
    "tags": {"size": "large"},
    "snapshot_retention_limit": 0,
    "allow_vpc_access": False,
}


def there(stack: StackUnderTest) -> list[str]:
    return sorted(group.id for group in stack.simulator.groups())


def shape(stack: StackUnderTest, group_id: str) -> tuple[Any, ...]:
    group = stack.simulator.group(group_id)
    return group.node_type, len(group.node_groups), group.replicas, group.failover, group.multi_az


def everything(stack: StackUnderTest) -> list[object]:
    """Return how many there are of each thing a cluster is made of, and the rules still armed."""
    counted = (stack.simulator.groups(), stack.security_groups(), stack.secrets())
    return [*map(len, counted), stack.armed()]


ONE_OF_EACH = [1, 1, 1, []]


def test_flip_flops_in_place_keep_the_cluster_and_end_as_they_began(stack: StackUnderTest) -> None:
    small = stack.properties(FREE_TIER)
    physical_id = stack.created(small)
    group, token, began = (
        stack.simulator.group(physical_id),
        stack.token(physical_id),
        shape(stack, physical_id),
    )
    calls = []
    for _ in range(3):
        for properties in (stack.properties(LARGE), small):
            response = stack.changed(properties)
            assert response.ok, response.reason
            assert response.physical_id == physical_id
            calls.append(stack.writes())
    assert shape(stack, physical_id) == began
    assert stack.simulator.group(physical_id) is group
    assert stack.token(physical_id) == token
    # Every round costs what the first one did.
    assert calls[0::2] == [calls[0]] * 3
    assert calls[1::2] == [calls[1]] * 3
    assert everything(stack) == ONE_OF_EACH


def test_flip_flops_by_replacement_leave_one_cluster_and_use_each_name_again(stack: StackUnderTest) -> None:
    plain, sharded = (stack.properties(each, allow_replacement=True) for each in (FREE_TIER, SHARDED_CLUSTER))
    first = stack.created(plain)
    ids = []
    for properties in (sharded, plain, sharded, plain):
        response = stack.changed(properties)
        assert response.ok, response.reason
        ids.append(response.physical_id)
        assert there(stack) == [response.physical_id]
    assert ids == [ids[0], first] * 2
    assert everything(stack) == ONE_OF_EACH


def test_back_to_a_cluster_that_still_exists_waits_for_its_owner_to_remove_it(stack: StackUnderTest) -> None:
    plain, sharded = (stack.properties(each, allow_replacement=True) for each in (FREE_TIER, SHARDED_CLUSTER))
    first = stack.created(plain)
    second = stack.update(NAME, sharded, clean_up=False).physical_id

    refused = stack.update(NAME, plain, clean_up=False)
    assert refused.reason == (
        f"{first} still exists from an earlier deployment and was left alone: delete it, or set "
        "md_metadata.name_prefix to another value"
    )
    assert stack.roll_back(NAME).physical_id == second
    assert there(stack) == sorted([first, second])

    stack.run(stack.send("Delete", NAME, physical_id=first))
    response = stack.changed(plain)
    assert response.ok, response.reason
    assert response.physical_id == first
    assert there(stack) == [first]


def test_a_create_goes_on_over_what_a_failed_one_left_and_nobody_deleted(stack: StackUnderTest) -> None:
    stack.simulator.fail_next_create("Insufficient capacity")
    failed = stack.create(NAME, stack.properties(LARGE))
    assert "Insufficient capacity" in failed.reason
    assert there(stack) == [failed.physical_id]

    response = stack.create(NAME, stack.properties(LARGE))

    assert response.ok, response.reason
    assert response.physical_id == failed.physical_id
    assert stack.simulator.group(failed.physical_id).status == "available"
    assert everything(stack) == ONE_OF_EACH
    assert stack.simulator.auth_token(failed.physical_id) == stack.token(failed.physical_id)


def test_another_name_prefix_is_refused_and_a_replacement_when_allowed_there_and_back(
    stack: StackUnderTest,
) -> None:
    plain = stack.properties(FREE_TIER)
    first = stack.created(plain)
    renamed = {**plain, "md_metadata": {"name_prefix": "cart-prod-redis"}}

    refused = stack.changed(renamed)
    assert refused.reason.startswith("md_metadata.name_prefix: can't change on a live cluster.")
    assert stack.writes() == []
    assert stack.roll_back(NAME).physical_id == first

    second = stack.changed({**renamed, "allow_replacement": True})
    assert second.ok, second.reason
    assert second.physical_id.startswith("cart-prod-redis-")
    assert there(stack) == [second.physical_id]

    back = stack.changed({**plain, "allow_replacement": True})
    assert back.ok, back.reason
    assert back.physical_id == first
    assert everything(stack) == ONE_OF_EACH


def test_a_new_provider_with_other_defaults_changes_an_old_cluster_in_place(
    stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = stack.properties(FREE_TIER)
    physical_id = stack.created(plain)
    group = stack.simulator.group(physical_id)
    _new_default(monkeypatch, "snapshot_retention_limit", 3)
    _new_default(monkeypatch, "redis_version", "7.1")

    response = stack.changed({key: value for key, value in plain.items() if key != "redis_version"})

    assert response.ok, response.reason
    assert response.physical_id == physical_id
    assert stack.simulator.group(physical_id) is group
    assert (group.retention, group.version) == (3, "7.1.0")


def test_a_new_provider_whose_default_is_create_only_refuses_rather_than_replace(
    stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {key: value for key, value in stack.properties(FREE_TIER).items() if key != "secure"}
    physical_id = stack.created(plain)
    _new_default(monkeypatch, "secure", False)

    response = stack.changed({**plain, "replicas": 1})

    assert response.reason.startswith("secure: can't change on a live cluster.")
    assert stack.writes() == []
    named = stack.changed({**plain, "replicas": 1, "secure": True})
    assert named.ok, named.reason
    assert named.physical_id == physical_id


def test_a_new_provider_goes_on_with_a_create_under_the_id_of_its_schedule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with StackUnderTest(SLOW) as stack:
        plain = {key: value for key, value in stack.properties(FREE_TIER).items() if key != "secure"}
        request = stack.prepare("Create", plain)
        stack.invoke(request.event)
        (begun,) = there(stack)
        _new_default(monkeypatch, "secure", False)

        response = stack.run(request)

        assert response.ok, response.reason
        assert response.physical_id == begun
        assert there(stack) == [begun]


def test_a_new_provider_deletes_what_an_old_one_made(
    stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.created(stack.properties(FREE_TIER))
    _new_default(monkeypatch, "secure", False)
    _new_default(monkeypatch, "subnet_type", "private")

    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


def test_subnets_that_nodes_moved_into_do_not_stop_a_rollback(stack: StackUnderTest) -> None:
    one_zone = stack.properties(FREE_TIER, vpc=stack.vpc(stack.cloud.subnets[:1]))
    physical_id = stack.created(one_zone)
    stack.simulator.roll_back_next("multi_az", "Failed to enable Multi-AZ")
    wider = {**one_zone, "vpc": stack.vpc(), "replicas": 2, "node_type": "cache.m5.large"}
    failed = stack.changed(wider)
    assert "Failed to enable Multi-AZ" in failed.reason
    # Replacing the nodes for the larger type put the primary elsewhere.
    (node_group,) = stack.simulator.group(physical_id).node_groups
    node_group.members[0].subnet = stack.cloud.subnets[1]

    back = stack.roll_back(NAME)

    assert back.ok, back.reason
    assert shape(stack, physical_id) == ("cache.t3.micro", 1, 0, "disabled", False)
    assert "Subnets that the cluster still uses were kept." in back.data["warnings"]


def test_an_update_that_drops_a_subnet_in_use_fails_and_rolls_back(
    stack: StackUnderTest,
) -> None:
    both = stack.properties(HIGHLY_AVAILABLE, vpc=stack.vpc(stack.cloud.subnets[:2]))
    physical_id = stack.created(both)

    failed = stack.changed({**both, "vpc": stack.vpc(stack.cloud.subnets[:1])})

    assert not failed.ok
    assert "still has a node" in failed.reason
    assert stack.roll_back(NAME).ok
    assert shape(stack, physical_id) == ("cache.t3.micro", 1, 1, "enabled", True)


def _new_default(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    known = schemas.schema("properties.json")["properties"]
    assert isinstance(known, dict)
    monkeypatch.setitem(known[name], "default", value)
