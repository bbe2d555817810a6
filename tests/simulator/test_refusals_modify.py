"""What ModifyReplicationGroup refuses, each with AWS's wire code and the public source of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.moto_aws import TOKEN, MotoAws
from tests.harness.refusals import Refused, check, clustered, replicated, table

COMBINATION = "InvalidParameterCombination"
VALUE = "InvalidParameterValue"
SIX = "default.redis6.x"


@pytest.fixture(autouse=True)
def subnet_group(cloud: MotoAws) -> None:
    cloud.make_subnet_group()


def modify(**params: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.modify(**params)


def single(**changes: Any) -> Callable[[MotoAws], object]:
    return lambda cloud: cloud.make(cloud.request(**changes))


ROWS = [
    Refused(
        "a replication group that does not exist",
        modify(CacheNodeType="cache.t3.medium"),
        "ReplicationGroupNotFoundFault",
        "botocore model",
        status=404,
    ),
    Refused(
        "a call without a change",
        modify(),
        COMBINATION,
        "the Terraform provider's update; ministryofjustice runbooks",
        given=single(),
        words="No modifications were requested",
    ),
    Refused(
        "the current node type and version",
        modify(CacheNodeType="cache.t3.small", EngineVersion="6.2", CacheParameterGroupName=SIX),
        COMBINATION,
        "the Terraform provider's update",
        given=single(),
        words="No modifications were requested",
    ),
    Refused(
        "failover disabled in cluster mode",
        modify(AutomaticFailoverEnabled=False, MultiAZEnabled=False),
        COMBINATION,
        "hashicorp/terraform-provider-aws#27116",
        given=clustered(),
        words="Turning off automatic failover for replication group with cluster mode enabled",
    ),
    Refused(
        "failover sent again in cluster mode without replicas",
        modify(AutomaticFailoverEnabled=True),
        COMBINATION,
        "aws-cloudformation/cloudformation-coverage-roadmap#1275; aws/aws-cdk#13389",
        given=clustered(replicas=0),
        words="Replication group must have at least one read replica to enable autofailover.",
    ),
    Refused(
        "failover without a replica",
        modify(AutomaticFailoverEnabled=True),
        COMBINATION,
        "aws-cloudformation/cloudformation-coverage-roadmap#383",
        given=single(),
        words="Replication group must have at least one read replica to enable autofailover.",
    ),
    Refused(
        "failover disabled while Multi-AZ stays enabled",
        modify(AutomaticFailoverEnabled=False),
        COMBINATION,
        "user guide, AutoFailover (Multi-AZ needs failover)",
        given=replicated(MultiAZEnabled=True),
    ),
    Refused(
        "Multi-AZ while failover is off",
        modify(MultiAZEnabled=True),
        COMBINATION,
        "user guide, AutoFailover",
        given=single(ReplicasPerNodeGroup=1),
    ),
    Refused(
        "Multi-AZ without a replica in cluster mode",
        modify(MultiAZEnabled=True),
        COMBINATION,
        "user guide, AutoFailover",
        given=clustered(replicas=0),
    ),
    Refused(
        "Multi-AZ with all subnets in one zone",
        modify(MultiAZEnabled=True),
        COMBINATION,
        "user guide, AutoFailover (the text is not published)",
        given=lambda cloud: (
            cloud.make_subnet_group("one-zone", [cloud.subnets[0]]),
            cloud.make(cloud.replicated_request(CacheSubnetGroupName="one-zone")),
        ),
    ),
    Refused(
        "encryption in transit sent again unchanged",
        modify(TransitEncryptionEnabled=True, CacheNodeType="cache.t3.medium"),
        COMBINATION,
        "aws-controllers-k8s/community#2536",
        given=single(TransitEncryptionEnabled=True, AuthToken=TOKEN),
        words="Modification of transit encryption is not supported for access control enabled clusters.",
    ),
    Refused(
        "encryption in transit enabled before 7.0.5",
        modify(TransitEncryptionEnabled=True),
        COMBINATION,
        "user guide, in-transit encryption; cloudposse/terraform-aws-elasticache-redis#231",
        given=single(),
    ),
    Refused(
        "6.x of a group that is on 6.2",
        modify(EngineVersion="6.x"),
        COMBINATION,
        "cloudposse/terraform-aws-elasticache-redis#88",
        given=single(),
        words="Upgrading minor engine version for redis '6.x' using modify API is not allowed",
    ),
    Refused(
        "an older minor version",
        modify(EngineVersion="6.0"),
        COMBINATION,
        "hashicorp/terraform-provider-aws#4166",
        given=single(),
        words="Cannot modify redis from 6.2.6 to 6.0.5",
    ),
    Refused(
        "an older major version",
        modify(EngineVersion="5.0.6", CacheParameterGroupName="default.redis5.0"),
        COMBINATION,
        "hashicorp/terraform-provider-aws#4166",
        given=single(),
        words="Cannot modify redis from 6.2.6 to 5.0.6",
    ),
    Refused(
        "Valkey back to Redis",
        modify(Engine="redis", EngineVersion="7.1", CacheParameterGroupName="default.redis7"),
        COMBINATION,
        "hashicorp/terraform-provider-aws#45229",
        given=single(Engine="valkey", EngineVersion="8.0", CacheParameterGroupName="default.valkey8"),
    ),
    Refused(
        "another engine without its version",
        modify(Engine="valkey"),
        COMBINATION,
        "user guide, VersionManagement (cross-engine upgrade names a version)",
        given=single(),
    ),
    Refused(
        "Valkey's parameter group without Valkey",
        modify(CacheParameterGroupName="default.valkey8"),
        COMBINATION,
        "aws-controllers-k8s/elasticache-controller#188",
        given=single(),
        words="valkey parameter group is not applicable to engine redis",
    ),
    Refused(
        "a major upgrade without its parameter group",
        modify(EngineVersion="7.1"),
        COMBINATION,
        "hashicorp/terraform-provider-aws#27748; user guide, VersionManagement",
        given=single(),
        words="Expected a parameter group of family redis7 but found one of family redis6.x",
    ),
    Refused(
        "a parameter group that would disable cluster mode",
        modify(CacheParameterGroupName=SIX),
        COMBINATION,
        "user guide, ParameterGroups.Redis (cluster-enabled)",
        given=clustered(),
    ),
    Refused(
        "a version that does not exist",
        modify(EngineVersion="5.0.9"),
        COMBINATION,
        "ministryofjustice/cloud-platform-environments#5753",
        given=single(EngineVersion="5.0.6", CacheParameterGroupName="default.redis5.0"),
        words="Cannot find version 5.0.9 for redis",
    ),
    Refused(
        "a patch of version 6 and later",
        modify(EngineVersion="6.2.6"),
        VALUE,
        "crossplane-contrib/provider-aws#1617",
        given=single(),
        words="please use '6.2'",
    ),
    Refused(
        "a node type that is not offered",
        modify(CacheNodeType="cache.t2.micro"),
        VALUE,
        "user guide, CacheNodes.SupportedTypes",
        given=single(),
    ),
    Refused(
        "a node type below its minimum engine",
        modify(CacheNodeType="cache.t4g.medium"),
        COMBINATION,
        "user guide, CacheNodes.SupportedTypes",
        given=single(EngineVersion="4.0.10", CacheParameterGroupName="default.redis4.0"),
    ),
    Refused(
        "a larger node type during a capacity shortage",
        modify(CacheNodeType="cache.t3.medium"),
        "InsufficientCacheClusterCapacity",
        "user guide, ErrorMessages",
        given=lambda cloud: (cloud.make(), cloud.simulator.capacity_shortage(1)),
    ),
    Refused(
        "a token without TLS",
        modify(AuthToken=TOKEN, AuthTokenUpdateStrategy="SET"),
        COMBINATION,
        "user guide, AUTH; widdix/aws-cf-templates#263",
        given=single(),
    ),
    Refused(
        "a new token before 5.0.6",
        modify(AuthToken=TOKEN + "2", AuthTokenUpdateStrategy="ROTATE"),
        COMBINATION,
        "user guide, AUTH (modifying needs 5.0.6)",
        given=single(
            EngineVersion="4.0.10",
            CacheParameterGroupName="default.redis4.0",
            TransitEncryptionEnabled=True,
            AuthToken=TOKEN,
        ),
    ),
    Refused(
        "a token of illegal characters",
        modify(AuthToken='"' * 20, AuthTokenUpdateStrategy="ROTATE"),
        VALUE,
        "user guide, AUTH",
        given=single(TransitEncryptionEnabled=True, AuthToken=TOKEN),
        words="Invalid AuthToken provided.",
    ),
    Refused(
        "a token strategy without a token",
        modify(AuthTokenUpdateStrategy="ROTATE"),
        COMBINATION,
        "botocore model, AuthTokenUpdateStrategy",
        given=single(TransitEncryptionEnabled=True, AuthToken=TOKEN),
    ),
    Refused(
        "an unknown token strategy",
        modify(AuthToken=TOKEN, AuthTokenUpdateStrategy="DELETE"),
        VALUE,
        "user guide, AUTH (DELETE is for access control lists)",
        given=single(TransitEncryptionEnabled=True, AuthToken=TOKEN),
    ),
    Refused(
        "no change, without ApplyImmediately",
        lambda cloud: cloud.elasticache.modify_replication_group(ReplicationGroupId="cache"),
        COMBINATION,
        "the Terraform provider's update",
        given=single(),
        words="No modifications were requested",
    ),
    Refused(
        "a token together with anything else",
        modify(AuthToken=TOKEN + "2", AuthTokenUpdateStrategy="ROTATE", CacheNodeType="cache.t3.medium"),
        COMBINATION,
        "not documented, so refused here; the Terraform provider uses a separate call",
        given=single(TransitEncryptionEnabled=True, AuthToken=TOKEN),
    ),
    Refused(
        "backups without cluster mode and without a member to take them of",
        modify(SnapshotRetentionLimit=7),
        COMBINATION,
        "aws/aws-cdk#6256; hashicorp/terraform#19336",
        given=single(),
        words="Must specify both SnapshotRetentionLimit and SnapshottingClusterId",
    ),
    Refused(
        "a member to take backups of in cluster mode",
        modify(SnapshotRetentionLimit=7, SnapshottingClusterId="cache-0001-001"),
        COMBINATION,
        "the Terraform provider's replication group",
        given=clustered(),
        words="Cannot set snapshotting cluster for cluster mode enabled",
    ),
    Refused(
        "backups of a member that does not exist",
        modify(SnapshotRetentionLimit=7, SnapshottingClusterId="cache-002"),
        "CacheClusterNotFound",
        "hashicorp/terraform-provider-aws#46326",
        given=single(),
        status=404,
    ),
    Refused(
        "backups kept for more than 35 days",
        modify(SnapshotRetentionLimit=36, SnapshottingClusterId="cache-001"),
        VALUE,
        "the Terraform provider's IntAtMost(35)",
        given=single(),
    ),
    Refused(
        "a window that overlaps the other one",
        modify(SnapshotWindow="09:30-10:30"),
        COMBINATION,
        "hashicorp/terraform#17247",
        given=single(),
    ),
    Refused(
        "a window shorter than an hour",
        modify(PreferredMaintenanceWindow="mon:01:00-mon:01:30"),
        VALUE,
        "botocore model, PreferredMaintenanceWindow",
        given=single(),
    ),
    Refused(
        "no security group at all",
        modify(SecurityGroupIds=[]),
        COMBINATION,
        "the Terraform provider (an empty list is not accepted)",
        given=single(),
    ),
    Refused(
        "a security group of another VPC",
        lambda cloud: cloud.modify(SecurityGroupIds=[cloud.other_security_group]),
        COMBINATION,
        "aws-controllers-k8s/community#1594",
        given=single(),
        words="belongs to a different VPC",
    ),
    Refused(
        "security groups of EC2-Classic",
        modify(CacheSecurityGroupNames=["old"]),
        COMBINATION,
        "crossplane-contrib/provider-aws#326",
        given=single(),
    ),
]


@table(ROWS)
def test_modify_is_refused(cloud: MotoAws, refused: Refused) -> None:
    check(cloud, refused)


@pytest.mark.parametrize(
    "params",
    [
        {"AutomaticFailoverEnabled": True},
        {"CacheNodeType": "cache.t3.medium"},
        {"ReplicationGroupDescription": "new"},
        {"EngineVersion": "7.1", "CacheParameterGroupName": "default.redis7"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_a_replication_group_that_is_changing_takes_no_modification(
    cloud: MotoAws, params: dict[str, Any]
) -> None:
    cloud.make(cloud.replicated_request())
    cloud.modify(SnapshotWindow="05:00-06:00")
    with pytest.raises(cloud.elasticache.exceptions.InvalidReplicationGroupStateFault):
        cloud.modify(**params)


def test_security_groups_sent_again_start_another_round_of_modifying(cloud: MotoAws) -> None:
    """crossplane-contrib/provider-aws#1023."""
    cloud.make()
    assert cloud.modify(SecurityGroupIds=[cloud.security_group])["Status"] == "modifying"


def test_a_change_without_apply_immediately_waits(cloud: MotoAws) -> None:
    """User guide, Clusters.Modify: it is applied in the maintenance window."""
    cloud.make()
    cloud.elasticache.modify_replication_group(ReplicationGroupId="cache", CacheNodeType="cache.t3.medium")
    cloud.settle()
    assert (cloud.group()["Status"], cloud.group()["CacheNodeType"]) == ("available", "cache.t3.small")
    assert cloud.members()[0]["PendingModifiedValues"] == {"CacheNodeType": "cache.t3.medium"}


def test_a_change_of_encryption_in_transit_since_7_0_5_is_not_simulated(cloud: MotoAws) -> None:
    cloud.make(cloud.request(EngineVersion="7.1", CacheParameterGroupName="default.redis7"))
    with pytest.raises(NotImplementedError, match="TransitEncryptionEnabled"):
        cloud.modify(TransitEncryptionEnabled=True)
