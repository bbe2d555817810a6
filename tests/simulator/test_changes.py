"""How a replication group changes once a change is accepted: statuses, endpoints, members, history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from tests.harness.moto_aws import TOKEN, MotoAws

from . import Timing


def increase(cloud: MotoAws, replicas: int) -> dict[str, Any]:
    answer = cloud.elasticache.increase_replica_count(
        ReplicationGroupId="cache", NewReplicaCount=replicas, ApplyImmediately=True
    )
    return dict(answer["ReplicationGroup"])


def decrease(cloud: MotoAws, replicas: int) -> None:
    cloud.elasticache.decrease_replica_count(
        ReplicationGroupId="cache", NewReplicaCount=replicas, ApplyImmediately=True
    )


def reshard(cloud: MotoAws, count: int, **params: Any) -> None:
    cloud.elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="cache", NodeGroupCount=count, ApplyImmediately=True, **params
    )


def shards(cloud: MotoAws) -> dict[str, int]:
    """Return each shard's id with the number of its members."""
    return {shard["NodeGroupId"]: len(shard["NodeGroupMembers"]) for shard in cloud.group()["NodeGroups"]}


def test_cluster_mode_shows_a_configuration_endpoint_and_slots_but_no_roles(cloud: MotoAws) -> None:
    group = cloud.make(cloud.cluster_request(shards=3, TransitEncryptionEnabled=True))
    assert group["ConfigurationEndpoint"]["Address"].startswith("clustercfg.cache.")
    assert [shard["Slots"] for shard in group["NodeGroups"]] == ["0-5460", "5461-10922", "10923-16383"]
    shown = str(group["NodeGroups"])
    assert "PrimaryEndpoint" not in shown
    assert "CurrentRole" not in shown
    assert group["MemberClusters"][:2] == ["cache-0001-001", "cache-0001-002"]


def test_without_cluster_mode_there_are_primary_and_reader_endpoints_and_roles(cloud: MotoAws) -> None:
    group = cloud.make(cloud.replicated_request())
    (shard,) = group["NodeGroups"]
    assert "ConfigurationEndpoint" not in group
    assert {"PrimaryEndpoint", "ReaderEndpoint"} <= set(shard)
    assert [member["CurrentRole"] for member in shard["NodeGroupMembers"]] == ["primary", "replica"]
    assert group["MemberClusters"] == ["cache-001", "cache-002"]


def test_one_shard_with_a_cluster_parameter_group_is_in_cluster_mode(cloud: MotoAws) -> None:
    group = cloud.make(cloud.cluster_request(shards=1))
    assert group["ClusterEnabled"]
    assert group["MemberClusters"] == ["cache-0001-001", "cache-0001-002"]


def test_nodes_of_a_shard_are_in_different_zones(cloud: MotoAws) -> None:
    cloud.make(cloud.cluster_request(shards=2, MultiAZEnabled=True))
    for shard in cloud.group()["NodeGroups"]:
        zones = {member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]}
        assert len(zones) == 2


def test_new_replicas_are_listed_first_in_service_later_and_available_last(cloud: MotoAws) -> None:
    cloud.make(cloud.replicated_request())
    assert len(increase(cloud, 2)["MemberClusters"]) == 3
    assert shards(cloud) == {"0001": 2}
    cloud.clock.advance(cloud.simulator.timing.replica)
    assert (cloud.group()["Status"], shards(cloud)) == ("available", {"0001": 3})
    assert [member["CacheClusterStatus"] for member in cloud.members()] == [
        "available",
        "available",
        "creating",
    ]
    cloud.clock.advance(cloud.simulator.timing.member_lag)
    assert cloud.members()[2]["CacheClusterStatus"] == "available"


def test_a_removed_replica_is_listed_until_it_is_deleted(cloud: MotoAws) -> None:
    cloud.make(cloud.replicated_request(replicas=2))
    decrease(cloud, 1)
    cloud.clock.advance(cloud.simulator.timing.replica)
    group = cloud.group()
    assert group["Status"] == "available"
    assert len(group["MemberClusters"]) == 3 > sum(shards(cloud).values())
    cloud.clock.advance(cloud.simulator.timing.member_lag)
    assert cloud.group()["MemberClusters"] == ["cache-001", "cache-002"]


def test_replicas_can_be_removed_by_name_and_set_for_one_shard(cloud: MotoAws) -> None:
    cloud.make(cloud.cluster_request(replicas=2))
    cloud.elasticache.decrease_replica_count(
        ReplicationGroupId="cache", ReplicasToRemove=["cache-0002-002"], ApplyImmediately=True
    )
    cloud.settle()
    assert shards(cloud) == {"0001": 3, "0002": 2}
    cloud.elasticache.increase_replica_count(
        ReplicationGroupId="cache",
        ReplicaConfiguration=[{"NodeGroupId": "0002", "NewReplicaCount": 3}],
        ApplyImmediately=True,
    )
    cloud.settle()
    assert shards(cloud) == {"0001": 3, "0002": 4}
    assert "cache-0002-002" in cloud.group()["MemberClusters"]


def test_a_new_shard_has_as_many_nodes_as_the_smallest(cloud: MotoAws) -> None:
    """User guide, online resharding."""
    cloud.make(cloud.cluster_request(replicas=2))
    cloud.elasticache.decrease_replica_count(
        ReplicationGroupId="cache",
        ReplicaConfiguration=[{"NodeGroupId": "0001", "NewReplicaCount": 1}],
        ApplyImmediately=True,
    )
    cloud.settle()
    reshard(cloud, 3)
    cloud.clock.advance(cloud.simulator.timing.reshard / 2)
    pending = cloud.group()["PendingModifiedValues"]
    assert pending["Resharding"]["SlotMigration"]["ProgressPercentage"] == 50
    assert "Slots" not in cloud.group()["NodeGroups"][2]
    cloud.settle()
    assert shards(cloud) == {"0001": 2, "0002": 3, "0003": 2}
    assert cloud.group()["PendingModifiedValues"] == {}


def test_the_id_of_a_shard_is_not_used_again(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#43884: ids need not be contiguous after resharding."""
    cloud.make(cloud.cluster_request(shards=3))
    reshard(cloud, 2, NodeGroupsToRemove=["0002"])
    cloud.settle()
    reshard(cloud, 3)
    cloud.settle()
    assert list(shards(cloud)) == ["0001", "0003", "0004"]


def test_shards_can_be_retained_by_name(cloud: MotoAws) -> None:
    cloud.make(cloud.cluster_request(shards=3))
    reshard(cloud, 1, NodeGroupsToRetain=["0003"])
    cloud.settle()
    assert list(shards(cloud)) == ["0003"]
    assert cloud.group()["NodeGroups"][0]["Slots"] == "0-16383"


def test_members_show_a_new_node_type_as_pending_until_they_have_it(cloud: MotoAws) -> None:
    cloud.make()
    cloud.modify(CacheNodeType="cache.m5.large")
    (member,) = cloud.members()
    assert member["CacheClusterStatus"] == "modifying"
    assert member["PendingModifiedValues"] == {"CacheNodeType": "cache.m5.large"}
    cloud.clock.advance(cloud.simulator.timing.node_type)
    assert cloud.group()["CacheNodeType"] == "cache.m5.large"
    assert cloud.members()[0]["CacheNodeType"] == "cache.t3.small"
    cloud.settle()
    assert cloud.members()[0]["CacheNodeType"] == "cache.m5.large"
    assert cloud.members()[0]["PendingModifiedValues"] == {}


def test_engine_parameter_group_and_node_type_can_change_in_one_call(cloud: MotoAws) -> None:
    """User guide, VersionManagement: a blocked upgrade needs one call for both."""
    cloud.make()
    cloud.modify(
        Engine="valkey",
        EngineVersion="8.0",
        CacheParameterGroupName="default.valkey8",
        CacheNodeType="cache.m6g.large",
    )
    cloud.settle()
    (member,) = cloud.members()
    assert cloud.group()["Engine"] == "valkey"
    assert (member["EngineVersion"], member["CacheNodeType"]) == ("8.0.1", "cache.m6g.large")
    assert member["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey8"


def test_version_5_can_be_upgraded_to_6_x(cloud: MotoAws) -> None:
    cloud.make(cloud.request(EngineVersion="5.0.6", CacheParameterGroupName="default.redis5.0"))
    cloud.modify(EngineVersion="6.x", CacheParameterGroupName="default.redis6.x")
    cloud.settle()
    assert cloud.members()[0]["EngineVersion"] == "6.2.6"


def test_failover_and_multi_az_are_disabled_before_the_last_replica_and_enabled_after_the_first(
    cloud: MotoAws,
) -> None:
    cloud.make(cloud.replicated_request(MultiAZEnabled=True))
    cloud.modify(AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    assert cloud.group()["AutomaticFailover"] == "disabling"
    assert cloud.group()["PendingModifiedValues"] == {"AutomaticFailoverStatus": "disabled"}
    cloud.settle()
    decrease(cloud, 0)
    cloud.settle()
    increase(cloud, 1)
    cloud.settle()
    cloud.modify(AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    cloud.settle()
    assert (cloud.group()["AutomaticFailover"], cloud.group()["MultiAZ"]) == ("enabled", "enabled")


def test_rotate_keeps_the_last_token_and_set_keeps_only_the_new_one(cloud: MotoAws) -> None:
    """User guide, AUTH."""
    cloud.make(cloud.request(TransitEncryptionEnabled=True, AuthToken=TOKEN))
    cloud.modify(AuthToken="b" * 20, AuthTokenUpdateStrategy="ROTATE")
    assert cloud.group()["PendingModifiedValues"] == {"AuthTokenStatus": "ROTATING"}
    cloud.settle()
    assert cloud.simulator.auth_tokens("cache") == (TOKEN, "b" * 20)
    cloud.modify(AuthToken="b" * 20, AuthTokenUpdateStrategy="SET")
    cloud.settle()
    assert cloud.simulator.auth_tokens("cache") == ("b" * 20,)


def test_rotating_in_a_first_token_still_accepts_clients_without_one(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#33439."""
    cloud.make(cloud.request(TransitEncryptionEnabled=True))
    cloud.modify(AuthToken=TOKEN, AuthTokenUpdateStrategy="ROTATE")
    cloud.settle()
    assert cloud.simulator.auth_tokens("cache") == ("", TOKEN)


def test_backups_without_cluster_mode_name_a_member_and_survive_its_removal(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#46326."""
    group = cloud.make(cloud.replicated_request(replicas=2, SnapshotRetentionLimit=7))
    assert group["SnapshottingClusterId"] == "cache-003"
    decrease(cloud, 1)
    cloud.settle()
    assert cloud.group()["SnapshottingClusterId"] == "cache-002"
    cloud.modify(SnapshotRetentionLimit=0)
    cloud.settle()
    assert "SnapshottingClusterId" not in cloud.group()


@pytest.mark.parametrize("window", ["SUN:09:00-SUN:10:00", "Sat:23:00-Sun:00:30"])
def test_days_of_a_window_are_taken_in_any_case_and_kept_in_lower_case(cloud: MotoAws, window: str) -> None:
    """crossplane-contrib/provider-aws#1303."""
    cloud.make(cloud.request(PreferredMaintenanceWindow=window))
    assert cloud.members()[0]["PreferredMaintenanceWindow"] == window.lower()
    cloud.modify(PreferredMaintenanceWindow="Mon:09:00-MON:10:00")
    cloud.settle()
    assert cloud.members()[0]["PreferredMaintenanceWindow"] == "mon:09:00-mon:10:00"
    with pytest.raises(cloud.elasticache.exceptions.InvalidParameterCombinationException):
        cloud.modify(PreferredMaintenanceWindow="MON:09:00-mon:10:00")


def test_tags_are_set_on_create_and_tagging_shows_the_replication_group_as_modifying(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#44811."""
    arn = cloud.make(cloud.request(Tags=[{"Key": "team", "Value": "a"}]))["ARN"]
    cloud.elasticache.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "cost", "Value": "b"}])
    assert cloud.group()["Status"] == "modifying"
    assert cloud.simulator.tags("cache") == {"team": "a", "cost": "b"}
    cloud.settle()
    cloud.elasticache.remove_tags_from_resource(ResourceName=arn, TagKeys=["team"])
    cloud.settle()
    tags = cloud.elasticache.list_tags_for_resource(ResourceName=arn)["TagList"]
    assert tags == [{"Key": "cost", "Value": "b"}]


def test_subnet_groups_and_snapshots_have_tags_too(cloud: MotoAws) -> None:
    cloud.make()
    cloud.elasticache.create_snapshot(
        ReplicationGroupId="cache", SnapshotName="kept", Tags=[{"Key": "a", "Value": "b"}]
    )
    cloud.settle()
    arn = cloud.group()["ARN"].rsplit(":", 2)[0]
    cloud.elasticache.add_tags_to_resource(
        ResourceName=f"{arn}:subnetgroup:subnets", Tags=[{"Key": "a", "Value": "b"}]
    )
    for name in ("snapshot:kept", "subnetgroup:subnets"):
        found = cloud.elasticache.list_tags_for_resource(ResourceName=f"{arn}:{name}")
        assert found["TagList"] == [{"Key": "a", "Value": "b"}]
    assert cloud.elasticache.describe_snapshots(SnapshotSource="system")["Snapshots"] == []


def test_a_final_snapshot_outlives_its_replication_group_and_can_be_deleted(cloud: MotoAws) -> None:
    cloud.make(cloud.cluster_request(shards=2))
    cloud.elasticache.delete_replication_group(ReplicationGroupId="cache", FinalSnapshotIdentifier="Last")
    cloud.settle()
    assert cloud.simulator.groups() == []
    (kept,) = cloud.elasticache.describe_snapshots(ReplicationGroupId="cache")["Snapshots"]
    assert (kept["SnapshotName"], kept["SnapshotStatus"], kept["NumNodeGroups"]) == ("last", "available", 2)
    cloud.elasticache.delete_snapshot(SnapshotName="last")
    assert cloud.elasticache.describe_snapshots()["Snapshots"] == []


def test_a_replication_group_can_be_restored_from_a_snapshot(cloud: MotoAws) -> None:
    cloud.make()
    cloud.elasticache.delete_replication_group(ReplicationGroupId="cache", FinalSnapshotIdentifier="last")
    cloud.settle()
    assert cloud.make(cloud.request(SnapshotName="last"))["Status"] == "available"


def test_nothing_is_left_after_deletes_in_order_of_dependency(cloud: MotoAws) -> None:
    cloud.make()
    cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
    cloud.settle()
    cloud.elasticache.delete_cache_subnet_group(CacheSubnetGroupName="subnets")
    cloud.ec2.delete_security_group(GroupId=cloud.security_group)
    assert cloud.simulator.leftovers() == []


def test_subnets_can_be_added_and_unused_ones_removed(cloud: MotoAws) -> None:
    cloud.make_subnet_group("subnets", cloud.subnets[:1])
    cloud.make()
    for subnets in (cloud.subnets[:2], cloud.subnets[:1]):
        answer = cloud.elasticache.modify_cache_subnet_group(
            CacheSubnetGroupName="subnets", SubnetIds=subnets
        )
        shown = answer["CacheSubnetGroup"]["Subnets"]
        assert [subnet["SubnetIdentifier"] for subnet in shown] == subnets


def test_members_are_listed_in_pages_of_at_most_100(cloud: MotoAws) -> None:
    """botocore model, MaxRecords: 90 nodes are one page, 500 nodes are five."""
    cloud.make(cloud.cluster_request(shards=15, replicas=5))
    paginator = cloud.elasticache.get_paginator("describe_cache_clusters")
    assert len(list(paginator.paginate())) == 1
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 20}))
    assert [len(page["CacheClusters"]) for page in pages] == [20, 20, 20, 20, 10]


def test_node_info_is_shown_on_request(cloud: MotoAws) -> None:
    cloud.make()
    assert "CacheNodes" not in cloud.members()[0]
    found = cloud.elasticache.describe_cache_clusters(CacheClusterId="CACHE-001", ShowCacheNodeInfo=True)
    assert found["CacheClusters"][0]["CacheNodes"][0]["CacheNodeId"] == "0001"
    loose = cloud.elasticache.describe_cache_clusters(ShowCacheClustersNotInReplicationGroups=True)
    assert loose["CacheClusters"] == []


def test_engine_versions_are_those_of_mid_2026(cloud: MotoAws) -> None:
    """aws-cloudformation/cfn-lint, generated by DescribeCacheEngineVersions in July 2026."""
    found = cloud.elasticache.describe_cache_engine_versions(Engine="redis")["CacheEngineVersions"]
    assert [version["EngineVersion"] for version in found] == ["4.0.10", "5.0.6", "6.0", "6.2", "7.0", "7.1"]
    found = cloud.elasticache.describe_cache_engine_versions(EngineVersion="8.1")["CacheEngineVersions"]
    assert [(version["Engine"], version["CacheParameterGroupFamily"]) for version in found] == [
        ("valkey", "valkey8")
    ]
    assert (
        cloud.elasticache.describe_cache_engine_versions(EngineVersion="3.2.10")["CacheEngineVersions"] == []
    )
    newest = cloud.elasticache.describe_cache_engine_versions(DefaultOnly=True)["CacheEngineVersions"]
    assert {version["EngineVersion"] for version in newest} == {"7.1", "9.1"}


def test_default_parameter_groups_exist_for_every_family(cloud: MotoAws) -> None:
    found = cloud.elasticache.describe_cache_parameter_groups()["CacheParameterGroups"]
    names = {group["CacheParameterGroupName"] for group in found}
    assert {"default.redis6.x", "default.redis7.cluster.on", "default.valkey9"} <= names
    (one,) = cloud.elasticache.describe_cache_parameter_groups(CacheParameterGroupName="default.redis4.0")[
        "CacheParameterGroups"
    ]
    assert one["CacheParameterGroupFamily"] == "redis4.0"


def test_allowed_node_types_depend_on_memory_and_engine(cloud: MotoAws) -> None:
    cloud.make(cloud.request(EngineVersion="4.0.10", CacheParameterGroupName="default.redis4.0"))
    allowed = cloud.elasticache.list_allowed_node_type_modifications(ReplicationGroupId="cache")
    assert allowed["ScaleDownModifications"] == ["cache.t3.micro"]
    assert "cache.m5.large" in allowed["ScaleUpModifications"]
    assert not [kind for kind in allowed["ScaleUpModifications"] if "g." in kind]


def test_events_can_be_filtered_by_time_and_are_listed_newest_first(cloud: MotoAws) -> None:
    cloud.make()
    cloud.simulator.upgrade_engine("cache", "7.1.0")
    assert [message[:8] for message in cloud.events()] == ["Upgraded", "Replicat"]
    since = datetime.fromtimestamp(cloud.clock.now(), UTC)
    recent = cloud.elasticache.describe_events(
        SourceType="replication-group", SourceIdentifier="cache", StartTime=since
    )
    assert len(recent["Events"]) == 1
    cloud.clock.advance(15 * 24 * 3600)
    assert cloud.events() == []


def test_regions_share_nothing(cloud: MotoAws) -> None:
    cloud.make()
    other = boto3.client("elasticache", "eu-west-1")
    assert other.describe_replication_groups()["ReplicationGroups"] == []


def test_a_region_may_lack_versions_and_node_types(cloud: MotoAws) -> None:
    """User guide, supported node types by Region."""
    cloud.make()
    cloud.simulator.withdraw("123456789012", "us-east-1", "redis 7.1", "cache.m7g.large")
    found = cloud.elasticache.describe_cache_engine_versions(Engine="redis")["CacheEngineVersions"]
    assert "7.1" not in {version["EngineVersion"] for version in found}
    allowed = cloud.elasticache.list_allowed_node_type_modifications(ReplicationGroupId="cache")
    assert "cache.m7g.large" not in allowed["ScaleUpModifications"]
    with pytest.raises(cloud.elasticache.exceptions.InvalidParameterValueException, match="not supported"):
        cloud.modify(CacheNodeType="cache.m7g.large")
    with pytest.raises(
        cloud.elasticache.exceptions.InvalidParameterCombinationException, match="Cannot find"
    ):
        cloud.modify(EngineVersion="7.1", CacheParameterGroupName="default.redis7")


def test_an_arn_has_the_partition_of_its_region(cloud: MotoAws) -> None:
    china = cloud.simulator.act(
        "123456789012", "cn-north-1", "DescribeCacheParameterGroups", {"MaxRecords": 20}
    )
    assert china is not None
    assert china["CacheParameterGroups"][0]["ARN"].startswith("arn:aws-cn:elasticache:cn-north-1:")


def test_the_history_counts_only_replicas_that_serve(cloud: MotoAws) -> None:
    cloud.make(cloud.cluster_request(replicas=1))
    increase(cloud, 2)
    cloud.settle()
    reshard(cloud, 3)
    cloud.settle()
    decrease(cloud, 0)
    cloud.settle()
    steps = [(state.status, state.shards, state.replicas) for state in cloud.simulator.history("cache")]
    assert steps == [
        ("creating", 2, 1),
        ("available", 2, 1),
        ("modifying", 2, 1),
        ("available", 2, 2),
        ("modifying", 2, 2),
        ("available", 3, 2),
        ("modifying", 3, 0),
        ("available", 3, 0),
    ]


def test_stale_describes_hide_a_new_replication_group_and_keep_showing_a_deleted_one() -> None:
    with MotoAws(Timing(stale=60, delete=30)) as cloud:
        cloud.make_subnet_group()
        cloud.elasticache.create_replication_group(**cloud.request())
        with pytest.raises(cloud.elasticache.exceptions.ReplicationGroupNotFoundFault):
            cloud.group()
        cloud.settle()
        cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
        cloud.clock.advance(45)
        assert cloud.simulator.groups() == []
        assert cloud.group()["Status"] == "available"
        assert cloud.members()[0]["CacheClusterStatus"] == "available"
        cloud.clock.advance(15)
        with pytest.raises(cloud.elasticache.exceptions.ReplicationGroupNotFoundFault):
            cloud.group()


def test_the_response_of_modify_is_stale_too() -> None:
    """aws-controllers-k8s/elasticache-controller: ModifyReplicationGroup returns a stale Engine."""
    with MotoAws(Timing(stale=60)) as cloud:
        cloud.make()
        assert cloud.modify(CacheNodeType="cache.t3.medium")["Status"] == "available"


def test_valkey_7_2_goes_back_to_redis_7_1(cloud: MotoAws) -> None:
    """The user guide, VersionManagement: the only way back from Valkey."""
    valkey = {"Engine": "valkey", "EngineVersion": "7.2", "CacheParameterGroupName": "default.valkey7"}
    cloud.make(cloud.request(**valkey))

    cloud.modify(Engine="redis", EngineVersion="7.1", CacheParameterGroupName="default.redis7")
    cloud.settle()

    group = cloud.simulator.group("cache")
    assert (group.engine, group.version) == ("redis", "7.1.0")
