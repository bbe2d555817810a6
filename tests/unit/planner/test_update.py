"""Drift, and the details of in-place changes that a table of properties can't show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from massdriver_redis.planner.decision import UpToDate
from tests.harness.inmemory_aws import ACCOUNT, REGION
from tests.harness.planner_bench import GROUP, PlannerBench, differences, wanted
from tests.harness.recorder import Call
from tests.simulator import Quotas

REPLICATED = {"replicas": 2, "snapshot_retention_limit": 7, "tags": {"team": "a"}}
SHARDED = {**REPLICATED, "cluster_mode_enabled": True, "node_groups": 3}


def out_of_band(bench: PlannerBench, operation: str, **params: Any) -> None:
    """Somebody changes the cluster, and waits until it is done."""
    at_once = {} if "Tags" in operation else {"ReplicationGroupId": GROUP, "ApplyImmediately": True}
    bench.simulator.act(ACCOUNT, REGION, operation, {**at_once, **params})
    bench.clock.advance(3600)


def arn(bench: PlannerBench) -> str:
    return bench.simulator.group(GROUP).arn


def operations(calls: list[Call]) -> list[str]:
    return [call.operation for call in calls]


DRIFTS: dict[str, Callable[[PlannerBench], None]] = {
    "another node type": lambda bench: out_of_band(
        bench, "ModifyReplicationGroup", CacheNodeType="cache.r5.large"
    ),
    "a replica more": lambda bench: out_of_band(bench, "IncreaseReplicaCount", NewReplicaCount=3),
    "a replica less": lambda bench: out_of_band(bench, "DecreaseReplicaCount", NewReplicaCount=1),
    "Multi-AZ off": lambda bench: out_of_band(bench, "ModifyReplicationGroup", MultiAZEnabled=False),
    "another security group": lambda bench: out_of_band(
        bench, "ModifyReplicationGroup", SecurityGroupIds=[_stranger(bench)]
    ),
    "a second security group": lambda bench: out_of_band(
        bench, "ModifyReplicationGroup", SecurityGroupIds=[*_own(bench), _stranger(bench)]
    ),
    "shorter retention": lambda bench: out_of_band(bench, "ModifyReplicationGroup", SnapshotRetentionLimit=1),
    "other windows": lambda bench: out_of_band(
        bench,
        "ModifyReplicationGroup",
        SnapshotWindow="01:00-02:00",
        PreferredMaintenanceWindow="mon:03:00-mon:04:00",
    ),
    "no automatic minor upgrades": lambda bench: out_of_band(
        bench, "ModifyReplicationGroup", AutoMinorVersionUpgrade=False
    ),
    "a tag changed": lambda bench: out_of_band(
        bench, "AddTagsToResource", ResourceName=arn(bench), Tags=[{"Key": "team", "Value": "b"}]
    ),
    "a tag removed": lambda bench: out_of_band(
        bench, "RemoveTagsFromResource", ResourceName=arn(bench), TagKeys=["team"]
    ),
    "the ingress rule removed": lambda bench: next(iter(bench.inmemory_aws.ec2.groups.values()))[
        "IpPermissions"
    ].clear(),
}


def _own(bench: PlannerBench) -> tuple[str, ...]:
    return bench.simulator.group(GROUP).security_groups


def _stranger(bench: PlannerBench) -> str:
    tags = [{"Tags": []}]
    made = bench.inmemory_aws.ec2.CreateSecurityGroup(
        GroupName="x", Description="x", VpcId="vpc-0a1b2c3d", TagSpecifications=tags
    )
    return str(made["GroupId"])


@pytest.mark.parametrize("properties", [REPLICATED, SHARDED], ids=["cluster mode off", "cluster mode on"])
@pytest.mark.parametrize("drift", DRIFTS)
def test_an_update_heals_what_was_changed_out_of_band(drift: str, properties: dict[str, Any]) -> None:
    bench = PlannerBench.made_by(wanted(**properties))
    DRIFTS[drift](bench)
    bench.forget()
    assert bench.converge(wanted(**properties)) == UpToDate(), bench.reason
    assert len(bench.writes()) == 1
    assert differences(bench, wanted(**properties)) == []


def test_failover_turned_off_out_of_band_comes_back_with_multi_az() -> None:
    bench = PlannerBench.made_by(wanted(**REPLICATED))
    out_of_band(bench, "ModifyReplicationGroup", AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    bench.forget()
    assert bench.converge(wanted(**REPLICATED)) == UpToDate()
    assert operations(bench.writes()) == ["ModifyReplicationGroup"]
    assert differences(bench, wanted(**REPLICATED)) == []


def test_uneven_replicas_are_evened_shard_by_shard() -> None:
    bench = PlannerBench.made_by(wanted(**SHARDED))
    uneven = [{"NodeGroupId": "0001", "NewReplicaCount": 4}, {"NodeGroupId": "0003", "NewReplicaCount": 1}]
    out_of_band(bench, "IncreaseReplicaCount", ReplicaConfiguration=uneven[:1])
    out_of_band(bench, "DecreaseReplicaCount", ReplicaConfiguration=uneven[1:])
    bench.forget()
    assert bench.converge(wanted(**SHARDED)) == UpToDate(), bench.reason
    configured = [(call.operation, call.params["ReplicaConfiguration"]) for call in bench.mutations()]
    assert configured == [
        ("IncreaseReplicaCount", [{"NodeGroupId": "0003", "NewReplicaCount": 2}]),
        ("DecreaseReplicaCount", [{"NodeGroupId": "0001", "NewReplicaCount": 2}]),
    ]


def test_only_the_shards_of_the_live_group_are_named_after_earlier_resharding() -> None:
    bench = PlannerBench.made_by(wanted(**SHARDED))
    out_of_band(
        bench, "ModifyReplicationGroupShardConfiguration", NodeGroupCount=2, NodeGroupsToRemove=["0002"]
    )
    out_of_band(bench, "ModifyReplicationGroupShardConfiguration", NodeGroupCount=4)
    bench.forget()
    assert bench.converge(wanted(**SHARDED)) == UpToDate(), bench.reason
    (call,) = bench.mutations()
    live = {"0001", "0003", "0004", "0005"}
    assert set(call.params["NodeGroupsToRemove"]) < live
    assert {each.id for each in bench.simulator.group(GROUP).node_groups} < live


def test_tags_and_ingress_rules_of_others_are_left_alone() -> None:
    bench = PlannerBench.made_by(wanted(**REPLICATED))
    theirs = {
        "IpProtocol": "tcp",
        "FromPort": 6379,
        "ToPort": 6379,
        "IpRanges": [{"CidrIp": "192.168.0.0/24", "Description": "the office"}],
    }
    (group,) = bench.inmemory_aws.ec2.groups.values()
    group["IpPermissions"].append(theirs)
    out_of_band(bench, "AddTagsToResource", ResourceName=arn(bench), Tags=[{"Key": "cost", "Value": "9"}])
    bench.forget()
    assert (
        bench.converge(wanted(replicas=2, snapshot_retention_limit=7), old=wanted(**REPLICATED)) == UpToDate()
    )
    assert theirs in group["IpPermissions"]
    assert bench.simulator.tags(GROUP)["cost"] == "9"
    assert "team" not in bench.simulator.tags(GROUP)


# --- engines ----------------------------------------------------------------------------------------


def test_any_6_meets_6x() -> None:
    bench = PlannerBench.made_by(wanted(redis_version="5.0"))
    out_of_band(
        bench, "ModifyReplicationGroup", EngineVersion="6.0", CacheParameterGroupName="default.redis6.x"
    )
    bench.forget()
    assert bench.converge(wanted(redis_version="6.x"), old=wanted(redis_version="5.0")) == UpToDate()
    assert bench.writes() == []


@pytest.mark.parametrize("properties", [REPLICATED, SHARDED], ids=["cluster mode off", "cluster mode on"])
def test_an_upgrade_that_aws_made_is_kept_and_not_taken_for_a_downgrade(properties: dict[str, Any]) -> None:
    old = {**properties, "redis_version": "5.0"}
    bench = PlannerBench.made_by(wanted(**old))
    bench.simulator.upgrade_engine(GROUP, "7.1.0")
    new = {**old, "replicas": 1}
    assert bench.converge(wanted(**new), old=wanted(**old)) == UpToDate(), bench.reason
    assert operations(bench.writes()) == ["DecreaseReplicaCount"]
    assert differences(bench, wanted(**new), after_rollback=True) == []


def test_a_rollback_keeps_the_upgrade_that_was_done_and_undoes_the_rest() -> None:
    old, new = wanted(redis_version="5.0"), wanted(redis_version="7.1", replicas=1)
    bench = PlannerBench.made_by(old)
    assert bench.converge(new, old=old) == UpToDate()
    bench.forget()
    assert bench.converge(old, old=new, rolling_back=True) == UpToDate(), bench.reason
    assert operations(bench.writes()) == ["ModifyReplicationGroup", "DecreaseReplicaCount"]
    assert bench.simulator.group(GROUP).version == "7.1.0"


# --- quotas -----------------------------------------------------------------------------------------


def test_a_raised_quota_lets_500_nodes_grow() -> None:
    quotas = Quotas(nodes_per_group=500, nodes_per_region=1000)
    old, new = ({"cluster_mode_enabled": True, "node_groups": 50, "replicas": each} for each in (4, 5))
    bench = PlannerBench.made_by(wanted(**old), quotas=quotas)
    assert bench.converge(wanted(**new)) == UpToDate(), bench.reason
    assert operations(bench.writes()) == ["IncreaseReplicaCount"]
