"""The role of aws_authentication, deployed: it makes the cluster, with the statements the docs name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e import shops
from tests.e2e.emulator.emulator import ACCOUNT, ROOT
from tests.e2e.emulator.redis_server import INSTALLED

from .emulator import client, stacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator.emulator import Emulator

ROLE = "redis-maker"
EXTERNAL_ID = "only-the-shop-knows"
TEMPLATE = client.showing_artifact((ROOT / "examples" / "free-tier.yaml").read_text())


def acting_as(role: str, external_id: str) -> str:
    """Return the template with a role to make the cluster with."""
    data = json.dumps({"arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "external_id": external_id})
    return TEMPLATE.replace(
        "      # The connection to a VPC.\n", f"      aws_authentication: {{data: {data}}}\n"
    )


@pytest.fixture
def maker(emulator: Emulator) -> Iterator[None]:
    """Make a role with the provider's policy `cluster`, which trusts the provider with an external id."""
    iam, provider = emulator.client("iam"), stacks.Stack(emulator, stacks.PROVIDER).outputs()["RoleArn"]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": provider},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)
    name = provider.rsplit("/", 1)[-1]
    policy = iam.get_role_policy(RoleName=name, PolicyName="cluster")["PolicyDocument"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="cluster", PolicyDocument=json.dumps(policy))
    # The provider's own role loses the same policy, so that only the other role can make anything.
    iam.delete_role_policy(RoleName=name, PolicyName="cluster")
    yield
    iam.put_role_policy(RoleName=name, PolicyName="cluster", PolicyDocument=json.dumps(policy))
    iam.delete_role_policy(RoleName=ROLE, PolicyName="cluster")
    iam.delete_role(RoleName=ROLE)


@pytest.mark.usefixtures("maker")
def test_the_given_role_makes_and_deletes_the_cluster_and_a_wrong_external_id_is_refused(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack = stacks.Stack(emulator, "shop")
    assert stack.create(acting_as(ROLE, EXTERNAL_ID), network.parameters()) == "CREATE_COMPLETE", (
        stack.reasons()
    )
    if INSTALLED:
        assert client.ping(emulator, client.artifact(stack.outputs()))
    assert stack.delete() == "DELETE_COMPLETE"

    other = stacks.Stack(emulator, "stranger")
    guessed = shops.with_a_short_timeout(acting_as(ROLE, "a-guess"))
    assert other.create(guessed, network.parameters()) == "ROLLBACK_COMPLETE"
    assert any(ROLE in reason or "aws_authentication" in reason for reason in other.reasons())
    assert not any("a-guess" in reason for reason in other.reasons())
    other.delete()
