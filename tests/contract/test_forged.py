"""Forged events through the handler: none gets a byte, none changes a thing; a genuine one is answered.

Whoever may invoke the function can send any of these. What makes each one wrong is in `harness/forgeries.py`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from massdriver_redis.cloudformation import genuine
from tests.harness.cloudformation import LAMBDA_TIMEOUT
from tests.harness.context import FUNCTION, Context
from tests.harness.envelope import NOW, SIGNATURE, bucket_in, event
from tests.harness.forgeries import FORGERIES, FORMS, KEY, REGIONS, stack_in
from tests.harness.schedules import GROUP, ROLE_ARN
from tests.harness.stack import StackUnderTest

ID = "shop-redis-abcdefghij"
SCHEDULE = f"{ID}-1789999980-aaaabbbbcccc"


class Provider:
    """The function on an AWS in memory, and what it PUT."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack = stack
        self.puts: list[tuple[str, dict[str, Any]]] = []
        stack.clock.advance(NOW - stack.clock.now())
        self._resource = stack._app.wire(stack.clock, self._put)

    def _put(self, url: str, body: bytes, **_: Any) -> None:
        self.puts.append((url, json.loads(body)))

    def take(self, sent: dict[str, Any], function: str = FUNCTION) -> dict[str, object]:
        context = Context(self.stack.clock, LAMBDA_TIMEOUT)
        context.invoked_function_arn = function
        summary: dict[str, object] = self._resource(json.loads(json.dumps(sent)), context)
        return summary

    @property
    def writes(self) -> list[str]:
        return [call.name for call in self.stack.recorder.calls if call.mutates]


@pytest.fixture(scope="module")
def shared():
    with StackUnderTest() as stack:
        yield Provider(stack)


@pytest.fixture
def provider(shared):
    shared.puts.clear()
    shared.stack.recorder.clear()
    return shared


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_event_gets_no_byte_and_makes_no_call(provider, kind, forgery):
    sent = FORGERIES[forgery](event(kind, ResourceProperties=provider.stack.properties()))

    assert provider.take(sent)["status"] == "REFUSED"

    assert provider.puts == []
    assert provider.stack.recorder.calls == []


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_event_in_a_schedule_gets_no_byte_and_changes_nothing(provider, forgery):
    poll = {"CrHelperPoll": True, "ScheduleName": SCHEDULE, "StartedAt": NOW - 60}
    text = json.dumps({**FORGERIES[forgery](event("Delete")), **poll})
    schedules = provider.stack.schedules
    schedules.CreateSchedule(
        Name=SCHEDULE,
        GroupName=GROUP,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": FUNCTION, "RoleArn": ROLE_ARN, "Input": text},
    )
    try:
        assert provider.take({**event(), **poll})["status"] == "REFUSED"
        assert schedules.names() == [SCHEDULE]
    finally:
        schedules.DeleteSchedule(GroupName=GROUP, Name=SCHEDULE)

    assert provider.puts == []
    assert provider.writes == []


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("mark", [True, False, "", None, 1, {}], ids=str)
@pytest.mark.parametrize("name", [SCHEDULE, "", None, "../default/other", f"{SCHEDULE}x" * 3], ids=str)
def test_a_poll_of_no_schedule_gets_no_byte_and_changes_nothing(provider, kind, mark, name):
    forged = {**event(kind), "CrHelperPoll": mark, "ScheduleName": name, "StartedAt": 0, "ArmedAt": 0}

    assert provider.take(forged)["status"] in ("IGNORED", "REFUSED")

    assert provider.puts == []
    assert provider.writes == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("partition", REGIONS)
def test_a_genuine_event_is_answered_in_every_partition_and_form_of_url(provider, partition, form):
    region = REGIONS[partition]
    bare = event(StackId=stack_in(partition, region))
    url = form.format(
        bucket=bucket_in(region),
        region=region,
        suffix=genuine.DNS_SUFFIXES[partition],
        key="/" + bare["ResponseURL"].rsplit("/", 1)[1],
    )
    function = FUNCTION.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", region)

    assert provider.take({**bare, "ResponseURL": url}, function)["status"] == "FAILED"  # it has no vpc

    [(answered, body)] = provider.puts
    assert answered == url
    assert body["StackId"] == bare["StackId"]


def test_a_refusal_is_logged_without_the_query_and_counted(provider, capsys, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "massdriver-redis")
    before = len(provider.stack.logs.getvalue())

    summary = provider.take(FORGERIES["somebody's bucket"](event()))

    logged = provider.stack.logs.getvalue()[before:]
    line = json.loads(logged)
    assert line["reason"] == summary["reason"]
    assert line["response_url"] == f"https://evil.s3.amazonaws.com{KEY}"
    counted = json.loads(capsys.readouterr().out.splitlines()[-1])
    (metrics,) = counted["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("MassdriverRedis", [["service"]])
    assert (counted["service"], counted["RefusedEvents"]) == ("massdriver-redis", [1.0])
    assert SIGNATURE not in logged + json.dumps([summary, counted])


def test_an_event_that_is_answered_is_not_counted(provider, capsys):
    provider.take(event())

    assert len(provider.puts) == 1
    assert "RefusedEvents" not in capsys.readouterr().out
