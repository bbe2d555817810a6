"""Live properties as text, and whether a recorded change can be seen in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.calls.base import ExpectedChange
from massdriver_redis.state.fields import current, engine_and_version, missing_field, zones
from massdriver_redis.state.observed import Observed
from tests.harness.builders import ZONES, group, node, observed

PAIR = group(2, multi_az=True)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("engine", "redis 6.2.6"),
        ("node_type", "cache.t3.micro"),
        ("node_groups", "1"),
        ("replicas", "1"),
        ("failover", "enabled"),
        ("multi_az", "True"),
        ("retention", "7"),
        ("snapshot_window", "07:00-08:00"),
        ("maintenance_window", "sun:09:00-sun:10:00"),
        ("security_groups", "sg-1"),
        ("parameter_group", "default.redis6.x"),
        ("auto_minor", "True"),
    ],
)
def test_each_property_has_a_text(key, text):
    assert current(PAIR, key) == text
    assert missing_field(PAIR, ExpectedChange(((key, text),))) is None
    assert missing_field(PAIR, ExpectedChange(((key, "another"),))) == (key, "another")


def test_members_that_differ_equal_nothing_wanted():
    mixed = replace(PAIR, nodes=(node(1), node(2, parameter_group="default.redis7")))

    assert current(mixed, "parameter_group") == "default.redis6.x|default.redis7"


def test_several_security_groups_are_one_text_in_order():
    mixed = replace(PAIR, nodes=(node(1, security_groups=frozenset({"sg-2", "sg-1"})),))

    assert current(mixed, "security_groups") == "sg-1+sg-2"


def test_the_engine_is_the_oldest_of_any_member():
    mixed = replace(PAIR, nodes=(node(1, engine_version="7.1.0"), node(2)))

    assert engine_and_version(mixed) == ("redis", "6.2.6")
    assert current(replace(PAIR, nodes=()), "engine") == ""


def test_node_groups_of_different_size_are_a_range():
    first = PAIR.node_groups[0]
    uneven = replace(PAIR, node_groups=(first, replace(first, id="0002", node_ids=("a",))))

    assert current(uneven, "replicas") == "0-1"


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [("redis 6.2", True), ("redis 6.x", True), ("redis 6.0", False), ("valkey 6.2", False)],
)
def test_an_engine_is_seen_whatever_its_patch(wanted, seen):
    assert (missing_field(PAIR, ExpectedChange((("engine", wanted),))) is None) is seen


def test_the_first_property_of_a_change_that_is_not_there_is_told():
    change = ExpectedChange((("replicas", "1"), ("node_type", "cache.r5.large"), ("engine", "redis 7.1")))

    assert missing_field(PAIR, change) == ("node_type", "cache.r5.large")


def test_a_property_that_an_older_provider_recorded_is_passed_over():
    assert missing_field(PAIR, ExpectedChange((("colour", "red"),))) is None


def test_zones_are_those_of_the_subnet_group():
    assert zones(observed()) == ZONES
    assert zones(Observed()) == {}
