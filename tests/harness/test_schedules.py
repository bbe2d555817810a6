"""The schedules in memory: what Scheduler takes and refuses, what it lists, and when it fires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from . import inmemory_aws, moto_aws
from .clock import SimulatedClock
from .context import FUNCTION
from .inmemory_aws import InMemoryAws
from .moto_aws import MotoAws
from .schedules import GROUP, LARGEST_INPUT, ROLE_ARN, Firings, Schedules


@pytest.fixture(params=["in memory", "moto"])
def aws(request: pytest.FixtureRequest) -> Iterator[Any]:
    with InMemoryAws() if request.param == "in memory" else MotoAws() as made:
        module = inmemory_aws if request.param == "in memory" else moto_aws
        made.scheduler = module.client("scheduler")
        yield made


def wanted(aws: Any, name: str = "poll", **changes: Any) -> dict[str, Any]:
    """Return the parameters of a schedule that fires from a minute ahead for ten; None leaves one out."""
    now = aws.clock.now()
    params = {
        "GroupName": GROUP,
        "Name": name,
        "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "StartDate": now + 60,
        "EndDate": now + 660,
        "ActionAfterCompletion": "DELETE",
        "Target": target(),
        **changes,
    }
    return {key: value for key, value in params.items() if value is not None}


def target(text: str = "{}", **changes: Any) -> dict[str, Any]:
    return {"Arn": FUNCTION, "RoleArn": ROLE_ARN, "Input": text, **changes}


def refused(operation: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    return str(caught.value.response["Error"]["Code"])


def test_a_schedule_is_returned_as_it_was_made(aws: Any) -> None:
    made = wanted(aws, Description="polls")
    arn = aws.scheduler.create_schedule(**made)["ScheduleArn"]

    found = aws.scheduler.get_schedule(GroupName=GROUP, Name="poll")

    assert arn.endswith(f":schedule/{GROUP}/poll")
    assert (found["Arn"], found["Description"], found["State"]) == (arn, "polls", "ENABLED")
    assert found["StartDate"].timestamp() == made["StartDate"]
    assert found["EndDate"].timestamp() == made["EndDate"]
    assert found["CreationDate"].timestamp() == aws.clock.now()
    assert found["Target"]["Input"] == "{}"


def test_a_name_is_exclusive_in_its_group_until_it_is_deleted(aws: Any) -> None:
    aws.scheduler.create_schedule(**wanted(aws))

    assert refused(aws.scheduler.create_schedule, **wanted(aws)) == "ConflictException"
    aws.scheduler.create_schedule(**wanted(aws, GroupName="default"))
    aws.scheduler.delete_schedule(GroupName=GROUP, Name="poll")
    aws.scheduler.create_schedule(**wanted(aws))


@pytest.mark.parametrize("operation", ["get_schedule", "delete_schedule"])
def test_what_is_missing_is_not_found(aws: Any, operation: str) -> None:
    call = getattr(aws.scheduler, operation)

    assert refused(call, GroupName=GROUP, Name="poll") == "ResourceNotFoundException"
    assert refused(call, GroupName="gone", Name="poll") == "ResourceNotFoundException"
    assert refused(aws.scheduler.update_schedule, **wanted(aws)) == "ResourceNotFoundException"


def test_a_group_that_is_gone_takes_its_schedules_along(aws: Any) -> None:
    aws.scheduler.create_schedule(**wanted(aws))
    aws.schedules.groups.discard(GROUP)

    assert aws.schedules.names() == []
    assert refused(aws.scheduler.create_schedule, **wanted(aws)) == "ResourceNotFoundException"
    assert refused(aws.scheduler.list_schedules, GroupName=GROUP) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": "a b"},
        {"Name": "ä"},
        {"Name": "x" * 65},
        {"StartDate": -301},
        {"EndDate": 60},
        {"EndDate": -1},
        {"StartDate": None, "EndDate": -1},
        {"ScheduleExpression": "rate(0 minutes)"},
        {"Description": "x" * 513},
        {"Target": target("x" * (LARGEST_INPUT + 1))},
        {"Target": target("ä" * (LARGEST_INPUT // 2) + "x")},
        {"Target": target(RoleArn="arn:aws:iam::123456789012:role/another")},
        {"Target": target(RetryPolicy={"MaximumRetryAttempts": 186})},
    ],
    ids=str,
)
def test_what_scheduler_does_not_take_is_refused(aws: Any, wrong: dict[str, Any]) -> None:
    dates = {
        key: aws.clock.now() + wrong[key] for key in ("StartDate", "EndDate") if wrong.get(key) is not None
    }

    assert (
        refused(aws.scheduler.create_schedule, **wanted(aws, **{**wrong, **dates})) == "ValidationException"
    )
    assert aws.schedules.names() == []


def test_the_largest_input_and_the_longest_name_are_taken(aws: Any) -> None:
    made = wanted(aws, "x" * 64, Target=target("x" * LARGEST_INPUT), StartDate=aws.clock.now() - 300)

    aws.scheduler.create_schedule(**made)

    assert aws.schedules.names() == ["x" * 64]


def test_botocore_checks_a_request_first(aws: Any) -> None:
    with pytest.raises(ParamValidationError):
        aws.scheduler.create_schedule(**wanted(aws, Nmae="poll"))


def test_an_update_replaces_every_field_but_the_creation(aws: Any) -> None:
    aws.scheduler.create_schedule(**wanted(aws, Description="polls"))
    created = aws.clock.now()
    aws.clock.advance(100)
    new = wanted(aws, StartDate=None, EndDate=None, ActionAfterCompletion=None)

    aws.scheduler.update_schedule(**new)

    found = aws.scheduler.get_schedule(GroupName=GROUP, Name="poll")
    assert not {"Description", "StartDate", "EndDate"} & set(found)
    assert found["ActionAfterCompletion"] == "NONE"
    assert found["CreationDate"].timestamp() == created
    assert found["LastModificationDate"].timestamp() == created + 100


def test_an_update_with_a_start_long_past_is_refused(aws: Any) -> None:
    made = wanted(aws)
    aws.scheduler.create_schedule(**made)
    aws.clock.advance(361)

    assert refused(aws.scheduler.update_schedule, **made) == "ValidationException"


def test_a_listing_has_pages_and_no_inputs(aws: Any) -> None:
    aws.schedules.page = 2
    for name in ("b-3", "b-1", "a-1", "b-2"):
        aws.scheduler.create_schedule(**wanted(aws, name))
    aws.scheduler.create_schedule(**wanted(aws, "b-4", GroupName="default"))

    first = aws.scheduler.list_schedules(GroupName=GROUP, NamePrefix="b-")
    second = aws.scheduler.list_schedules(GroupName=GROUP, NamePrefix="b-", NextToken=first["NextToken"])

    assert [each["Name"] for each in first["Schedules"]] == ["b-1", "b-2"]
    assert [each["Name"] for each in second["Schedules"]] == ["b-3"]
    assert "NextToken" not in second
    assert first["Schedules"][0]["CreationDate"].timestamp() == aws.clock.now()
    assert first["Schedules"][0]["Target"] == {"Arn": FUNCTION}
    assert len(aws.scheduler.list_schedules(GroupName=GROUP, MaxResults=1)["Schedules"]) == 1
    assert aws.schedules.names() == ["b-3", "b-1", "a-1", "b-2"]


@pytest.mark.parametrize(("action", "left"), [("DELETE", []), (None, ["poll"])])
def test_a_schedule_past_its_end_is_gone_if_it_deletes_itself(aws: Any, action: str, left: list[str]) -> None:
    aws.scheduler.create_schedule(**wanted(aws, ActionAfterCompletion=action))

    aws.clock.advance(659)
    assert aws.schedules.names() == ["poll"]
    aws.clock.advance(1)
    assert aws.schedules.names() == left


def fired(schedules: Schedules, clock: SimulatedClock, until: float, late: float = 0) -> list[float]:
    """Return when a schedule fires, in seconds from now, up to `until`."""
    firings, began, times = Firings(schedules, lambda: late), clock.now(), []
    while (firing := firings.next()) and firing.due <= began + until:
        clock.advance(max(0.0, firing.due - clock.now()))
        firings.take(firing)
        times.append(clock.now() - began)
    return times


@pytest.mark.parametrize(
    ("changes", "late", "times"),
    [
        ({}, 0, [60, 120, 180, 240]),
        ({}, 30, [90, 150, 210]),
        ({"StartDate": 100}, 0, [100, 160, 220]),
        ({"ScheduleExpression": "rate(2 minutes)"}, 0, [60, 180]),
        ({"EndDate": 180}, 0, [60, 120]),
        ({"State": "DISABLED"}, 0, []),
    ],
    ids=str,
)
def test_it_fires_at_its_start_and_then_at_its_rate_until_its_end(
    changes: dict[str, Any], late: float, times: list[float]
) -> None:
    with InMemoryAws() as aws:
        dates = {key: aws.clock.now() + changes[key] for key in ("StartDate", "EndDate") if key in changes}
        inmemory_aws.client("scheduler").create_schedule(**wanted(aws, **{**changes, **dates}))

        assert fired(aws.schedules, aws.clock, 250, late) == times


def test_an_input_has_schedulers_attributes_filled_in_wherever_they_stand() -> None:
    text = '{"at": "<aws.scheduler.scheduled-time>", "tag": "x<aws.scheduler.schedule-arn>", "<": "<aws.no>"}'
    with InMemoryAws() as aws:
        inmemory_aws.client("scheduler").create_schedule(**wanted(aws, Target=target(text)))
        (schedule,) = aws.schedules.live()

        assert schedule.input_at(schedule.start) == (
            f'{{"at": "2026-07-01T00:01:00Z", "tag": "x{schedule.arn}", "<": "<aws.no>"}}'
        )
