"""No secret is shown: each kind of secret, leaked in each kind of place, is found."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from massdriver_redis import log
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.handler import PollingResource
from massdriver_redis.state import naming
from tests.faults.explorer import record, replay
from tests.faults.judge import Fault
from tests.faults.operations import OPERATIONS
from tests.faults.secrecy import EXTERNAL_ID, KINDS, SIGNATURE, TOKEN, findings, secrets
from tests.faults.stack import SERVICE_TIMEOUT, FaultyStack
from tests.harness import fallback
from tests.harness.cloudformation import PREFIX
from tests.harness.context import FUNCTION
from tests.harness.inmemory_aws import client
from tests.harness.schedules import GROUP, ROLE_ARN, Schedules

BY_NAME = {operation.name: operation for operation in OPERATIONS}
CREATE = BY_NAME["create replicated"]
WITH_ALL_SECRETS = ["create replicated", "update replicas up", "delete"]
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def plain():
    return record(CREATE)


def leaks_of(plain, kind="throttled", *, for_good=False):
    """Return where a create with a fault at its first call shows a secret."""
    found = replay(CREATE, plain, Fault(0, plain.calls[0], kind, for_good)).wrongs
    return {what.removeprefix("a secret is told: ") for what in found if "secret is told" in what}


@pytest.mark.parametrize("name", WITH_ALL_SECRETS)
def test_all_three_secrets_occur_and_none_is_shown(name):
    with FaultyStack() as faulty:
        BY_NAME[name].prepare(faulty)
        BY_NAME[name].act(faulty)
        faulty.idle(300)

        assert {kind for kind, _ in secrets(faulty)} == set(KINDS)
        assert list(findings(faulty)) == []


# Leaks, made when the create succeeds


def secret_of(resource, kind):
    request = resource._request
    if kind == TOKEN:
        return resource._outcome.attributes["password"]
    if kind == SIGNATURE:
        return parse_qs(urlsplit(request.response_url).query)["X-Amz-Signature"][0]
    return request.properties["aws_authentication"]["data"]["external_id"]


def security_group(resource):
    name = naming.names(resource._physical_id(), PREFIX).security_group
    wanted = [{"Name": "group-name", "Values": [name]}]
    return client("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"]


def in_the_log(resource, secret):
    log.logger.warning("The cluster is ready", detail=secret)


def in_the_log_of_a_library(resource, secret):
    logging.getLogger("a.library").debug("sent %s", secret)


def in_a_metric(resource, secret):
    print(json.dumps({"_aws": {"CloudWatchMetrics": []}, "Resource": secret}))


def in_an_exception(resource, secret):
    def fail():
        raise RuntimeError(f"can't go on with {secret}")

    resource._summary = fail


def in_the_reason(resource, secret):
    resource._outcome = replace(resource._outcome, reason=f"ready: {secret}")


def in_what_is_returned(resource, secret):
    resource._summary = lambda: {"detail": secret}


def in_an_attribute(resource, secret):
    resource._outcome = replace(
        resource._outcome, attributes={**resource._outcome.attributes, "endpoint": secret}
    )


def in_a_tag_of_the_security_group(resource, secret):
    tags = [{"Key": "note", "Value": secret}]
    client("ec2").create_tags(Resources=[security_group(resource)], Tags=tags)


def in_a_tag_of_the_cluster(resource, secret):
    arn = f"arn:aws:elasticache:us-east-1:123456789012:replicationgroup:{resource._physical_id()}"
    client("elasticache").add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "note", "Value": secret}])


def in_a_tag_of_the_secret(resource, secret):
    name = naming.names(resource._physical_id(), PREFIX).secret
    client("secretsmanager").tag_resource(SecretId=name, Tags=[{"Key": "note", "Value": secret}])


def make_schedule(resource, **changes):
    """Make a schedule that carries the request, as another of its own would."""
    wanted = {
        "GroupName": GROUP,
        "Name": "another",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "StartDate": resource._clock.now() + 3600,
        "Target": {"Arn": FUNCTION, "RoleArn": ROLE_ARN, "Input": json.dumps(resource._event)},
    }
    client("scheduler").create_schedule(**{**wanted, **changes})


def in_the_description_of_a_schedule(resource, secret):
    make_schedule(resource, Description=secret)


PLACES = {
    in_the_log: "the log",
    in_the_log_of_a_library: "another log",
    in_a_metric: "what is printed",
    in_an_exception: "what a handler returned or raised",
    in_the_reason: "a response",
    in_what_is_returned: "what a handler returned or raised",
    in_an_attribute: "a response",
    in_a_tag_of_the_security_group: "a security group",
    in_a_tag_of_the_cluster: "a replication group",
    in_a_tag_of_the_secret: "a parameter of secretsmanager:TagResource",
    in_the_description_of_a_schedule: "a parameter of scheduler:CreateSchedule",
}


def make_leak(monkeypatch, leak, kind):
    """Make `leak` happen before each SUCCESS is sent, and disable the filter of logs and Reasons."""
    honest = PollingResource._send

    def leaky(self, *args, **options):
        if isinstance(self._outcome, Response) and self._outcome.status == "SUCCESS":
            leak(self, secret_of(self, kind))
        honest(self, *args, **options)

    monkeypatch.setattr(PollingResource, "_send", leaky)
    monkeypatch.setattr(log, "redact", lambda text: text)


@kinds
@pytest.mark.parametrize("leak", PLACES, ids=lambda leak: leak.__name__)
def test_a_leak_is_found(plain, monkeypatch, leak, kind):
    make_leak(monkeypatch, leak, kind)

    assert f"{kind} in {PLACES[leak]}" in leaks_of(plain)


def test_a_token_in_a_schedules_input_is_found(plain, monkeypatch):
    def in_the_input(resource, secret):
        event = json.dumps({**resource._event, "note": secret})
        make_schedule(resource, Target={"Arn": FUNCTION, "RoleArn": ROLE_ARN, "Input": event})

    make_leak(monkeypatch, in_the_input, TOKEN)

    assert f"{TOKEN} in Target of scheduler:CreateSchedule" in leaks_of(plain)


@pytest.mark.parametrize("kind", [SIGNATURE, EXTERNAL_ID])
def test_a_schedule_that_outlives_its_request_is_found_until_it_ends_by_itself(monkeypatch, kind):
    monkeypatch.setattr(Schedules, "DeleteSchedule", lambda *_, **__: None)
    outlives = f"{kind} in a schedule that outlives its request"
    with FaultyStack() as faulty:
        CREATE.act(faulty)
        faulty.idle(120)
        assert outlives in set(findings(faulty))

        faulty.idle(int(SERVICE_TIMEOUT) + 300)

        assert outlives not in set(findings(faulty))


@pytest.mark.parametrize("kind", [SIGNATURE, EXTERNAL_ID])
def test_a_leak_of_the_fallback_is_found(plain, monkeypatch, kind):
    def talkative(failed):
        logging.getLogger("fallback_app").error("%s", failed.event)
        given = failed.event["ResourceProperties"]["aws_authentication"]["data"]["external_id"]
        return f"{failed.event['ResponseURL'].partition('Signature=')[2]} {given}"

    monkeypatch.setattr(fallback.MODULES["app"], "_explained", talkative)

    found = leaks_of(plain, "killed before", for_good=True)

    assert {f"{kind} in a response", f"{kind} in another log"} <= found


@kinds
def test_a_secret_is_found_inside_nested_json(kind):
    with FaultyStack() as faulty:
        CREATE.act(faulty)
        (secret,) = {text for each, text in secrets(faulty) if each == kind}
        faulty.told.append(json.dumps({"message": json.dumps({"inner": secret})}))

        assert list(findings(faulty)) == [f"{kind} in what a handler returned or raised"]
