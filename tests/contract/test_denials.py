"""A denial names the action to grant, which AWS checks within a call of another name."""

from __future__ import annotations

import pytest

from tests.harness.denials import Policy, denying
from tests.harness.stack import NAME, StackUnderTest

GROUP = "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:shop"
WAYS: dict[Policy, str] = {
    "identity": "to the role in use",
    "boundary": "have the permissions boundary allow it",
    "session": "have the session policy allow it",
    "control": "remove the explicit deny in the service control policy",
}
DEPENDENT = [
    ("elasticache:CreateReplicationGroup", "elasticache:AddTagsToResource", GROUP),
    ("elasticache:CreateCacheSubnetGroup", "elasticache:AddTagsToResource", "*"),
    ("ec2:CreateSecurityGroup", "ec2:CreateTags", "arn:aws:ec2:us-east-1:123456789012:security-group/*"),
    ("secretsmanager:CreateSecret", "secretsmanager:TagResource", "shop"),
]


@pytest.mark.parametrize("policy", ["identity", "boundary", "session", "control"])
@pytest.mark.parametrize(("call", "action", "resource"), DEPENDENT)
def test_a_create_names_the_action_that_was_denied_and_not_the_call(
    stack: StackUnderTest, call: str, action: str, resource: str, policy: Policy
) -> None:
    """Service authorization reference, dependent actions; aws-controllers-k8s/community#367."""
    stack.recorder.before = denying(call, action, resource, policy)

    response = stack.create(NAME, stack.properties())

    assert response.reason.startswith(f"{action} was denied (")
    assert call not in response.reason
    assert WAYS[policy] in response.reason
    names_it = resource.startswith("arn:") and "lacks the tag" not in response.reason
    assert not names_it or resource.rsplit(":", maxsplit=1)[-1] in response.reason


def test_a_final_snapshot_that_is_denied_is_named_by_the_delete(stack: StackUnderTest) -> None:
    """API_DeleteReplicationGroup: CreateSnapshot permission is required for a final snapshot."""
    stack.created()
    stack.recorder.before = denying("elasticache:DeleteReplicationGroup", "elasticache:CreateSnapshot", GROUP)

    response = stack.delete(NAME)

    assert response.reason.startswith("elasticache:CreateSnapshot was denied (AccessDenied)")
    stack.recorder.before = None
    assert stack.delete(NAME).ok
