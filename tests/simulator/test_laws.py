"""Invariants of the simulator: after any sequence of calls the replication group is in a possible state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.clock import SimulatedClock

from . import Simulator, Subnet, Timing
from .errors import Refusal

Step = Callable[["GroupUnderTest"], object]
SLOTS = 16384


class GroupUnderTest:
    """One replication group, called directly rather than through HTTP."""

    def __init__(self, cluster: bool, shards: int, replicas: int, stale: float) -> None:
        self.clock = SimulatedClock()
        self.simulator = Simulator(
            self.clock,
            Timing(stale=stale),
            network=lambda _region, subnet: Subnet("vpc", subnet[-1]),
            security_group=lambda _region, _group: "vpc",
        )
        self.call(
            "CreateCacheSubnetGroup",
            CacheSubnetGroupName="subnets",
            CacheSubnetGroupDescription="",
            SubnetIds=["subnet-a", "subnet-b"],
        )
        self.call(
            "CreateReplicationGroup",
            ReplicationGroupId="cache",
            ReplicationGroupDescription="",
            EngineVersion="6.0",
            CacheNodeType="cache.t3.small",
            CacheParameterGroupName=f"default.redis6.x{'.cluster.on' if cluster else ''}",
            NumNodeGroups=shards if cluster else 1,
            ReplicasPerNodeGroup=replicas,
            AutomaticFailoverEnabled=cluster or replicas > 0,
            CacheSubnetGroupName="subnets",
            SecurityGroupIds=["sg-1"],
        )

    def call(self, operation: str, **params: Any) -> Any:
        return self.simulator.act("123456789012", "us-east-1", operation, params)

    def change(self, operation: str, **params: Any) -> None:
        """Request a change; a refusal is fine."""
        with contextlib.suppress(Refusal):
            self.call(operation, ReplicationGroupId="cache", ApplyImmediately=True, **params)

    def reshard(self, count: int) -> None:
        shards = [node_group.id for node_group in self.simulator.group("cache").node_groups]
        gone = {"NodeGroupsToRemove": shards[count:]} if count < len(shards) else {}
        self.change("ModifyReplicationGroupShardConfiguration", NodeGroupCount=count, **gone)

    def group(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("DescribeReplicationGroups")["ReplicationGroups"][0]
        return shown


def modify(**params: Any) -> Step:
    return lambda tested: tested.change("ModifyReplicationGroup", **params)


STEPS = st.one_of(
    st.integers(0, 4).map(
        lambda replicas: lambda tested: tested.change("IncreaseReplicaCount", NewReplicaCount=replicas)
    ),
    st.integers(0, 4).map(
        lambda replicas: lambda tested: tested.change("DecreaseReplicaCount", NewReplicaCount=replicas)
    ),
    st.integers(1, 4).map(lambda count: lambda tested: tested.reshard(count)),
    st.booleans().map(lambda on: modify(MultiAZEnabled=on)),
    st.booleans().map(lambda on: modify(AutomaticFailoverEnabled=on)),
    st.booleans().map(lambda on: modify(AutomaticFailoverEnabled=on, MultiAZEnabled=on)),
    st.sampled_from(["cache.t3.micro", "cache.m5.large", "cache.r6g.large"]).map(
        lambda kind: modify(CacheNodeType=kind)
    ),
    st.sampled_from(["5.0.6", "6.x", "6.2"]).map(lambda version: modify(EngineVersion=version)),
    st.sampled_from(["modifying", "snapshotting"]).map(
        lambda status: lambda tested: tested.simulator.maintenance("cache", status, 200)
    ),
    st.sampled_from(["replicas", "node_groups", "node_type", "automatic_failover", "multi_az"]).map(
        lambda kind: lambda tested: tested.simulator.roll_back_next(kind, "undone")
    ),
    st.integers(1, 3).map(lambda reached: lambda tested: tested.simulator.partial_shard_removal(reached)),
)


@settings(max_examples=150, deadline=None)
@given(
    cluster=st.booleans(),
    shards=st.integers(1, 3),
    replicas=st.integers(0, 2),
    stale=st.sampled_from([0.0, 90.0]),
    steps=st.lists(st.tuples(STEPS, st.sampled_from([0, 5, 320, 3600, 3600])), max_size=25),
)
def test_every_sequence_of_calls_ends_in_a_possible_replication_group(
    cluster: bool, shards: int, replicas: int, stale: float, steps: list[tuple[Step, int]]
) -> None:
    tested = GroupUnderTest(cluster, shards, replicas, stale)
    tested.clock.advance(3600)
    for step, wait in steps:
        step(tested)
        tested.clock.advance(wait)
    tested.clock.advance(24 * 3600)

    group = tested.group()
    members = tested.call("DescribeCacheClusters")["CacheClusters"]
    listed = [member for shard in group["NodeGroups"] for member in shard["NodeGroupMembers"]]
    assert group["Status"] == "available"
    assert {shard["Status"] for shard in group["NodeGroups"]} == {"available"}
    assert {member["CacheClusterStatus"] for member in members} == {"available"}
    assert sorted(member["CacheClusterId"] for member in listed) == group["MemberClusters"]
    assert [member["CacheClusterId"] for member in members] == group["MemberClusters"]
    assert {member["CacheNodeType"] for member in members} == {group["CacheNodeType"]}
    assert group["PendingModifiedValues"] == {}
    assert group["AutomaticFailover"] in ("enabled", "disabled")
    check_replicas(tested, group)
    if cluster:
        check_slots(group)


def check_replicas(tested: GroupUnderTest, group: dict[str, Any]) -> None:
    """Multi-AZ needs a replica in every shard, and so does failover without cluster mode."""
    for state in tested.simulator.history("cache"):
        assert 0 <= state.replicas <= 5
        if state.multi_az or (not group["ClusterEnabled"] and state.automatic_failover == "enabled"):
            assert state.replicas >= 1
        if group["ClusterEnabled"]:
            assert state.automatic_failover != "disabled"


def check_slots(group: dict[str, Any]) -> None:
    ranges = sorted(tuple(map(int, shard["Slots"].split("-"))) for shard in group["NodeGroups"])
    covered = [slot for start, end in ranges for slot in range(start, end + 1)]
    assert covered == list(range(SLOTS))
