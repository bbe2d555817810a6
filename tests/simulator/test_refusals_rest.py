"""What AWS refuses of deletes, subnet groups, snapshots, tags and Describe calls, and what EC2 refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.harness.moto_aws import MotoAws
from tests.harness.refusals import Refused, check, table

from . import Quotas

VALUE = "InvalidParameterValue"
COMBINATION = "InvalidParameterCombination"
JULY_SECOND = datetime(2026, 7, 2, tzinfo=UTC)
ARN = "arn:aws:elasticache:us-east-1:123456789012"


def call(operation: str, **params: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: getattr(cloud.elasticache, operation)(**params)


def made(cloud: MotoAws) -> object:
    return cloud.make()


def snapshot_made(cloud: MotoAws) -> object:
    cloud.make()
    cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="kept")
    return cloud.settle()


def subnet_group(cloud: MotoAws) -> object:
    return cloud.make_subnet_group()


def create_subnet_group(name: str, subnets: Callable[[MotoAws], list[str]]) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.make_subnet_group(name, subnets(cloud))


def modify_subnet_group(subnets: Callable[[MotoAws], list[str]]) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.elasticache.modify_cache_subnet_group(
        CacheSubnetGroupName="subnets", SubnetIds=subnets(cloud)
    )


def multi_az_with_an_unused_zone(cloud: MotoAws) -> None:
    cloud.make_subnet_group("subnets", cloud.subnets[:1])
    cloud.make(cloud.replicated_request())
    modify_subnet_group(lambda cloud: cloud.subnets[:2])(cloud)
    cloud.modify(MultiAZEnabled=True)
    cloud.settle()


DELETES = [
    Refused(
        "a group that does not exist",
        call("delete_replication_group", ReplicationGroupId="cache"),
        "ReplicationGroupNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "a final snapshot with the name of another",
        call("delete_replication_group", ReplicationGroupId="cache", FinalSnapshotIdentifier="kept"),
        "SnapshotAlreadyExistsFault",
        "botocore model",
        given=snapshot_made,
    ),
    Refused(
        "a final snapshot where snapshots are not supported",
        call("delete_replication_group", ReplicationGroupId="cache", FinalSnapshotIdentifier="last"),
        "SnapshotFeatureNotSupportedFault",
        "botocore model; user guide, backups",
        given=lambda cloud: (cloud.make(), cloud.simulator.forbid_snapshots("cache")),
    ),
    Refused(
        "a final snapshot with an illegal name",
        call("delete_replication_group", ReplicationGroupId="cache", FinalSnapshotIdentifier="a--b"),
        VALUE,
        "user guide, backups (names follow the rules of identifiers)",
        given=made,
    ),
    Refused(
        "a final snapshot of a replication group whose creation failed",
        call("delete_replication_group", ReplicationGroupId="cache", FinalSnapshotIdentifier="last"),
        COMBINATION,
        "inferred: there is nothing to take a snapshot of",
        given=lambda cloud: (cloud.simulator.fail_next_create("no room"), cloud.make()),
    ),
]

SUBNETS = [
    Refused(
        "a subnet that does not exist",
        create_subnet_group("new", lambda cloud: [cloud.subnets[0], "subnet-00000000000000000"]),
        VALUE,
        "openedx-unsupported/configuration#313; floci-io/floci#2401",
        words="Some input subnets in :[subnet-00000000000000000] are invalid.",
    ),
    Refused(
        "subnets of two VPCs",
        create_subnet_group("new", lambda cloud: [cloud.subnets[0], cloud.other_subnet]),
        "InvalidSubnet",
        "floci-io/floci#2401",
        words="are not in the same VPC",
    ),
    Refused(
        "a second subnet group with the same name, in any case",
        create_subnet_group("SUBNETS", lambda cloud: cloud.subnets),
        "CacheSubnetGroupAlreadyExists",
        "botocore model",
        given=subnet_group,
    ),
    Refused(
        "an illegal name of a subnet group",
        create_subnet_group("under_score", lambda cloud: cloud.subnets),
        VALUE,
        "botocore model, CacheSubnetGroupName",
    ),
    Refused(
        "a subnet group that does not exist",
        call("describe_cache_subnet_groups", CacheSubnetGroupName="gone"),
        "CacheSubnetGroupNotFoundFault",
        "botocore model (400, not 404)",
    ),
    Refused(
        "deletion of a subnet group that does not exist",
        call("delete_cache_subnet_group", CacheSubnetGroupName="gone"),
        "CacheSubnetGroupNotFoundFault",
        "botocore model",
    ),
    Refused(
        "deletion of a subnet group in use",
        call("delete_cache_subnet_group", CacheSubnetGroupName="subnets"),
        "CacheSubnetGroupInUse",
        "aws/aws-cdk#6935",
        given=made,
    ),
    Refused(
        "deletion of a subnet group whose cluster is still deleting",
        call("delete_cache_subnet_group", CacheSubnetGroupName="subnets"),
        "CacheSubnetGroupInUse",
        "aws/aws-cdk#6935",
        given=lambda cloud: (
            cloud.make(),
            cloud.elasticache.delete_replication_group(ReplicationGroupId="cache"),
        ),
    ),
    Refused(
        "removal of a subnet in use",
        modify_subnet_group(lambda cloud: cloud.subnets[1:2]),
        "SubnetInUse",
        "user guide, SubnetGroups.Modifying",
        given=lambda cloud: cloud.make(cloud.replicated_request()),
    ),
    Refused(
        "a single zone for Multi-AZ",
        modify_subnet_group(lambda cloud: cloud.subnets[:1]),
        COMBINATION,
        "user guide, SubnetGroups.Deleting (the text is not published)",
        given=multi_az_with_an_unused_zone,
    ),
    Refused(
        "subnets of another VPC",
        modify_subnet_group(lambda cloud: [cloud.other_subnet]),
        "InvalidSubnet",
        "botocore model",
        given=subnet_group,
    ),
    Refused(
        "a subnet group without a change",
        modify_subnet_group(lambda cloud: cloud.subnets),
        VALUE,
        "aws-controllers-k8s/community#378",
        given=subnet_group,
        words="No modifications were requested.",
    ),
]

SNAPSHOTS = [
    Refused(
        "a snapshot with the name of another",
        call("create_snapshot", ReplicationGroupId="cache", SnapshotName="kept"),
        "SnapshotAlreadyExistsFault",
        "botocore model",
        given=snapshot_made,
    ),
    Refused(
        "a snapshot of no cluster",
        call("create_snapshot", SnapshotName="kept"),
        COMBINATION,
        "botocore model",
    ),
    Refused(
        "description of a snapshot that does not exist",
        call("describe_snapshots", SnapshotName="gone"),
        "SnapshotNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "deletion of a snapshot that does not exist",
        call("delete_snapshot", SnapshotName="gone"),
        "SnapshotNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "deletion of a snapshot that is still creating",
        call("delete_snapshot", SnapshotName="new"),
        "InvalidSnapshotState",
        "botocore model",
        given=lambda cloud: (
            cloud.make(),
            cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="new"),
        ),
    ),
]

REST = [
    Refused(
        "tags of an invalid ARN",
        call("list_tags_for_resource", ResourceName="cache"),
        "InvalidARN",
        "botocore model",
    ),
    Refused(
        "tags of a replication group that does not exist",
        call("list_tags_for_resource", ResourceName=f"{ARN}:replicationgroup:gone"),
        "ReplicationGroupNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "tags with the prefix aws:",
        call(
            "add_tags_to_resource",
            ResourceName=f"{ARN}:replicationgroup:cache",
            Tags=[{"Key": "aws:mine", "Value": ""}],
        ),
        VALUE,
        "user guide, Tagging",
        given=made,
    ),
    Refused(
        "a 51st tag",
        call(
            "add_tags_to_resource",
            ResourceName=f"{ARN}:replicationgroup:cache",
            Tags=[{"Key": str(number), "Value": ""} for number in range(51)],
        ),
        "TagQuotaPerResourceExceeded",
        "botocore model",
        given=made,
    ),
    Refused(
        "removal of a tag that does not exist",
        call("remove_tags_from_resource", ResourceName=f"{ARN}:replicationgroup:cache", TagKeys=["gone"]),
        "TagNotFound",
        "botocore model",
        given=made,
        status=404,
    ),
    Refused(
        "a cluster that does not exist",
        call("describe_cache_clusters", CacheClusterId="gone-001"),
        "CacheClusterNotFound",
        "botocore model",
        status=404,
    ),
    Refused(
        "pages of more than 100",
        call("describe_cache_clusters", MaxRecords=101),
        VALUE,
        "botocore model, MaxRecords",
    ),
    Refused(
        "pages of fewer than 20",
        call("describe_replication_groups", MaxRecords=19),
        VALUE,
        "botocore model, MaxRecords",
    ),
    Refused(
        "an invalid marker",
        call("describe_replication_groups", Marker="yesterday"),
        VALUE,
        "botocore model",
    ),
    Refused(
        "events of a source without its source type",
        call("describe_events", SourceIdentifier="cache"),
        COMBINATION,
        "botocore model, SourceIdentifier",
    ),
    Refused(
        "events that end before they begin",
        call(
            "describe_events",
            StartTime=datetime(2026, 7, 2, tzinfo=UTC),
            EndTime=datetime(2026, 7, 1, tzinfo=UTC),
        ),
        COMBINATION,
        "botocore model, StartTime",
    ),
    Refused(
        "tags of a subnet group that does not exist",
        call("list_tags_for_resource", ResourceName=f"{ARN}:subnetgroup:gone"),
        "CacheSubnetGroupNotFoundFault",
        "botocore model",
    ),
    Refused(
        "tags of a snapshot that does not exist",
        call("list_tags_for_resource", ResourceName=f"{ARN}:snapshot:gone"),
        "SnapshotNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "node types of no cluster",
        call("list_allowed_node_type_modifications"),
        COMBINATION,
        "botocore model",
    ),
    Refused(
        "node types for a replication group that does not exist",
        call("list_allowed_node_type_modifications", ReplicationGroupId="gone"),
        "ReplicationGroupNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "a parameter group that does not exist",
        call("describe_cache_parameter_groups", CacheParameterGroupName="gone"),
        "CacheParameterGroupNotFound",
        "botocore model",
        status=404,
    ),
]


@table(DELETES)
def test_delete_is_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


@table(SUBNETS)
def test_subnet_group_calls_are_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


@table(SNAPSHOTS)
def test_snapshot_calls_are_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


@table(REST)
def test_tag_and_describe_calls_are_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


def test_a_subnet_without_nodes_can_be_removed() -> None:
    with MotoAws(zones="abc") as cloud:
        cloud.make(cloud.replicated_request(MultiAZEnabled=True))
        used = {member["PreferredAvailabilityZone"][-1] for member in cloud.members()}
        assert len(used) == 2
        kept = [subnet for subnet, zone in zip(cloud.subnets, "abc", strict=True) if zone in used]
        modify_subnet_group(lambda _cloud: kept)(cloud)
        found = cloud.elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"][0]
        assert {subnet["SubnetIdentifier"] for subnet in found["Subnets"]} == set(kept)


def test_subnet_groups_subnets_and_snapshots_have_quotas() -> None:
    """botocore model; user guide, quotas."""
    with MotoAws(quotas=Quotas(subnet_groups=1, subnets_per_group=2, snapshots=0)) as cloud:
        with pytest.raises(cloud.elasticache.exceptions.CacheSubnetQuotaExceededFault):
            cloud.make_subnet_group()
        cloud.make_subnet_group("subnets", cloud.subnets[:2])
        with pytest.raises(cloud.elasticache.exceptions.CacheSubnetGroupQuotaExceededFault):
            cloud.make_subnet_group("more", cloud.subnets[:2])
        cloud.make()
        with pytest.raises(cloud.elasticache.exceptions.SnapshotQuotaExceededFault):
            call("delete_replication_group", ReplicationGroupId="cache", FinalSnapshotIdentifier="last")(
                cloud
            )


def test_a_node_is_backed_up_a_limited_number_of_times_in_24_hours() -> None:
    """User guide, backup constraints: 20 manual backups of a node in any 24 hours, deleted ones included."""
    with MotoAws(quotas=Quotas(snapshots_per_node_and_day=1)) as cloud:
        cloud.make(cloud.replicated_request())
        for name in ("one", "two"):
            cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName=name)
            cloud.settle()
            cloud.elasticache.delete_snapshot(SnapshotName=name)
        with pytest.raises(cloud.elasticache.exceptions.SnapshotQuotaExceededFault):
            cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="three")
        cloud.clock.advance(24 * 3600)
        cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="three")


def test_a_snapshot_s_name_has_at_most_40_characters(cloud: MotoAws) -> None:
    """User guide, backups-manual: 1 to 40 alphanumeric characters or hyphens."""
    cloud.make()
    with pytest.raises(cloud.elasticache.exceptions.InvalidParameterValueException):
        cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="a" * 41)
    cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="a" * 40)


def delete_security_group(cloud: MotoAws, group: str) -> str:
    """Return the wire code of EC2's refusal, or an empty string."""
    try:
        cloud.ec2.delete_security_group(GroupId=group)
    except cloud.ec2.exceptions.ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


def test_ec2_keeps_a_security_group_while_a_cluster_or_its_interfaces_use_it(cloud: MotoAws) -> None:
    """The Terraform provider's security group delete retries DependencyViolation."""
    cloud.make()
    assert delete_security_group(cloud, cloud.security_group) == "DependencyViolation"
    cloud.elasticache.delete_replication_group(ReplicationGroupId="cache")
    cloud.clock.advance(cloud.simulator.timing.delete)
    assert cloud.simulator.groups() == []
    assert delete_security_group(cloud, cloud.security_group) == "DependencyViolation"
    cloud.clock.advance(cloud.simulator.timing.eni_lag)
    assert delete_security_group(cloud, cloud.security_group) == ""


def test_a_replaced_security_group_is_in_use_until_the_change_ends(cloud: MotoAws) -> None:
    """cloudposse/terraform-aws-elasticache-redis#121."""
    cloud.make()
    new = cloud.make_security_group(cloud.vpc, "new")
    cloud.modify(SecurityGroupIds=[new])
    assert cloud.simulator.security_group_in_use(cloud.security_group)
    assert cloud.simulator.security_group_in_use(new)
    cloud.settle()
    assert not cloud.simulator.security_group_in_use(cloud.security_group)
    assert delete_security_group(cloud, new) == "DependencyViolation"


def test_a_security_group_in_a_rule_of_another_is_kept_too(cloud: MotoAws) -> None:
    """User guide of EC2: a security group that a rule of another one references can't be deleted."""
    other = cloud.make_security_group(cloud.vpc, "app")
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}
    cloud.ec2.authorize_security_group_ingress(
        GroupId=other, IpPermissions=[{**rule, "UserIdGroupPairs": [{"GroupId": cloud.security_group}]}]
    )
    assert delete_security_group(cloud, cloud.security_group) == "DependencyViolation"
    assert delete_security_group(cloud, other) == ""
    assert delete_security_group(cloud, cloud.security_group) == ""


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("delete_replication_group", {"ReplicationGroupId": "cache", "RetainPrimaryCluster": True}),
        ("list_allowed_node_type_modifications", {"CacheClusterId": "cache-001"}),
        ("create_snapshot", {"CacheClusterId": "cache-001", "SnapshotName": "kept"}),
        ("list_tags_for_resource", {"ResourceName": f"{ARN}:cluster:cache-001"}),
        ("test_failover", {"ReplicationGroupId": "cache", "NodeGroupId": "0001"}),
    ],
)
def test_what_is_not_simulated_raises(cloud: MotoAws, operation: str, params: dict[str, Any]) -> None:
    cloud.make()
    with pytest.raises(NotImplementedError):
        call(operation, **params)(cloud)
