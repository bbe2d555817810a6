"""The table of error codes: each code that AWS may answer has its row, with a reason."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from massdriver_redis.aws.error_codes import CODES, Meaning, code
from massdriver_redis.aws.errors import translate
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError
from tests.harness.recorder import client_error

OPERATIONS = {
    "cloudformation": ["DescribeStacks"],
    "elasticache": [
        "AddTagsToResource",
        "CreateCacheSubnetGroup",
        "CreateReplicationGroup",
        "DecreaseReplicaCount",
        "DeleteCacheSubnetGroup",
        "DeleteReplicationGroup",
        "DescribeCacheClusters",
        "DescribeCacheEngineVersions",
        "DescribeCacheSubnetGroups",
        "DescribeEvents",
        "DescribeReplicationGroups",
        "DescribeSnapshots",
        "IncreaseReplicaCount",
        "ListAllowedNodeTypeModifications",
        "ListTagsForResource",
        "ModifyCacheSubnetGroup",
        "ModifyReplicationGroup",
        "ModifyReplicationGroupShardConfiguration",
        "RemoveTagsFromResource",
    ],
    "scheduler": ["CreateSchedule", "DeleteSchedule", "GetSchedule", "ListSchedules"],
    "secretsmanager": [
        "CreateSecret",
        "DeleteSecret",
        "DescribeSecret",
        "GetSecretValue",
        "RestoreSecret",
        "TagResource",
        "UntagResource",
    ],
    "sts": ["AssumeRole"],
}
"""The operations in use; EC2's model declares no errors."""


def declared():
    """Yield service and code of every error that botocore's models declare for these operations."""
    session = botocore.session.get_session()
    for service, operations in OPERATIONS.items():
        model = session.get_service_model(service)
        for operation in operations:
            for shape in model.operation_model(operation).error_shapes:
                yield service, str(shape.metadata.get("error", {}).get("code") or shape.name)


def translated(service, wire_code, status=400, message="Injected"):
    return translate(client_error(wire_code, message, status=status), service, "create_it")


@pytest.mark.parametrize(("service", "wire_code"), sorted(set(declared())))
def test_every_code_of_botocore_s_models_has_a_row_with_its_reason(service, wire_code):
    assert wire_code in CODES or f"{service}:{wire_code}" in CODES
    assert code(service, wire_code).why


def test_every_code_of_botocore_s_lists_of_throttling_and_time_outs_is_transient():
    known = {
        *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
        *TransientRetryableChecker._TRANSIENT_ERROR_CODES,
    }

    assert {each for each in known if code("ec2", each).meaning is not Meaning.TRANSIENT} == set()


@pytest.mark.parametrize(
    ("service", "wire_code", "kind"),
    [
        ("elasticache", "InvalidClientTokenId", TransientError),
        ("elasticache", "ExpiredToken", TransientError),
        ("secretsmanager", "ExpiredTokenException", TransientError),
        ("scheduler", "UnrecognizedClientException", TransientError),
        ("ec2", "RequestExpired", TransientError),
        ("elasticache", "SignatureDoesNotMatch", TransientError),
        ("secretsmanager", "InvalidSignatureException", TransientError),
        ("ec2", "AuthFailure", AccessDeniedError),
        ("elasticache", "ServiceLinkedRoleNotFoundFault", NotYetVisibleError),
        ("secretsmanager", "InvalidRequestException", NotYetVisibleError),
        ("scheduler", "LimitExceededException", TransientError),
        ("secretsmanager", "LimitExceededException", ResourceError),
        ("ec2", "InvalidVpcID.NotFound", NotYetVisibleError),
        ("elasticache", "InvalidSubnet", NotYetVisibleError),
        ("elasticache", "NodeQuotaForCustomerExceeded", ResourceError),
        ("elasticache", "NeverHeardOf", ResourceError),
    ],
)
def test_what_a_code_means_depends_on_what_can_pass(service, wire_code, kind):
    assert type(translated(service, wire_code)) is kind


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 509])
def test_a_status_that_means_later_is_transient_whatever_the_body_says(status):
    for wire_code in ("", "AccessDenied", "InvalidParameterValue", "NeverHeardOf"):
        assert type(translated("elasticache", wire_code, status)) is TransientError


@pytest.mark.parametrize(
    "message",
    [
        "Some security group(s) not found: sg-0123456789abcdef0",
        "The security group sg-0123456789abcdef0 does not exist",
        "Invalid security group , groupId= sg-0123456789abcdef0, groupName=.",
        "Some input subnets in :[subnet-0123456789abcdef0] are invalid.",
    ],
)
def test_what_ec2_made_seconds_ago_may_be_unknown_to_elasticache(message):
    assert type(translated("elasticache", "InvalidParameterValue", message=message)) is NotYetVisibleError


@pytest.mark.parametrize(
    "wire_code", ["DependencyViolation", "InsufficientCacheClusterCapacity", "Throttling"]
)
def test_aws_s_own_words_are_kept_where_a_failure_may_end_the_request(wire_code):
    assert str(translated("ec2", wire_code, message="resource sg-1 has a dependent object")).endswith(
        ": resource sg-1 has a dependent object"
    )


def test_a_lasting_failure_says_what_to_do():
    assert "aws iam create-service-linked-role" in str(
        translated("elasticache", "ServiceLinkedRoleNotFoundFault")
    )
    assert "remove what still uses it" in str(translated("ec2", "DependencyViolation"))
