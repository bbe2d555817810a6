"""Every mutation as data: each is a request that botocore's own model takes, and none holds a token."""

from __future__ import annotations

import dataclasses
from functools import cache

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from massdriver_redis.calls import ec2, elasticache, secretsmanager
from massdriver_redis.calls.base import ExpectedChange
from tests.harness.builders import MINE, THEIRS

TAGS = [("team", "shop")]
UP = ExpectedChange((("node_type", "cache.r5.large"),))
EVERY = [
    ec2.create_security_group("g", MINE.marker, "vpc-1", TAGS),
    ec2.tag_security_group("sg-1", dict(TAGS)),
    ec2.untag_security_group("sg-1", ["team"]),
    ec2.allow_ingress("sg-1", "10.1.0.0/16"),
    ec2.revoke_ingress("sg-1", "10.1.0.0/16"),
    ec2.delete_security_group("sg-1"),
    secretsmanager.create_secret("s", MINE.marker, TAGS),
    secretsmanager.restore_secret("s"),
    secretsmanager.delete_secret("s", recoverable=True),
    secretsmanager.delete_secret("s", recoverable=False),
    secretsmanager.tag_secret("s", dict(TAGS)),
    secretsmanager.untag_secret("s", ["team"]),
    elasticache.create_subnet_group("n", MINE.marker, ["subnet-1"], TAGS),
    elasticache.modify_subnet_group("n", ["subnet-1"]),
    elasticache.delete_subnet_group("n"),
    elasticache.create_replication_group(
        {"ReplicationGroupId": "c", "ReplicationGroupDescription": "m"}, secure=True
    ),
    elasticache.modify_replication_group("c", {"CacheNodeType": "cache.r5.large"}, "scale up", UP),
    elasticache.set_replicas("c", 1, 2),
    elasticache.set_replicas("c", 1, 0, ("0001", "0003")),
    elasticache.set_node_groups("c", 2, 3),
    elasticache.set_node_groups("c", 3, 2, ("0004",)),
    elasticache.delete_replication_group("c", "final"),
    elasticache.delete_replication_group("c", None),
    elasticache.tag_resource("arn:aws:elasticache:us-east-1:1:replicationgroup:c", dict(TAGS)),
    elasticache.untag_resource("arn:aws:elasticache:us-east-1:1:replicationgroup:c", ["team"]),
]


@cache
def operations(service):
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@pytest.mark.parametrize("call", EVERY, ids=lambda call: call.summary)
def test_every_call_is_one_that_botocore_takes(call):
    operation = operations(call.service)[call.operation]

    report = ParamValidator().validate(dict(call.request), operation.input_shape)

    assert not report.has_errors(), report.generate_report()


def test_every_builder_is_in_the_list_above():
    builders = {
        name
        for module in (ec2, secretsmanager, elasticache)
        for name, value in vars(module).items()
        if getattr(value, "__annotations__", {}).get("return") == "Call"
    }

    # set_replicas makes two operations, every other builder one.
    assert len({(call.service, call.operation) for call in EVERY}) == len(builders) + 1


def test_a_modification_is_always_made_at_once():
    modifications = [call for call in EVERY if call.change]

    assert modifications
    assert all(call.request["ApplyImmediately"] is True for call in modifications)


def test_a_call_can_not_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVERY[0].summary = "x"  # type: ignore[misc]


def test_a_secret_s_description_carries_the_owner_s_marker_and_says_what_it_is():
    described = secretsmanager.create_secret("s", MINE.marker, ()).request["Description"]

    assert described == secretsmanager.description(MINE.marker) == f"AUTH token of {MINE.marker}"
    assert secretsmanager.description(MINE.marker) != secretsmanager.description(THEIRS.marker)
