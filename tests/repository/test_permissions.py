"""The policies of template.yaml, evaluated: what the operations need is allowed, and nothing else is.

The resources and condition keys of each action are those of AWS's service authorization reference
(tests/iam/authorization.json); the evaluator is the emulator's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.context import FUNCTION
from tests.harness.schedules import ACCOUNT, GROUP, REGION, ROLE_ARN
from tests.iam import operations, policy, template
from tests.iam.checks import Check, Place, checks

ROLES = ("ProviderRole", "FallbackRole")
OTHER_ACCOUNT = "210987654321"
TAG = "massdriver-redis:provider"
OURS = {TAG: GROUP}
THEIRS = {TAG: "mdr-99999999"}
LARGEST_INLINE_POLICIES = 10_240
"""Characters without whitespace of all inline policies of a role (IAM quotas)."""

LAMBDA = "lambda:InvokeFunction"
LOG_STREAM = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:log-stream:2026/11/25/[$LATEST]1"
SERVICE_LINKED = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{{0}}/AWSServiceRoleForElastiCache"
OF_SERVICES = [
    # What no call of the code asks for: Lambda sends logs and failed events in a role's name, and
    # ElastiCache makes its service-linked role.
    ("ProviderRole", Check("logs:CreateLogStream", LOG_STREAM.format("provider"))),
    ("ProviderRole", Check("logs:PutLogEvents", LOG_STREAM.format("provider"))),
    ("FallbackRole", Check("logs:CreateLogStream", LOG_STREAM.format("fallback"))),
    ("FallbackRole", Check("logs:PutLogEvents", LOG_STREAM.format("fallback"))),
    ("ProviderRole", Check(LAMBDA, template.FALLBACK)),
    (
        "ProviderRole",
        Check(
            "iam:CreateServiceLinkedRole",
            SERVICE_LINKED.format("elasticache.amazonaws.com"),
            {"iam:AWSServiceName": "elasticache.amazonaws.com"},
        ),
    ),
]


def needed() -> Iterator[tuple[str, Check]]:
    yield from ((each.role, each.check) for each in operations.asked())
    yield from OF_SERVICES


def refused(role: str, asked: list[Check]) -> str:
    """Return the first refusal of what IAM evaluates for one request, "" if all is allowed."""
    assert asked
    statements = template.statements(role)
    return next(filter(None, (policy.refusal(each, statements) for each in asked)), "")


# --- what is needed is allowed, and nothing else is granted ----------------------------------------------


def test_every_call_of_every_operation_is_one_that_the_reference_describes() -> None:
    assert operations.unknown_calls() == set()


def test_whatever_an_operation_asks_for_is_allowed() -> None:
    denied = {
        (check.action, check.arn, policy.refusal(check, template.statements(role)))
        for role, check in needed()
        if policy.refusal(check, template.statements(role))
    }
    assert denied == set()


@pytest.mark.parametrize("role", ROLES)
def test_every_action_and_every_resource_of_every_statement_is_needed(role: str) -> None:
    asked = [check for asking, check in needed() if asking == role]
    for statement in template.statements(role):
        by_action = {action: {**statement, "Action": action} for action in policy.listed(statement["Action"])}
        by_resource = {arn: {**statement, "Resource": arn} for arn in policy.listed(statement["Resource"])}
        for part, alone in {**by_action, **by_resource}.items():
            assert any(policy.applies(alone, check) for check in asked), f"{statement['Sid']}: {part}"


@pytest.mark.parametrize("role", ROLES)
def test_no_two_statements_are_needed_for_the_same_and_one_of_them_for_nothing_else(role: str) -> None:
    statements = template.statements(role)
    asked = [check for asking, check in needed() if asking == role]
    for statement in statements:
        others = [each for each in statements if each is not statement]
        assert any(policy.refusal(check, others) for check in asked), statement["Sid"]


@pytest.mark.parametrize("role", [*ROLES, "SchedulerRole"])
def test_the_policies_of_a_role_fit_iams_quota(role: str) -> None:
    documents = [{"Version": "2012-10-17", "Statement": each} for each in template.policies(role).values()]
    assert sum(len(json.dumps(each, separators=(",", ":"))) for each in documents) < LARGEST_INLINE_POLICIES


@pytest.mark.parametrize(
    ("heading", "role"),
    [
        ("The provider's role", "ProviderRole"),
        ("The fallback's role", "FallbackRole"),
        ("The execution role of the schedules", "SchedulerRole"),
    ],
)
def test_the_page_of_permissions_gives_each_statement_its_actions(heading: str, role: str) -> None:
    page = (template.TEMPLATE.parent / "docs" / "iam.md").read_text("utf-8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [row.split(" | ") for row in section.splitlines() if row.startswith("| `")]
    shown = {frozenset(re.findall(r"`(\w+)`", row[0])): set(re.findall(r"`([^`]+)`", row[1])) for row in rows}
    granted = {each["Sid"]: set(policy.listed(each["Action"])) for each in template.statements(role)}

    assert set().union(*shown) == granted.keys()
    assert shown == {sids: set().union(*(granted[sid] for sid in sids)) for sids in shown}


# --- replication groups: by their tag --------------------------------------------------------------------

GROUP_ARN = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:shop"
CREATE = {
    "ReplicationGroupId": "shop",
    "CacheSubnetGroupName": f"{GROUP}-shop",
    "CacheParameterGroupName": "default.redis6.x",
}
CHANGES = {
    "ModifyReplicationGroup": {"CacheNodeType": "cache.t3.small"},
    "ModifyReplicationGroupShardConfiguration": {"NodeGroupCount": 3},
    "IncreaseReplicaCount": {"NewReplicaCount": 2},
    "DecreaseReplicaCount": {"NewReplicaCount": 0},
    "DeleteReplicationGroup": {"FinalSnapshotIdentifier": "shop-final"},
    "CreateSnapshot": {"SnapshotName": "shop-now"},
}


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def of_elasticache(operation: str, params: dict[str, Any], tags: dict[str, str]) -> str:
    """Return the refusal of a call on a replication group that has these tags."""
    place = Place(REGION, ACCOUNT, tags=lambda arn: tags if ":replicationgroup:" in arn else {})
    return refused("ProviderRole", checks("elasticache", operation, params, place))


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize("tags", [{}, THEIRS, {TAG: f"{GROUP}-2"}, {"Name": GROUP}])
def test_only_a_group_with_the_tag_of_this_provider_can_be_changed(
    operation: str, tags: dict[str, str]
) -> None:
    denied = of_elasticache(operation, {"ReplicationGroupId": "shop", **CHANGES[operation]}, tags)

    assert denied == f"because no identity-based policy allows the elasticache:{operation} action"


@pytest.mark.parametrize("operation", [name for name in CHANGES if name != "DeleteReplicationGroup"])
def test_a_group_with_the_tag_can_be_changed(operation: str) -> None:
    assert of_elasticache(operation, {"ReplicationGroupId": "shop", **CHANGES[operation]}, OURS) == ""


def test_the_final_snapshot_is_allowed_where_its_node_has_the_tag_too() -> None:
    params = {"ReplicationGroupId": "shop", **CHANGES["DeleteReplicationGroup"]}
    everywhere = checks(
        "elasticache", "DeleteReplicationGroup", params, Place(REGION, ACCOUNT, lambda _: OURS)
    )

    assert [each.arn.split(":", 5)[5] for each in everywhere] == [
        "replicationgroup:shop",
        "snapshot:shop-final",
        "cluster:shop-001",
        "replicationgroup:shop",
        "snapshot:shop-final",
    ]
    assert refused("ProviderRole", everywhere) == ""
    assert "elasticache:CreateSnapshot" in of_elasticache("DeleteReplicationGroup", params, OURS)


@pytest.mark.parametrize(
    ("tags", "changes", "action"),
    [
        (OURS, {}, ""),
        ({**OURS, "team": "shop"}, {}, ""),
        ({}, {}, "elasticache:CreateReplicationGroup"),
        (THEIRS, {}, "elasticache:CreateReplicationGroup"),
        (OURS, {"CacheParameterGroupName": "of-the-user"}, "elasticache:CreateReplicationGroup"),
        (OURS, {"CacheSubnetGroupName": "mdr-99999999-shop"}, "elasticache:CreateReplicationGroup"),
        (OURS, {"SnapshotName": "somebody-s"}, "elasticache:CreateReplicationGroup"),
    ],
    ids=["ours", "with tags of the user", "no tag", "another provider's", "parameters", "subnets", "restore"],
)
def test_a_group_is_made_with_the_tag_of_this_provider_and_from_its_own_parts(
    tags: dict[str, str], changes: dict[str, str], action: str
) -> None:
    denied = of_elasticache("CreateReplicationGroup", {**CREATE, **changes, "Tags": tag_list(tags)}, {})

    assert action in denied
    assert bool(action) == bool(denied)


@pytest.mark.parametrize(
    ("operation", "added", "present", "allowed"),
    [
        ("AddTagsToResource", {"team": "shop"}, OURS, True),
        ("AddTagsToResource", {"team": "shop"}, {}, False),
        ("AddTagsToResource", {"team": "shop"}, THEIRS, False),
        ("AddTagsToResource", OURS, {}, True),  # the tag put back; also why it stops mistakes, not a thief
        ("AddTagsToResource", THEIRS, {}, False),
        ("RemoveTagsFromResource", {}, OURS, True),
        ("RemoveTagsFromResource", {}, {}, False),
        ("RemoveTagsFromResource", {}, THEIRS, False),
    ],
)
def test_a_group_is_tagged_by_the_tag_it_has_or_gets(
    operation: str, added: dict[str, str], present: dict[str, str], allowed: bool
) -> None:
    asked = {"ResourceName": GROUP_ARN, "Tags": tag_list(added), "TagKeys": ["team"]}

    assert (of_elasticache(operation, asked, present) == "") == allowed


def test_a_group_of_another_account_can_not_be_tagged() -> None:
    arn = GROUP_ARN.replace(ACCOUNT, OTHER_ACCOUNT)
    assert of_elasticache("AddTagsToResource", {"ResourceName": arn, "Tags": tag_list(OURS)}, OURS)


@pytest.mark.parametrize("name", ["default", "mdr-99999999-shop", f"x-{GROUP}-shop"])
def test_subnet_groups_are_those_with_the_prefix(name: str) -> None:
    for operation in ("CreateCacheSubnetGroup", "ModifyCacheSubnetGroup", "DeleteCacheSubnetGroup"):
        asked = {"CacheSubnetGroupName": name, "Tags": tag_list(OURS)}
        assert of_elasticache(operation, asked, {})
        assert of_elasticache(operation, {**asked, "CacheSubnetGroupName": f"{GROUP}-shop"}, {}) == ""


# --- the other services ----------------------------------------------------------------------------------


def of_ec2(operation: str, params: dict[str, Any], tags: dict[str, str], owner: str = ACCOUNT) -> str:
    place = Place(REGION, ACCOUNT, tags=lambda _: tags, owner=lambda _: owner)
    return refused("ProviderRole", checks("ec2", operation, params, place))


@pytest.mark.parametrize("owner", [ACCOUNT, OTHER_ACCOUNT])
@pytest.mark.parametrize(("tags", "allowed"), [(OURS, True), ({}, False), (THEIRS, False)])
def test_a_security_group_is_made_in_any_accounts_vpc_and_only_with_the_tag(
    tags: dict[str, str], allowed: bool, owner: str
) -> None:
    specification = {"ResourceType": "security-group", "Tags": tag_list(tags)}
    asked = {"GroupName": "x", "VpcId": "vpc-1", "TagSpecifications": [specification]}

    assert (of_ec2("CreateSecurityGroup", asked, {}, owner) == "") == allowed


@pytest.mark.parametrize(("tags", "allowed"), [(OURS, True), ({}, False), (THEIRS, False)])
def test_only_a_security_group_with_the_tag_can_be_changed(tags: dict[str, str], allowed: bool) -> None:
    for operation in ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "DeleteSecurityGroup"):
        assert (of_ec2(operation, {"GroupId": "sg-1"}, tags) == "") == allowed
    for operation in ("CreateTags", "DeleteTags"):
        asked = {"Resources": ["sg-1"], "Tags": tag_list(OURS)}
        assert (of_ec2(operation, asked, tags) == "") == allowed


def test_a_vpc_can_not_be_tagged() -> None:
    assert of_ec2("CreateTags", {"Resources": ["vpc-1"], "Tags": tag_list(OURS)}, OURS)


@pytest.mark.parametrize(("name", "allowed"), [(f"{GROUP}-shop", True), ("mdr-99999999-shop", False)])
def test_secrets_are_those_with_the_prefix(name: str, allowed: bool) -> None:
    for operation in ("CreateSecret", "DescribeSecret", "GetSecretValue", "DeleteSecret", "TagResource"):
        key = "Name" if operation == "CreateSecret" else "SecretId"
        asked = checks("secretsmanager", operation, {key: name, "Tags": tag_list({})}, Place(REGION, ACCOUNT))
        assert (refused("ProviderRole", asked) == "") == allowed


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("group", "passed", "action"),
    [
        (GROUP, ROLE_ARN, ""),
        ("default", ROLE_ARN, "scheduler:"),
        (GROUP, f"arn:aws:iam::{ACCOUNT}:role/admin", "iam:PassRole"),
    ],
)
def test_a_schedule_is_written_in_our_group_and_with_the_execution_role(
    role: str, group: str, passed: str, action: str
) -> None:
    operation = {"ProviderRole": "CreateSchedule", "FallbackRole": "UpdateSchedule"}[role]
    params = {"Name": "shop", "GroupName": group, "Target": {"RoleArn": passed}}

    denied = refused(role, checks("scheduler", operation, params, Place(REGION, ACCOUNT)))

    assert action in denied
    assert bool(action) == bool(denied)


@pytest.mark.parametrize("role", ROLES)
def test_the_execution_role_is_passed_to_no_other_service(role: str) -> None:
    for context in ({"iam:PassedToService": "lambda.amazonaws.com"}, {}):
        assert refused(role, [Check("iam:PassRole", ROLE_ARN, context)])


@pytest.mark.parametrize(
    ("service", "account", "group", "trusted"),
    [
        ("scheduler.amazonaws.com", ACCOUNT, GROUP, True),
        ("scheduler.amazonaws.com", ACCOUNT, "default", False),
        ("scheduler.amazonaws.com", OTHER_ACCOUNT, GROUP, False),
        ("events.amazonaws.com", ACCOUNT, GROUP, False),
    ],
)
def test_the_execution_role_trusts_scheduler_for_the_schedule_group_of_this_provider(
    service: str, account: str, group: str, trusted: bool
) -> None:
    source = f"arn:aws:scheduler:{REGION}:{account}:schedule-group/{group}"
    context = {"aws:SourceAccount": account, "aws:SourceArn": source}

    assert policy.trusts(template.trust("SchedulerRole"), service, context) == trusted
    assert not policy.trusts(template.trust("SchedulerRole"), service, {})


def test_the_execution_role_invokes_the_provider_and_nothing_else() -> None:
    assert refused("SchedulerRole", [Check(LAMBDA, FUNCTION)]) == ""
    assert refused("SchedulerRole", [Check(LAMBDA, template.FALLBACK)])


@pytest.mark.parametrize(
    ("arn", "allowed"), [(f"arn:aws:iam::{ACCOUNT}:role/redis-maker", True), (ROLE_ARN, False)]
)
def test_a_role_is_assumed_only_where_the_parameter_names_it(arn: str, allowed: bool) -> None:
    asked = checks("sts", "AssumeRole", {"RoleArn": arn}, Place(REGION, ACCOUNT))
    assert (refused("ProviderRole", asked) == "") == allowed


def test_no_service_linked_role_but_elasticaches_own_can_be_made() -> None:
    for service in ("rds.amazonaws.com", "autoscaling.amazonaws.com"):
        context = {"iam:AWSServiceName": service}
        check = Check("iam:CreateServiceLinkedRole", SERVICE_LINKED.format(service), context)
        assert refused("ProviderRole", [check])
