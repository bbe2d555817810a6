"""Which request may act: one that its stack is waiting for."""

from __future__ import annotations

import pytest

from massdriver_redis.planner.decision import Ignore, LoopState, Reject, Requeue
from massdriver_redis.planner.order import unexpected
from massdriver_redis.state.record import RequestVersion
from massdriver_redis.state.stack import MISSING, Stack
from tests.harness.cloudformation import AT_REST

NOW = 10_000.0

IN_PROGRESS = (
    "CREATE_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
)


def judged(status, armed_for, delivered_after=10.0):
    """Judge a request that was signed so many seconds before its delivery."""
    version = RequestVersion("a", NOW - armed_for - delivered_after)
    state = LoopState(preempted=False, drained=False, armed_for=armed_for)
    return unexpected(Stack(status), version, state, NOW)


@pytest.mark.parametrize("status", [*IN_PROGRESS, ""])
@pytest.mark.parametrize("armed_for", [0.0, 60.0, 3000.0])
def test_a_request_within_an_operation_of_its_stack_is_expected_and_so_is_one_of_an_unknown_stack(
    status, armed_for
):
    assert judged(status, armed_for) is None


@pytest.mark.parametrize("status", AT_REST)
def test_without_an_operation_in_progress_a_request_waits_for_a_second_look_and_is_then_rejected(status):
    assert isinstance(judged(status, 59.0), Requeue)
    rejected = judged(status, 60.0)

    assert isinstance(rejected, Reject)
    assert f"is {status}:" in rejected.reason
    assert "Nothing was changed" in rejected.reason


def test_a_stack_that_does_not_show_is_believed_to_be_missing_after_two_minutes():
    assert isinstance(judged(MISSING, 119.0), Requeue)
    rejected = judged(MISSING, 120.0)

    assert isinstance(rejected, Reject)
    assert "does not exist" in rejected.reason


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", MISSING])
def test_a_late_copy_ends_without_an_answer_for_its_own_was_given_long_ago(status):
    assert isinstance(judged(status, 60.0, delivered_after=121.0), Ignore | Requeue)
    assert isinstance(judged(status, 120.0, delivered_after=121.0), Ignore)
    assert isinstance(judged(status, 120.0, delivered_after=120.0), Reject)


def test_a_request_without_a_time_is_no_late_copy():
    state = LoopState(preempted=False, drained=False, armed_for=60.0)

    assert isinstance(unexpected(Stack("CREATE_COMPLETE"), RequestVersion("a"), state, NOW), Reject)
