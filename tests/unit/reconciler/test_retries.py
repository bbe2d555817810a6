"""When a failing call is waited out, and when its failure ends the request."""

from __future__ import annotations

import pytest

from massdriver_redis.errors import (
    AccessDeniedError,
    NotUpdatableError,
    NotYetVisibleError,
    ResourceError,
    TransientError,
)
from massdriver_redis.planner.decision import Reject, Requeue
from massdriver_redis.reconciler.retries import FAILURES_BELIEVED, IAM_SPREADS, RETRY_WINDOW, RetryPolicy
from tests.harness.clock import SimulatedClock


@pytest.fixture
def clock():
    return SimulatedClock()


@pytest.fixture
def retries(clock):
    return RetryPolicy(clock.now(), clock)


def judged(retries, error, times):
    return [type(retries.judge(error)) for _ in range(times)]


def test_a_transient_failure_is_waited_out_as_long_as_the_request_lasts(retries, clock):
    clock.advance(3000)

    assert set(judged(retries, TransientError("ec2:DescribeSecurityGroups: Throttling"), 50)) == {Requeue}


def test_a_denial_is_believed_after_two_minutes_and_the_third_time_in_a_row(retries, clock):
    assert set(judged(retries, AccessDeniedError("denied"), 5)) == {Requeue}
    clock.advance(IAM_SPREADS + 1)
    assert judged(retries, AccessDeniedError("denied"), 1) == [Reject]


def test_a_denial_right_after_a_write_has_its_two_minutes_from_there(retries, clock):
    clock.advance(3000)
    retries.wrote()

    assert set(judged(retries, AccessDeniedError("denied"), 5)) == {Requeue}


def test_the_reason_of_a_denial_is_known_while_it_stands_in_the_way(retries):
    retries.judge(AccessDeniedError("ec2:CreateTags was denied"))
    assert retries.denial == "ec2:CreateTags was denied"
    retries.judge(TransientError("ec2:CreateTags: Throttling"))
    assert retries.denial == ""


def test_a_success_starts_the_count_again(retries, clock):
    clock.advance(IAM_SPREADS + 1)
    assert judged(retries, AccessDeniedError("denied"), FAILURES_BELIEVED - 1) == [Requeue, Requeue]
    retries.succeeded()

    assert judged(retries, AccessDeniedError("denied"), 3) == [Requeue, Requeue, Reject]


def test_a_missing_thing_is_waited_for_minutes_and_seen_missing_three_times(retries, clock):
    assert set(judged(retries, NotYetVisibleError("not found"), 5)) == {Requeue}
    clock.advance(RETRY_WINDOW + 1)

    assert judged(retries, NotYetVisibleError("not found"), 1) == [Reject]


def test_a_late_invocation_still_looks_three_times_for_a_missing_thing(clock):
    retries = RetryPolicy(clock.now() - 3000, clock)

    assert judged(retries, NotYetVisibleError("not found"), 3) == [Requeue, Requeue, Reject]


@pytest.mark.parametrize("kind", [ResourceError, NotUpdatableError])
def test_any_other_failure_ends_the_request_with_its_own_words(retries, kind):
    assert retries.judge(kind("node_type: AWS refused it")) == Reject("node_type: AWS refused it")


def test_the_trouble_is_known_by_name_until_calls_succeed(retries):
    assert retries.trouble == ""
    retries.judge(TransientError("ec2:CreateTags: Throttling"))
    assert retries.trouble == "retrying ec2:CreateTags: Throttling"
    retries.succeeded()
    assert retries.trouble == ""
