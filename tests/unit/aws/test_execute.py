"""One call: what AWS says to it in this package's terms, and where the token comes from."""

from __future__ import annotations

import json
import re

import pytest

from massdriver_redis import log
from massdriver_redis.aws.auth_token import TOKEN_LENGTH, draw, stored
from massdriver_redis.aws.execute import perform
from massdriver_redis.aws.session import connect
from massdriver_redis.calls import base as calls
from massdriver_redis.calls import ec2, elasticache, secretsmanager
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError
from tests.harness.moto_aws import REGION, TOKEN, MotoAws, client
from tests.harness.recorder import Recorder, client_error

SECRET = "mdr-1a2b3c4d-cache"
CHANGE = calls.ExpectedChange((("node_type", "cache.r5.large"),))

REQUEST = {"ReplicationGroupId": "c", "ReplicationGroupDescription": "m"}


@pytest.fixture
def recorder():
    with MotoAws(), Recorder() as recorded:
        yield recorded
    log.forget()


def make(call):
    return perform(connect(None, REGION, "shop.Redis"), call, SECRET)


def refusing(code, message="Injected", status=400):
    def refuse(call, _index):
        raise client_error(code, message, call.operation, status)

    return refuse


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (ec2.create_security_group("g", "m", "vpc-1", ()), "InvalidGroup.Duplicate"),
        (ec2.allow_ingress("sg-1", "10.0.0.0/8"), "InvalidPermission.Duplicate"),
        (ec2.revoke_ingress("sg-1", "10.0.0.0/8"), "InvalidPermission.NotFound"),
        (ec2.delete_security_group("sg-1"), "InvalidGroup.NotFound"),
        (secretsmanager.create_secret(SECRET, "m", ()), "ResourceExistsException"),
        (secretsmanager.delete_secret(SECRET, recoverable=True), "ResourceNotFoundException"),
        (elasticache.create_subnet_group("s", "m", ["subnet-1"], ()), "CacheSubnetGroupAlreadyExists"),
        (elasticache.delete_subnet_group("s"), "CacheSubnetGroupNotFoundFault"),
        (
            elasticache.create_replication_group(REQUEST, secure=False),
            "ReplicationGroupAlreadyExists",
        ),
        (elasticache.delete_replication_group("c", None), "ReplicationGroupNotFoundFault"),
        (elasticache.set_replicas("c", 1, 2), "NoOperationFault"),
        (elasticache.set_node_groups("c", 1, 2), "NoOperationFault"),
        (
            elasticache.untag_resource("arn:aws:elasticache:us-east-1:1:replicationgroup:c", ["a"]),
            "TagNotFound",
        ),
    ],
)
def test_what_another_try_or_invocation_has_done_counts_as_done(recorder, call, code):
    recorder.before = refusing(code)

    assert make(call) == "no_op"


def test_no_modifications_count_as_done(recorder):
    recorder.before = refusing("InvalidParameterValue", "No modifications were requested.")

    assert make(elasticache.modify_subnet_group("s", ["subnet-1"])) == "no_op"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, AccessDeniedError),
        ("InvalidReplicationGroupState", 400, TransientError),
        ("InternalFailure", 500, TransientError),
        ("CacheSubnetGroupNotFoundFault", 400, NotYetVisibleError),
        ("InvalidParameterCombination", 400, ResourceError),
        ("ReplicationGroupAlreadyExists", 400, ResourceError),
    ],
)
def test_any_other_refusal_is_one_of_this_package_s_errors(recorder, code, status, kind):
    recorder.before = refusing(code, status=status)

    with pytest.raises(ResourceError) as raised:
        make(elasticache.modify_replication_group("c", {}, "change", CHANGE))

    assert type(raised.value) is kind


def test_a_parameter_that_botocore_refuses_is_not_quoted(recorder):
    call = calls.Call("elasticache", "create_replication_group", {"AuthToken": TOKEN}, "create")

    with pytest.raises(ResourceError, match="parameters it doesn't take") as raised:
        make(call)

    assert TOKEN not in str(raised.value)


# The token


def test_a_token_is_64_letters_and_digits_and_never_the_same():
    tokens = {draw() for _ in range(50)}

    assert len(tokens) == 50
    assert all(re.fullmatch(rf"[A-Za-z0-9]{{{TOKEN_LENGTH}}}", token) for token in tokens)


def test_a_new_secret_holds_a_new_token_as_json(recorder):
    assert make(secretsmanager.create_secret(SECRET, "marker", [("a", "b")])) == "applied"

    token, version, made_at = stored(connect(None, REGION, "shop.Redis"), SECRET)
    assert len(token) == TOKEN_LENGTH
    assert version
    assert made_at > 0
    shown = client("secretsmanager").describe_secret(SecretId=SECRET)
    assert shown["Description"] == "AUTH token of marker"
    assert shown["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_second_writer_of_the_secret_changes_nothing(recorder):
    make(secretsmanager.create_secret(SECRET, "marker", ()))
    first = stored(connect(None, REGION, "shop.Redis"), SECRET)

    assert make(secretsmanager.create_secret(SECRET, "marker", ())) == "no_op"

    assert stored(connect(None, REGION, "shop.Redis"), SECRET) == first


def test_the_group_is_created_with_the_stored(recorder):
    make(secretsmanager.create_secret(SECRET, "marker", ()))
    token = stored(connect(None, REGION, "shop.Redis"), SECRET)[0]
    recorder.before = lambda call, _: {} if call.operation == "CreateReplicationGroup" else None

    make(elasticache.create_replication_group(REQUEST, secure=True))

    assert recorder.calls[-1].params["AuthToken"] == token


def test_a_call_without_a_token_reads_no_secret(recorder):
    recorder.before = lambda *_: {}

    make(elasticache.create_replication_group(REQUEST, secure=False))

    assert [call.operation for call in recorder.calls] == ["CreateReplicationGroup"]


@pytest.mark.parametrize("text", ["plain", "[]", '{"token": "x"}', '""', "null"])
def test_a_secret_without_a_password_says_what_to_do_and_not_what_it_holds(recorder, text):
    client("secretsmanager").create_secret(Name=SECRET, SecretString=text)

    with pytest.raises(ResourceError, match="restore its earlier version") as raised:
        stored(connect(None, REGION, "shop.Redis"), SECRET)

    assert "plain" not in str(raised.value)


@pytest.mark.parametrize("token", ["new", "stored"])
def test_every_token_that_passes_through_is_hidden_from_logs_from_then_on(recorder, token):
    client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps({"password": TOKEN}))
    recorder.calls.clear()
    call = secretsmanager.create_secret("other", "marker", ())
    if token == "stored":
        recorder.before = lambda call, _: {} if call.operation == "CreateReplicationGroup" else None
        call = elasticache.create_replication_group(REQUEST, secure=True)

    make(call)

    sent = dict(recorder.calls[-1].params)
    used = json.loads(sent["SecretString"])["password"] if token == "new" else sent["AuthToken"]
    assert log.redact(f"it is {used}!") == "it is ***!"
