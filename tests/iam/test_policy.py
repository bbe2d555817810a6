"""The evaluator decides as IAM does, and raises where it would have to guess."""

from __future__ import annotations

from typing import Any

import pytest

from . import policy
from .checks import Check

ARN = "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:shop"
ASKED = Check("elasticache:DeleteReplicationGroup", ARN, {"aws:ResourceTag/Team": "shop"})
ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def statement(**changes: Any) -> dict[str, Any]:
    return {**ALL, **changes}


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({"Action": "elasticache:Delete*"}, True),
        ({"Action": ["ec2:*", "ELASTICACHE:deletereplicationgroup"]}, True),
        ({"Action": "elasticache:Delete"}, False),
        ({"Resource": "arn:aws:elasticache:*:123456789012:replicationgroup:*"}, True),
        ({"Resource": "arn:aws:elasticache:*:123456789012:replicationgroup:sho?"}, True),
        ({"Resource": "arn:aws:elasticache:*:123456789012:replicationgroup:SHOP"}, False),
        ({"Resource": "arn:aws:elasticache:*:123456789012:replicationgroup"}, False),
        ({"Condition": {"StringEquals": {"aws:resourcetag/team": "shop"}}}, True),
        ({"Condition": {"StringEquals": {"aws:ResourceTag/Team": ["a", "shop"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:ResourceTag/Team": "s*"}}}, False),
        ({"Condition": {"StringLike": {"aws:ResourceTag/Team": "s*"}}}, True),
        ({"Condition": {"StringEquals": {"aws:ResourceTag/Other": "shop"}}}, False),
        ({"Condition": {"StringLike": {"aws:ResourceTag/Other": "*"}}}, False),
    ],
)
def test_a_statement_applies_by_action_resource_and_condition(changes: dict[str, Any], applies: bool) -> None:
    assert policy.applies(statement(**changes), ASKED) == applies


def test_a_denial_is_said_in_awss_words() -> None:
    none, deny = statement(Action="ec2:*"), statement(Effect="Deny")

    assert policy.refusal(ASKED, [ALL]) == ""
    assert policy.refusal(ASKED, [ALL], boundary=[ALL]) == ""
    assert policy.refusal(ASKED, [none]) == (
        "because no identity-based policy allows the elasticache:DeleteReplicationGroup action"
    )
    assert policy.refusal(ASKED, [ALL], boundary=[none]) == (
        "because no permissions boundary allows the elasticache:DeleteReplicationGroup action"
    )
    assert policy.refusal(ASKED, [ALL, deny]) == "with an explicit deny in an identity-based policy"
    assert policy.refusal(ASKED, [ALL], boundary=[deny]) == "with an explicit deny in a permissions boundary"


@pytest.mark.parametrize(
    "changes",
    [{"NotAction": "ec2:*"}, {"Condition": {"StringNotEquals": {"aws:ResourceTag/Team": "shop"}}}],
)
def test_what_it_does_not_evaluate_raises(changes: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        policy.applies(statement(**changes), ASKED)


def test_a_deny_in_a_trust_policy_wins() -> None:
    ours = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "a.amazonaws.com"}}
    assert policy.trusts({"Statement": [ours]}, "a.amazonaws.com", {})
    assert not policy.trusts({"Statement": [ours, {**ours, "Effect": "Deny"}]}, "a.amazonaws.com", {})
