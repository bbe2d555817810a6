"""Which way the stack goes, by what CloudFormation says of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from massdriver_redis.aws.stack import Stack, read_stack
from massdriver_redis.errors import TransientError
from tests.harness.logs import captured
from tests.harness.moto_aws import MotoAws
from tests.harness.recorder import Recorder, client_error

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0"
CREATED = datetime(2026, 5, 1, 12, tzinfo=UTC)
THEN = CREATED.timestamp()
AN_HOUR = 3600.0


@pytest.fixture
def recorder():
    with MotoAws(), Recorder() as recorded:
        yield recorded


def saying(status, created=CREATED, updated=None):
    times = {"CreationTime": created, "LastUpdatedTime": updated}
    shown = {"StackStatus": status, **{key: time for key, time in times.items() if time}}
    return lambda call, _: {"Stacks": [shown]} if call.operation == "DescribeStacks" else None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        # rolling back, going away, being deleted, completed
        ("CREATE_IN_PROGRESS", (False, False, False, False)),
        ("CREATE_COMPLETE", (False, False, False, True)),
        ("UPDATE_IN_PROGRESS", (False, False, False, False)),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", (False, False, False, True)),
        ("UPDATE_COMPLETE", (False, False, False, True)),
        ("UPDATE_ROLLBACK_IN_PROGRESS", (True, True, False, False)),
        ("UPDATE_ROLLBACK_FAILED", (True, True, False, False)),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", (False, True, False, True)),
        ("ROLLBACK_IN_PROGRESS", (True, True, False, False)),
        ("ROLLBACK_COMPLETE", (False, True, False, True)),
        ("DELETE_IN_PROGRESS", (False, True, True, False)),
    ],
)
def test_the_stack_s_status_shows_which_way_it_goes(recorder, status, told):
    rolling_back, going_away, being_deleted, completed = told
    recorder.before = saying(status)

    stack = read_stack(STACK_ID)

    assert stack.rolling_back is rolling_back
    assert stack.going_away is going_away
    assert stack.being_deleted is being_deleted
    assert stack.is_past(THEN, now=THEN + AN_HOUR) is completed


@pytest.mark.parametrize(
    ("signed_at", "now", "over"),
    [
        (THEN + 5, THEN + 20, False),  # the status may be stale
        (THEN + 5, THEN + 200, True),
        (0.0, THEN + 200, False),  # unknown
        (THEN - AN_HOUR, THEN + 200, False),  # not an event of this stack's
        (THEN + AN_HOUR, THEN + 200, False),
    ],
)
def test_only_a_request_signed_minutes_ago_in_the_stack_s_own_life_is_over(recorder, signed_at, now, over):
    recorder.before = saying("CREATE_COMPLETE")

    assert read_stack(STACK_ID).is_past(signed_at, now) is over


@pytest.mark.parametrize(
    ("signed_at", "over"),
    [
        (THEN + 5, True),
        (THEN + AN_HOUR - 30, False),  # two clocks may differ
        (THEN + AN_HOUR + 5, False),
        (THEN - AN_HOUR, False),  # not an event of this stack's
        (0.0, False),  # unknown
    ],
)
def test_a_request_from_before_the_stack_s_present_update_is_over(recorder, signed_at, over):
    recorder.before = saying("UPDATE_IN_PROGRESS", updated=datetime.fromtimestamp(THEN + AN_HOUR, UTC))

    assert read_stack(STACK_ID).is_past(signed_at, now=THEN + AN_HOUR + 90) is over


def test_a_stack_without_a_known_age_proves_nothing(recorder):
    recorder.before = saying("CREATE_COMPLETE", created=None)

    assert read_stack(STACK_ID).is_past(THEN, now=THEN + AN_HOUR) is False


def test_the_stack_is_asked_for_by_its_id_so_that_a_deleted_one_is_found_too(recorder):
    recorder.before = saying("DELETE_COMPLETE")

    read_stack(STACK_ID)

    assert [dict(call.params) for call in recorder.calls] == [{"StackName": STACK_ID}]


@pytest.mark.parametrize(
    "error",
    [client_error("AccessDenied", status=403), EndpointConnectionError(endpoint_url="https://x")],
)
def test_where_the_status_is_denied_or_out_of_reach_it_is_unknown_and_the_log_says_so(recorder, error):
    def refuse(_call, _index):
        raise error

    recorder.before = refuse
    with captured() as log:
        assert read_stack(STACK_ID) == Stack()

    assert not Stack().rolling_back
    assert not Stack().going_away
    assert "taken as not rolling back" in log.getvalue()


@pytest.mark.parametrize("error", [client_error("Throttling"), ReadTimeoutError(endpoint_url="https://x")])
def test_where_cloudformation_can_not_answer_now_it_is_asked_again(recorder, error):
    def refuse(_call, _index):
        raise error

    recorder.before = refuse
    with pytest.raises(TransientError, match="cloudformation:DescribeStacks"):
        read_stack(STACK_ID)


def test_an_answer_without_a_stack_counts_as_unknown(recorder):
    recorder.before = lambda _call, _index: {"Stacks": []}

    assert read_stack(STACK_ID) == Stack()
