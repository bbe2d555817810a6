"""Every mutation as data: each is a request that botocore's own model takes, and none holds a token."""

from __future__ import annotations

import dataclasses
from functools import cache

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from massdriver_redis.calls import base as calls
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.calls.base import ExpectedChange
from tests.harness.builders import MINE, THEIRS

TAGS = [("team", "shop")]
UP, DOWN = ExpectedChange((("replicas", "2"),), was="1"), ExpectedChange((("replicas", "0"),), was="1")
EVERY = [
    calls.create_security_group("g", MINE.marker, "vpc-1", TAGS),
    calls.tag_security_group("sg-1", dict(TAGS)),
    calls.untag_security_group("sg-1", ["team"]),
    calls.allow_ingress("sg-1", "10.1.0.0/16"),
    calls.revoke_ingress("sg-1", "10.1.0.0/16"),
    calls.delete_security_group("sg-1"),
    calls.create_secret("s", MINE.marker, TAGS),
    calls.restore_secret("s"),
    calls.delete_secret("s", recoverable=True),
    calls.delete_secret("s", recoverable=False),
    calls.tag_secret("s", dict(TAGS)),
    calls.untag_secret("s", ["team"]),
    group_calls.create_subnet_group("n", MINE.marker, ["subnet-1"], TAGS),
    group_calls.modify_subnet_group("n", ["subnet-1"]),
    group_calls.delete_subnet_group("n"),
    group_calls.create_group({"ReplicationGroupId": "c", "ReplicationGroupDescription": "m"}, secure=True),
    group_calls.modify_group("c", {"CacheNodeType": "cache.r5.large"}, "scale up", UP),
    group_calls.set_replicas("c", 2, (), UP),
    group_calls.set_replicas("c", 0, ("0001", "0003"), DOWN),
    group_calls.set_node_groups("c", 3, (), ExpectedChange((("node_groups", "3"),), was="2")),
    group_calls.set_node_groups("c", 2, ("0004",), ExpectedChange((("node_groups", "2"),), was="3")),
    group_calls.delete_group("c", "final"),
    group_calls.delete_group("c", None),
    group_calls.tag_group("arn:aws:elasticache:us-east-1:1:replicationgroup:c", dict(TAGS)),
    group_calls.untag_group("arn:aws:elasticache:us-east-1:1:replicationgroup:c", ["team"]),
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
        for module in (calls, group_calls)
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


def test_a_secret_is_ours_by_its_description():
    description = str(calls.create_secret("s", MINE.marker, ()).request["Description"])

    assert calls.owns_secret(description, MINE.marker)
    assert not calls.owns_secret(description, THEIRS.marker)
    assert not calls.owns_secret(MINE.marker, MINE.marker)
