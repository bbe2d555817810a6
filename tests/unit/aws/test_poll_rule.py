"""The poll rule against moto's EventBridge, and against one that fails."""

from __future__ import annotations

import json
import re

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from massdriver_redis.aws.poll_rule import LARGEST_INPUT, PollRule, target_id
from massdriver_redis.errors import AccessDeniedError, ResourceError

NAME = "mdr-1a2b3c4d-shop-redis-abcdefghij"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:provider"
EVENT = {"RequestType": "Create", "RequestId": "r-1", "CrHelperPoll": True}


@pytest.fixture
def events(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("events", region_name="us-east-1")


class Faulty:
    """A client whose named operation raises the given errors first, then works."""

    def __init__(self, client, **errors):
        self._client = client
        self._errors = errors

    def __getattr__(self, operation):
        def call(**wanted):
            if self._errors.get(operation):
                raise self._errors[operation].pop(0)
            return getattr(self._client, operation)(**wanted)

        return call


def failing(client, **codes):
    errors = {
        operation: [
            ClientError({"Error": {"Code": code, "Message": "said AWS"}}, operation) for code in listed
        ]
        for operation, listed in codes.items()
    }
    return rule(Faulty(client, **errors))


def rule(client):
    return PollRule(client, NAME, FUNCTION, sleep=lambda _: None)


def rules(client):
    return [found["Name"] for found in client.list_rules()["Rules"]]


def test_an_armed_rule_fires_the_event_at_the_function_every_minute(events):
    rule(events).arm(EVENT)

    made = events.describe_rule(Name=NAME)
    assert (made["ScheduleExpression"], made["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=NAME)["Targets"]
    assert target["Arn"] == FUNCTION
    assert json.loads(target["Input"]) == EVENT


def test_arming_needs_no_tag_and_no_role(events):
    rule(events).arm(EVENT)

    arn = events.describe_rule(Name=NAME)["Arn"]
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_what_is_armed_can_be_read_back(events):
    assert rule(events).carried() == ()

    rule(events).arm(EVENT)

    assert rule(events).carried() == (EVENT,)


def test_arming_twice_for_a_request_is_arming_once(events):
    rule(events).arm(EVENT)
    rule(events).arm({**EVENT, "again": True})

    assert rule(events).carried() == ({**EVENT, "again": True},)


def test_two_requests_share_the_rule_and_neither_can_take_the_other_s_poll_away(events):
    other = {**EVENT, "RequestId": "r-2"}
    rule(events).arm(EVENT)
    rule(events).arm(other)
    assert rule(events).carried() == (EVENT, other)

    rule(events).disarm("r-1")
    assert rule(events).carried() == (other,)
    assert rules(events) == [NAME]

    rule(events).disarm("r-2")
    assert rules(events) == []


def test_a_newer_operation_drops_an_older_one_and_keeps_its_own_poll(events):
    other = {**EVENT, "RequestId": "r-2"}
    rule(events).arm(EVENT)
    rule(events).arm(other)

    rule(events).drop(["r-1", "unknown"])

    assert rule(events).carried() == (other,)


@pytest.mark.parametrize("request_id", ["r-1", "x" * 128, "a/b c"])
def test_the_id_of_a_target_is_legal_for_every_request(request_id):
    assert re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", target_id(request_id))


@pytest.mark.parametrize("text", ["", "no json", "[]", None])
def test_a_rule_without_our_event_counts_as_not_armed(events, text):
    events.put_rule(Name=NAME, ScheduleExpression="rate(1 minute)")
    if text is not None:
        events.put_targets(Rule=NAME, Targets=[{"Id": "poll", "Arn": FUNCTION, "Input": text or "null"}])

    assert rule(events).carried() == ()


def test_disarming_leaves_nothing_and_may_be_repeated(events):
    rule(events).arm(EVENT)

    rule(events).disarm("r-1")
    rule(events).disarm("r-1")

    assert rules(events) == []


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InternalException"])
def test_a_rule_that_can_not_be_removed_fails_nobody(events, code):
    rule(events).arm(EVENT)

    failing(events, remove_targets=[code] * 9, delete_rule=[code] * 9).disarm("r-1")

    assert rules(events) == [NAME]


def test_an_event_of_the_greatest_size_is_armed_and_a_greater_one_never_reaches_aws(events):
    room = LARGEST_INPUT - len(json.dumps({"filler": ""}, separators=(",", ":")))

    rule(events).arm({"filler": "x" * room})
    rule(events).disarm("")
    with pytest.raises(ResourceError, match="8192"):
        rule(events).arm({"filler": "x" * (room + 1)})

    assert rules(events) == []


def test_a_target_that_is_refused_leaves_no_rule(events):
    with pytest.raises(ResourceError, match="said AWS"):
        failing(events, put_targets=["ValidationException"]).arm(EVENT)

    assert rules(events) == []


def test_a_failed_entry_is_a_failure_and_leaves_no_rule(events):
    class Refusing:
        def __getattr__(self, operation):
            return getattr(events, operation)

        def put_targets(self, **_):
            return {"FailedEntryCount": 1, "FailedEntries": [{"ErrorMessage": "no such function"}]}

    with pytest.raises(ResourceError, match="no such function"):
        rule(Refusing()).arm(EVENT)

    assert rules(events) == []


@pytest.mark.parametrize(
    "code", ["ConcurrentModificationException", "ThrottlingException", "InternalException"]
)
@pytest.mark.parametrize("operation", ["put_rule", "put_targets"])
def test_what_passes_by_itself_is_waited_for(events, operation, code):
    failing(events, **{operation: [code] * 3}).arm(EVENT)

    assert rule(events).carried() == (EVENT,)


def test_a_rule_removed_by_an_older_poll_while_it_is_armed_is_made_again(events):
    failing(events, put_targets=["ResourceNotFoundException"]).arm(EVENT)

    assert rule(events).carried() == (EVENT,)


def test_a_rule_that_never_stays_is_given_up(events):
    with pytest.raises(ResourceError, match="armed"):
        failing(events, put_targets=["ResourceNotFoundException"] * 99).arm(EVENT)


@pytest.mark.parametrize("operation", ["put_rule", "put_targets"])
def test_a_missing_permission_is_named(events, operation):
    with pytest.raises(AccessDeniedError, match="events:Put"):
        failing(events, **{operation: ["AccessDeniedException"]}).arm(EVENT)


def test_a_full_event_bus_is_named_at_once(events):
    codes = ["LimitExceededException"]

    with pytest.raises(ResourceError, match="300"):
        failing(events, put_rule=codes).arm(EVENT)


def test_a_rule_that_can_not_be_read_is_an_error_and_not_an_absent_rule(events):
    with pytest.raises(AccessDeniedError, match="events:ListTargetsByRule"):
        failing(events, list_targets_by_rule=["AccessDeniedException"]).carried()
    with pytest.raises(ResourceError):
        failing(events, list_targets_by_rule=["InternalException"] * 9).carried()


def test_a_network_failure_is_an_error_of_ours(events):
    broken = EndpointConnectionError(endpoint_url="https://events")

    with pytest.raises(ResourceError):
        rule(Faulty(events, put_rule=[broken] * 9)).arm(EVENT)
    with pytest.raises(ResourceError):
        rule(Faulty(events, list_targets_by_rule=[broken] * 9)).carried()
    rule(Faulty(events, remove_targets=[broken] * 9, delete_rule=[broken] * 9)).disarm("r-1")
