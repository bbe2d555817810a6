"""Great changes, deployed: everything at once in place, replacements, and their ways back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.deployed.test_failures import forbidden
from tests.emulator import client, stacks
from tests.emulator.emulator import ROOT
from tests.emulator.redis_server import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.emulator import Emulator

SHARDED = client.showing_artifact((ROOT / "examples" / "sharded-cluster.yaml").read_text())
SMALL = client.showing_artifact((ROOT / "examples" / "free-tier.yaml").read_text())
REPLACED = SMALL.replace("secure: true", "secure: true\n      allow_replacement: true").replace(
    "cluster_mode_enabled: false", "cluster_mode_enabled: true"
)
"""The small cluster in cluster mode: another cluster."""

FAILING_LATER = """
  Late:
    Type: Custom::MassdriverRedis
    DependsOn: Redis
    Properties:
      ServiceToken: !ImportValue
        Fn::Sub: ${ProviderStack}-ServiceToken
      node_type: not-a-node-type
"""
"""A second resource that fails once the first one is done."""


@pytest.fixture
def shop(emulator: Emulator) -> Iterator[stacks.Stack]:
    stack = stacks.Stack(emulator, "shop")
    yield stack
    stack.delete()


def group(emulator: Emulator, physical_id: str) -> dict[str, Any]:
    cache = emulator.client("elasticache")
    found = cache.describe_replication_groups(ReplicationGroupId=physical_id)["ReplicationGroups"][0]
    assert isinstance(found, dict)
    return found


def clusters(emulator: Emulator) -> list[str]:
    found = emulator.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    return [each["ReplicationGroupId"] for each in found]


def answers(emulator: Emulator, stack: stacks.Stack) -> bool:
    return not INSTALLED or client.ping(emulator, client.artifact(stack.outputs()))


def test_engine_node_type_shards_and_replicas_change_in_one_update(
    emulator: Emulator, network: stacks.Network, shop: stacks.Stack
) -> None:
    given = network.parameters()
    assert shop.create(SHARDED, given) == "CREATE_COMPLETE", shop.reasons()
    physical_id = shop.physical_id()
    assert answers(emulator, shop)

    wanted = SHARDED
    for old, new in (
        ("redis_version: 6.x", 'redis_version: "7.1"'),
        ("node_type: cache.r5.large", "node_type: cache.r5.xlarge"),
        ("node_groups: 2", "node_groups: 4"),
        ("replicas: 1", "replicas: 2"),
    ):
        assert old in wanted
        wanted = wanted.replace(old, new)
    assert shop.update(wanted, given) == "UPDATE_COMPLETE", shop.reasons()

    assert shop.physical_id() == physical_id
    assert shop.outputs()["Version"].startswith("7.1")
    found = group(emulator, physical_id)
    assert found["CacheNodeType"] == "cache.r5.xlarge"
    assert len(found["NodeGroups"]) == 4
    assert len(found["MemberClusters"]) == 12
    assert answers(emulator, shop)


def test_a_replacement_is_complete_before_the_old_cluster_goes_and_its_rollback_lands_on_the_original(
    emulator: Emulator, network: stacks.Network, shop: stacks.Stack
) -> None:
    given = network.parameters()
    assert shop.create(SMALL, given) == "CREATE_COMPLETE", shop.reasons()
    original, artifact = shop.physical_id(), client.artifact(shop.outputs())

    # The replacement is made, then another resource fails: CloudFormation goes back to the original.
    outputs = REPLACED.index("\n# Everything an app needs")
    late = REPLACED[:outputs] + FAILING_LATER + REPLACED[outputs:]
    assert shop.update(late, given) == "UPDATE_ROLLBACK_COMPLETE", shop.reasons()
    assert shop.physical_id() == original
    assert clusters(emulator) == [original]
    assert client.artifact(shop.outputs()) == artifact
    assert answers(emulator, shop)

    # The replacement itself fails half-way: nothing of it stays.
    with forbidden(emulator, "elasticache:CreateReplicationGroup"):
        assert shop.update(REPLACED, given) == "UPDATE_ROLLBACK_COMPLETE", shop.reasons()
    assert shop.physical_id() == original
    assert clusters(emulator) == [original]
    assert answers(emulator, shop)

    # And once it may, it takes over.
    assert shop.update(REPLACED, given) == "UPDATE_COMPLETE", shop.reasons()
    assert shop.physical_id() != original
    assert clusters(emulator) == [shop.physical_id()]
    assert group(emulator, shop.physical_id())["ClusterEnabled"]
    assert answers(emulator, shop)
