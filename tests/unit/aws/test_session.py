"""What AWS's error codes mean here, and whose credentials make which calls."""

from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError, ParamValidationError, ReadTimeoutError

from massdriver_redis.aws.errors import call, translate
from massdriver_redis.aws.session import connect, own_client
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError
from massdriver_redis.properties.model import Authentication
from tests.harness.moto_aws import MotoAws
from tests.harness.recorder import Recorder, client_error

ROLE = "arn:aws:iam::123456789012:role/massdriver/provisioner"
ASSUMED = "ASIA"
"""What the access key of every assumed role begins with."""

EXTERNAL_ID = "s3cret-external-id"
SESSION = "shop.Redis"


def translated(code, status=400, message="Injected"):
    return translate(client_error(code, message, status=status), "elasticache", "modify_replication_group")


@pytest.fixture
def recorder():
    with MotoAws(), Recorder() as recorded:
        yield recorded


# What a code means


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_a_denied_call_names_the_action_to_grant(code):
    error = translated(code, 403)

    assert type(error) is AccessDeniedError
    assert str(error).startswith(f"elasticache:ModifyReplicationGroup was denied ({code}); grant it")


_GROUP = "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:shop-redis-abcdefghij"


def sentence(action, resource=_GROUP, why="no identity-based policy allows the action"):
    return (
        f"User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: {action} "
        f"on resource: {resource} because {why}"
    )


@pytest.mark.parametrize("action", ["elasticache:AddTagsToResource", "iam:CreateServiceLinkedRole"])
def test_the_action_that_aws_names_is_the_one_to_grant(action):
    error = translated("AccessDenied", 403, sentence(action, resource="*"))

    assert str(error) == f"{action} was denied (AccessDenied); grant it to the role in use and deploy again"


def test_where_the_provider_s_tag_may_be_missing_the_reason_says_to_put_it_back():
    error = translated("AccessDenied", 403, sentence("elasticache:ModifyReplicationGroup"))

    assert "lacks the tag massdriver-redis:provider, put it back" in str(error)
    assert len(str(error)) <= 240


@pytest.mark.parametrize(
    "message",
    [
        sentence("elasticache:ModifyReplicationGroup", why="of an explicit deny in a service control policy"),
        sentence("elasticache:CreateReplicationGroup"),
        sentence("elasticache:DescribeReplicationGroups"),
    ],
)
def test_a_denial_that_no_tag_can_heal_does_not_speak_of_one(message):
    assert "tag" not in str(translated("AccessDenied", 403, message))


@pytest.mark.parametrize(
    "code",
    [
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalFailure",
        "ServiceUnavailable",
        "InvalidReplicationGroupState",
        "InvalidCacheClusterState",
        "CacheSubnetGroupInUse",
        "DependencyViolation",
        "ConcurrentModificationException",
    ],
)
def test_what_passes_by_itself_is_waited_for(code):
    assert type(translated(code)) is TransientError


def test_any_error_of_aws_s_own_is_waited_for():
    assert type(translated("Whatever", 503)) is TransientError


@pytest.mark.parametrize(
    "error", [ReadTimeoutError(endpoint_url="https://x"), EndpointConnectionError(endpoint_url="https://x")]
)
def test_a_lost_connection_is_waited_for(error):
    made = translate(error, "ec2", "create_tags")

    assert type(made) is TransientError
    assert str(made) == f"ec2:CreateTags didn't answer ({type(error).__name__})"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InsufficientCacheClusterCapacity", "choose another node_type"),
        ("CacheSubnetGroupNotFoundFault", "deploy again"),
        ("InvalidGroup.NotFound", "deploy again"),
    ],
)
def test_what_may_pass_is_waited_for_but_not_for_ever(code, advice):
    error = translated(code)

    assert type(error) is NotYetVisibleError
    assert advice in str(error)


def test_any_other_refusal_is_final_and_quotes_aws():
    error = translated("InvalidParameterValue", message="The node type is not supported.")

    assert type(error) is ResourceError
    assert error.code == "InvalidParameterValue"
    assert str(error) == (
        "elasticache:ModifyReplicationGroup refused (InvalidParameterValue): The node type is not supported."
    )


def test_a_subnet_in_use_is_final_for_it_stays_in_use():
    assert type(translated("SubnetInUse")) is ResourceError


@pytest.mark.parametrize(
    "error", [KeyError("Stacks"), ValueError("damaged"), AttributeError(), UnicodeError()]
)
def test_whatever_botocore_s_parsers_raise_is_an_error_of_this_package(error):
    client = mock.Mock()
    client.create_tags.side_effect = error

    with pytest.raises(TransientError, match="ec2:CreateTags gave an answer that can't be read"):
        call(client, "ec2", "create_tags")


def test_values_that_botocore_refuses_are_never_quoted():
    error = translate(ParamValidationError(report="AuthToken: hunter2"), "elasticache", "modify_it")

    assert type(error) is ResourceError
    assert "hunter2" not in str(error)


# Who acts


@contextmanager
def keys():
    """Record the access key each call is signed with."""
    used = []
    send = BaseClient._make_api_call

    def recorded(client, operation, params):
        credentials = client._request_signer._credentials
        used.append((client.meta.service_model.service_name, client.meta.region_name, credentials.access_key))
        return send(client, operation, params)

    with mock.patch.object(BaseClient, "_make_api_call", recorded):
        yield used


def touch(aws):
    aws.elasticache.describe_replication_groups()
    aws.ec2.describe_security_groups()
    aws.secretsmanager.list_secrets()


def test_a_given_role_is_assumed_with_its_external_id_for_all_three_services(recorder):
    with keys() as used:
        touch(connect(Authentication(ROLE, EXTERNAL_ID), "us-east-1", SESSION))

    (assumed,) = [call for call in recorder.calls if call.operation == "AssumeRole"]
    assert assumed.params == {
        "RoleArn": ROLE,
        "RoleSessionName": SESSION,
        "ExternalId": EXTERNAL_ID,
    }
    acting = {service: key for service, _, key in used}
    assert not acting.pop("sts").startswith(ASSUMED)
    assert set(acting) == {"elasticache", "ec2", "secretsmanager"}
    assert all(key.startswith(ASSUMED) for key in acting.values())


def test_a_role_without_an_external_id_is_assumed_without_one(recorder):
    connect(Authentication(ROLE, None), "us-east-1", SESSION)

    assert "ExternalId" not in recorder.calls[0].params


def test_the_session_of_a_role_shows_its_account_who_asked(recorder):
    connect(Authentication(ROLE, None), "us-east-1", SESSION)

    assert recorder.calls[0].params["RoleSessionName"] == SESSION


def test_without_a_role_the_function_acts_as_itself(recorder):
    with keys() as used:
        touch(connect(None, "us-east-1", SESSION))

    assert not any(key.startswith(ASSUMED) for _, _, key in used)
    assert "AssumeRole" not in {call.operation for call in recorder.calls}


@pytest.mark.parametrize("authentication", [None, Authentication(ROLE, None)])
def test_a_cluster_is_made_in_the_region_asked_for(recorder, authentication):
    with keys() as used:
        aws = connect(authentication, "eu-west-1", SESSION)
        touch(aws)

    assert {region for service, region, _ in used if service != "sts"} == {"eu-west-1"}
    assert (aws.region, aws.partition) == ("eu-west-1", "aws")


@pytest.mark.parametrize("authentication", [None, Authentication(ROLE, None)])
def test_without_a_region_it_is_the_function_s_own(recorder, authentication):
    assert connect(authentication, None, SESSION).region == "us-east-1"


@pytest.mark.parametrize(
    ("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("us-west-2", "aws")]
)
def test_the_partition_is_that_of_the_region(recorder, region, partition):
    assert connect(None, region, SESSION).partition == partition


def test_a_role_that_can_not_be_assumed_is_named_by_its_path_and_never_by_its_external_id(recorder):
    def refuse(call, _index):
        raise client_error("AccessDenied", f"not with {EXTERNAL_ID}", status=403)

    recorder.before = refuse

    with pytest.raises(AccessDeniedError, match=r"aws_authentication\.data\.arn.*trust policy") as raised:
        connect(Authentication(ROLE, EXTERNAL_ID), "us-east-1", SESSION)

    assert EXTERNAL_ID not in str(raised.value)


def test_a_busy_sts_is_waited_for(recorder):
    def refuse(call, _index):
        raise client_error("Throttling")

    recorder.before = refuse

    with pytest.raises(TransientError):
        connect(Authentication(ROLE, EXTERNAL_ID), "us-east-1", SESSION)


def test_the_function_s_own_clients_are_kept_for_warm_invocations(recorder):
    assert own_client("events") is own_client("events")


def test_clients_wait_seconds_not_minutes_for_aws(recorder):
    config = connect(None, "us-east-1", SESSION).elasticache.meta.config

    assert (config.connect_timeout, config.read_timeout) == (5, 10)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
