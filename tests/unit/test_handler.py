"""crhelper, subclassed: one test or more for each way crhelper 2.0.12 hurts, and for who answers when."""

from __future__ import annotations

import inspect
import io
import json
import logging
import os
import threading
from contextlib import contextmanager

import boto3
import crhelper.resource_helper
import pytest
from crhelper import CfnResource
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis import handler as helper
from massdriver_redis import log
from massdriver_redis.cloudformation.delivery import RefusedError, UnreachableError
from massdriver_redis.cloudformation.genuine import Recipient
from massdriver_redis.cloudformation.outcome import Ignored, Pending, Response
from massdriver_redis.errors import (
    AccessDeniedError,
    InvalidRequestError,
    NotUpdatableError,
    ResourceError,
)
from massdriver_redis.handler import PollingResource, UndeliveredError
from massdriver_redis.state.naming import is_nothing_made, is_ours
from tests.harness.clock import SimulatedClock
from tests.harness.context import Context
from tests.harness.envelope import NOW, RESPONSE_URL, SIGNATURE, event
from tests.harness.logs import captured

ID = "shop-redis-abcdefghij"
SCHEDULE = f"{ID}-1789999980-aaaabbbbcccc"
KINDS = ["Create", "Update", "Delete"]
SUCCESS = Response("SUCCESS", ID, "", {"hostname": "h"})


def poll(kind="Create", **changes):
    """Return the event of a poll, as its schedule carries it."""
    return event(kind, CrHelperPoll=True, ScheduleName=SCHEDULE, StartedAt=NOW - 60, **changes)


class Work:
    """Work that ends as told; creates its schedule first if told to."""

    def __init__(self, bed, request):
        self.physical_id = bed.physical_id
        self.polling = request.is_poll
        self._bed = bed

    def run(self):
        bed = self._bed
        if bed.arms:
            self.polling = bed.schedule = True
        if isinstance(bed.outcome, Exception):
            raise bed.outcome
        return bed.outcome

    def after_response(self, response, *, delivered):
        self._bed.story.append(("recorded" if delivered else "lost", response.status))
        if self._bed.after_response_error:
            raise self._bed.after_response_error
        self._bed.schedule = False


class Bed:
    """A resource with its surroundings: what `outcome` the work has, what the PUT does, what happened."""

    def __init__(self):
        self.clock = SimulatedClock(NOW)
        self.outcome = SUCCESS
        self.physical_id = ID
        self.arms = True
        self.begin_error = None
        self.put_error = None
        self.after_response_error = None
        self.schedule = False  # whether there is one
        self.carried_event = None
        self.bodies = []
        self.urls = []
        self.untils = []
        self.story = []
        self.reads = []
        self.resource = PollingResource(self, self.clock, self._put, Recipient.from_environment(os.environ))

    def begin(self, request, _context):
        if self.begin_error:
            raise self.begin_error
        return Work(self, request)

    def carried(self, schedule, _context):
        self.reads.append(schedule)
        if isinstance(self.carried_event, Exception):
            raise self.carried_event
        return self.carried_event

    def stop_polling(self, request, _context):
        self.story.append(("stopped", request.schedule_name))
        self.schedule = False

    def _put(self, url, body, *, until, clock):
        self.story.append(("put", json.loads(body)["Status"]))
        if self.put_error:
            raise self.put_error
        self.urls.append(url)
        self.untils.append(until - clock.now())
        self.bodies.append(json.loads(body))

    def send(self, sent=None, seconds=60.0):
        return self.resource(event() if sent is None else sent, Context(self.clock, seconds))

    def poll(self, kind="Create"):
        self.carried_event = poll(kind, PhysicalResourceId=ID)
        return self.send(poll(kind))

    @property
    def response(self):
        (body,) = self.bodies
        return body


@pytest.fixture
def bed(monkeypatch):
    monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    yield Bed()
    log.forget()


@pytest.fixture
def logs():
    with captured() as stream:
        yield stream.getvalue


@contextmanager
def lambda_s_own_handler():
    """Yield what the runtime's handler on the root logger prints with the function's log level at DEBUG."""
    root = logging.getLogger()
    level, stream = root.level, io.StringIO()
    handler = logging.StreamHandler(stream)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


# Who answers when


@pytest.mark.parametrize("kind", KINDS)
def test_open_work_sends_nothing_and_leaves_the_schedule(bed, kind):
    bed.outcome = Pending(ID, "the group to be available")

    summary = bed.send(event(kind))

    assert bed.story == []
    assert bed.schedule
    assert summary == {
        "status": "PENDING",
        "physical_resource_id": ID,
        "reason": "the group to be available",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_work_done_in_the_first_invocation_answers_at_once_then_stops_polling(bed, kind):
    bed.send(event(kind))

    assert bed.story == [("put", "SUCCESS"), ("recorded", "SUCCESS")]
    assert not bed.schedule


@pytest.mark.parametrize("kind", KINDS)
def test_a_poll_answers_as_the_first_event_would(bed, kind):
    bed.outcome = Pending(ID, "x")
    bed.send(event(kind))
    bed.poll(kind)
    assert bed.story == []

    bed.outcome = SUCCESS
    bed.poll(kind)

    assert bed.story == [("put", "SUCCESS"), ("recorded", "SUCCESS")]
    assert bed.urls == [RESPONSE_URL]


@pytest.mark.parametrize("poll", [False, True])
def test_a_stale_event_does_nothing_and_sends_nothing(bed, poll):
    bed.outcome = Ignored("a newer request was accepted")

    summary = bed.poll() if poll else bed.send()

    assert bed.story == []
    assert summary["status"] == "IGNORED"


def test_a_raise_while_polling_ends_in_one_failed_and_no_schedule(bed):
    bed.outcome = RuntimeError("boom")

    bed.send()

    assert bed.story == [("put", "FAILED"), ("recorded", "FAILED")]
    assert not bed.schedule


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [NotUpdatableError("secure: can't change."), KeyError("x"), MemoryError()])
def test_every_failure_carries_the_id_of_the_work(bed, kind, error):
    bed.outcome = error

    summary = bed.send(event(kind))

    assert bed.response["Status"] == summary["status"] == "FAILED"
    assert bed.response["PhysicalResourceId"] == ID
    assert bed.response["Reason"]


def test_a_failure_of_ours_is_told_in_its_own_words_and_another_names_its_type(bed):
    bed.outcome = ResourceError("node_type: not one of these.")
    bed.send()
    bed.outcome = KeyError("Members")
    bed.send()

    ours, other = (body["Reason"] for body in bed.bodies)
    assert ours == "node_type: not one of these."
    assert other.startswith("Internal error, KeyError")


def test_work_that_can_not_even_begin_fails_with_the_event_s_id(bed):
    bed.begin_error = AccessDeniedError("The role could not be assumed.")

    bed.send(event("Update"))

    assert bed.response["PhysicalResourceId"] == event("Update")["PhysicalResourceId"]


@pytest.mark.parametrize(
    ("error", "nothing_made"),
    [(InvalidRequestError("node_type: required"), True), (RuntimeError("no region"), False)],
    ids=["broken properties", "anything else"],
)
def test_a_create_that_can_not_even_begin_says_nothing_was_made_only_where_that_is_known(
    bed, error, nothing_made
):
    bed.begin_error = error

    bed.send()
    bed.send()

    first, second = (body["PhysicalResourceId"] for body in bed.bodies)
    assert is_nothing_made(first) is nothing_made
    assert not is_ours(first)
    assert first == second


def test_open_work_for_which_no_poll_comes_is_handed_back_to_lambda(bed):
    bed.arms = False
    bed.outcome = Pending(ID, "retrying scheduler:CreateSchedule: ThrottlingException")

    with pytest.raises(UndeliveredError):
        bed.send()

    assert bed.story == []


# Polls


def test_a_poll_acts_on_what_its_schedule_carries_and_never_on_its_own_words(bed):
    bed.carried_event = poll("Update")
    forged = poll("Delete", RequestId="forged", ResponseURL="https://attacker.example.com/")

    bed.send(forged)

    assert bed.reads == [SCHEDULE]
    assert bed.urls == [RESPONSE_URL]
    assert bed.response["RequestId"] == event()["RequestId"]


def test_a_poll_without_a_schedule_is_ignored_without_a_write(bed):
    bed.carried_event = None

    assert bed.send(poll())["status"] == "IGNORED"
    assert bed.story == []


def test_a_poll_whose_schedule_can_not_be_read_is_handed_back_to_lambda(bed):
    bed.carried_event = AccessDeniedError("scheduler:GetSchedule was denied")

    with pytest.raises(AccessDeniedError):
        bed.send(poll())

    assert bed.story == []


def test_a_poll_that_comes_minutes_late_returns_at_once(bed):
    bed.carried_event = poll()

    assert bed.send(poll(ScheduledTime="2026-09-21T13:51:00Z"))["status"] == "IGNORED"
    assert (bed.story, bed.reads) == ([], [])


def test_a_poll_that_names_no_schedule_of_ours_is_refused(bed):
    unnamed = event(CrHelperPoll=True, ScheduleName="../default/x")

    assert bed.send(unnamed)["status"] == "REFUSED"
    assert (bed.story, bed.reads) == ([], [])


def test_a_schedule_that_carries_no_request_is_answered_nowhere(bed):
    bed.carried_event = {"CrHelperPoll": True}

    assert bed.send(poll())["status"] == "REFUSED"
    assert bed.story == []


def test_the_response_is_sent_before_it_is_recorded_so_that_a_crash_repeats_it(bed):
    class KilledError(BaseException):
        pass

    bed.after_response_error = KilledError()
    with pytest.raises(KilledError):
        bed.poll()
    bed.after_response_error = None

    bed.poll()

    assert bed.bodies[0] == bed.bodies[1]


def test_a_record_that_fails_does_not_change_the_answer(bed):
    bed.after_response_error = RuntimeError("throttled")

    summary = bed.send()

    assert summary["status"] == "SUCCESS"
    assert [body["Status"] for body in bed.bodies] == ["SUCCESS"]


def test_an_expired_url_is_the_end_of_the_request(bed, logs):
    bed.put_error = RefusedError("the response was refused with HTTP status 403")

    bed.poll()

    assert bed.story[-1] == ("lost", "SUCCESS")
    assert not bed.schedule
    assert "403" in logs()


def test_a_response_that_meets_no_server_is_left_to_the_next_poll(bed):
    bed.put_error = UnreachableError("the response could not be delivered: TimeoutError")

    bed.send()
    bed.poll()

    assert bed.schedule
    assert ("recorded", "SUCCESS") not in bed.story


def test_a_response_that_meets_no_server_and_has_no_poll_makes_lambda_deliver_again(bed):
    bed.arms = False
    bed.put_error = UnreachableError("the response could not be delivered: TimeoutError")

    with pytest.raises(UndeliveredError) as failure:
        bed.send()

    assert failure.value.__context__ is None
    bed.put_error = None
    bed.send()
    assert bed.response["Status"] == "SUCCESS"


def test_a_poll_that_can_not_even_begin_fails_with_its_id_and_leaves_no_schedule(bed):
    bed.outcome = Pending(ID, "x")
    bed.send()
    bed.begin_error = ResourceError("node_type: a newer provider doesn't take it.")

    bed.poll()

    assert bed.response["PhysicalResourceId"] == ID
    assert bed.story[-1] == ("stopped", SCHEDULE)
    assert not bed.schedule


def test_a_first_event_that_can_not_even_begin_touches_no_schedule(bed):
    bed.begin_error = ResourceError("node_type: missing.")

    bed.send(event("Update"))

    assert bed.story == [("put", "FAILED")]


def test_the_put_ends_in_time_to_record_the_answer(bed):
    bed.send(seconds=30.0)

    assert bed.untils == [25.0]


# The rows of crhelper's behaviour


@pytest.mark.parametrize("kind", KINDS)
def test_row_1_no_poll_ever_makes_up_an_id(bed, kind):
    bed.poll(kind)

    assert bed.response["PhysicalResourceId"] == ID
    assert bed.resource.PhysicalResourceId == ID


@pytest.mark.parametrize("made_up", [None, "", True])
@pytest.mark.parametrize("kind", KINDS)
def test_row_1_and_22_an_answer_without_an_id_takes_the_work_s(bed, kind, made_up):
    bed.outcome = Response("SUCCESS", made_up)

    bed.poll(kind)

    assert bed.response["PhysicalResourceId"] == ID


@pytest.mark.parametrize("kind", KINDS)
def test_row_2_a_poll_that_raises_keeps_the_id(bed, kind):
    bed.outcome = RuntimeError("boom")

    bed.poll(kind)

    assert bed.response["PhysicalResourceId"] == ID


def test_row_3_a_poll_starts_from_the_event_and_from_no_earlier_data(bed):
    bed.send({**event(), "CrHelperData": {"password": "of another poll"}})

    assert bed.response["Data"] == {"hostname": "h"}


def test_row_4_to_8_no_rule_target_or_permission_is_made_by_crhelper(bed, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("crhelper made a client")

    monkeypatch.setattr(boto3, "client", forbidden)
    resource = Bed()

    resource.outcome = Pending(ID, "x")
    resource.send()
    resource.poll()

    for client in ("_lambda_client", "_events_client", "_logs_client"):
        assert not hasattr(resource.resource, client)
    assert resource.resource._put_rule() is None
    assert resource.resource._put_targets("provider") is None
    assert resource.resource._add_permission("arn") is None
    assert resource.resource._remove_permission("sid") is None
    assert resource.resource._remove_polling() is None


def test_row_9_a_rule_that_can_not_be_removed_does_not_fail_a_ready_cluster(bed):
    bed.after_response_error = ResourceError("remove_targets was throttled")

    bed.poll()

    assert bed.response["Status"] == "SUCCESS"


def test_row_10_no_timer_answers_failed_while_aws_is_at_work(bed):
    bed.outcome = Pending(ID, "x")
    before = threading.active_count()

    bed.send(seconds=0.6)
    bed.resource._timeout()

    assert bed.resource._timer is None
    assert threading.active_count() == before
    assert bed.bodies == []


def test_row_12_the_head_of_a_long_reason_is_kept(bed):
    bed.outcome = ResourceError("redis_version: 3.2 can't be created. " + "detail " * 80)

    bed.send()

    assert bed.response["Reason"].startswith("redis_version: 3.2 can't be created.")
    assert len(bed.response["Reason"]) <= 240


def test_a_reason_is_one_printable_line(bed):
    bed.outcome = ResourceError("tags:\x00 a\x1b[31m\nkey\ud800\u2028 is refused")

    bed.send()

    assert bed.response["Reason"] == "tags: a [31m key is refused"


def test_a_failure_without_words_points_to_the_log(bed):
    bed.outcome = ResourceError("")

    bed.send()

    assert "log group" in bed.response["Reason"]


def test_row_13_and_14_crhelper_s_own_sender_is_never_used(bed, monkeypatch):
    def forbidden(*_):
        raise AssertionError("crhelper sent")

    monkeypatch.setattr(crhelper.resource_helper, "_send_response", forbidden)
    monkeypatch.setattr("crhelper.utils._send_response", forbidden)

    bed.send()
    bed.resource._send("FAILED", "an exception within crhelper")

    assert [body["Status"] for body in bed.bodies] == ["SUCCESS", "FAILED"]


def test_row_15_data_is_json_and_all_strings_whatever_it_was(bed):
    bed.outcome = Response("SUCCESS", ID, "", {"port": 6379, "made": NOW, "ids": {"a"}})

    bed.send()

    assert bed.response["RequestId"] == event()["RequestId"]
    assert all(isinstance(value, str) for value in bed.response["Data"].values())


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
def test_row_16_every_response_is_no_echo_whatever_an_earlier_one_was(bed, status):
    bed.resource.NoEcho = False
    bed.outcome = Response(status, ID, "because")

    bed.send()

    assert bed.response["NoEcho"] is True


@pytest.mark.parametrize(
    "malformed",
    [None, [], {}, {"source": "aws.events"}, event(RequestType="Read"), event(StackId=None)],
    ids=["null", "list", "empty", "another-source", "odd-type", "no-stack"],
)
def test_row_17_a_malformed_event_on_a_warm_container_answers_nobody(bed, logs, malformed):
    bed.outcome = Pending(ID, "x")
    bed.send()

    summary = bed.resource(malformed, Context(bed.clock))

    assert bed.bodies == []
    assert summary["status"] == "REFUSED"
    assert "refused" in logs().splitlines()[-1]


def test_row_17_an_event_with_a_foreign_url_is_answered_nowhere(bed):
    summary = bed.send(event(ResponseURL="https://example.com/?X-Amz-Signature=abc"))

    assert bed.urls == []
    assert summary["status"] == "REFUSED"


def test_row_18_on_a_developer_s_machine_the_response_is_shown_and_not_sent(monkeypatch):
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    bed = Bed()
    bed.outcome = Response(
        "SUCCESS", ID, "", {"password": "p4ss", "artifact": '{"p":"p4ss"}', "port": "6379"}
    )

    summary = bed.send()

    assert bed.story == [("recorded", "SUCCESS")]
    assert not bed.schedule
    assert summary["response"]["Data"] == {"password": "***", "artifact": "***", "port": "6379"}
    assert "p4ss" not in json.dumps(summary)


def test_row_18_a_refusal_is_shown_on_a_developer_s_machine_too(monkeypatch):
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    bed = Bed()
    bed.outcome = ResourceError("node_type: missing.")

    assert bed.send()["response"]["Reason"] == "node_type: missing."


def test_row_19_a_doubled_event_gives_the_same_response_twice(bed):
    bed.send()
    bed.send()

    assert bed.bodies[0] == bed.bodies[1]


def test_row_20_a_delete_answers_without_a_pause(bed):
    bed.send(event("Delete"), seconds=900)

    assert bed.clock.now() == NOW
    assert bed.resource._sleep_on_delete == 0


def test_row_20_nothing_secret_is_logged_at_any_level_of_lambda(bed, logs):
    secret = {"aws_authentication": {"data": {"external_id": "external-id-0815"}}}
    with lambda_s_own_handler() as printed:
        for outcome in (SUCCESS, Pending(ID, "x"), ValueError(f"{RESPONSE_URL} external-id-0815")):
            bed.outcome = outcome
            bed.send(event(ResourceProperties=secret))

    for text in (logs(), printed.getvalue(), json.dumps(bed.bodies)):
        assert SIGNATURE not in text
        assert "external-id-0815" not in text
    assert "Request failed unexpectedly" in logs()


def test_row_21_a_poll_comes_every_minute(bed):
    assert bed.resource._polling_interval == 1


def test_row_23_an_init_failure_of_crhelper_still_carries_an_id(bed):
    bed.resource.init_failure(RuntimeError("no region"))

    bed.send(event("Update"))

    assert bed.response["Status"] == "FAILED"
    assert bed.response["PhysicalResourceId"] == event("Update")["PhysicalResourceId"]


def test_an_exception_within_crhelper_fails_with_the_work_s_id(bed, monkeypatch):
    def broken(_event):
        raise RuntimeError("within crhelper")

    monkeypatch.setattr(bed.resource, "_polling_init", broken)

    bed.send()

    assert bed.response["Status"] == "FAILED"
    assert bed.response["PhysicalResourceId"] == ID
    assert bed.response["Data"] == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_is_no_event_of_cloudformation_is_answered_nowhere(value):
    bed = Bed()

    assert bed.resource(value, Context(bed.clock))["status"] == "REFUSED"
    assert bed.urls == []


@given(st.sampled_from([*sorted(event("Update")), "CrHelperPoll", "CrHelperData", "StartedAt"]), JSON)
def test_an_event_with_one_odd_value_is_answered_at_its_own_url_or_nowhere(key, value):
    bed = Bed()
    sent = {**event("Update"), key: value}

    summary = bed.resource(sent, Context(bed.clock))

    nowhere = summary["status"] == "REFUSED" or key == "CrHelperPoll"
    assert bed.urls == ([] if nowhere else [sent["ResponseURL"]])
    assert all(body["PhysicalResourceId"] == ID for body in bed.bodies)


# The contract between this subclass and the pinned crhelper


def test_every_attribute_that_crhelper_sets_is_set_here_but_for_its_clients(bed, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    level = logging.getLogger().level
    stock = set(vars(CfnResource()))
    logging.getLogger().setLevel(level)

    assert stock - {"_lambda_client", "_events_client", "_logs_client"} <= set(vars(bed.resource))


def test_every_override_still_has_something_to_override():
    own = [
        name
        for name, value in vars(PollingResource).items()
        if inspect.isfunction(value) and hasattr(CfnResource, name)
    ]

    assert {"__call__", "_send", "_cfn_response", "_polling_init", "_set_timeout", "_timeout"} <= set(own)
    for name in own:
        if name not in {"__init__", "__call__"}:
            stock = inspect.signature(getattr(CfnResource, name)).parameters
            assert list(inspect.signature(getattr(PollingResource, name)).parameters) == list(stock)


def test_the_summary_of_an_answer_shows_no_attribute(bed):
    bed.outcome = Response("SUCCESS", ID, "", {"password": "p4ss"})

    assert "p4ss" not in json.dumps(bed.send())
    assert helper._RESERVE > 0
