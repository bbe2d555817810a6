"""The provider's policy, deployed: a shared VPC works, and nothing without the provider's tag is touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e import shops
from tests.e2e.emulator.emulator import ACCOUNT, REGION, ROOT

from .emulator import client, stacks
from .emulator.gaps.permissions import VPC_OWNER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.emulator.emulator import Emulator

    Clients = Callable[[str], Any]

OWNER = "210987654321"
TAG = "massdriver-redis:provider"
TEMPLATE = client.showing_artifact((ROOT / "examples" / "free-tier.yaml").read_text())
SHORT = shops.with_a_short_timeout(TEMPLATE)
IN_SHARED_VPC = TEMPLATE.replace("${AWS::AccountId}:vpc/", f"{OWNER}:vpc/")


@pytest.fixture(scope="module")
def shared(emulator: Emulator) -> stacks.Network:
    """Return a VPC that another account shares with this one."""
    made = stacks.make_network(emulator)
    emulator.client("ec2").create_tags(Resources=[made.vpc], Tags=[{"Key": VPC_OWNER, "Value": OWNER}])
    return made


@pytest.fixture
def as_provider(emulator: Emulator) -> Iterator[Clients]:
    """Yield clients with the policies of the provider's role, as a role that this test may assume."""
    iam, name = emulator.client("iam"), "provider-s-twin"
    original = stacks.Stack(emulator, stacks.PROVIDER).outputs()["RoleArn"].rsplit("/", 1)[-1]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for each in ("cluster", "provider"):
        policy = iam.get_role_policy(RoleName=original, PolicyName=each)["PolicyDocument"]
        iam.put_role_policy(RoleName=name, PolicyName=each, PolicyDocument=json.dumps(policy))
    assumed = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]

    def clients(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=emulator.url,
            region_name=REGION,
            aws_access_key_id=assumed["AccessKeyId"],
            aws_secret_access_key=assumed["SecretAccessKey"],
            aws_session_token=assumed["SessionToken"],
            verify=str(emulator.certificates.authority),
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    yield clients
    for each in ("cluster", "provider"):
        iam.delete_role_policy(RoleName=name, PolicyName=each)
    iam.delete_role(RoleName=name)


def denial(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Return the code and the message of a call that must be denied."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_cluster_is_made_and_deleted_in_a_vpc_that_another_account_shares(
    emulator: Emulator, shared: stacks.Network
) -> None:
    stack = stacks.Stack(emulator, "tenant")

    assert stack.create(IN_SHARED_VPC, shared.parameters()) == "CREATE_COMPLETE", stack.reasons()
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()


def test_without_the_tag_of_this_provider_nothing_is_made_and_the_denial_says_what_was_asked(
    as_provider: Clients, shared: stacks.Network
) -> None:
    code, said = denial(
        as_provider("ec2").create_security_group, GroupName="x", Description="x", VpcId=shared.vpc
    )
    assert code == "UnauthorizedOperation"
    assert "ec2:CreateSecurityGroup on resource: arn:aws:ec2:us-east-1:000000000000:security-group/*" in said
    assert said.startswith("You are not authorized to perform this operation. User: arn:aws:sts::")

    cluster = {"ReplicationGroupId": "stranger", "ReplicationGroupDescription": "x"}
    for tags in ([], [{"Key": TAG, "Value": "mdr-99999999"}]):
        code, said = denial(as_provider("elasticache").create_replication_group, **cluster, Tags=tags)
        assert code == "AccessDenied"
        assert said == (
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/provider-s-twin/test is not authorized to perform: "
            f"elasticache:CreateReplicationGroup on resource: arn:aws:elasticache:{REGION}:{ACCOUNT}:"
            "parametergroup:* because no identity-based policy allows the elasticache:CreateReplicationGroup "
            "action"
        )


def test_no_other_role_can_be_passed(emulator: Emulator, as_provider: Clients) -> None:
    group = stacks.Stack(emulator, stacks.PROVIDER).physical_id("ScheduleGroup")
    _, said = denial(
        as_provider("scheduler").create_schedule,
        Name="stranger",
        GroupName=group,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/provider-s-twin",
        },
    )
    assert "iam:PassRole on resource" in said


def test_a_cluster_without_the_tag_is_left_alone_until_a_rollback_or_its_owner_puts_the_tag_back(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack, cache = stacks.Stack(emulator, "untagged"), emulator.client("elasticache")
    assert stack.create(SHORT, network.parameters()) == "CREATE_COMPLETE", stack.reasons()
    name = {"ReplicationGroupId": stack.physical_id()}
    resource = {"ResourceName": cache.describe_replication_groups(**name)["ReplicationGroups"][0]["ARN"]}
    tags = cache.list_tags_for_resource(**resource)["TagList"]

    cache.remove_tags_from_resource(**resource, TagKeys=[TAG])
    more = SHORT.replace("replicas: 0", "replicas: 1")
    assert stack.update(more, network.parameters()) == "UPDATE_ROLLBACK_COMPLETE", stack.reasons()
    assert any("elasticache:IncreaseReplicaCount" in reason for reason in stack.reasons())
    assert cache.list_tags_for_resource(**resource)["TagList"] == tags

    cache.remove_tags_from_resource(**resource, TagKeys=[TAG])
    assert stack.delete() == "DELETE_FAILED"
    assert any("elasticache:DeleteReplicationGroup" in reason for reason in stack.reasons())

    cache.add_tags_to_resource(**resource, Tags=[each for each in tags if each["Key"] == TAG])
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons()
