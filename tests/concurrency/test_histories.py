"""Long lives of one resource through the real handler: there and back, leftovers, new names and providers."""

from __future__ import annotations

from typing import Any

import pytest

from massdriver_redis.properties import schemas
from tests.harness.samples import FREE_TIER, HIGHLY_AVAILABLE, SHARDED_CLUSTER
from tests.harness.stack import NAME, Stage

LARGE = {
    **HIGHLY_AVAILABLE,
    "node_type": "cache.r5.large",
    "replicas": 3,
    "tags": {"size": "large"},
    "snapshot_retention_limit": 0,
    "allow_vpc_access": False,
}


def there(stage: Stage) -> list[str]:
    return sorted(group.id for group in stage.simulator.groups())


def shape(stage: Stage, group_id: str) -> tuple[Any, ...]:
    group = stage.simulator.group(group_id)
    return group.node_type, len(group.node_groups), group.replicas, group.failover, group.multi_az


def everything(stage: Stage) -> list[object]:
    """Return how many there are of each thing a cluster is made of, and the rules still armed."""
    counted = (stage.simulator.groups(), stage.security_groups(), stage.secrets())
    return [*map(len, counted), stage.armed()]


ONE_OF_EACH = [1, 1, 1, []]


def test_flip_flops_in_place_keep_the_cluster_and_end_as_they_began(stage: Stage) -> None:
    small = stage.properties(FREE_TIER)
    physical_id = stage.created(small)
    group, token, began = (
        stage.simulator.group(physical_id),
        stage.token(physical_id),
        shape(stage, physical_id),
    )
    calls = []
    for _ in range(3):
        for properties in (stage.properties(LARGE), small):
            response = stage.changed(properties)
            assert response.ok, response.reason
            assert response.physical_id == physical_id
            calls.append(stage.writes())
    assert shape(stage, physical_id) == began
    assert stage.simulator.group(physical_id) is group
    assert stage.token(physical_id) == token
    # Every turn costs what the first one did.
    assert calls[0::2] == [calls[0]] * 3
    assert calls[1::2] == [calls[1]] * 3
    assert everything(stage) == ONE_OF_EACH


def test_flip_flops_by_replacement_leave_one_cluster_and_use_each_name_again(stage: Stage) -> None:
    plain, sharded = (stage.properties(each, allow_replacement=True) for each in (FREE_TIER, SHARDED_CLUSTER))
    first = stage.created(plain)
    ids = []
    for properties in (sharded, plain, sharded, plain):
        response = stage.changed(properties)
        assert response.ok, response.reason
        ids.append(response.physical_id)
        assert there(stage) == [response.physical_id]
    assert ids == [ids[0], first] * 2
    assert everything(stage) == ONE_OF_EACH


def test_back_to_a_cluster_that_still_exists_waits_for_its_owner_to_remove_it(stage: Stage) -> None:
    plain, sharded = (stage.properties(each, allow_replacement=True) for each in (FREE_TIER, SHARDED_CLUSTER))
    first = stage.created(plain)
    second = stage.update(NAME, sharded, clean_up=False).physical_id

    refused = stage.update(NAME, plain, clean_up=False)
    assert refused.reason == (
        f"{first} still exists from an earlier deployment and was left alone: delete it, or set "
        "md_metadata.name_prefix to another value"
    )
    assert stage.roll_back(NAME).physical_id == second
    assert there(stage) == sorted([first, second])

    stage.run(stage.send("Delete", NAME, physical_id=first))
    response = stage.changed(plain)
    assert response.ok, response.reason
    assert response.physical_id == first
    assert there(stage) == [first]


def test_a_create_goes_on_over_what_a_failed_one_left_and_nobody_deleted(stage: Stage) -> None:
    stage.simulator.fail_next_create("Insufficient capacity")
    failed = stage.create(NAME, stage.properties(LARGE))
    assert "Insufficient capacity" in failed.reason
    assert there(stage) == [failed.physical_id]

    response = stage.create(NAME, stage.properties(LARGE))

    assert response.ok, response.reason
    assert response.physical_id == failed.physical_id
    assert stage.simulator.group(failed.physical_id).status == "available"
    assert everything(stage) == ONE_OF_EACH
    assert stage.simulator.auth_token(failed.physical_id) == stage.token(failed.physical_id)


def test_another_name_prefix_is_refused_and_a_replacement_when_allowed_there_and_back(stage: Stage) -> None:
    plain = stage.properties(FREE_TIER)
    first = stage.created(plain)
    renamed = {**plain, "md_metadata": {"name_prefix": "cart-prod-redis"}}

    refused = stage.changed(renamed)
    assert refused.reason.startswith("md_metadata.name_prefix: can't change on a live cluster.")
    assert stage.writes() == []
    assert stage.roll_back(NAME).physical_id == first

    second = stage.changed({**renamed, "allow_replacement": True})
    assert second.ok, second.reason
    assert second.physical_id.startswith("cart-prod-redis-")
    assert there(stage) == [second.physical_id]

    back = stage.changed({**plain, "allow_replacement": True})
    assert back.ok, back.reason
    assert back.physical_id == first
    assert everything(stage) == ONE_OF_EACH


def test_a_new_provider_with_other_defaults_changes_an_old_cluster_in_place(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = stage.properties(FREE_TIER)
    physical_id = stage.created(plain)
    group = stage.simulator.group(physical_id)
    _new_default(monkeypatch, "snapshot_retention_limit", 3)
    _new_default(monkeypatch, "redis_version", "7.1")

    response = stage.changed({key: value for key, value in plain.items() if key != "redis_version"})

    assert response.ok, response.reason
    assert response.physical_id == physical_id
    assert stage.simulator.group(physical_id) is group
    assert (group.retention, group.version) == (3, "7.1.0")


def test_a_new_provider_whose_default_is_create_only_refuses_rather_than_replace(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {key: value for key, value in stage.properties(FREE_TIER).items() if key != "secure"}
    physical_id = stage.created(plain)
    _new_default(monkeypatch, "secure", False)

    response = stage.changed({**plain, "replicas": 1})

    assert response.reason.startswith("secure: can't change on a live cluster.")
    assert stage.writes() == []
    named = stage.changed({**plain, "replicas": 1, "secure": True})
    assert named.ok, named.reason
    assert named.physical_id == physical_id


def test_a_new_provider_deletes_what_an_old_one_made(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.created(stage.properties(FREE_TIER))
    _new_default(monkeypatch, "secure", False)
    _new_default(monkeypatch, "subnet_type", "private")

    assert stage.delete(NAME).ok
    assert stage.leftovers() == []


def test_subnets_that_nodes_moved_into_do_not_stop_a_rollback(stage: Stage) -> None:
    one_zone = stage.properties(FREE_TIER, vpc=stage.vpc(stage.cloud.subnets[:1]))
    physical_id = stage.created(one_zone)
    stage.simulator.roll_back_next("multi_az", "Failed to enable Multi-AZ")
    wider = {**one_zone, "vpc": stage.vpc(), "replicas": 2, "node_type": "cache.m5.large"}
    failed = stage.changed(wider)
    assert "Failed to enable Multi-AZ" in failed.reason
    # Replacing the nodes for the larger type put the primary elsewhere.
    (node_group,) = stage.simulator.group(physical_id).node_groups
    node_group.members[0].subnet = stage.cloud.subnets[1]

    back = stage.roll_back(NAME)

    assert back.ok, back.reason
    assert shape(stage, physical_id) == ("cache.t3.micro", 1, 0, "disabled", False)
    assert "Subnets that the cluster still uses were kept." in back.data["warnings"]


def test_a_subnet_in_use_fails_an_update_that_drops_it(stage: Stage) -> None:
    both = stage.properties(HIGHLY_AVAILABLE, vpc=stage.vpc(stage.cloud.subnets[:2]))
    physical_id = stage.created(both)

    failed = stage.changed({**both, "vpc": stage.vpc(stage.cloud.subnets[:1])})

    assert not failed.ok
    assert "SubnetInUse" in failed.reason
    assert stage.roll_back(NAME).ok
    assert shape(stage, physical_id) == ("cache.t3.micro", 1, 1, "enabled", True)


def _new_default(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    known = schemas.schema("properties.json")["properties"]
    assert isinstance(known, dict)
    monkeypatch.setitem(known[name], "default", value)
