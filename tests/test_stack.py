"""Whether the stack is on its way back, by what CloudFormation says of it."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from massdriver_redis import stack
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
    ("status", "back", "away"),
    [
        ("CREATE_IN_PROGRESS", False, False),
        ("CREATE_COMPLETE", False, False),
        ("UPDATE_IN_PROGRESS", False, False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False, False),
        ("UPDATE_COMPLETE", False, False),
        ("UPDATE_ROLLBACK_IN_PROGRESS", True, True),
        ("UPDATE_ROLLBACK_FAILED", True, True),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", False, True),
        ("ROLLBACK_IN_PROGRESS", True, True),
        ("ROLLBACK_COMPLETE", False, True),
        ("DELETE_IN_PROGRESS", False, True),
    ],
)
def test_the_stack_s_status_tells_whether_it_goes_back_or_away(wire, status, back, away):
    wire.before = saying(status)

    assert stack.rolling_back(STACK_ID) is back
    assert stack.going_away(STACK_ID) is away
    assert stack.being_deleted(STACK_ID) is status.startswith("DELETE")


def test_the_stack_is_asked_for_by_its_id_so_that_a_deleted_one_is_found_too(wire):
    wire.before = saying("DELETE_COMPLETE")

    stack.rolling_back(STACK_ID)

    assert [dict(call.params) for call in wire.calls] == [{"StackName": STACK_ID}]


@pytest.mark.parametrize(
    "error", [client_error("AccessDenied", status=403), EndpointConnectionError(endpoint_url="https://x")]
)
def test_where_the_status_is_denied_or_unknown_it_is_not_rolling_back_and_the_log_says_so(wire, error):
    def refuse(_call, _index):
        raise error

    wire.before = refuse
    with captured() as log:
        assert stack.rolling_back(STACK_ID) is False
        assert stack.going_away(STACK_ID) is False

    assert "taken as not rolling back" in log.getvalue()


def test_an_answer_without_a_stack_counts_as_unknown(wire):
    wire.before = lambda _call, _index: {"Stacks": []}

    assert stack.rolling_back(STACK_ID) is False
