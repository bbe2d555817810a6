"""Ownership: ours by the marker in the description, foreign otherwise, and never both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massdriver_redis.state.observed import Observed
from massdriver_redis.state.ownership import Found, judge
from tests.harness.builders import (
    MINE,
    THEIRS,
    observed,
    replication_group,
    secret,
    security_group,
    subnet_group,
)

KINDS = {
    "replication_group": "replication group",
    "subnet_group": "subnet group",
    "security_groups": "security group",
    "secret": "secret",
}


def found(owner):
    return Found(replication_group(owner=owner), subnet_group(owner), (security_group(owner),), secret(owner))


def test_all_that_carries_the_owner_s_marker_is_observed():
    assert judge(found(MINE), MINE) == observed()


def test_of_what_carries_another_s_marker_only_the_kinds_are_left():
    assert judge(found(MINE), THEIRS) == Observed(foreign=tuple(KINDS.values()))


@pytest.mark.parametrize("part", KINDS)
def test_one_foreign_resource_leaves_the_rest_ours(part):
    mixed = judge(replace(found(MINE), **{part: getattr(found(THEIRS), part)}), MINE)

    assert mixed.foreign == (KINDS[part],)
    assert mixed == replace(observed(), **{part.removesuffix("s"): None}, foreign=(KINDS[part],))


def test_a_secret_with_the_bare_marker_is_foreign():
    assert judge(Found(secret=secret(description=MINE.marker)), MINE).foreign == ("secret",)


@pytest.mark.parametrize("order", [1, -1])
def test_of_namesakes_in_several_vpcs_ours_is_taken_and_the_others_do_not_matter(order):
    groups = (replace(security_group(THEIRS), id="sg-2"), security_group())[::order]

    assert judge(Found(security_groups=groups), MINE) == Observed(security_group=security_group())


def test_nothing_found_is_neither_ours_nor_foreign():
    assert judge(Found(), MINE) == Observed()
