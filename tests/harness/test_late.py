"""What is not visible yet: refused with AWS's codes, alike on both AWS of the harness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from .inmemory_aws import client
from .stack import StackUnderTest

ROLE = "arn:aws:iam::123456789012:role/fresh"
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def security_group(aws: StackUnderTest) -> dict[str, Any]:
    """Return the parameters of CreateSecurityGroup."""
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "a", "Value": "b"}]}]
    return {"GroupName": "new", "Description": "d", "VpcId": aws.cloud.vpc, "TagSpecifications": tags}


def subnet_group(aws: StackUnderTest) -> dict[str, Any]:
    """Return the parameters of CreateCacheSubnetGroup."""
    return {
        "CacheSubnetGroupName": "subnets",
        "CacheSubnetGroupDescription": "d",
        "SubnetIds": aws.cloud.subnets,
    }


@pytest.fixture(params=["inmemory", "moto"])
def aws(request: pytest.FixtureRequest) -> Iterator[StackUnderTest]:
    with StackUnderTest(real=request.param == "moto") as made:
        yield made


def refusal(service: str, operation: str, **params: Any) -> str:
    """Return the code with which a call is refused, "" where it is done."""
    try:
        getattr(client(service), operation)(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_new_security_group_is_unknown_for_a_while(aws: StackUnderTest) -> None:
    """spinnaker/spinnaker#5131; EC2 API reference, error codes."""
    aws.cloud.late.security_groups = 30
    group = aws.ec2.create_security_group(**security_group(aws))["GroupId"]
    by_name = {"Filters": [{"Name": "group-name", "Values": ["new"]}]}
    tag = {"Resources": [group], "Tags": [{"Key": "c", "Value": "d"}]}

    assert aws.ec2.describe_security_groups(**by_name)["SecurityGroups"] == []
    assert refusal("ec2", "create_tags", **tag) == "InvalidGroup.NotFound"
    assert refusal("ec2", "delete_security_group", GroupId=group) == "InvalidGroup.NotFound"
    aws.clock.advance(30)
    assert len(aws.ec2.describe_security_groups(**by_name)["SecurityGroups"]) == 1
    assert refusal("ec2", "create_tags", **tag) == ""


def test_elasticache_may_learn_of_it_later_than_ec2(aws: StackUnderTest) -> None:
    """ansible/ansible#6794, for the words."""
    aws.cloud.late.elasticache = 30
    aws.elasticache.create_cache_subnet_group(**subnet_group(aws))
    request = {
        "ReplicationGroupId": "cache",
        "ReplicationGroupDescription": "d",
        "CacheNodeType": "cache.t3.micro",
        "CacheSubnetGroupName": "subnets",
        "SecurityGroupIds": [aws.ec2.create_security_group(**security_group(aws))["GroupId"]],
    }

    assert refusal("elasticache", "create_replication_group", **request) == "InvalidParameterValue"
    aws.clock.advance(30)
    assert refusal("elasticache", "create_replication_group", **request) == ""


def test_new_subnets_a_new_vpc_and_a_new_role_are_unknown_for_a_while(aws: StackUnderTest) -> None:
    """openedx-unsupported/configuration#313; hashicorp/terraform-provider-aws#6566; EC2's error codes."""
    create_subnet_group = ("elasticache", "create_cache_subnet_group", subnet_group(aws))
    create_security_group = ("ec2", "create_security_group", security_group(aws))
    assume_role = ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "test"})
    calls: list[tuple[str, tuple[str, str, dict[str, Any]], str]] = [
        (aws.cloud.subnets[0], create_subnet_group, "InvalidParameterValue"),
        (aws.cloud.vpc, create_security_group, "InvalidVpcID.NotFound"),
        (ROLE, assume_role, "AccessDenied"),
    ]
    for name, _, _ in calls:
        aws.cloud.late.hide(name, 30)
    for _, (service, operation, params), code in calls:
        assert refusal(service, operation, **params) == code
    aws.clock.advance(30)
    for _, (service, operation, params), _ in calls:
        assert refusal(service, operation, **params) == ""


def test_another_region_knows_neither_the_vpc_nor_its_subnets(aws: StackUnderTest) -> None:
    """openedx-unsupported/configuration#313; EC2 API reference, error codes."""
    ec2, elasticache = (boto3.client(name, "eu-west-1", **KEYS) for name in ("ec2", "elasticache"))
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        ec2.create_security_group(**security_group(aws))
    with pytest.raises(ClientError, match="Some input subnets in"):
        elasticache.create_cache_subnet_group(**subnet_group(aws))
