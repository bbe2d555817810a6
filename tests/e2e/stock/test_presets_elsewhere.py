"""The three presets on an ElastiCache that others wrote: created, changed, deleted, and a refusal undone.

It is a voice besides the simulator's: what the provider takes for granted must hold for it, too. What it
can't do is in defects.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e import shops
from tests.e2e.emulator import stacks
from tests.e2e.emulator.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.emulator.emulator import Emulator

pytestmark = pytest.mark.full

NO_MINOR_UPGRADES = {"secure: true": "secure: true\n      auto_minor_version_upgrade: false"}
NEVER_SHOWN = "auto_minor_version_upgrade: AWS accepted true but shows false"
THREE_SHARDS = {"node_groups: 2": "node_groups: 3"}


@dataclass(frozen=True)
class Life:
    """A preset with what the defects make necessary, and an update that this ElastiCache can do."""

    preset: str
    instead: Mapping[str, str]
    update: Mapping[str, str]


LIVES = (
    Life("free-tier", {}, {"replicas: 0": "replicas: 0\n      snapshot_retention_limit: 3"}),
    Life("highly-available", {}, {"allow_vpc_access: true": "allow_vpc_access: false"}),
    Life("sharded-cluster", THREE_SHARDS, {"replicas: 1": "replicas: 1\n      tags: {team: shop}"}),
)


def template_of(preset: str) -> str:
    return (ROOT / "examples" / f"{preset}.yaml").read_text("utf-8")


def test_each_preset_is_created_changed_and_deleted_with_a_warning_of_the_setting_that_never_shows(
    emulator: Emulator, network: stacks.Network
) -> None:
    with ThreadPoolExecutor(len(LIVES)) as pool:
        for each in [pool.submit(lead, emulator, network, life) for life in LIVES]:
            each.result()

    check_nothing_is_left(emulator)


def lead(emulator: Emulator, network: stacks.Network, life: Life) -> None:
    stack, given = stacks.Stack(emulator, life.preset), network.parameters()
    template = shops.changed(template_of(life.preset), life.instead)

    assert stack.create(template, given) == "CREATE_COMPLETE", stack.reasons()
    physical_id = stack.physical_id()
    assert NEVER_SHOWN in stack.outputs()["Warnings"]
    assert stack.update(shops.changed(template, life.update), given) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.physical_id() == physical_id
    assert NEVER_SHOWN in stack.outputs()["Warnings"]
    check_update(emulator, life.preset, physical_id)

    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()


def check_update(emulator: Emulator, preset: str, physical_id: str) -> None:
    cache = emulator.client("elasticache")
    group = cache.describe_replication_groups(ReplicationGroupId=physical_id)["ReplicationGroups"][0]
    if preset == "free-tier":
        assert group["SnapshotRetentionLimit"] == 3
    if preset == "highly-available":
        member = cache.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])["CacheClusters"][0]
        used = [each["SecurityGroupId"] for each in member["SecurityGroups"]]
        found = emulator.client("ec2").describe_security_groups(GroupIds=used)["SecurityGroups"]
        assert found[0]["IpPermissions"] == []
    if preset == "sharded-cluster":
        tags = cache.list_tags_for_resource(ResourceName=group["ARN"])["TagList"]
        assert {"Key": "team", "Value": "shop"} in tags


def check_nothing_is_left(emulator: Emulator) -> None:
    assert stacks.left_over(emulator) == []


def test_a_create_that_is_refused_says_why_and_leaves_nothing(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack = stacks.Stack(emulator, "two-shards")

    assert stack.create(template_of("sharded-cluster"), network.parameters()) == "ROLLBACK_COMPLETE"

    assert any("elasticache:CreateReplicationGroup refused" in reason for reason in stack.reasons())
    check_nothing_is_left(emulator)
    assert stack.delete() == "DELETE_COMPLETE"


def test_an_update_that_is_refused_names_the_call_and_is_rolled_back(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack, given = stacks.Stack(emulator, "bigger"), network.parameters()
    template = shops.changed(template_of("free-tier"), NO_MINOR_UPGRADES)
    assert stack.create(template, given) == "CREATE_COMPLETE", stack.reasons()

    bigger = shops.changed(template, {"node_type: cache.t3.micro": "node_type: cache.t3.small"})
    assert stack.update(bigger, given) == "UPDATE_ROLLBACK_COMPLETE", stack.reasons()

    assert any("elasticache:ListAllowedNodeTypeModifications" in reason for reason in stack.reasons())
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
