"""Things made seconds ago, in the same template or by the provider itself, may not be visible yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.samples import authentication
from tests.harness.stack import NAME, StackUnderTest

ROLE = authentication("us-east-1")


def hide_subnets(stack: StackUnderTest) -> None:
    for subnet in stack.cloud.subnets:
        stack.cloud.late.hide(subnet, 100)


def slow_security_groups(stack: StackUnderTest) -> None:
    stack.cloud.late.security_groups = 100


def security_groups_slow_to_reach_elasticache(stack: StackUnderTest) -> None:
    stack.cloud.late.elasticache = 100


LATE: dict[str, Callable[[StackUnderTest], None]] = {
    "the role": lambda stack: stack.cloud.late.hide(ROLE["data"]["arn"], 100),
    "the VPC": lambda stack: stack.cloud.late.hide(stack.cloud.vpc, 100),
    "the subnets": hide_subnets,
    "the security group made by the provider": slow_security_groups,
    "that security group, to ElastiCache": security_groups_slow_to_reach_elasticache,
}


@pytest.mark.parametrize("what", LATE)
def test_a_create_waits_for_what_is_not_visible_yet(stack: StackUnderTest, what: str) -> None:
    LATE[what](stack)

    response = stack.create(NAME, stack.properties(aws_authentication=ROLE))

    assert response.ok, response.reason


@pytest.mark.parametrize("what", ["the VPC", "the subnets"])
def test_what_never_becomes_visible_fails_the_create_with_its_name(stack: StackUnderTest, what: str) -> None:
    LATE[what](stack)
    for name in (stack.cloud.vpc, *stack.cloud.subnets):
        if stack.cloud.late.hides(name):
            stack.cloud.late.hide(name, 10**6)

    response = stack.create(NAME, stack.properties())

    assert not response.ok
    assert (stack.cloud.vpc if what == "the VPC" else stack.cloud.subnets[0]) in response.reason
    assert stack.roll_back(NAME).ok
    assert stack.leftovers() == []


def test_an_update_whose_role_was_made_with_it_waits_for_the_role(stack: StackUnderTest) -> None:
    stack.created()
    stack.cloud.late.hide(ROLE["data"]["arn"], 100)

    response = stack.changed(stack.properties(aws_authentication=ROLE, tags={"team": "shop"}))

    assert response.ok, response.reason
