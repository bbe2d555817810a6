"""The emulator's own rules: what IAM is asked, how a response is judged, and what a certificate covers."""

from __future__ import annotations

import json
import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.e2e.emulator.gaps.custom_resources import FailedError
from tests.iam.checks import Check, Place, checks

from . import certificates, client
from .gaps import custom_resources, permissions, schedules

if TYPE_CHECKING:
    from pathlib import Path

EVENT = {"StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "Redis"}
GOOD = {**EVENT, "Status": "SUCCESS", "PhysicalResourceId": "shop-redis", "Data": {"port": "6379"}}


PLACE = Place("us-east-1", "123456789012")


def asked(service: str, headers: dict[str, str] | None = None, **given: str) -> list[Check]:
    """Return what IAM evaluates for a request of the query protocol."""
    body = urlencode(given).encode()
    operation, params = permissions.request(service, "POST", "/", headers or {}, body, {})
    return checks(service, operation, params, PLACE)


def shown(found: list[Check]) -> list[tuple[str, str]]:
    return [(each.action, each.arn.split(":", 5)[5]) for each in found]


def test_a_create_is_checked_on_every_resource_it_names_and_on_its_tags() -> None:
    found = asked(
        "elasticache",
        Action="CreateReplicationGroup",
        ReplicationGroupId="shop",
        CacheSubnetGroupName="mdr-1-shop",
        CacheParameterGroupName="default.redis6.x",
        **{"Tags.Tag.1.Key": "a", "Tags.Tag.1.Value": "b", "Tags.Tag.2.Key": "c", "Tags.Tag.2.Value": ""},
    )
    assert shown(found) == [
        ("elasticache:CreateReplicationGroup", "parametergroup:default.redis6.x"),
        ("elasticache:CreateReplicationGroup", "replicationgroup:shop"),
        ("elasticache:CreateReplicationGroup", "subnetgroup:mdr-1-shop"),
        ("elasticache:AddTagsToResource", "replicationgroup:shop"),
    ]
    tags = {"aws:RequestTag/a": "b", "aws:RequestTag/c": ""}
    assert [each.context for each in found] == [{}, tags, {}, tags]


def test_a_delete_with_a_final_snapshot_also_needs_to_create_one() -> None:
    delete = {"Action": "DeleteReplicationGroup", "ReplicationGroupId": "shop"}
    found = shown(asked("elasticache", **delete, FinalSnapshotIdentifier="shop-final"))

    assert ("elasticache:DeleteReplicationGroup", "snapshot:shop-final") in found
    assert ("elasticache:CreateSnapshot", "replicationgroup:shop") in found
    assert ("elasticache:CreateSnapshot", "snapshot:shop-final") in found
    assert shown(asked("elasticache", **delete)) == [
        ("elasticache:DeleteReplicationGroup", "replicationgroup:shop")
    ]


def test_a_list_of_clusters_is_checked_on_all_of_them() -> None:
    assert shown(asked("elasticache", Action="DescribeCacheClusters", MaxRecords="100")) == [
        ("elasticache:DescribeCacheClusters", "cluster:*")
    ]


def test_a_security_group_is_checked_with_its_vpc_and_the_tags_it_is_made_with() -> None:
    given = {
        "Action": "CreateSecurityGroup",
        "VpcId": "vpc-1",
        "TagSpecification.1.Tag.1.Key": "massdriver-redis:provider",
        "TagSpecification.1.Tag.1.Value": "mdr-1",
    }
    group, vpc, tags = asked("ec2", **given)
    assert group.context == {"aws:RequestTag/massdriver-redis:provider": "mdr-1"}
    assert (vpc.action, vpc.arn.rsplit(":", 1)[-1]) == ("ec2:CreateSecurityGroup", "vpc/vpc-1")
    assert tags.action == "ec2:CreateTags"
    assert tags.context["ec2:CreateAction"] == "CreateSecurityGroup"


def test_a_shared_vpc_has_its_owners_account_in_the_arn() -> None:
    place = Place("us-east-1", "123456789012", owner={"vpc-1": "210987654321"}.get)
    group, vpc = checks("ec2", "CreateSecurityGroup", {"VpcId": "vpc-1"}, place)

    assert vpc.arn == "arn:aws:ec2:us-east-1:210987654321:vpc/vpc-1"
    assert group.arn == "arn:aws:ec2:us-east-1:123456789012:security-group/*"


def test_tags_of_a_resource_are_checked_on_that_resource() -> None:
    arn = "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:shop"
    [tagged] = asked("elasticache", Action="AddTagsToResource", ResourceName=arn, **{"Tags.Tag.1.Key": "a"})
    assert tagged == Check("elasticache:AddTagsToResource", arn, {"aws:RequestTag/a": ""})

    given = {"Action": "CreateTags", "ResourceId.1": "sg-1", "Tag.1.Key": "a", "Tag.1.Value": "b"}
    assert asked("ec2", **given) == [
        Check(
            "ec2:CreateTags",
            "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1",
            {"aws:RequestTag/a": "b"},
        )
    ]


def test_a_denial_names_the_action_the_resource_and_the_kind_of_policy_in_awss_words() -> None:
    check = Check("elasticache:CreateReplicationGroup", "arn:group")
    principal = "arn:aws:sts::123456789012:assumed-role/provider/session"
    why = "because no identity-based policy allows the elasticache:CreateReplicationGroup action"

    said = permissions.sentence("elasticache", check, principal, why)

    assert said == (
        f"User: {principal} is not authorized to perform: elasticache:CreateReplicationGroup on resource: "
        f"arn:group {why}"
    )
    by_ec2 = permissions.sentence("ec2", check, principal, why)
    assert by_ec2.startswith(f"You are not authorized to perform this operation. {said}. Encoded ")


def test_policies_are_evaluated_as_they_were_written() -> None:
    read = SimpleNamespace(
        effect="Deny", actions=["ec2:*"], not_actions=[], resources=[], not_resources=["a"], conditions={}
    )
    assert (
        permissions.layers([[read]], [[[read]]])
        == [[{"Effect": "Deny", "Action": ["ec2:*"], "NotResource": ["a"], "Condition": {}}]] * 2
    )


def asked_of_scheduler(
    method: str, path: str, body: dict[str, Any] | None = None, **query: list[str]
) -> list[Check]:
    text = json.dumps(body or {}).encode()
    return checks("scheduler", *permissions.request("scheduler", method, path, {}, text, query), PLACE)


def test_a_schedule_is_checked_under_its_schedule_group_and_with_the_role_it_passes() -> None:
    body = {"GroupName": "mdr-1", "Target": {"RoleArn": "arn:aws:iam::123456789012:role/polls"}}

    for method, action in (("POST", "CreateSchedule"), ("PUT", "UpdateSchedule")):
        found = asked_of_scheduler(method, "/schedules/shop", body)
        assert shown(found) == [
            (f"scheduler:{action}", "schedule/mdr-1/shop"),
            ("iam:PassRole", "role/polls"),
        ]
        assert found[1].context == {"iam:PassedToService": "scheduler.amazonaws.com"}
    for method, action in (("GET", "GetSchedule"), ("DELETE", "DeleteSchedule")):
        assert shown(asked_of_scheduler(method, "/schedules/shop", groupName=["mdr-1"])) == [
            (f"scheduler:{action}", "schedule/mdr-1/shop")
        ]


def test_a_list_is_checked_on_all_schedules_whatever_schedule_group_is_asked_for() -> None:
    asked_for = asked_of_scheduler("GET", "/schedules", ScheduleGroup=["mdr-1"])

    assert shown(asked_for) == [("scheduler:ListSchedules", "schedule/*/*")]
    assert asked_of_scheduler("GET", "/schedule-groups/mdr-1") == []


def test_a_secret_is_checked_with_the_tags_it_is_made_with() -> None:
    body = json.dumps({"Name": "mdr-1-shop", "Tags": [{"Key": "a", "Value": "b"}]}).encode()
    headers = {"x-amz-target": "secretsmanager.CreateSecret"}
    found = checks(
        "secretsmanager",
        *permissions.request("secretsmanager", "POST", "/", headers, body, {}),
        PLACE,
    )
    assert shown(found) == [
        ("secretsmanager:CreateSecret", "secret:mdr-1-shop"),
        ("secretsmanager:TagResource", "secret:mdr-1-shop"),
    ]


def test_a_good_response_gives_the_id_and_the_attributes() -> None:
    assert custom_resources._judged(GOOD, EVENT) == ("shop-redis", {"port": "6379"})


@pytest.mark.parametrize(
    ("broken", "refusal"),
    [
        ({"Data": {"x": "y" * 4096}}, "too long"),
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": True}, "Invalid PhysicalResourceId"),
        ({"RequestId": "another"}, "RequestId"),
        ({"StackId": "another"}, "StackId"),
        ({"LogicalResourceId": "another"}, "LogicalResourceId"),
        ({"Status": "DONE"}, "Status"),
        ({"Status": "FAILED", "Reason": ""}, "needs a Reason"),
        ({"Status": "FAILED", "Reason": "no free addresses"}, "no free addresses"),
    ],
)
def test_every_other_response_fails_the_resource(broken: dict[str, Any], refusal: str) -> None:
    with pytest.raises(FailedError, match=refusal):
        custom_resources._judged({**GOOD, **broken}, EVENT)


def test_a_failed_response_keeps_its_physical_id_for_the_rollback() -> None:
    with pytest.raises(FailedError) as caught:
        custom_resources._judged({**GOOD, "Status": "FAILED", "Reason": "no"}, EVENT)
    assert caught.value.physical_id == "shop-redis"


def test_a_response_url_is_signed_again_each_time() -> None:
    one, other = (custom_resources._signed("https://localhost/x") for _ in range(2))
    assert "X-Amz-Date=" in one
    assert one.rsplit("X-Amz-Signature=", 1)[-1] != other.rsplit("X-Amz-Signature=", 1)[-1]


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("shop", {}, "to assume the role"),  # there is no role here at all
        ("a b", {}, "name"),
        ("x" * 65, {}, "name"),
        ("shop", {"StartDate": -301}, "StartDate"),
        ("shop", {"EndDate": 60}, "EndDate"),
        ("shop", {"Target": {"Input": "x" * 262_145}}, "262144 bytes"),
    ],
)
def test_what_aws_would_not_take_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, changes: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(schedules.execution_role, "trust_refusal", lambda *_: "no such role")
    body = {"StartDate": 60, "EndDate": 660, "Target": {"Input": "{}"}, **changes}

    assert words in schedules.refusal(name, body, now=0.1)


def test_an_input_is_delivered_with_schedulers_attributes_filled_in() -> None:
    text = '{"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>", "x": "<aws.no>"}'

    assert schedules.filled_in(text, "arn:shop", 60.4) == (
        '{"at": "1970-01-01T00:01:00Z", "by": "arn:shop", "x": "<aws.no>"}'
    )


def test_a_schedules_dates_come_as_many_times_faster_as_its_rate() -> None:
    schedule = {"CreationDate": 1000.0, "StartDate": 1060, "EndDate": 1660}

    ticker = schedules.Ticker(speed=20)

    assert ticker._real(schedule, "StartDate", 0) == 1003
    assert ticker._real(schedule, "EndDate", 0) == 1033
    assert ticker._real({"CreationDate": 1000.0}, "EndDate", 7) == 7


def test_its_certificate_is_good_for_localhost_under_the_strictest_rules(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    trusting = ssl.create_default_context(cafile=str(made.authority))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.chain, made.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        trusting.wrap_bio(to_client, to_server, server_hostname="localhost"),
        serving.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ends[0].getpeercert()["subject"] == ((("commonName", "localhost"),),)


def test_an_artifact_is_shown_without_its_password() -> None:
    shown = client.masked({"data": {"authentication": {"password": "s3cret", "port": 6379}}})
    assert "s3cret" not in shown
    assert "6379" in shown
