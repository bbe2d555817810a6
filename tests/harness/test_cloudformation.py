"""The in-process CloudFormation itself: it delivers as the real one does, and lets nothing wrong pass."""

from __future__ import annotations

import json

import pytest

from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.cloudformation import delivery, poll_event
from massdriver_redis.cloudformation.genuine import UNKNOWN
from massdriver_redis.cloudformation.outcome import Pending, Response
from massdriver_redis.handler import PollingResource

from .cloudformation import (
    FakeCloudFormation,
    HungError,
    KilledError,
    SentRequest,
    StackResource,
    judge,
    stringify,
)
from .context import FUNCTION
from .moto_aws import MotoAws, client
from .schedules import GROUP, ROLE_ARN

ID = "shop-redis-abcdefghij"


class Script:
    """A provider that does what is written down: each invocation's outcome, or an exception to raise.

    The last one repeats. Unless `polls` is False, each request is polled by a schedule.
    """

    def __init__(self, cloudformation, *outcomes, polls=True):
        self.outcomes = list(outcomes)
        self.polls = polls
        self.seen = []
        self.clock = cloudformation.clock
        self.schedules = PollSchedules(client("scheduler"), GROUP, FUNCTION, ROLE_ARN, self.clock.sleep)
        cloudformation._app.resource = PollingResource(self, self.clock, cloudformation._receive, UNKNOWN)

    def begin(self, request, _context):
        self.seen.append(request)
        return _Work(self, request, self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0])

    def carried(self, schedule, _context):
        return self.schedules.read(schedule)

    def stop_polling(self, request, _context):
        self.schedules.delete(request.schedule_name)


class _Work:
    physical_id = ID

    def __init__(self, script, request, outcome):
        self.script, self.request, self.outcome = script, request, outcome
        self.name = request.schedule_name or poll_event.schedule_name(request, ID)
        self.polling = script.polls

    def run(self):
        now = self.script.clock.now()
        if self.polling and not self.request.is_poll:
            text = poll_event.schedule_input(self.request, self.name, now)
            self.script.schedules.create(self.name, text, *poll_event.schedule_dates(self.request, now))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def after_response(self, response, *, delivered):
        self.script.schedules.delete(self.name)


DONE = Response("SUCCESS", ID, "", {"hostname": "h"})
OPEN = Pending(ID, "x")


@pytest.fixture
def cloudformation():
    with MotoAws() as cloud, FakeCloudFormation(cloud.clock, cloud.schedules) as running:
        yield running


def test_a_schedule_fires_every_minute_until_the_answer(cloudformation):
    script = Script(cloudformation, OPEN, OPEN, OPEN, DONE)

    response = cloudformation.create("Redis", {"replicas": 1})

    assert response.ok
    assert (response.polls, response.seconds) == (3, 180.0)
    assert [request.is_poll for request in script.seen] == [False, True, True, True]
    assert cloudformation.armed() == []


def _late(cloud):
    return FakeCloudFormation(cloud.clock, cloud.schedules, lateness=lambda: 30.0)


def test_a_schedule_may_fire_late():
    with MotoAws() as cloud, _late(cloud) as cloudformation:
        Script(cloudformation, OPEN, DONE)

        assert cloudformation.create("Redis", {}).seconds == 90.0


def test_properties_arrive_as_strings_and_without_absent_ones(cloudformation):
    script = Script(cloudformation, DONE)

    cloudformation.create(
        "Redis", {"secure": True, "replicas": 0, "vpc": {"data": [1, None]}, "engine": None}
    )

    sent = dict(script.seen[0].properties)
    del sent["ServiceToken"]
    assert sent == {"secure": "true", "replicas": "0", "vpc": {"data": ["1"]}}
    assert stringify(sent) == sent


def test_a_failed_update_is_swapped_back(cloudformation):
    script = Script(cloudformation, DONE, Response("FAILED", ID, "no"), DONE)

    cloudformation.create("Redis", {"replicas": 0})
    cloudformation.update("Redis", {"replicas": 1})
    cloudformation.roll_back("Redis")

    swapped = script.seen[-1]
    assert (swapped.kind, swapped.physical_id) == ("Update", ID)
    assert (swapped.properties["replicas"], swapped.old_properties["replicas"]) == ("0", "1")


def test_a_failed_create_is_deleted_by_the_id_it_answered(cloudformation):
    script = Script(cloudformation, Response("FAILED", "none:abc", "no"), Response("SUCCESS", "none:abc"))

    cloudformation.create("Redis", {})
    cloudformation.roll_back("Redis")

    assert [(request.kind, request.physical_id) for request in script.seen] == [
        ("Create", None),
        ("Delete", "none:abc"),
    ]


def test_a_replaced_resource_is_deleted_with_its_old_id_and_properties(cloudformation):
    new = Response("SUCCESS", "shop-redis-zyxwvutsrq")
    script = Script(cloudformation, DONE, new, DONE)

    cloudformation.create("Redis", {"secure": True})
    cloudformation.update("Redis", {"secure": False})

    deleted = script.seen[-1]
    assert (deleted.kind, deleted.physical_id) == ("Delete", ID)
    assert deleted.properties["secure"] == "true"
    assert cloudformation.resources["Redis"].physical_id == "shop-redis-zyxwvutsrq"


def test_rolling_a_finished_replacement_back_deletes_the_new_one(cloudformation):
    script = Script(
        cloudformation, DONE, Response("SUCCESS", "shop-redis-zyxwvutsrq"), DONE, Response("SUCCESS", "")
    )

    cloudformation.create("Redis", {"secure": True})
    cloudformation.update("Redis", {"secure": False}, clean_up=False)
    script.outcomes[-1] = Response("SUCCESS", "shop-redis-zyxwvutsrq")
    cloudformation.roll_back("Redis")

    assert [request.physical_id for request in script.seen[2:]] == ["shop-redis-zyxwvutsrq"] * 2
    assert cloudformation.resources["Redis"].physical_id == ID


@pytest.mark.parametrize("polled", [True, False])
def test_a_killed_invocation_is_delivered_again_or_polled(cloudformation, polled):
    script = Script(cloudformation, KilledError(), DONE, polls=polled)

    response = cloudformation.create("Redis", {})

    assert response.ok
    assert len(script.seen) == 2
    assert script.seen[1].request_id == script.seen[0].request_id


def test_what_fails_three_times_goes_to_the_on_failure_destination():
    records = []
    with (
        MotoAws() as cloud,
        FakeCloudFormation(cloud.clock, cloud.schedules, failed=records.append) as cloudformation,
    ):
        script = Script(cloudformation, KilledError("out of memory"), polls=False)
        before = cloud.clock.now()

        with pytest.raises(HungError):
            cloudformation.create("Redis", {})

        assert len(script.seen) == 3
        assert cloud.clock.now() == before + 2 + 60 + 120
    (record,) = records
    assert record["requestPayload"]["RequestType"] == "Create"
    assert record["responsePayload"]["errorType"] == "KilledError"


def test_an_operation_that_never_ends_is_found(cloudformation):
    Script(cloudformation, OPEN)

    with pytest.raises(HungError):
        cloudformation.create("Redis", {"ServiceTimeout": 600})


def test_a_silent_operation_without_a_schedule_is_found(cloudformation):
    Script(cloudformation, OPEN, polls=False)

    with pytest.raises(HungError, match="nobody"):
        cloudformation.create("Redis", {})


def test_a_changed_id_on_delete_is_found(cloudformation):
    Script(cloudformation, DONE, Response("SUCCESS", "other"))
    cloudformation.create("Redis", {})

    with pytest.raises(AssertionError, match="changed"):
        cloudformation.delete("Redis")


def test_a_url_ends_after_two_hours(cloudformation):
    Script(cloudformation, OPEN)
    cloudformation.resources["Redis"] = StackResource()
    request = cloudformation.send("Create", "Redis")
    cloudformation.clock.advance(7201)

    with pytest.raises(delivery.RefusedError):
        cloudformation.put(request.event["ResponseURL"], b"{}")


EVENT = {
    "RequestType": "Update",
    "StackId": "s",
    "RequestId": "r",
    "LogicalResourceId": "Redis",
    "PhysicalResourceId": ID,
    "ResourceProperties": {},
}
SENT = {
    "Status": "FAILED",
    "Reason": "because",
    "PhysicalResourceId": ID,
    "StackId": "s",
    "RequestId": "r",
    "LogicalResourceId": "Redis",
    "NoEcho": True,
    "Data": {},
}


def violations(sent, first=None):
    request = SentRequest(EVENT, 0.0, [first] if first else [])
    return list(judge(request, json.dumps(sent).encode(), sent))


def test_a_right_response_meets_no_objection():
    assert violations(SENT) == []
    assert violations(SENT, first=SENT) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"StackId": "t"},
        {"RequestId": "q"},
        {"LogicalResourceId": ""},
        {"Status": "MAYBE"},
        {"Reason": ""},
        {"Reason": "x" * 241},
        {"Reason": "a\nb"},
        {"PhysicalResourceId": ""},
        {"PhysicalResourceId": None},
        {"PhysicalResourceId": "True"},
        {"PhysicalResourceId": "shop_Redis_1760FPLT"},
        {"PhysicalResourceId": "x" * 1025},
        {"PhysicalResourceId": "another"},
        {"NoEcho": False},
        {"Data": {"port": 6379}},
        {"Data": None},
        {"Data": {"artifact": "x" * 4096}},
    ],
    ids=range(17),
)
def test_every_wrong_response_is_found(wrong):
    assert violations({**SENT, **wrong})


@pytest.mark.parametrize("second", [{"Status": "SUCCESS"}, {"PhysicalResourceId": "another"}])
def test_a_second_response_that_differs_is_found(second):
    assert violations({**SENT, "Status": "SUCCESS", **second}, first={**SENT, "Status": "FAILED"})
