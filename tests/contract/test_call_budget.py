"""Every AWS call of one Free Tier Create, in order, each with its reason; 98 before the supporting resources
went without an observation between them and the poll moved to a schedule."""

from __future__ import annotations

from tests.harness.stack import NAME, StackUnderTest

BUDGET = 50

OBSERVE_NOTHING = [
    ("elasticache:DescribeReplicationGroups", "is it there?"),
    ("elasticache:DescribeCacheSubnetGroups", "is its subnet group there, with which zones?"),
    ("ec2:DescribeSecurityGroups", "is its security group there, and what is on record?"),
    ("secretsmanager:DescribeSecret", "is its secret there, or in a recovery window?"),
]
OBSERVE_ALL = [
    OBSERVE_NOTHING[0],
    ("elasticache:DescribeCacheClusters", "are its members settled?"),
    *OBSERVE_NOTHING[1:],
]
CALLS = [
    ("scheduler:CreateSchedule", "a poll goes on after a crash at any line below"),
    ("scheduler:ListSchedules", "is another request for this resource open?"),
    *OBSERVE_NOTHING,
    ("cloudformation:DescribeStacks", "is this a late copy of a Create that is over?"),
    ("elasticache:DescribeCacheEngineVersions", "does AWS still create this version?"),
    ("scheduler:ListSchedules", "has a newer request come? The next write has no record to read"),
    ("ec2:CreateSecurityGroup", "born with the record of this request"),
    ("secretsmanager:CreateSecret", "the token, before the cluster that takes it"),
    ("elasticache:CreateCacheSubnetGroup", "where the nodes lie"),
    *OBSERVE_NOTHING,
    ("cloudformation:DescribeStacks", "did a Delete end while the security group was on its way?"),
    ("elasticache:DescribeCacheEngineVersions", "details last for one observation"),
    ("ec2:AuthorizeSecurityGroupIngress", "the VPC may connect"),
    ("secretsmanager:GetSecretValue", "the token to create the cluster with"),
    ("elasticache:CreateReplicationGroup", "the cluster"),
    *OBSERVE_ALL,
    ("scheduler:ListSchedules", "are so many requests open that waiting is left to the polls?"),
    *OBSERVE_ALL,
    *OBSERVE_ALL,
    *OBSERVE_ALL,
    ("elasticache:ListTagsForResource", "are the replication group's tags as asked for?"),
    ("elasticache:ListTagsForResource", "are the subnet group's?"),
    ("cloudformation:DescribeStacks", "does the stack still want it?"),
    ("ec2:CreateTags", "in service, on record before anybody uses it"),
    ("secretsmanager:GetSecretValue", "the password of the response"),
    ("cloudformation:DescribeStacks", "did CloudFormation cancel while the response was on its way?"),
    ("ec2:CreateTags", "answered, on record"),
    ("scheduler:DeleteSchedule", "nothing polls any more"),
]


def test_each_call_of_a_free_tier_create_has_its_reason() -> None:
    with StackUnderTest() as stack:
        response = stack.create(NAME, stack.properties())

        assert response.ok
        assert response.polls == 0
        assert [call.name for call in stack.recorder.calls] == [name for name, _ in CALLS]
    assert len(CALLS) <= BUDGET
    assert all(reason for _, reason in CALLS)
