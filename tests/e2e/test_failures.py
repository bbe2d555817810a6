"""Creates and updates that fail, deployed: CloudFormation rolls back, and nothing is lost or left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import shops
from tests.e2e.emulator.emulator import ROOT
from tests.e2e.emulator.redis_server import INSTALLED

from .emulator import client, stacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator.emulator import Emulator

TEMPLATE = client.showing_artifact((ROOT / "examples" / "free-tier.yaml").read_text())


@pytest.fixture
def shop(emulator: Emulator) -> Iterator[stacks.Stack]:
    stack = stacks.Stack(emulator, "shop")
    yield stack
    stack.delete()


def test_a_create_that_aws_fails_later_is_reported_and_removed(
    emulator: Emulator, network: stacks.Network, shop: stacks.Stack
) -> None:
    emulator.order("fail_next_create", "Create failed: the subnets have no free addresses.")

    assert shop.create(TEMPLATE, network.parameters()) == "ROLLBACK_COMPLETE"

    assert any("no free addresses" in reason for reason in shop.reasons())
    assert stacks.left_over(emulator) == []


def test_an_invalid_property_fails_at_once_with_its_path_and_makes_nothing(
    emulator: Emulator, network: stacks.Network, shop: stacks.Stack
) -> None:
    broken = TEMPLATE.replace("node_type: cache.t3.micro", "node_type: cache.t3.mikro")

    assert shop.create(broken, network.parameters()) == "ROLLBACK_COMPLETE"

    assert any("node_type" in reason and "cache.t3.micro" in reason for reason in shop.reasons())
    assert stacks.left_over(emulator) == []


def test_a_refused_update_and_one_that_fails_half_way_are_rolled_back_and_the_cluster_lives_on(
    emulator: Emulator, network: stacks.Network, shop: stacks.Stack
) -> None:
    given = network.parameters()
    assert shop.create(TEMPLATE, given) == "CREATE_COMPLETE"
    physical_id, artifact = shop.physical_id(), client.artifact(shop.outputs())

    refused = TEMPLATE.replace("cluster_mode_enabled: false", "cluster_mode_enabled: true")
    assert shop.update(refused, given) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("cluster_mode_enabled" in reason for reason in shop.reasons())

    failing = TEMPLATE.replace("replicas: 0", "replicas: 2").replace("vpc_access: true", "vpc_access: false")
    failing = shops.with_a_short_timeout(failing)
    with stacks.forbidden(emulator, "elasticache:IncreaseReplicaCount"):
        assert shop.update(failing, given) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("elasticache:IncreaseReplicaCount" in reason for reason in shop.reasons())

    assert shop.physical_id() == physical_id
    assert client.artifact(shop.outputs()) == artifact
    if INSTALLED:
        assert client.ping(emulator, artifact)
