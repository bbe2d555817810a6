"""Who may act: requests of one resource meet by their schedules, and the newest one takes over."""

from __future__ import annotations

import pytest
from botocore.exceptions import ReadTimeoutError

from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.aws.session import SLOWEST_CALL
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.errors import AccessDeniedError, TransientError
from massdriver_redis.planner.decision import Ignore, Requeue
from massdriver_redis.reconciler.lease import DRAIN_TIME, MAX_OBSERVATION_AGE, Lease
from tests.harness.context import FUNCTION
from tests.harness.envelope import event, response_url
from tests.harness.inmemory_aws import InMemoryAws, client
from tests.harness.recorder import Recorder, client_error
from tests.harness.schedules import GROUP, ROLE_ARN

ID = "shop-redis-abcdefghij"
SIGNED_IN_ORDER = ("20260701T000000Z", "20260701T000005Z")


@pytest.fixture
def aws():
    with InMemoryAws() as made:
        yield made


@pytest.fixture
def lease_of(aws):
    schedules = PollSchedules(client("scheduler"), GROUP, FUNCTION, ROLE_ARN, aws.clock.sleep)

    def make(request_id="one", signed="", resource_id=ID, **changes):
        url = response_url(request_id=request_id, query=f"X-Amz-Date={signed}" if signed else "")
        made = event("Update", **{"RequestId": request_id, "ResponseURL": url, **changes})
        request = parse(made, aws.clock.now())
        return Lease(schedules, request, resource_id, aws.clock)

    return make


def refusing(operation, code="AccessDeniedException"):
    def before(call, _index):
        if call.operation == operation:
            raise client_error(code, operation=operation)

    return before


def test_a_request_alone_holds_its_lease_at_once(lease_of, aws):
    lease = lease_of()
    assert not lease.held

    assert lease.acquire() is None

    assert lease.held
    assert len(aws.schedules.names()) == 1
    assert lease.stop_older() is None
    assert not lease.state().preempted


def test_a_lease_is_created_once_and_listed_once(lease_of):
    lease = lease_of()

    with Recorder() as recorder:
        for _ in range(3):
            lease.acquire()
        lease.stop_older()

    assert [call.operation for call in recorder.calls] == ["CreateSchedule", "ListSchedules"]


def test_a_copy_of_the_event_shares_the_lease_and_lets_calls_of_older_requests_drain(lease_of, aws):
    """The first delivery may have stopped an older request just before: nothing of that is left to see."""
    assert lease_of().acquire() is None
    copy = lease_of()

    assert copy.acquire() is None
    assert len(aws.schedules.names()) == 1
    assert copy.state().preempted
    assert not copy.state().drained


@pytest.mark.parametrize("signed", [SIGNED_IN_ORDER, ("", "")], ids=["signed", "unsigned, by creation"])
def test_the_later_request_stops_the_polls_of_the_earlier_one(lease_of, aws, signed):
    lease_of("one", signed[0]).acquire()
    aws.clock.advance(5)
    later = lease_of("two", signed[1])

    assert later.acquire() is None

    assert later.state().preempted
    assert len(aws.schedules.names()) == 1
    assert later.stop_older() is None


@pytest.mark.parametrize("signed", [SIGNED_IN_ORDER, SIGNED_IN_ORDER[::-1]], ids=["later", "earlier"])
def test_a_request_of_another_owner_that_names_the_resource_is_nobody_s_twin(lease_of, aws, signed):
    """Whoever may invoke the function can name any physical id: it stops no poll and overtakes nobody."""
    url = response_url(request_id="one", logical_id="Other", query=f"X-Amz-Date={signed[0]}")
    lease_of("one", LogicalResourceId="Other", ResponseURL=url).acquire()
    mine = lease_of("two", signed[1])

    assert mine.acquire() is None
    assert not mine.state().preempted
    assert len(aws.schedules.names()) == 2


def test_the_signing_time_counts_and_not_who_came_first(lease_of, aws):
    lease_of("newer", SIGNED_IN_ORDER[1]).acquire()
    aws.clock.advance(5)
    overtaken = lease_of("older", SIGNED_IN_ORDER[0]).acquire()

    assert isinstance(overtaken, Ignore)
    assert overtaken.superseded
    assert len(aws.schedules.names()) == 2  # its own goes when it leaves


def test_an_earlier_request_learns_of_a_later_one_when_it_lists_again(lease_of, aws):
    earlier = lease_of("one", SIGNED_IN_ORDER[0])
    earlier.acquire()
    with Recorder(before=refusing("DeleteSchedule")):
        lease_of("two", SIGNED_IN_ORDER[1]).acquire()

    assert isinstance(earlier.check(), Ignore)


def test_its_own_schedule_missing_in_a_stale_list_stops_nobody(lease_of, aws):
    lease = lease_of("one", SIGNED_IN_ORDER[0])

    def empty(call, _index):
        return {"Schedules": []} if call.operation == "ListSchedules" else None

    with Recorder(before=empty):
        assert lease.acquire() is None
    assert lease.held


def test_another_resource_whose_id_begins_alike_is_left_alone(lease_of, aws):
    lease_of("one", SIGNED_IN_ORDER[0], resource_id=f"{ID}-klmnopqrst").acquire()
    lease = lease_of("two", SIGNED_IN_ORDER[1])

    assert lease.acquire() is None

    assert not lease.state().preempted
    assert len(aws.schedules.names()) == 2


def test_while_an_older_request_still_polls_nothing_is_answered(lease_of, aws):
    lease_of("one", SIGNED_IN_ORDER[0]).acquire()
    later = lease_of("two", SIGNED_IN_ORDER[1])

    with Recorder(before=refusing("DeleteSchedule")):
        later.acquire()
        waiting = later.stop_older()

    assert isinstance(waiting, Requeue)
    assert "scheduler:DeleteSchedule was denied" in waiting.reason
    assert later.stop_older() is None
    assert len(aws.schedules.names()) == 1


def test_a_poll_lists_before_it_answers_and_stops_what_the_first_delivery_could_not(lease_of, aws):
    lease_of("one", SIGNED_IN_ORDER[0]).acquire()
    with Recorder(before=refusing("DeleteSchedule")):
        lease_of("two", SIGNED_IN_ORDER[1]).acquire()
    name = next(each for each in aws.schedules.names() if str(1782864005) in each)
    poll = lease_of("two", SIGNED_IN_ORDER[1], CrHelperPoll=True, ScheduleName=name, ArmedAt=aws.clock.now())

    assert poll.held
    assert poll.stop_older() is None
    assert aws.schedules.names() == [name]


def test_a_poll_that_was_overtaken_answers_nothing(lease_of, aws):
    first = lease_of("one", SIGNED_IN_ORDER[0])
    first.acquire()
    (name,) = aws.schedules.names()
    with Recorder(before=refusing("DeleteSchedule")):
        lease_of("two", SIGNED_IN_ORDER[1]).acquire()
    poll = lease_of("one", SIGNED_IN_ORDER[0], CrHelperPoll=True, ScheduleName=name)

    assert isinstance(poll.stop_older(), Ignore)


def test_an_older_request_is_drained_once_its_slowest_call_must_have_arrived(lease_of, aws):
    lease = lease_of()
    lease.acquire()

    assert DRAIN_TIME > MAX_OBSERVATION_AGE + SLOWEST_CALL
    aws.clock.advance(DRAIN_TIME - 1)
    assert not lease.state().drained
    aws.clock.advance(1)
    assert lease.state().drained


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", AccessDeniedError), ("ThrottlingException", TransientError)]
)
def test_a_schedule_that_can_not_be_created_is_no_lease(lease_of, code, error):
    lease = lease_of()

    with Recorder(before=refusing("CreateSchedule", code)), pytest.raises(error):
        lease.acquire()

    assert not lease.held


def test_a_released_lease_leaves_no_schedule(lease_of, aws):
    lease = lease_of()
    lease.acquire()

    lease.release()

    assert aws.schedules.names() == []


def test_a_copy_that_may_not_create_the_schedule_deletes_the_one_of_an_earlier_delivery(lease_of, aws):
    lease_of().acquire()

    lease_of().release()

    assert aws.schedules.names() == []


def test_a_failed_release_is_left_to_the_schedule_s_end(lease_of, aws):
    lease = lease_of()
    lease.acquire()

    with Recorder(before=refusing("DeleteSchedule")):
        lease.release()

    assert len(aws.schedules.names()) == 1
    aws.clock.advance(3600 + 301)
    assert aws.schedules.names() == []


def test_a_first_delivery_that_could_not_list_lists_before_it_goes_on(lease_of, aws):
    lease_of("one", SIGNED_IN_ORDER[0]).acquire()
    later = lease_of("two", SIGNED_IN_ORDER[1])
    with Recorder(before=refusing("ListSchedules", "ThrottlingException")), pytest.raises(TransientError):
        later.acquire()

    assert later.held
    assert later.acquire() is None
    assert later.state().preempted
    assert len(aws.schedules.names()) == 1


def test_only_the_invocation_that_creates_the_schedule_is_the_first(lease_of):
    first, copy = lease_of(), lease_of()

    first.acquire()
    copy.acquire()

    assert (first.first, copy.first) == (True, False)


def test_where_the_answer_to_the_creation_is_lost_nobody_knows_who_was_first(lease_of):
    lease = lease_of()

    def lose(call, _index, _result):
        if call.operation == "CreateSchedule":
            raise ReadTimeoutError(endpoint_url="https://aws")

    with Recorder(after=lose), pytest.raises(TransientError):
        lease.acquire()
    lease.acquire()

    assert lease.held
    assert not lease.first


def test_a_request_that_may_have_written_over_a_newer_one_s_record_lists_again(lease_of, aws):
    earlier = lease_of("one", SIGNED_IN_ORDER[0])
    earlier.acquire()
    with Recorder(before=refusing("DeleteSchedule")):
        lease_of("two", SIGNED_IN_ORDER[1]).acquire()
    assert earlier.acquire() is None

    earlier.list_again()

    assert isinstance(earlier.acquire(), Ignore)


def test_a_poll_lists_again_too(lease_of, aws):
    lease_of("one", SIGNED_IN_ORDER[0]).acquire()
    (name,) = aws.schedules.names()
    poll = lease_of("one", SIGNED_IN_ORDER[0], CrHelperPoll=True, ScheduleName=name)
    with Recorder(before=refusing("DeleteSchedule")):
        lease_of("two", SIGNED_IN_ORDER[1]).acquire()
    assert poll.acquire() is None

    poll.list_again()

    assert isinstance(poll.acquire(), Ignore)
