"""What the calls that change replicas and shards refuse, with AWS's wire codes and their sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.moto_aws import MotoAws
from tests.harness.refusals import Refused, check, clustered, replicated, table

from . import Quotas

COMBINATION = "InvalidParameterCombination"
VALUE = "InvalidParameterValue"


@pytest.fixture(autouse=True)
def subnet_group(cloud: MotoAws) -> None:
    cloud.make_subnet_group()


def increase(**params: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.elasticache.increase_replica_count(
        ReplicationGroupId="cache", **{"ApplyImmediately": True, **params}
    )


def decrease(**params: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.elasticache.decrease_replica_count(
        ReplicationGroupId="cache", **{"ApplyImmediately": True, **params}
    )


def reshard(count: int, **params: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="cache", NodeGroupCount=count, **{"ApplyImmediately": True, **params}
    )


ROWS = [
    Refused(
        "replicas of a replication group that does not exist",
        increase(NewReplicaCount=1),
        "ReplicationGroupNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "an increase to the current number of replicas",
        increase(NewReplicaCount=1),
        "NoOperationFault",
        "aws-controllers-k8s/community#378",
        given=replicated(),
        words="Requested new replica count already matches current number of replicas.",
    ),
    Refused(
        "a decrease to the current number of replicas",
        decrease(NewReplicaCount=1),
        "NoOperationFault",
        "botocore model",
        given=replicated(),
    ),
    Refused(
        "fewer replicas by IncreaseReplicaCount",
        increase(NewReplicaCount=1),
        VALUE,
        "user guide, increase-replica-count",
        given=replicated(replicas=2),
    ),
    Refused(
        "more replicas by DecreaseReplicaCount",
        decrease(NewReplicaCount=2),
        VALUE,
        "user guide, decrease-replica-count",
        given=replicated(),
    ),
    Refused(
        "a sixth replica",
        increase(NewReplicaCount=6),
        VALUE,
        "botocore model, NewReplicaCount",
        given=replicated(),
    ),
    Refused(
        "replicas without ApplyImmediately",
        increase(NewReplicaCount=2, ApplyImmediately=False),
        VALUE,
        "botocore model, ApplyImmediately",
        given=replicated(),
    ),
    Refused(
        "no count",
        increase(),
        COMBINATION,
        "user guide, increase-replica-count",
        given=replicated(),
    ),
    Refused(
        "two ways to give the count",
        decrease(NewReplicaCount=1, ReplicasToRemove=["cache-003"]),
        COMBINATION,
        "user guide, decrease-replica-count",
        given=replicated(replicas=2),
    ),
    Refused(
        "replicas of a shard that does not exist",
        increase(ReplicaConfiguration=[{"NodeGroupId": "0009", "NewReplicaCount": 2}]),
        VALUE,
        "hashicorp/terraform-provider-aws#43884",
        given=clustered(),
    ),
    Refused(
        "the primary among the replicas to remove",
        decrease(ReplicasToRemove=["cache-001"]),
        VALUE,
        "user guide, decrease-replica-count",
        given=replicated(replicas=2),
    ),
    Refused(
        "no replica while failover is enabled",
        decrease(NewReplicaCount=0),
        VALUE,
        "hashicorp/terraform-provider-aws#24244; pulumi/pulumi#11458",
        given=replicated(),
        words="Must have at least 1 replica when cluster mode is disabled with auto failover enabled.",
    ),
    Refused(
        "no replica while Multi-AZ is enabled",
        decrease(NewReplicaCount=0),
        VALUE,
        "hashicorp/terraform-provider-aws#34819",
        given=replicated(MultiAZEnabled=True),
        words="Must have at least 1 replica for Multi-AZ enabled Replication Group",
    ),
    Refused(
        "no replica while Multi-AZ is enabled, in cluster mode",
        decrease(NewReplicaCount=0),
        VALUE,
        "hashicorp/terraform-provider-aws#34819 (that it holds in cluster mode is inferred)",
        given=clustered(MultiAZEnabled=True),
        words="Must have at least 1 replica for Multi-AZ enabled Replication Group",
    ),
    Refused(
        "more replicas than the node quota",
        increase(NewReplicaCount=3),
        "NodeGroupsPerReplicationGroupQuotaExceeded",
        "botocore model; user guide, quotas",
        given=clustered(shards=30, replicas=2),
    ),
    Refused(
        "replicas during a capacity shortage",
        increase(NewReplicaCount=2),
        "InsufficientCacheClusterCapacity",
        "user guide, ErrorMessages",
        given=lambda cloud: (
            cloud.make(cloud.replicated_request()),
            cloud.simulator.capacity_shortage(1),
        ),
    ),
    Refused(
        "shards without cluster mode",
        reshard(2),
        VALUE,
        "widdix/aws-cf-templates#573",
        given=replicated(),
        words="Operation is only applicable for cluster mode enabled replication groups",
    ),
    Refused(
        "the current number of shards",
        reshard(2),
        COMBINATION,
        "the Terraform provider's update",
        given=clustered(),
        words="No modifications were requested",
    ),
    Refused("no shard", reshard(0), VALUE, "botocore model, NodeGroupCount", given=clustered()),
    Refused(
        "shards without ApplyImmediately",
        reshard(3, ApplyImmediately=False),
        VALUE,
        "botocore model, ApplyImmediately",
        given=clustered(),
    ),
    Refused(
        "fewer shards without their ids",
        reshard(1),
        COMBINATION,
        "botocore model, NodeGroupsToRemove",
        given=clustered(),
    ),
    Refused(
        "shards to remove with a larger number of shards",
        reshard(3, NodeGroupsToRemove=["0001"]),
        COMBINATION,
        "botocore model, NodeGroupsToRemove",
        given=clustered(),
    ),
    Refused(
        "shards both to remove and to retain",
        reshard(1, NodeGroupsToRemove=["0001"], NodeGroupsToRetain=["0002"]),
        COMBINATION,
        "botocore model, NodeGroupsToRetain",
        given=clustered(),
    ),
    Refused(
        "a shard that does not exist",
        reshard(1, NodeGroupsToRemove=["0010"]),
        VALUE,
        "hashicorp/terraform-provider-aws#43884 and #45893",
        given=clustered(),
        words="The following node group ids are invalid: [0010]",
    ),
    Refused(
        "too few shards named",
        reshard(1, NodeGroupsToRemove=["0003"]),
        VALUE,
        "botocore model, NodeGroupsToRemove",
        given=clustered(shards=3),
    ),
    Refused(
        "more shards than the node quota",
        reshard(46),
        "NodeGroupsPerReplicationGroupQuotaExceeded",
        "botocore model; user guide, quotas",
        given=clustered(shards=2),
    ),
    Refused(
        "shards during a capacity shortage",
        reshard(3),
        "InsufficientCacheClusterCapacity",
        "user guide, ErrorMessages",
        given=lambda cloud: (cloud.make(cloud.cluster_request()), cloud.simulator.capacity_shortage(1)),
    ),
]


@table(ROWS)
def test_scaling_is_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


def test_replicas_beyond_the_quota_of_the_region_are_refused() -> None:
    """User guide, quotas: 300 nodes per Region."""
    with MotoAws(quotas=Quotas(nodes_per_region=5)) as cloud:
        cloud.make(cloud.cluster_request())
        with pytest.raises(cloud.elasticache.exceptions.NodeQuotaForCustomerExceededFault):
            increase(NewReplicaCount=2)(cloud)


EVERY_MUTATION: dict[str, Callable[[MotoAws], object]] = {
    "ModifyReplicationGroup": lambda cloud: cloud.modify(ReplicationGroupDescription="new"),
    "IncreaseReplicaCount": increase(NewReplicaCount=2),
    "DecreaseReplicaCount": decrease(NewReplicaCount=0),
    "ModifyReplicationGroupShardConfiguration": reshard(3),
    "DeleteReplicationGroup": lambda cloud: cloud.elasticache.delete_replication_group(
        ReplicationGroupId="cache"
    ),
    "CreateSnapshot": lambda cloud: cloud.elasticache.create_snapshot(
        ReplicationGroupId="cache", SnapshotName="by-hand"
    ),
    "AddTagsToResource": lambda cloud: cloud.elasticache.add_tags_to_resource(
        ResourceName=cloud.group()["ARN"], Tags=[{"Key": "a", "Value": "b"}]
    ),
    "RemoveTagsFromResource": lambda cloud: cloud.elasticache.remove_tags_from_resource(
        ResourceName=cloud.group()["ARN"], TagKeys=["a"]
    ),
    "ListTagsForResource": lambda cloud: cloud.elasticache.list_tags_for_resource(
        ResourceName=cloud.group()["ARN"]
    ),
}
BUSY: dict[str, Callable[[MotoAws], object]] = {
    "creating": lambda cloud: cloud.elasticache.create_replication_group(**cloud.cluster_request()),
    "modifying": lambda cloud: (
        cloud.make(cloud.cluster_request()),
        cloud.modify(SnapshotWindow="05:00-06:00"),
    ),
    "snapshotting": lambda cloud: (
        cloud.make(cloud.cluster_request()),
        cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="first"),
    ),
    "deleting": lambda cloud: (
        cloud.make(cloud.cluster_request()),
        cloud.elasticache.delete_replication_group(ReplicationGroupId="cache"),
    ),
}


@pytest.mark.parametrize("status", BUSY)
@pytest.mark.parametrize("operation", EVERY_MUTATION)
def test_a_changing_replication_group_refuses_every_mutation_and_the_list_of_its_tags(
    cloud: MotoAws, operation: str, status: str
) -> None:
    """aws-controllers-k8s/community#948; hashicorp/terraform-provider-aws#23219 and #41416 (tags)."""
    BUSY[status](cloud)
    assert cloud.group()["Status"] == status
    with pytest.raises(cloud.elasticache.exceptions.InvalidReplicationGroupStateFault) as refused:
        EVERY_MUTATION[operation](cloud)
    assert f"status {status}" in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize("operation", list(EVERY_MUTATION)[:4])
def test_changing_members_refuse_every_mutation_although_the_replication_group_is_available(
    cloud: MotoAws, operation: str
) -> None:
    """hashicorp/terraform-provider-aws#50096."""
    cloud.make(cloud.cluster_request(replicas=2))
    cloud.elasticache.decrease_replica_count(
        ReplicationGroupId="cache", NewReplicaCount=1, ApplyImmediately=True
    )
    timing = cloud.simulator.timing
    cloud.clock.advance(timing.replica + timing.node_group_lag)
    assert {node_group["Status"] for node_group in cloud.group()["NodeGroups"]} == {"available"}
    assert "deleting" in {member["CacheClusterStatus"] for member in cloud.members()}
    with pytest.raises(cloud.elasticache.exceptions.InvalidCacheClusterStateFault):
        EVERY_MUTATION[operation](cloud)


def test_a_replication_group_with_a_changing_member_can_not_be_deleted(cloud: MotoAws) -> None:
    """The Terraform provider's delete retries "Cache cluster X-003 is not in a valid state to be deleted"."""
    cloud.elasticache.create_replication_group(**cloud.request())
    cloud.clock.advance(cloud.simulator.timing.create)
    with pytest.raises(cloud.elasticache.exceptions.InvalidReplicationGroupStateFault):
        cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
