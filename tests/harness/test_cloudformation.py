"""The in-process CloudFormation itself: it delivers as the real one does, and lets nothing wrong pass."""

from __future__ import annotations

import json

import pytest

from massdriver_redis import handler as helper
from massdriver_redis.aws.poll_rule import PollRule
from massdriver_redis.cloudformation import delivery as responder
from massdriver_redis.cloudformation.outcome import Answer, Pending

from .cloudformation import PREFIX, Driver, HungError, KilledError, Request, Resource, judge, stringify
from .context import FUNCTION
from .moto_aws import Cloud, client

RULE = f"{PREFIX}-shop-redis-abcdefghij"
ID = "shop-redis-abcdefghij"


class Script:
    """The work of each invocation in turn: an outcome, or an exception to raise; the last one repeats."""

    def __init__(self, driver, *turns, arms=True):
        self.turns = list(turns)
        self.arms = arms
        self.seen = []
        self.rule = PollRule(client("events"), RULE, FUNCTION)
        driver._app.resource = helper.PollingResource(
            self._begin, lambda *_: None, driver.clock, driver._receive
        )

    def _begin(self, request, _context):
        self.seen.append(request)
        return _Turn(self, request, self.turns.pop(0) if len(self.turns) > 1 else self.turns[0])


class _Turn:
    physical_id = ID
    armed = True

    def __init__(self, script, request, outcome):
        self.script, self.request, self.outcome = script, request, outcome

    def run(self):
        if self.script.arms and not self.request.is_poll:
            poll = {
                "RequestType": self.request.kind,
                "RequestId": self.request.request_id,
                "StackId": self.request.stack_id,
                "LogicalResourceId": self.request.logical_id,
                "ResponseURL": self.request.response_url,
                "PhysicalResourceId": ID,
                "CrHelperPoll": True,
            }
            self.script.rule.arm(poll)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def after_answer(self, answer, *, delivered=True):
        self.script.rule.disarm(self.request.request_id)


DONE = Answer("SUCCESS", ID, "", {"hostname": "h"})
OPEN = Pending(ID, "x")


@pytest.fixture
def driver():
    with Cloud() as cloud, Driver(cloud.clock) as running:
        yield running


def test_a_rule_fires_every_minute_until_the_answer(driver):
    script = Script(driver, OPEN, OPEN, OPEN, DONE)

    response = driver.create("Redis", {"replicas": 1})

    assert response.ok
    assert (response.polls, response.seconds) == (3, 180.0)
    assert [request.is_poll for request in script.seen] == [False, True, True, True]
    assert driver.armed() == []


def test_a_rule_may_fire_late():
    with Cloud() as cloud, Driver(cloud.clock, lateness=lambda: 30.0) as driver:
        Script(driver, OPEN, DONE)

        assert driver.create("Redis", {}).seconds == 90.0


def test_properties_arrive_as_strings_and_without_absent_ones(driver):
    script = Script(driver, DONE)

    driver.create("Redis", {"secure": True, "replicas": 0, "vpc": {"data": [1, None]}, "engine": None})

    sent = dict(script.seen[0].properties)
    del sent["ServiceToken"]
    assert sent == {"secure": "true", "replicas": "0", "vpc": {"data": ["1"]}}
    assert stringify(sent) == sent


def test_a_failed_update_is_swapped_back(driver):
    script = Script(driver, DONE, Answer("FAILED", ID, "no"), DONE)

    driver.create("Redis", {"replicas": 0})
    driver.update("Redis", {"replicas": 1})
    driver.roll_back("Redis")

    swapped = script.seen[-1]
    assert (swapped.kind, swapped.physical_id) == ("Update", ID)
    assert (swapped.properties["replicas"], swapped.old_properties["replicas"]) == ("0", "1")


def test_a_failed_create_is_deleted_by_the_id_it_answered(driver):
    script = Script(driver, Answer("FAILED", "none:abc", "no"), Answer("SUCCESS", "none:abc"))

    driver.create("Redis", {})
    driver.roll_back("Redis")

    assert [(request.kind, request.physical_id) for request in script.seen] == [
        ("Create", None),
        ("Delete", "none:abc"),
    ]


def test_a_replaced_resource_is_deleted_with_its_old_id_and_properties(driver):
    new = Answer("SUCCESS", "shop-redis-zyxwvutsrq")
    script = Script(driver, DONE, new, DONE)

    driver.create("Redis", {"secure": True})
    driver.update("Redis", {"secure": False})

    deleted = script.seen[-1]
    assert (deleted.kind, deleted.physical_id) == ("Delete", ID)
    assert deleted.properties["secure"] == "true"
    assert driver.resources["Redis"].physical_id == "shop-redis-zyxwvutsrq"


def test_rolling_a_finished_replacement_back_deletes_the_new_one(driver):
    script = Script(driver, DONE, Answer("SUCCESS", "shop-redis-zyxwvutsrq"), DONE, Answer("SUCCESS", ""))

    driver.create("Redis", {"secure": True})
    driver.update("Redis", {"secure": False}, clean_up=False)
    script.turns[-1] = Answer("SUCCESS", "shop-redis-zyxwvutsrq")
    driver.roll_back("Redis")

    assert [request.physical_id for request in script.seen[2:]] == ["shop-redis-zyxwvutsrq"] * 2
    assert driver.resources["Redis"].physical_id == ID


@pytest.mark.parametrize("rule", [True, False])
def test_a_killed_invocation_is_delivered_again_or_polled(driver, rule):
    script = Script(driver, KilledError(), DONE, arms=rule)

    response = driver.create("Redis", {})

    assert response.ok
    assert len(script.seen) == 2
    assert script.seen[1].request_id == script.seen[0].request_id


def test_what_fails_twice_goes_to_the_on_failure_destination():
    records = []
    with Cloud() as cloud, Driver(cloud.clock, failed=records.append) as driver:
        script = Script(driver, KilledError("out of memory"), arms=False)

        with pytest.raises(HungError):
            driver.create("Redis", {})

        assert len(script.seen) == 2
    (record,) = records
    assert record["requestPayload"]["RequestType"] == "Create"
    assert record["responsePayload"]["errorType"] == "KilledError"


def test_an_operation_that_never_ends_is_found(driver):
    Script(driver, OPEN)

    with pytest.raises(HungError):
        driver.create("Redis", {"ServiceTimeout": 600})


def test_a_silent_operation_without_a_rule_is_found(driver):
    Script(driver, OPEN, arms=False)

    with pytest.raises(HungError, match="nobody"):
        driver.create("Redis", {})


def test_a_changed_id_on_delete_is_found(driver):
    Script(driver, DONE, Answer("SUCCESS", "other"))
    driver.create("Redis", {})

    with pytest.raises(AssertionError, match="changed"):
        driver.delete("Redis")


def test_a_url_ends_after_two_hours(driver):
    Script(driver, OPEN)
    driver.resources["Redis"] = Resource()
    request = driver.send("Create", "Redis")
    driver.clock.advance(7201)

    with pytest.raises(responder.RefusedError):
        driver.put(request.event["ResponseURL"], b"{}")


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


def complaints(sent, first=None):
    request = Request(EVENT, 0.0, [first] if first else [])
    return list(judge(request, json.dumps(sent).encode(), sent))


def test_a_right_response_meets_no_complaint():
    assert complaints(SENT) == []
    assert complaints(SENT, first=SENT) == []


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
    assert complaints({**SENT, **wrong})


@pytest.mark.parametrize("second", [{"Status": "SUCCESS"}, {"PhysicalResourceId": "another"}])
def test_a_second_response_that_differs_is_found(second):
    assert complaints({**SENT, "Status": "SUCCESS", **second}, first={**SENT, "Status": "FAILED"})
