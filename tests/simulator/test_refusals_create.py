"""What CreateReplicationGroup refuses, each with AWS's wire code and the public source of it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Network
from typing import Any

import pytest

from tests.harness.moto_aws import TOKEN, MotoAws
from tests.harness.refusals import Refused, check, table

from . import Quotas, Timing


@pytest.fixture(autouse=True)
def subnet_group(cloud: MotoAws) -> None:
    cloud.make_subnet_group()


def plain(**changes: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.elasticache.create_replication_group(**cloud.request(**changes))


def clustered(**changes: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.elasticache.create_replication_group(**cloud.cluster_request(**changes))


COMBINATION = "InvalidParameterCombination"
VALUE = "InvalidParameterValue"

ROWS = [
    Refused(
        "a second replication group with the same id, in any case",
        plain(ReplicationGroupId="CACHE"),
        "ReplicationGroupAlreadyExists",
        "botocore model; pulumi/pulumi-aws#3672",
        given=lambda cloud: cloud.make(),
    ),
    Refused(
        "a replication group with the id of one that is still deleting",
        plain(),
        "ReplicationGroupAlreadyExists",
        "botocore model",
        given=lambda cloud: (
            cloud.make(),
            cloud.elasticache.delete_replication_group(ReplicationGroupId="cache"),
        ),
    ),
    *(
        Refused(
            f"the id {name!r}", plain(ReplicationGroupId=name), VALUE, "botocore model, ReplicationGroupId"
        )
        for name in ("1cache", "a--b", "cache-", "under_score", "a" * 41)
    ),
    *(
        Refused(
            f"the retired or never released version {version}",
            plain(EngineVersion=version, CacheParameterGroupName=None),
            COMBINATION,
            "ministryofjustice/cloud-platform-environments#5753",
            words=f"Cannot find version {version} for redis",
        )
        for version in ("3.2.6", "3.2.10", "4.0.13", "5.0.0", "8.0")
    ),
    Refused(
        "a patch of version 6 and later",
        plain(EngineVersion="6.2.6"),
        VALUE,
        "crossplane-contrib/provider-aws#1617",
        words="Specific version selection is not allowed for '6.2.6', please use '6.2'",
    ),
    Refused(
        "a parameter group of another family",
        plain(EngineVersion="7.1"),
        COMBINATION,
        "hashicorp/terraform-provider-aws#27748",
        words="Expected a parameter group of family redis7 but found one of family redis6.x",
    ),
    Refused(
        "a parameter group of the other engine",
        plain(CacheParameterGroupName="default.valkey8"),
        COMBINATION,
        "aws-controllers-k8s/elasticache-controller#188",
        words="valkey parameter group is not applicable to engine redis",
    ),
    Refused(
        "a parameter group that does not exist",
        plain(CacheParameterGroupName="default.redis9"),
        "CacheParameterGroupNotFound",
        "botocore model",
        status=404,
    ),
    Refused(
        "several shards without a cluster parameter group",
        plain(NumNodeGroups=2, AutomaticFailoverEnabled=True),
        COMBINATION,
        "aws-controllers-k8s/community#1513",
        words="Use a parameter group with cluster-enabled parameter to create more than one node group.",
    ),
    Refused(
        "cluster mode without failover",
        clustered(AutomaticFailoverEnabled=None),
        COMBINATION,
        "botocore model, AutomaticFailoverEnabled; aws/aws-cdk#13389",
    ),
    Refused(
        "failover with a single node",
        plain(AutomaticFailoverEnabled=True),
        COMBINATION,
        "hashicorp/terraform#25077",
        words="there must be at least 2 cache clusters",
    ),
    Refused(
        "Multi-AZ without failover",
        plain(ReplicasPerNodeGroup=1, MultiAZEnabled=True),
        COMBINATION,
        "user guide, AutoFailover; hashicorp/terraform-provider-aws#17376",
    ),
    Refused(
        "Multi-AZ without replicas in cluster mode",
        clustered(replicas=0, MultiAZEnabled=True),
        COMBINATION,
        "user guide, AutoFailover",
    ),
    Refused(
        "Multi-AZ with all subnets in one zone",
        lambda cloud: cloud.elasticache.create_replication_group(
            **cloud.replicated_request(CacheSubnetGroupName="one-zone", MultiAZEnabled=True)
        ),
        COMBINATION,
        "user guide, AutoFailover and SubnetGroups (two zones needed; the text is not published)",
        given=lambda cloud: cloud.make_subnet_group("one-zone", [cloud.subnets[0], cloud.subnets[2]]),
    ),
    Refused(
        "six replicas in a shard",
        plain(ReplicasPerNodeGroup=6),
        VALUE,
        "botocore model, ReplicasPerNodeGroup",
    ),
    Refused(
        "NumCacheClusters with NumNodeGroups",
        plain(NumCacheClusters=2, ReplicasPerNodeGroup=None),
        COMBINATION,
        "botocore model, NumCacheClusters; the Terraform provider's ConflictsWith",
    ),
    Refused(
        "seven cache clusters",
        plain(NumCacheClusters=7, NumNodeGroups=None, ReplicasPerNodeGroup=None),
        VALUE,
        "botocore model, NumCacheClusters",
    ),
    Refused("no shard at all", plain(NumNodeGroups=0), VALUE, "botocore model, NumNodeGroups"),
    Refused("an engine without replication", plain(Engine="memcached"), VALUE, "botocore model, Engine"),
    Refused("a group without a node type", plain(CacheNodeType=None), COMBINATION, "botocore model"),
    Refused(
        "a snapshot to restore that is still creating",
        plain(ReplicationGroupId="restored", SnapshotName="new"),
        "InvalidSnapshotState",
        "botocore model (declared for the other calls on snapshots)",
        given=lambda cloud: (
            cloud.make(),
            cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="new"),
        ),
    ),
    Refused(
        "preferred zones for several shards",
        clustered(PreferredCacheClusterAZs=["us-east-1a"]),
        COMBINATION,
        "hashicorp/terraform-provider-aws#14425",
        words="PreferredCacheClusterAZs can only be specified for one node group",
    ),
    Refused(
        "security groups of EC2-Classic",
        plain(CacheSecurityGroupNames=["old"]),
        COMBINATION,
        "crossplane-contrib/provider-aws#326",
    ),
    Refused(
        "a transit encryption mode before 7.0.5",
        plain(TransitEncryptionEnabled=True, TransitEncryptionMode="required"),
        COMBINATION,
        "cloudposse/terraform-aws-elasticache-redis#231",
        words="Transit encryption mode is not supported for engine version 6.2.6",
    ),
    Refused(
        "a token with the preferred transit encryption mode",
        plain(
            EngineVersion="7.1",
            CacheParameterGroupName="default.redis7",
            TransitEncryptionEnabled=True,
            TransitEncryptionMode="preferred",
            AuthToken=TOKEN,
        ),
        COMBINATION,
        "cloudposse/terraform-aws-elasticache-redis#239",
        words="Transit encryption preferred is not supported with redis access control.",
    ),
    Refused(
        "a token without TLS",
        plain(AuthToken=TOKEN),
        COMBINATION,
        "widdix/aws-cf-templates#263",
        words="The AUTH token is only supported when encryption-in-transit is enabled",
    ),
    *(
        Refused(
            f"a token that is {what}",
            plain(TransitEncryptionEnabled=True, AuthToken=token),
            VALUE,
            "user guide, AUTH; magenx/Magento-2-aws-cluster-terraform#43",
            words="Invalid AuthToken provided.",
        )
        for what, token in (
            ("too short", "a" * 15),
            ("too long", "a" * 129),
            ("with a slash", "a" * 16 + "/"),
            ("with an at sign", "a" * 16 + "@"),
            ("with a space", "a" * 16 + " b"),
        )
    ),
    Refused(
        "a KMS key without encryption at rest",
        plain(KmsKeyId="arn:aws:kms:us-east-1:123456789012:key/1"),
        COMBINATION,
        "user guide, at-rest encryption",
    ),
    Refused(
        "a node type that is not offered",
        plain(CacheNodeType="cache.t2.micro"),
        VALUE,
        "user guide, CacheNodes.SupportedTypes (no new T2 clusters)",
    ),
    Refused(
        "a node type below its minimum engine",
        plain(
            CacheNodeType="cache.m6g.large",
            EngineVersion="4.0.10",
            CacheParameterGroupName="default.redis4.0",
        ),
        COMBINATION,
        "user guide, CacheNodes.SupportedTypes (Graviton2 from 5.0.6)",
    ),
    Refused(
        "a subnet group that does not exist",
        plain(CacheSubnetGroupName="nowhere"),
        "CacheSubnetGroupNotFoundFault",
        "botocore model; aws-controllers-k8s/community#1228",
    ),
    Refused(
        "a security group that does not exist",
        plain(SecurityGroupIds=["sg-00000000000000000"]),
        VALUE,
        "botocore model, InvalidParameterValue",
    ),
    Refused(
        "a security group of another VPC",
        lambda cloud: cloud.elasticache.create_replication_group(
            **cloud.request(SecurityGroupIds=[cloud.other_security_group])
        ),
        COMBINATION,
        "aws-controllers-k8s/community#1594",
        words="belongs to a different VPC",
    ),
    Refused(
        "a snapshot window shorter than an hour",
        plain(SnapshotWindow="07:00-07:30"),
        VALUE,
        "hashicorp/terraform-provider-aws#2153",
    ),
    Refused(
        "a maintenance window shorter than an hour",
        plain(PreferredMaintenanceWindow="sun:09:00-sun:09:59"),
        VALUE,
        "botocore model, PreferredMaintenanceWindow",
    ),
    Refused(
        "a window that is none", plain(SnapshotWindow="7am-8am"), VALUE, "botocore model, SnapshotWindow"
    ),
    Refused(
        "windows that overlap, with backups off",
        plain(SnapshotWindow="08:30-09:30"),
        COMBINATION,
        "hashicorp/terraform#17247",
    ),
    Refused(
        "windows that overlap across midnight",
        plain(SnapshotWindow="23:30-00:30", PreferredMaintenanceWindow="mon:00:00-mon:01:00"),
        COMBINATION,
        "hashicorp/terraform#17247",
    ),
    Refused(
        "a snapshot window that overlaps the maintenance window that AWS chose",
        plain(PreferredMaintenanceWindow=None),
        COMBINATION,
        "ministryofjustice/cloud-platform-environments#5252",
    ),
    Refused(
        "backups kept for more than 35 days",
        plain(SnapshotRetentionLimit=36),
        VALUE,
        "the Terraform provider's IntAtMost(35)",
    ),
    Refused(
        "a snapshot to restore that does not exist",
        plain(SnapshotName="gone"),
        "SnapshotNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "more than 50 tags",
        plain(Tags=[{"Key": str(n), "Value": ""} for n in range(51)]),
        "TagQuotaPerResourceExceeded",
        "botocore model",
    ),
    Refused(
        "more than 90 nodes in one cluster",
        clustered(shards=31, replicas=2),
        "NodeQuotaForClusterExceeded",
        "user guide, quotas; botocore model",
    ),
    Refused(
        "any node during a capacity shortage",
        plain(),
        "InsufficientCacheClusterCapacity",
        "user guide, ErrorMessages",
        given=lambda cloud: cloud.simulator.capacity_shortage(1),
    ),
]


@table(ROWS)
def test_create_is_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


def test_a_capacity_shortage_ends(cloud: MotoAws) -> None:
    cloud.simulator.capacity_shortage(1)
    with pytest.raises(cloud.elasticache.exceptions.InsufficientCacheClusterCapacityFault):
        cloud.make()
    assert cloud.make()["Status"] == "available"


def test_a_new_subnet_group_may_not_be_visible_yet() -> None:
    """aws-controllers-k8s/community#1228."""
    with MotoAws(Timing(subnet_group_lag=60)) as cloud:
        cloud.make_subnet_group()
        with pytest.raises(cloud.elasticache.exceptions.CacheSubnetGroupNotFoundFault):
            cloud.make()
        cloud.clock.advance(60)
        assert cloud.make()["Status"] == "available"


def subnet_with_ipv6(cloud: MotoAws, **params: Any) -> str:
    """Give the VPC IPv6 and return a new subnet with it."""
    cloud.ec2.associate_vpc_cidr_block(VpcId=cloud.vpc, AmazonProvidedIpv6CidrBlock=True)
    (vpc,) = cloud.ec2.describe_vpcs(VpcIds=[cloud.vpc])["Vpcs"]
    blocks = IPv6Network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]).subnets(new_prefix=64)
    made = cloud.ec2.create_subnet(VpcId=cloud.vpc, Ipv6CidrBlock=str(next(blocks)), **params)
    return str(made["Subnet"]["SubnetId"])


def network_types(cloud: MotoAws, *subnets: str) -> tuple[list[str], list[list[str]]]:
    """Return what a new subnet group supports, and what each of its subnets does."""
    cloud.make_subnet_group("of-types", list(subnets))
    (shown,) = cloud.elasticache.describe_cache_subnet_groups(CacheSubnetGroupName="of-types")[
        "CacheSubnetGroups"
    ]
    return shown["SupportedNetworkTypes"], [each["SupportedNetworkTypes"] for each in shown["Subnets"]]


def test_a_subnet_group_supports_the_network_types_that_all_its_subnets_do(cloud: MotoAws) -> None:
    """API_Subnet and API_CacheSubnetGroup, SupportedNetworkTypes; user guide, network-type."""
    dual = subnet_with_ipv6(cloud, CidrBlock="10.1.90.0/24")
    assert network_types(cloud, cloud.subnets[0], dual) == (["ipv4"], [["ipv4"], ["dual_stack", "ipv4"]])


def test_subnets_with_ipv6_alone_refuse_a_cluster_of_the_default_network_type(cloud: MotoAws) -> None:
    """User guide, network-type (the text is inferred)."""
    assert network_types(cloud, subnet_with_ipv6(cloud, Ipv6Native=True)) == (["ipv6"], [["ipv6"]])
    with pytest.raises(cloud.elasticache.exceptions.InvalidParameterCombinationException, match="ipv4"):
        cloud.make(cloud.request(CacheSubnetGroupName="of-types"))


def test_a_raised_cluster_quota_allows_500_nodes_within_the_quota_of_the_region() -> None:
    """User guide, quotas: 90 nodes per cluster, raisable to 500; 300 nodes per Region."""
    with MotoAws(quotas=Quotas(nodes_per_group=500)) as cloud:
        cloud.make_subnet_group()
        with pytest.raises(cloud.elasticache.exceptions.NodeQuotaForCustomerExceededFault):
            cloud.make(cloud.cluster_request(shards=100, replicas=4))
    with MotoAws(quotas=Quotas(nodes_per_group=500, nodes_per_region=500)) as cloud:
        assert len(cloud.make(cloud.cluster_request(shards=100, replicas=4))["MemberClusters"]) == 500


@pytest.mark.parametrize(
    ("version", "full"),
    [("4.0.10", "4.0.10"), ("5.0.6", "5.0.6"), ("6.0", "6.0.5"), ("6.x", "6.2.6"), ("7.1", "7.1.0")],
)
def test_members_report_the_full_version(cloud: MotoAws, version: str, full: str) -> None:
    cloud.make(cloud.request(EngineVersion=version, CacheParameterGroupName=None))
    assert cloud.members()[0]["EngineVersion"] == full


def test_the_number_of_nodes_can_be_given_as_cache_clusters(cloud: MotoAws) -> None:
    """botocore model, NumCacheClusters: primary and replicas together."""
    params = cloud.request(NumCacheClusters=3, NumNodeGroups=None, ReplicasPerNodeGroup=None)
    assert cloud.make(params)["MemberClusters"] == ["cache-001", "cache-002", "cache-003"]


@pytest.mark.parametrize("params", [{"DataTieringEnabled": True}, {"PreferredCacheClusterAZs": ["a"]}])
def test_a_parameter_that_is_not_simulated_is_not_ignored(cloud: MotoAws, params: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match=next(iter(params))):
        cloud.make(cloud.request(**params))
