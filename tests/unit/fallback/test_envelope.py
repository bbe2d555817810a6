"""What counts as a failed request of CloudFormation, and where it may be answered."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.cloudformation.request import parse
from massdriver_redis.errors import EnvelopeError
from tests.harness.context import FUNCTION
from tests.harness.envelope import NOW, SIGNATURE, event
from tests.harness.fallback import RECIPIENT
from tests.harness.forgeries import FORGERIES, KEY
from tests.harness.inmemory_aws import InMemoryAws, client
from tests.harness.schedules import GROUP, ROLE_ARN

from .stage import app, envelope, poll, record, schedules


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        [],
        "text",
        {},
        {"requestPayload": None},
        record("text"),
        record({}),
        record(event(RequestType="Read")),
        record(event(StackId="shop")),
        record(event(RequestId="")),
        record(event(LogicalResourceId=7)),
        record(event(PhysicalResourceId=7)),
        record(event(ResponseURL="https://example.com/?X-Amz-Signature=1")),
        record({**poll(), "ScheduleName": None}),
        record({**poll(), "ScheduleName": "another"}),
        record({**poll(), "ScheduleName": "../x-1789999980-abcdefghijkl"}),
        record({**poll(), "ScheduleName": "x" * 41 + "-1789999980-abcdefghijkl"}),
    ],
    ids=range(17),
)
def test_garbage_is_ignored_without_a_call_or_an_answer(garbage):
    def never(*_):
        raise AssertionError("answered")

    assert app.handle(garbage, RECIPIENT, None, never, NOW) == {"status": "IGNORED"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([*sorted(poll("Update")), "requestContext", "responsePayload"]))
def test_no_json_makes_the_reader_fail_otherwise_than_by_refusing(value, key):
    payload = poll("Update")
    whole = record({**payload, key: value}) if key in payload else record(payload, **{key: value})

    with contextlib.suppress(envelope.RefusedError):
        envelope.read(value)
    with contextlib.suppress(envelope.RefusedError):
        failure = envelope.read(whole)
        failed = envelope.request_in(failure, failure.payload, RECIPIENT, NOW)
        assert isinstance(failed.physical_id, str)
        assert isinstance(failed.schedule_suffix, str)
        assert failed.cause


FURTHER = {
    "genuine": lambda genuine: genuine,
    "the extra host": lambda genuine: {**genuine, "ResponseURL": "https://localhost:4566/key"},
    "the extra host without https": lambda genuine: {**genuine, "ResponseURL": "http://localhost:4566/key"},
    "another port of the extra host": lambda genuine: {**genuine, "ResponseURL": "https://localhost:1/key"},
}


@pytest.mark.parametrize("host", ["", "localhost", "localhost:4566"])
@pytest.mark.parametrize("forgery", [*FURTHER, *FORGERIES])
def test_the_fallback_answers_exactly_what_the_function_does(forgery, host):
    sent = {**FURTHER, **FORGERIES}[forgery](event("Update"))
    recipient = replace(RECIPIENT, response_host=host)
    try:
        parse(sent, NOW, recipient=recipient)
        refused = ""
    except EnvelopeError as error:
        refused = str(error)
    urls = []

    def put(url, _body):
        urls.append(url)
        return 200

    with InMemoryAws():
        done = app.handle(record(sent), recipient, schedules.Schedules(client("scheduler"), GROUP), put, NOW)

    assert (done["status"], urls) == (("IGNORED", []) if refused else ("FAILED", [sent["ResponseURL"]]))


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_schedule_that_carries_a_forged_event_is_answered_nowhere(stage, forgery):
    genuine = poll(StartedAt=0)
    name = stage.arm(
        genuine,
        Target={
            "Arn": FUNCTION,
            "RoleArn": ROLE_ARN,
            "Input": json.dumps({**FORGERIES[forgery](event()), "StartedAt": 0}),
        },
    )

    assert stage.fail(genuine)["status"] == "IGNORED"
    assert stage.puts == []
    assert stage.armed == [name]


def test_a_refusal_is_logged_without_the_query_and_counted(stage, caplog, capsys):
    caplog.set_level("DEBUG")

    stage.fail(FORGERIES["somebody's bucket"](event()))

    (line,) = capsys.readouterr().out.splitlines()
    counted = json.loads(line)
    (metrics,) = counted["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("MassdriverRedis", [["service"]])
    assert (metrics["Metrics"][0]["Name"], counted["RefusedEvents"]) == ("RefusedEvents", 1)
    assert counted["_aws"]["Timestamp"] == NOW * 1000
    assert f"bucket in the stack's Region. https://evil.s3.amazonaws.com{KEY}" in caplog.text
    assert SIGNATURE not in caplog.text + line


def test_a_request_that_is_answered_or_left_is_not_counted(stage, capsys):
    stage.fail(event())
    stage.fail(poll())

    assert capsys.readouterr().out == ""
