"""The schedules of the provider's group: created once, read twice before they are missed, deleted by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.errors import AccessDeniedError, ResourceError, TransientError
from tests.harness.context import FUNCTION
from tests.harness.inmemory_aws import InMemoryAws, client
from tests.harness.recorder import Recorder, client_error
from tests.harness.schedules import GROUP, ROLE_ARN, arm_others

NAME = "shop-redis-abcdefghij-1782864000-aaaabbbbcccc"
EVENT = {"RequestId": "one"}


@pytest.fixture
def aws():
    with InMemoryAws() as made:
        yield made


@pytest.fixture
def schedules(aws):
    return PollSchedules(client("scheduler"), GROUP, FUNCTION, ROLE_ARN, aws.clock.sleep)


def create(schedules, aws, name=NAME, event=EVENT):
    now = aws.clock.now()
    start, end = (datetime.fromtimestamp(now + later, UTC) for later in (60, 4000))
    schedules.create(name, json.dumps(event), start, end)


def refusing(operation, code, message="Injected", times=1):
    left = [times]

    def before(call, _index):
        if call.operation == operation and left[0]:
            left[0] -= 1
            raise client_error(code, message, operation)

    return before


def test_a_schedule_fires_every_minute_without_a_window_until_it_deletes_itself(schedules, aws):
    create(schedules, aws)

    made = client("scheduler").get_schedule(Name=NAME, GroupName=GROUP)
    assert made["ScheduleExpression"] == "rate(1 minute)"
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert made["ActionAfterCompletion"] == "DELETE"
    assert made["Target"] == {
        "Arn": FUNCTION,
        "RoleArn": ROLE_ARN,
        "Input": json.dumps(EVENT),
        "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
    }


def test_no_token_makes_a_deleted_schedule_s_answer_come_back(schedules, aws):
    with Recorder() as recorder:
        create(schedules, aws)

    # botocore adds one of its own to each request, below the recorder.
    assert "ClientToken" not in recorder.calls[0].params


def test_a_copy_of_the_request_meets_at_the_same_schedule(schedules, aws):
    create(schedules, aws)
    create(schedules, aws, event={"RequestId": "forged"})

    assert schedules.read(NAME) == EVENT


def test_a_conflict_without_a_schedule_is_tried_again(schedules, aws):
    with Recorder(before=refusing("CreateSchedule", "ConflictException")), pytest.raises(TransientError):
        create(schedules, aws)

    create(schedules, aws)
    assert schedules.read(NAME) == EVENT


@pytest.mark.parametrize(
    "refusal",
    [
        (
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
            AccessDeniedError,
            "can't assume the provider's execution role",
        ),
        ("ResourceNotFoundException", "Schedule group mdr does not exist.", ResourceError, "being removed"),
        ("ServiceQuotaExceededException", "Too many schedules", ResourceError, "ask AWS for a higher quota"),
        ("ValidationException", "EndDate is before StartDate", ResourceError, "EndDate is before StartDate"),
        ("ThrottlingException", "Rate exceeded", TransientError, "CreateSchedule"),
        ("AccessDeniedException", "no", AccessDeniedError, "scheduler:CreateSchedule was denied"),
    ],
)
def test_each_refusal_of_a_schedule_says_what_to_do(schedules, aws, refusal):
    code, message, error, told = refusal
    with Recorder(before=refusing("CreateSchedule", code, message)), pytest.raises(ResourceError) as caught:
        create(schedules, aws)

    assert type(caught.value) is error
    assert told in str(caught.value)
    assert len(str(caught.value)) <= 240


def test_a_missing_schedule_is_believed_on_the_second_read(schedules, aws):
    create(schedules, aws)

    with Recorder(before=refusing("GetSchedule", "ResourceNotFoundException")):
        assert schedules.read(NAME) == EVENT
    with Recorder(before=refusing("GetSchedule", "ResourceNotFoundException", times=2)) as recorder:
        assert schedules.read(NAME) is None
    assert len(recorder.calls) == 2


def test_a_read_that_fails_is_no_missing_schedule(schedules):
    with Recorder(before=refusing("GetSchedule", "AccessDeniedException")), pytest.raises(AccessDeniedError):
        schedules.read(NAME)


@pytest.mark.parametrize("text", ["no JSON", "[]", '"text"'])
def test_an_input_that_is_no_event_counts_as_none(schedules, aws, text):
    create(schedules, aws)
    target = {"Arn": FUNCTION, "RoleArn": ROLE_ARN, "Input": text}
    aws.schedules.UpdateSchedule(
        Name=NAME,
        GroupName=GROUP,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )

    assert schedules.read(NAME) is None


def test_schedules_are_listed_by_prefix_over_all_pages(schedules, aws):
    names = [f"shop-redis-abcdefghij-{1782864000 + number}-aaaabbbbcccc" for number in range(130)]
    for name in names:
        create(schedules, aws, name)
    create(schedules, aws, "other-redis-abcdefghij-1782864000-aaaabbbbcccc")
    began = aws.clock.now()

    with Recorder() as recorder:
        listed = schedules.list("shop-redis-abcdefghij-")

    assert sorted(listed) == names
    assert set(listed.values()) == {began}
    assert len(recorder.calls) > 1


def test_a_deleted_schedule_is_gone_and_may_be_deleted_again(schedules, aws):
    create(schedules, aws)
    schedules.delete(NAME)
    schedules.delete(NAME)

    assert schedules.list("shop-") == {}


def test_a_schedule_that_can_not_be_deleted_is_reported(schedules, aws):
    create(schedules, aws)

    with (
        Recorder(before=refusing("DeleteSchedule", "AccessDeniedException")),
        pytest.raises(AccessDeniedError),
    ):
        schedules.delete(NAME)


@pytest.mark.parametrize(("requests", "crowded"), [(0, False), (5, False), (6, True), (300, True)])
def test_more_than_five_open_requests_are_a_crowd(schedules, aws, requests, crowded):
    arm_others(aws.schedules, requests)

    with Recorder() as recorder:
        assert schedules.is_crowded() is crowded

    assert len(recorder.calls) == 1


def test_requests_that_cannot_be_listed_now_count_as_a_crowd(schedules):
    with Recorder(before=refusing("ListSchedules", "ThrottlingException")):
        assert schedules.is_crowded()
