"""An event of CloudFormation that the function failed on: who answers, and with what."""

from __future__ import annotations

import json

import pytest

from massdriver_redis.state.naming import Owner, is_nothing_made, is_ours, nothing_made, unknown_outcome
from tests.harness.envelope import RESPONSE_URL, SIGNATURE, STACK_ID, event
from tests.harness.recorder import Recorder, client_error
from tests.harness.schedules import GROUP

from .stage import poll, schedule_name, schedules


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_function_that_can_not_start_fails_the_stack_with_the_cause(stage, kind):
    stage.fail(event(kind))

    assert stage.response["Status"] == "FAILED"
    assert "ImportModuleError" in stage.response["Reason"]
    assert "No module named 'crhelper'" in stage.response["Reason"]
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        assert stage.response[key] == event(kind)[key]


def test_a_failed_create_carries_an_id_under_which_a_delete_looks_again(stage):
    stage.fail(event("Create"))

    physical_id = stage.response["PhysicalResourceId"]
    assert physical_id == unknown_outcome(Owner(STACK_ID, "Redis"))
    assert not is_nothing_made(physical_id)
    assert not is_ours(physical_id)


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_a_failed_update_or_delete_keeps_its_id(stage, kind):
    stage.fail(event(kind))

    assert stage.response["PhysicalResourceId"] == event(kind)["PhysicalResourceId"]


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_schedule_of_this_request_means_that_polls_go_on(stage, kind):
    name = stage.arm(poll(kind))

    assert stage.fail(event(kind))["status"] == "LEFT"
    assert stage.puts == []
    assert stage.armed == [name]


@pytest.mark.parametrize("another", [{"RequestId": "another"}, {"LogicalResourceId": "Other"}])
def test_a_schedule_of_another_request_polls_for_nobody_here(stage, another):
    stage.arm(poll(**another))

    assert stage.fail(event())["status"] == "FAILED"
    assert len(stage.armed) == 1


def test_the_right_schedule_is_found_on_the_last_of_many_pages(stage):
    stage.aws.schedules.page = 7
    for number in range(20):
        stage.arm(poll(RequestId=f"r-{number}"))
    stage.arm({**poll(), "ScheduleName": schedule_name(event(), "zz-last-abcdefghij")})

    assert stage.fail(event())["status"] == "LEFT"


def test_where_the_schedule_group_is_gone_nobody_polls(stage):
    stage.aws.schedules.groups.discard(GROUP)

    assert stage.fail(event())["status"] == "FAILED"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalServerException"])
def test_a_list_that_fails_is_no_proof_and_lambda_tries_again(stage, code):
    def before(call, _):
        raise client_error(code)

    with Recorder(before=before), pytest.raises(schedules.SchedulerError, match=f"list_schedules.*{code}"):
        stage.fail(event())
    assert stage.puts == []


def test_the_delete_of_what_was_never_made_succeeds(stage):
    stage.fail(event("Delete", PhysicalResourceId=nothing_made(Owner(STACK_ID, "Redis"))))

    assert stage.response["Status"] == "SUCCESS"


def test_the_delete_of_what_is_not_known_fails(stage):
    stage.fail(event("Delete", PhysicalResourceId="unknown:abcdefghij"))

    assert stage.response["Status"] == "FAILED"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (
            {"responsePayload": {"errorMessage": "2026 6f9d Task timed out after 120.00 seconds"}},
            "timed out after 120",
        ),
        ({"responsePayload": None, "requestContext": {"condition": "EventAgeExceeded"}}, "EventAgeExceeded"),
        ({"responsePayload": "text", "requestContext": None}, "no cause"),
    ],
)
def test_the_reason_gives_the_cause_whatever_lambda_knows_of_it(stage, changes, cause):
    stage.fail(event(), **changes)

    assert cause in stage.response["Reason"]


def test_a_long_cause_keeps_its_head_and_the_place_to_look(stage):
    stage.fail(event(), responsePayload={"errorMessage": "head " + "x" * 5000, "errorType": "E"})

    assert "E: head" in stage.response["Reason"]
    assert stage.response["Reason"].endswith("see its log group.")
    assert len(stage.response["Reason"]) <= 240


@pytest.mark.parametrize("kind", ["event", "poll"])
def test_no_secret_is_shown(stage, caplog, kind):
    secret = {"aws_authentication": {"data": {"external_id": "external-id-0815"}}}
    payload = event(ResourceProperties=secret)
    if kind == "poll":
        payload = poll(ResourceProperties={**secret, "ServiceTimeout": "60"}, StartedAt=0)
        stage.arm(payload)
    cause = f"PUT {RESPONSE_URL} as external-id-0815, X-Amz-Signature=0123, {SIGNATURE}"
    caplog.set_level("DEBUG")

    outcome = stage.fail(payload, responsePayload={"errorMessage": cause})

    assert outcome["status"] == "FAILED"
    for text in (json.dumps(stage.response), json.dumps(outcome), caplog.text):
        assert SIGNATURE not in text
        assert "external-id-0815" not in text
        assert "0123," not in text
