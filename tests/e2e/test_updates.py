"""Updates of a live cluster, deployed: all in one go, and those that fail and land where they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.emulator.emulator import ROOT

from . import shops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator.emulator import Emulator

    from .emulator import stacks

FREE_TIER = (ROOT / "examples" / "free-tier.yaml").read_text()
SHARDED = (ROOT / "examples" / "sharded-cluster.yaml").read_text()


@pytest.fixture
def shop(emulator: Emulator, network: stacks.Network) -> Iterator[shops.Shop]:
    with shops.opened(emulator, network, "updated") as opened:
        yield opened


def test_engine_node_type_shards_and_replicas_change_in_one_update(shop: shops.Shop) -> None:
    shop.create(SHARDED)
    physical_id, artifact, before = shop.physical_id(), shop.artifact(), shop.cluster()
    assert (before.engine, before.node_type, before.shards, before.nodes) == ("6.2.6", "cache.r5.large", 2, 4)
    assert shop.answers_ping()

    everything = {
        "redis_version: 6.x": "redis_version: '7.1'",
        "node_type: cache.r5.large": "node_type: cache.r5.xlarge",
        "node_groups: 2": "node_groups: 4",
        "replicas: 1": "replicas: 2",
    }
    assert shop.update(shops.changed(SHARDED, everything)) == "UPDATE_COMPLETE", shop.reasons()

    after = shop.cluster()
    assert (after.engine, after.node_type, after.shards, after.nodes) == ("7.1.0", "cache.r5.xlarge", 4, 12)
    assert shop.physical_id() == physical_id
    assert shop.artifact()["data"] == artifact["data"]
    assert shop.answers_ping()


@pytest.mark.full
def test_a_finished_update_is_undone_when_another_resource_of_the_stack_fails(shop: shops.Shop) -> None:
    shop.create(FREE_TIER)
    physical_id, artifact, before = shop.physical_id(), shop.artifact(), shop.cluster()

    bigger = {"node_type: cache.t3.micro": "node_type: cache.t3.small", "replicas: 0": "replicas: 1"}
    update = shops.failing_afterwards(shops.changed(FREE_TIER, bigger))
    assert shop.update(update) == "UPDATE_ROLLBACK_COMPLETE", shop.reasons()

    assert (physical_id, "cache.t3.small") in shop.seen
    assert (shop.physical_id(), shop.artifact(), shop.cluster()) == (physical_id, artifact, before)
    assert shop.answers_ping()


@pytest.mark.full
def test_a_change_that_aws_takes_back_without_a_word_fails_with_its_event_and_is_rolled_back(
    shop: shops.Shop,
) -> None:
    shop.create(FREE_TIER)
    physical_id, before = shop.physical_id(), shop.cluster()

    shop.emulator.order("roll_back_next", "node_type", "Scaling failed: not enough memory.")
    bigger = {"node_type: cache.t3.micro": "node_type: cache.t3.small"}
    assert shop.update(shops.changed(FREE_TIER, bigger)) == "UPDATE_ROLLBACK_COMPLETE", shop.reasons()

    assert any("not enough memory" in reason for reason in shop.reasons())
    assert (shop.physical_id(), shop.cluster()) == (physical_id, before)
    assert shop.answers_ping()
