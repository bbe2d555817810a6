"""Which way the stack goes, by what CloudFormation says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from massdriver_redis.aws.stack import read_stack
from massdriver_redis.errors import TransientError
from massdriver_redis.state.record import RequestVersion
from massdriver_redis.state.stack import MISSING, Stack
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
        # rolling back, going away, being deleted, an operation in progress
        ("REVIEW_IN_PROGRESS", (False, False, False, False)),
        ("CREATE_IN_PROGRESS", (False, False, False, True)),
        ("CREATE_COMPLETE", (False, False, False, False)),
        ("CREATE_FAILED", (False, False, False, False)),
        ("IMPORT_IN_PROGRESS", (False, False, False, True)),
        ("IMPORT_ROLLBACK_IN_PROGRESS", (False, False, False, True)),
        ("UPDATE_IN_PROGRESS", (False, False, False, True)),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", (False, False, False, True)),
        ("UPDATE_COMPLETE", (False, False, False, False)),
        ("UPDATE_ROLLBACK_IN_PROGRESS", (True, True, False, True)),
        ("UPDATE_ROLLBACK_FAILED", (True, True, False, False)),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", (False, True, False, True)),
        ("UPDATE_ROLLBACK_COMPLETE", (False, True, False, False)),
        ("ROLLBACK_IN_PROGRESS", (True, True, False, True)),
        ("ROLLBACK_COMPLETE", (False, True, False, False)),
        ("DELETE_IN_PROGRESS", (False, True, True, True)),
        ("DELETE_FAILED", (False, True, True, False)),
        ("DELETE_COMPLETE", (False, True, True, False)),
    ],
)
def test_the_stack_s_status_shows_which_way_it_goes(recorder, status, told):
    recorder.before = saying(status)

    stack = read_stack(STACK_ID)

    assert (stack.rolling_back, stack.going_away, stack.being_deleted, stack.operating) == told


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

    assert read_stack(STACK_ID).is_past(RequestVersion("a", signed_at)) is over


@pytest.mark.parametrize("created", [CREATED, None])
def test_of_a_stack_that_was_never_updated_no_request_is_over(recorder, created):
    recorder.before = saying("CREATE_COMPLETE", created=created)

    assert not read_stack(STACK_ID).is_past(RequestVersion("a", THEN + 5))


@pytest.mark.parametrize(
    ("status", "updated", "signed_at", "reverted"),
    [
        ("ROLLBACK_IN_PROGRESS", None, THEN, True),  # signed within the second in which the stack began
        ("ROLLBACK_IN_PROGRESS", None, THEN - 1, False),
        ("CREATE_IN_PROGRESS", None, THEN + 5, False),
        ("UPDATE_ROLLBACK_IN_PROGRESS", AN_HOUR, THEN + 5, False),
        ("UPDATE_ROLLBACK_IN_PROGRESS", AN_HOUR, THEN + AN_HOUR + 5, True),
        ("DELETE_IN_PROGRESS", AN_HOUR, THEN + AN_HOUR + 5, True),
        ("DELETE_IN_PROGRESS", AN_HOUR, 0.0, False),
    ],
)
def test_a_rollback_reverts_what_was_requested_since_the_operation_began(
    recorder, status, updated, signed_at, reverted
):
    half_a_second = timedelta(seconds=0.5)
    began = updated and datetime.fromtimestamp(THEN + updated, UTC) + half_a_second
    recorder.before = saying(status, created=CREATED + half_a_second, updated=began)

    assert read_stack(STACK_ID).reverts(RequestVersion("a", signed_at)) is reverted


def test_a_stack_that_does_not_exist_is_missing_and_not_unknown(recorder):
    def refuse(_call, _index):
        raise client_error("ValidationError", f"Stack with id {STACK_ID} does not exist")

    recorder.before = refuse

    assert read_stack(STACK_ID).status == MISSING
    assert not read_stack(STACK_ID).operating


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

    assert Stack().operating
    assert not Stack().rolling_back
    assert not Stack().going_away
    assert "taken as in progress and not rolling back" in log.getvalue()


@pytest.mark.parametrize(
    "error", [client_error("Throttling"), ReadTimeoutError(endpoint_url="https://x"), ValueError("damaged")]
)
def test_where_cloudformation_can_not_answer_now_it_is_asked_again(recorder, error):
    def refuse(_call, _index):
        raise error

    recorder.before = refuse
    with pytest.raises(TransientError, match="cloudformation:DescribeStacks"):
        read_stack(STACK_ID)


def test_an_answer_without_a_stack_counts_as_unknown(recorder):
    recorder.before = lambda _call, _index: {"Stacks": []}

    assert read_stack(STACK_ID) == Stack()
