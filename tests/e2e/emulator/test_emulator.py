"""The emulator's own rules: what IAM is asked, how a response is judged, and what a certificate covers."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.emulator.gaps.custom_resources import FailedError

from . import certificates, client
from .gaps import custom_resources, permissions, rules

if TYPE_CHECKING:
    from pathlib import Path

EVENT = {"StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "Redis"}
GOOD = {**EVENT, "Status": "SUCCESS", "PhysicalResourceId": "shop-redis", "Data": {"port": "6379"}}


def asked(service: str, **given: Any) -> list[tuple[str, str]]:
    found = permissions.checks(service, given, "us-east-1", "123456789012")
    return [(each.action, each.arn.split(":", 5)[5] if ":" in each.arn else each.arn) for each in found]


def test_a_create_is_checked_on_every_resource_it_names_and_on_its_tags() -> None:
    assert asked(
        "elasticache",
        Action="CreateReplicationGroup",
        ReplicationGroupId="shop",
        CacheSubnetGroupName="mdr-1-shop",
        CacheParameterGroupName="default.redis6.x",
        **{"Tags.Tag.1.Key": "a", "Tags.Tag.1.Value": "b"},
    ) == [
        ("elasticache:CreateReplicationGroup", "replicationgroup:shop"),
        ("elasticache:CreateReplicationGroup", "subnetgroup:mdr-1-shop"),
        ("elasticache:CreateReplicationGroup", "parametergroup:default.redis6.x"),
        ("elasticache:AddTagsToResource", "replicationgroup:shop"),
    ]


def test_a_delete_with_a_final_snapshot_also_needs_to_create_one() -> None:
    found = asked(
        "elasticache",
        Action="DeleteReplicationGroup",
        ReplicationGroupId="shop",
        FinalSnapshotIdentifier="shop-final",
    )
    assert ("elasticache:DeleteReplicationGroup", "snapshot:shop-final") in found
    assert ("elasticache:CreateSnapshot", "replicationgroup:shop") in found


def test_a_security_group_is_checked_with_its_vpc_and_the_tags_it_is_made_with() -> None:
    given = {
        "Action": "CreateSecurityGroup",
        "VpcId": "vpc-1",
        "TagSpecification.1.Tag.1.Key": "massdriver-redis:provider",
        "TagSpecification.1.Tag.1.Value": "mdr-1",
    }
    group, vpc, tags = permissions.checks("ec2", given, "us-east-1", "123456789012")
    assert group.context == {"aws:RequestTag/massdriver-redis:provider": "mdr-1"}
    assert (vpc.action, vpc.arn.rsplit(":", 1)[-1]) == ("ec2:CreateSecurityGroup", "vpc/vpc-1")
    assert tags.action == "ec2:CreateTags"
    assert tags.context["ec2:CreateAction"] == "CreateSecurityGroup"


def test_a_rule_on_the_default_bus_has_aws_s_short_arn() -> None:
    assert asked("events", Action="PutRule", Name="mdr-1-shop") == [("events:PutRule", "rule/mdr-1-shop")]


def test_a_good_response_gives_the_id_and_the_attributes() -> None:
    assert custom_resources._judged(GOOD, EVENT) == ("shop-redis", {"port": "6379"})


@pytest.mark.parametrize(
    ("broken", "complaint"),
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
def test_every_other_response_fails_the_resource(broken: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FailedError, match=complaint):
        custom_resources._judged({**GOOD, **broken}, EVENT)


def test_a_failed_response_keeps_its_physical_id_for_the_rollback() -> None:
    with pytest.raises(FailedError) as caught:
        custom_resources._judged({**GOOD, "Status": "FAILED", "Reason": "no"}, EVENT)
    assert caught.value.physical_id == "shop-redis"


def test_a_response_url_is_signed_anew_each_time() -> None:
    one, other = (custom_resources._signed("https://localhost/x") for _ in range(2))
    assert "X-Amz-Date=" in one
    assert one.rsplit("X-Amz-Signature=", 1)[-1] != other.rsplit("X-Amz-Signature=", 1)[-1]


def test_only_a_permission_for_this_rule_lets_eventbridge_invoke() -> None:
    def func(pattern: str, service: str = "events.amazonaws.com") -> dict[str, Any]:
        condition = {"ArnLike": {"AWS:SourceArn": pattern}}
        return {"policy": {"Statement": [{"Principal": {"Service": service}, "Condition": condition}]}}

    rule = "arn:aws:events:us-east-1:123456789012:rule/mdr-1-shop"
    assert rules._permitted(func(rule[: -len("shop")] + "*"), rule)
    assert not rules._permitted(func(rule.replace("mdr-1", "mdr-2")), rule)
    assert not rules._permitted(func(rule, "s3.amazonaws.com"), rule)
    assert not rules._permitted({}, rule)


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
