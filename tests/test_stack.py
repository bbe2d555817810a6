"""Whether the stack is on its way back, by what CloudFormation says of it."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from massdriver_redis import stack
from massdriver_redis.errors import BusyError
from tests.support.cloud import Cloud
from tests.support.logs import captured
from tests.support.wire import Wire, client_error

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0"


@pytest.fixture
def wire():
    with Cloud(), Wire() as recorded:
        yield recorded


def saying(status):
    return lambda call, _: (
        {"Stacks": [{"StackStatus": status}]} if call.operation == "DescribeStacks" else None
    )


@pytest.mark.parametrize(
    ("status", "back", "creates", "updates"),
    [
        ("CREATE_IN_PROGRESS", False, "yes", "yes"),
        ("CREATE_COMPLETE", False, "unless late", "unless late"),
        ("UPDATE_IN_PROGRESS", False, "yes", "yes"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False, "unless late", "unless late"),
        ("UPDATE_COMPLETE", False, "unless late", "unless late"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", True, "no", "yes"),
        ("UPDATE_ROLLBACK_FAILED", True, "no", "yes"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", False, "no", "unless late"),
        ("ROLLBACK_IN_PROGRESS", True, "no", "yes"),
        ("ROLLBACK_COMPLETE", False, "no", "unless late"),
        ("DELETE_IN_PROGRESS", False, "no", "no"),
    ],
)
def test_the_stack_s_status_tells_which_way_it_goes_and_what_it_still_does(
    wire, status, back, creates, updates
):
    wire.before = saying(status)

    assert stack.rolling_back(STACK_ID) is back
    for late in (False, True):
        expected = {"yes": False, "no": True, "unless late": late}
        assert stack.creates_no_more(STACK_ID, late=late) is expected[creates]
        assert stack.updates_no_more(STACK_ID, late=late) is expected[updates]


def test_the_stack_is_asked_for_by_its_id_so_that_a_deleted_one_is_found_too(wire):
    wire.before = saying("DELETE_COMPLETE")

    stack.rolling_back(STACK_ID)

    assert [dict(call.params) for call in wire.calls] == [{"StackName": STACK_ID}]


def test_where_the_status_is_denied_it_is_not_rolling_back_and_the_log_says_so(wire):
    def refuse(_call, _index):
        raise client_error("AccessDenied", status=403)

    wire.before = refuse
    with captured() as log:
        assert stack.rolling_back(STACK_ID) is False
        assert stack.creates_no_more(STACK_ID, late=True) is False

    assert "taken as not rolling back" in log.getvalue()


@pytest.mark.parametrize(
    "error", [client_error("Throttling"), EndpointConnectionError(endpoint_url="https://x")]
)
def test_where_cloudformation_can_not_answer_now_it_is_asked_again(wire, error):
    def refuse(_call, _index):
        raise error

    wire.before = refuse
    for ask in (
        lambda: stack.rolling_back(STACK_ID),
        lambda: stack.creates_no_more(STACK_ID, late=False),
        lambda: stack.updates_no_more(STACK_ID, late=False),
    ):
        with pytest.raises(BusyError, match="cloudformation:DescribeStacks"):
            ask()


def test_an_answer_without_a_stack_counts_as_unknown(wire):
    wire.before = lambda _call, _index: {"Stacks": []}

    assert stack.rolling_back(STACK_ID) is False
