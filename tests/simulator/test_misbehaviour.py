"""Scripted misbehaviour: late failures, rollbacks, maintenance, capacity shortages; and the call-back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.harness.clock import SimulatedClock
from tests.harness.moto_aws import TOKEN, MotoAws

from . import Change, Simulator

MEMORY = "Failed to scale down to cache node type cache.t3.micro because the node has insufficient memory"


def test_a_create_may_be_accepted_and_fail_with_the_reason_only_in_an_event(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#8561: no reason field; it stays and blocks its id.

    Its members can't show create-failed (API_CacheCluster; floci-io/floci#2633); here they stay creating.
    """
    cloud.simulator.fail_next_create("AddCacheNodeFailed due to insufficient free IP addresses")
    cloud.make()
    assert cloud.group()["Status"] == "create-failed"
    assert "NodeGroups" not in cloud.group()
    assert {member["CacheClusterStatus"] for member in cloud.members()} == {"creating"}
    assert cloud.events() == ["AddCacheNodeFailed due to insufficient free IP addresses"]
    with pytest.raises(cloud.elasticache.exceptions.ReplicationGroupAlreadyExistsFault):
        cloud.elasticache.create_replication_group(**cloud.request())
    cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
    cloud.settle()
    assert cloud.make()["Status"] == "available"


def test_capacity_may_be_lost_after_a_create_was_accepted(cloud: MotoAws) -> None:
    """ministryofjustice/cloud-platform#8304: a create is accepted, and fails minutes later with an event."""
    cloud.simulator.lose_capacity()
    cloud.make()
    assert cloud.group()["Status"] == "create-failed"
    assert cloud.events()[0].startswith("Insufficient capacity for the requested node type")
    cloud.make(cloud.request(ReplicationGroupId="next"))
    assert cloud.group("next")["Status"] == "available"


def reshard_out(cloud: MotoAws) -> None:
    cloud.elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="cache", NodeGroupCount=3, ApplyImmediately=True
    )


def reshard_in(cloud: MotoAws) -> None:
    cloud.elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="cache", NodeGroupCount=1, NodeGroupsToRemove=["0002"], ApplyImmediately=True
    )


def more_replicas(cloud: MotoAws) -> None:
    cloud.elasticache.increase_replica_count(
        ReplicationGroupId="cache", NewReplicaCount=2, ApplyImmediately=True
    )


def fewer_replicas(cloud: MotoAws) -> None:
    cloud.elasticache.decrease_replica_count(
        ReplicationGroupId="cache", NewReplicaCount=0, ApplyImmediately=True
    )


UNDONE: list[tuple[str, Callable[[MotoAws], object]]] = [
    ("node_type", lambda cloud: cloud.modify(CacheNodeType="cache.t3.micro")),
    (
        "engine_version",
        lambda cloud: cloud.modify(EngineVersion="7.1", CacheParameterGroupName="default.redis7.cluster.on"),
    ),
    ("security_groups", lambda cloud: cloud.modify(SecurityGroupIds=[new_security_group(cloud)])),
    ("multi_az", lambda cloud: cloud.modify(MultiAZEnabled=True)),
    ("auth_token", lambda cloud: cloud.modify(AuthToken="b" * 20, AuthTokenUpdateStrategy="SET")),
    ("replicas", more_replicas),
    ("replicas", fewer_replicas),
    ("node_groups", reshard_out),
    ("node_groups", reshard_in),
]


def new_security_group(cloud: MotoAws) -> str:
    existing = len(cloud.ec2.describe_security_groups()["SecurityGroups"])
    return cloud.make_security_group(cloud.vpc, f"new-{existing}")


@pytest.mark.parametrize(
    ("kind", "change"), UNDONE, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(UNDONE)]
)
def test_an_accepted_change_may_be_rolled_back_with_only_an_event(
    cloud: MotoAws, kind: str, change: Callable[[MotoAws], object]
) -> None:
    """aws-cloudformation/cloudformation-coverage-roadmap#2273."""
    before = cloud.make(cloud.cluster_request(TransitEncryptionEnabled=True, AuthToken=TOKEN))
    members = cloud.members()
    cloud.simulator.roll_back_next(kind, MEMORY)
    change(cloud)
    assert cloud.group()["Status"] == "modifying"
    cloud.settle()
    assert cloud.group() == before
    assert cloud.members() == members
    assert cloud.simulator.auth_tokens("cache") == (TOKEN,)
    assert MEMORY in cloud.events()
    change(cloud)
    cloud.settle()
    assert (cloud.group(), cloud.members(), cloud.simulator.auth_tokens("cache")) != (
        before,
        members,
        (TOKEN,),
    )


def test_a_rollback_of_failover_restores_its_former_status(cloud: MotoAws) -> None:
    cloud.make(cloud.request(ReplicasPerNodeGroup=1))
    cloud.simulator.roll_back_next("automatic_failover", "no")
    cloud.modify(AutomaticFailoverEnabled=True)
    assert cloud.group()["AutomaticFailover"] == "enabling"
    cloud.settle()
    assert cloud.group()["AutomaticFailover"] == "disabled"


def test_a_scripted_rollback_waits_for_a_change_of_its_kind(cloud: MotoAws) -> None:
    cloud.make()
    cloud.simulator.roll_back_next("engine_version", "no")
    cloud.modify(CacheNodeType="cache.t3.medium")
    cloud.settle()
    assert cloud.group()["CacheNodeType"] == "cache.t3.medium"


def test_a_removal_of_shards_may_be_partial(cloud: MotoAws) -> None:
    """User guide, online resharding: scale-in may be partially successful."""
    cloud.make(cloud.cluster_request(shards=4))
    cloud.simulator.partial_shard_removal(3)
    for expected in (["0001", "0002", "0003"], ["0001"]):
        ids = [shard["NodeGroupId"] for shard in cloud.group()["NodeGroups"]]
        cloud.elasticache.modify_replication_group_shard_configuration(
            ReplicationGroupId="cache",
            NodeGroupCount=1,
            NodeGroupsToRemove=list(reversed(ids[1:])),
            ApplyImmediately=True,
        )
        cloud.settle()
        left = [shard["NodeGroupId"] for shard in cloud.group()["NodeGroups"]]
        assert len(left) == len(expected)
        assert cloud.group()["Status"] == "available"
    assert any("partially successful: 3 node groups remain" in event for event in cloud.events())


@pytest.mark.parametrize("status", ["modifying", "snapshotting"])
def test_aws_may_begin_maintenance_at_any_time(cloud: MotoAws, status: str) -> None:
    """hashicorp/terraform#10964: snapshotting can happen at any time."""
    cloud.make()
    cloud.simulator.maintenance("cache", status, 120)
    assert cloud.group()["Status"] == status
    with pytest.raises(cloud.elasticache.exceptions.InvalidReplicationGroupStateFault):
        cloud.modify(CacheNodeType="cache.t3.medium")
    cloud.clock.advance(120)
    assert cloud.group()["Status"] == "available"


def test_maintenance_during_a_change_begins_after_it(cloud: MotoAws) -> None:
    cloud.make()
    cloud.modify(CacheNodeType="cache.t3.medium")
    cloud.simulator.maintenance("cache", "snapshotting", 120)
    assert cloud.group()["Status"] == "modifying"
    cloud.clock.advance(cloud.simulator.timing.node_type)
    assert cloud.group()["Status"] == "snapshotting"
    cloud.clock.advance(120)
    assert (cloud.group()["Status"], cloud.group()["CacheNodeType"]) == ("available", "cache.t3.medium")


def test_aws_may_upgrade_the_engine_by_itself(cloud: MotoAws) -> None:
    cloud.make(cloud.cluster_request(EngineVersion="6.0"))
    cloud.simulator.upgrade_engine("cache", "7.1.0")
    assert {member["EngineVersion"] for member in cloud.members()} == {"7.1.0"}
    group = cloud.members()[0]["CacheParameterGroup"]["CacheParameterGroupName"]
    assert group == "default.redis7.cluster.on"


def test_the_call_back_gets_every_change_of_replication_group_tokens_and_members() -> None:
    changes: list[tuple[str, str]] = []

    def listen(change: Change) -> None:
        changes.append((change.kind, change.group_id))

    with MotoAws() as cloud:
        cloud.simulator.on_change = listen
        cloud.make(cloud.replicated_request(TransitEncryptionEnabled=True, AuthToken=TOKEN))
        more_replicas(cloud)
        cloud.settle()
        cloud.modify(AuthToken="b" * 20, AuthTokenUpdateStrategy="SET")
        cloud.settle()
        cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
        cloud.settle()
        cloud.simulator.groups()
    kinds = ["created", "available", "members", "token", "deleted"]
    assert changes == [(kind, "cache") for kind in kinds]


def test_a_planner_that_sends_all_changes_at_once_fails(cloud: MotoAws) -> None:
    """Each of these is accepted by itself, and only while nothing else changes."""
    steps: list[Callable[[], object]] = [
        lambda: cloud.modify(EngineVersion="7.1", CacheParameterGroupName="default.redis7.cluster.on"),
        lambda: cloud.modify(CacheNodeType="cache.m5.large"),
        lambda: reshard_out(cloud),
        lambda: more_replicas(cloud),
        lambda: cloud.modify(MultiAZEnabled=True),
    ]
    cloud.make(cloud.cluster_request())
    steps[0]()
    for step in steps[1:]:
        with pytest.raises(cloud.elasticache.exceptions.InvalidReplicationGroupStateFault):
            step()
    cloud.settle()
    for step in steps[1:]:
        step()
        cloud.settle()
    group = cloud.group()
    assert (group["CacheNodeType"], group["MultiAZ"]) == ("cache.m5.large", "enabled")
    assert [len(shard["NodeGroupMembers"]) for shard in group["NodeGroups"]] == [3, 3, 3]


def test_a_planner_that_reads_only_the_status_of_the_replication_group_fails(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#50096."""
    cloud.make(cloud.cluster_request())
    more_replicas(cloud)
    while cloud.group()["Status"] != "available":
        cloud.clock.advance(5)
    with pytest.raises(ClientError) as refused:
        cloud.modify(CacheNodeType="cache.m5.large")
    assert refused.value.response["Error"]["Code"] in (
        "InvalidCacheClusterState",
        "InvalidReplicationGroupState",
    )


def test_moto_is_restored_after_the_simulator(cloud: MotoAws) -> None:
    with Simulator(SimulatedClock()):
        assert cloud.elasticache.describe_replication_groups()["ReplicationGroups"] == []
    cloud.make()
    assert len(cloud.elasticache.describe_replication_groups()["ReplicationGroups"]) == 1
