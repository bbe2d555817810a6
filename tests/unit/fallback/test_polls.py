"""A poll that the function failed on: when it is given up, and what is left of its schedule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from massdriver_redis.state.naming import Owner, nothing_made
from tests.harness.envelope import NOW, STACK_ID
from tests.harness.recorder import Recorder, client_error
from tests.harness.schedules import GROUP

from .stage import ID, poll, schedules

LATE = {"StartedAt": NOW - 500, "ResourceProperties": {"ServiceTimeout": "600"}}


def test_polls_that_fail_for_less_than_ten_minutes_are_left_alone(stage):
    name = stage.arm(poll())

    assert set(stage.fail_every_minute(poll(), 9)) == {"LEFT"}
    assert stage.puts == []
    assert stage.armed == [name]


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_polls_that_fail_for_ten_minutes_end_in_failed_with_the_id_and_without_the_schedule(stage, kind):
    stage.arm(poll(kind))

    assert stage.fail_every_minute(poll(kind), 10) == ["LEFT"] * 10 + ["FAILED"]
    assert stage.response["PhysicalResourceId"] == ID
    assert "10 minutes" in stage.response["Reason"]
    assert stage.armed == []


def test_the_note_changes_nothing_of_the_schedule_but_its_description_and_keeps_its_firings(stage):
    name = stage.arm(poll(), Description="polls")
    before = stage.shown(name)
    stage.clock.advance(400.5)

    stage.fail(poll())

    after = stage.shown(name)
    noted = after.pop("Description")
    assert noted == f"Polls fail since {NOW + 400:.0f}, last at {NOW + 400:.0f} (seconds since 1970)."
    assert after.pop("StartDate") == before.pop("StartDate") + timedelta(seconds=300)
    assert after.pop("LastModificationDate") > before.pop("LastModificationDate")
    assert after == {key: value for key, value in before.items() if key != "Description"}


def test_a_note_is_written_every_other_minute_and_no_firing_is_skipped(stage):
    name = stage.arm(poll())

    with Recorder() as recorder:
        stage.fail_every_minute(poll(), 5)

    written = [call for call in recorder.calls if call.operation == "UpdateSchedule"]
    starts = [call.params["StartDate"].timestamp() - NOW for call in written]
    assert starts == [60, 120, 240]
    assert f"since {NOW:.0f}, last at {NOW + 240:.0f} " in stage.shown(name)["Description"]


def test_a_schedule_that_has_not_fired_yet_keeps_its_start(stage):
    name = stage.arm(poll())
    before = stage.shown(name)["StartDate"]

    stage.fail(poll())

    assert stage.shown(name)["StartDate"] == before


def test_a_poll_that_succeeds_in_between_starts_the_count_again(stage):
    stage.arm(poll())

    first = stage.fail_every_minute(poll(), 9)
    stage.clock.advance(301)
    second = stage.fail_every_minute(poll(), 9)

    assert set(first + second) == {"LEFT"}


@pytest.mark.parametrize(
    "description", ["polls", "Polls fail since x, last at 5", "Polls fail since -1, last at 1"]
)
def test_another_description_counts_as_none(stage, description):
    stage.arm(poll(), Description=description)

    assert stage.fail(poll())["status"] == "LEFT"


def test_a_poll_that_fails_past_its_deadline_is_answered_at_once(stage):
    stage.arm(poll(**LATE))

    assert stage.fail(poll(**LATE))["status"] == "FAILED"
    assert stage.armed == []


def test_an_expired_url_still_deletes_the_schedule(stage):
    stage.arm(poll(**LATE))
    stage.status = 403

    stage.fail(poll(**LATE))

    assert stage.armed == []


def test_the_poll_of_a_delete_of_what_was_never_made_succeeds(stage):
    late = poll("Delete", PhysicalResourceId=nothing_made(Owner(STACK_ID, "Redis")), **LATE)
    stage.arm(late)

    stage.fail(late)

    assert stage.response["Status"] == "SUCCESS"


# What a schedule carries counts, not what was delivered


def test_a_failed_poll_without_its_schedule_is_ignored(stage):
    other = stage.arm(poll(RequestId="another"))

    assert stage.fail(poll(**LATE))["status"] == "IGNORED"
    assert stage.puts == []
    assert stage.armed == [other]


@pytest.mark.parametrize(
    "forged",
    [
        {"RequestType": "Delete", "PhysicalResourceId": "another-redis-abcdefghij"},
        {"ResponseURL": "https://bucket.s3.amazonaws.com/another"},
        {"StartedAt": 0},
        {"RequestId": "another", "StackId": "not an ARN"},
    ],
    ids=str,
)
def test_a_forged_body_has_no_effect(stage, forged):
    stage.arm(poll())

    assert stage.fail_every_minute({**poll(), **forged}, 10) == ["LEFT"] * 10 + ["FAILED"]
    assert stage.response["PhysicalResourceId"] == ID
    assert stage.response["RequestId"] == poll()["RequestId"]


def test_a_schedule_under_the_name_of_another_request_is_ignored(stage):
    name = stage.arm({**poll(**LATE), "ScheduleName": poll(RequestId="another")["ScheduleName"]})

    assert stage.fail({**poll(), "ScheduleName": name})["status"] == "IGNORED"
    assert stage.armed == [name]


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "{", "[" * 100_000])
def test_a_schedule_that_carries_no_request_is_ignored(stage, text):
    target = {"Arn": "arn:aws:lambda:f", "RoleArn": "arn:aws:iam::123456789012:role/provider-SchedulerRole"}
    stage.arm(poll(), Target={**target, "Input": text} if text else target)

    assert stage.fail(poll())["status"] == "IGNORED"


# Scheduler does not answer as expected


@pytest.mark.parametrize("operation", ["GetSchedule", "UpdateSchedule", "DeleteSchedule"])
def test_a_call_that_fails_makes_lambda_try_again_and_repeats_no_parameter(stage, operation):
    payload = poll(**LATE) if operation == "DeleteSchedule" else poll()
    stage.arm(payload)

    def before(call, _):
        if call.operation == operation:
            raise client_error("InternalServerException", f"failed for {payload['ResponseURL']}")

    with Recorder(before=before), pytest.raises(schedules.SchedulerError) as caught:
        stage.fail(payload)
    assert payload["ResponseURL"] not in str(caught.value)
    assert stage.fail(payload)["status"] == ("FAILED" if operation == "DeleteSchedule" else "LEFT")


def test_a_parameter_that_botocore_refuses_is_not_repeated(stage):
    stage.arm(poll())
    schedule = schedules.Schedules(stage.scheduler, GROUP).get(poll()["ScheduleName"])
    broken = schedules.Schedule(schedule.name, {**schedule.fields, "Target": {"Input": "secret"}})

    with pytest.raises(schedules.SchedulerError) as caught:
        schedules.Schedules(stage.scheduler, GROUP).note(broken, "text", NOW)
    assert "secret" not in str(caught.value)
    assert "update_schedule got no answer" in str(caught.value)


@pytest.mark.parametrize("operation", ["UpdateSchedule", "DeleteSchedule"])
def test_a_schedule_deleted_meanwhile_is_left_deleted(stage, operation):
    payload = poll(**LATE) if operation == "DeleteSchedule" else poll()
    name = stage.arm(payload)

    def before(call, _):
        if call.operation == operation:
            stage.aws.schedules.DeleteSchedule(GroupName=GROUP, Name=name)

    with Recorder(before=before):
        done = stage.fail(payload)
    assert done["status"] == ("FAILED" if operation == "DeleteSchedule" else "LEFT")
    assert stage.armed == []
