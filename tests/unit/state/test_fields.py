"""The fields of a replication group, and whether a recorded change is observed in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.calls.base import ExpectedChange
from massdriver_redis.state.fields import described, missing_fields, values
from tests.harness.builders import node, replication_group

PAIR = replication_group(2, multi_az=True)


@pytest.mark.parametrize(
    ("name", "value", "another"),
    [
        ("engine", "redis", "valkey"),
        ("redis_version", "6.2.6", "7.1"),
        ("node_type", "cache.t3.micro", "cache.r5.large"),
        ("node_groups", 1, 2),
        ("replicas", 1, 0),
        ("failover", "enabled", "disabled"),
        ("multi_az", True, False),
        ("snapshot_retention_limit", 7, 0),
        ("snapshot_window", "07:00-08:00", "08:00-09:00"),
        ("maintenance_window", "sun:09:00-sun:10:00", "mon:09:00-mon:10:00"),
        ("security_group", "sg-1", "sg-2"),
        ("parameter_group", "default.redis6.x", "default.redis7"),
        ("auto_minor_version_upgrade", True, False),
    ],
)
def test_each_field_has_a_value_of_its_type(name, value, another):
    assert values(PAIR, name) == (value,)
    assert type(values(PAIR, name)[0]) is type(value)
    assert missing_fields(PAIR, ExpectedChange(((name, value),))) == []
    assert missing_fields(PAIR, ExpectedChange(((name, another),))) == [(name, another)]


def test_members_that_differ_show_no_single_value():
    mixed = replace(PAIR, nodes=(node(1), node(2, parameter_group="default.redis7")))

    assert values(mixed, "parameter_group") == ("default.redis6.x", "default.redis7")
    assert missing_fields(mixed, ExpectedChange((("parameter_group", "default.redis7"),)))
    assert described(mixed, "parameter_group") == "default.redis6.x and default.redis7"


def test_every_security_group_of_a_member_counts():
    mixed = replace(PAIR, nodes=(node(1, security_groups=frozenset({"sg-2", "sg-1"})), node(2)))

    assert values(mixed, "security_group") == ("sg-1", "sg-2")


def test_the_engine_is_the_oldest_of_any_member():
    mixed = replace(PAIR, nodes=(node(1, engine_version="10.0.0"), node(2)))

    assert mixed.engine == ("redis", "6.2.6")
    assert str(mixed.engine) == "redis 6.2.6"
    assert values(mixed, "redis_version") == ("6.2.6",)


def test_without_members_a_field_that_only_they_show_has_no_value():
    bare = replace(PAIR, nodes=())

    assert bare.engine == ("", "")
    assert described(bare, "parameter_group") == "none"
    assert missing_fields(bare, ExpectedChange((("redis_version", "6.2"),))) == [("redis_version", "6.2")]


def test_node_groups_of_different_size_show_every_size():
    first = PAIR.node_groups[0]
    uneven = replace(PAIR, node_groups=(first, replace(first, id="0002", node_ids=("a",))))

    assert values(uneven, "replicas") == (0, 1)
    assert described(uneven, "replicas") == "0 and 1"


def test_a_truth_value_is_described_as_the_properties_write_it():
    assert described(PAIR, "multi_az") == "true"


@pytest.mark.parametrize(
    ("engine", "version", "missing"),
    [
        ("redis", "6.2", []),
        ("redis", "6.x", []),
        ("redis", "6.0", [("redis_version", "6.0")]),
        ("valkey", "6.2", [("engine", "valkey")]),
    ],
)
def test_an_engine_is_observed_whatever_its_patch(engine, version, missing):
    assert missing_fields(PAIR, ExpectedChange((("engine", engine), ("redis_version", version)))) == missing


def test_the_fields_of_a_change_that_are_not_observed_are_returned():
    change = ExpectedChange((("replicas", 1), ("node_type", "cache.r5.large"), ("redis_version", "7.1")))

    assert missing_fields(PAIR, change) == [("node_type", "cache.r5.large"), ("redis_version", "7.1")]


def test_a_field_that_another_version_of_the_provider_recorded_is_passed_over():
    assert missing_fields(PAIR, ExpectedChange((("colour", "red"),))) == []
