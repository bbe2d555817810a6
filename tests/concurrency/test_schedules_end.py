"""What an operation's schedule carries, and that it ends: with the operation, or by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from massdriver_redis.cloudformation.poll_event import LARGEST_INPUT
from massdriver_redis.properties import rules
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.stack import FaultyStack
from tests.harness import inmemory_aws
from tests.harness.cloudformation import SentRequest
from tests.harness.interleaved import LOGICAL_ID, SLOW, Interleaved, Made
from tests.harness.recorder import client_error
from tests.harness.schedules import ACCOUNT, REGION

PLACEHOLDER = "<aws.scheduler.scheduled-time>"
BIGGER = {"node_type": "cache.t3.small"}


@pytest.fixture
def slow() -> Iterator[Interleaved]:
    with Interleaved(SLOW) as interleaved:
        yield interleaved


# --- the end of an operation ----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_after_an_operation_that_ends_no_schedule_is_left(operation: Operation) -> None:
    with FaultyStack() as stack:
        operation.prepare(stack)

        response = operation.act(stack)
        stack.idle(120)

        assert response.ok is not operation.fails
        assert stack.armed() == []


def clean_up_denied(made: Made) -> None:
    """Refuse what follows a response: its record, and the deletion of the schedule."""
    tags = {tag["Key"] for tag in made.call.params.get("Tags", ())}
    if made.call.operation == "DeleteSchedule" or "massdriver-redis:last-answered-request" in tags:
        raise client_error("AccessDeniedException", operation=made.call.operation)


def begin(kind: str, interleaved: Interleaved) -> SentRequest:
    if kind == "Create":
        return interleaved.begin_create(interleaved.properties())
    interleaved.create(interleaved.properties())
    if kind == "Delete":
        return interleaved.begin_delete()
    return interleaved.begin_update(interleaved.properties(**BIGGER))


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_schedule_that_nothing_can_delete_is_gone_after_its_end(slow: Interleaved, kind: str) -> None:
    request = begin(kind, slow)
    slow.fault = clean_up_denied
    response = slow.end(request)
    left = {group.id: group.node_type for group in slow.groups().values()}

    slow.cloudformation.idle(request.sent_at + request.timeout - slow.clock.now())
    assert len(slow.cloudformation.armed()) == 1
    slow.cloudformation.idle(302)

    assert response.ok, response.reason
    assert {group.id: group.node_type for group in slow.groups().values()} == left
    polls = len(slow.cloudformation.schedule_inputs)
    slow.settle()
    assert len(slow.cloudformation.schedule_inputs) == polls
    if kind == "Delete":
        assert slow.leftovers() == []


def test_a_poll_after_the_end_of_the_request_answers_nothing(slow: Interleaved) -> None:
    request = begin("Create", slow)
    slow.fault = clean_up_denied
    slow.end(request)
    slow.cloudformation.idle(request.sent_at + request.timeout - slow.clock.now())
    answers = len(request.puts)

    slow.cloudformation.idle(302)

    assert len(request.puts) == answers


# --- what a schedule carries ----------------------------------------------------------------------------


def subnets(kind: str, number: int) -> list[dict[str, str]]:
    """Return as many subnets as a subnet group takes, of one kind."""
    names = [f"subnet-{kind}{each:012x}{'ab'[each % 2]}1" for each in range(number)]
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet"
    return [
        {"arn": f"{arn}/{name}", "aws_zone": f"{REGION}{name[-2]}", "cidr": "10.1.0.0/24"} for name in names
    ]


def test_a_request_as_large_as_aws_takes_polls_and_finishes(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = {f"{kind}_subnets": subnets(kind[:2], 20) for kind in ("internal", "private", "public")}
    known = [each["arn"].rsplit("/", 1)[1] for listed in lists.values() for each in listed]
    monkeypatch.setattr(inmemory_aws, "SUBNETS", known)
    tags = {f"{number:0128}": f"{number:0256}" for number in range(40)}
    with Interleaved(SLOW) as slow:
        properties = slow.properties(tags=tags)
        properties["vpc"]["data"]["infrastructure"] |= lists
        request = slow.begin_create(properties)

        created = slow.end(request)

        carried = slow.cloudformation.schedule_inputs[-1]
        assert created.ok, created.reason
        assert created.polls > 0
        assert json.loads(carried)["ResourceProperties"] == request.event["ResourceProperties"]
        assert len(carried.encode()) < LARGEST_INPUT
        assert tags.items() <= slow.simulator.tags(created.physical_id).items()

        request = slow.begin_update({**properties, **BIGGER, "tags": {**tags, f"{0:0128}": "v" * 256}})

        updated = slow.end(request)

        assert updated.ok, updated.reason
        assert updated.polls > 0
        slow.finish()


def test_a_placeholder_of_scheduler_in_a_tag_is_refused_before_anything_is_made(slow: Interleaved) -> None:
    request = slow.begin_create(slow.properties(tags={"note": PLACEHOLDER}))

    response = slow.cloudformation.run(request)

    assert response.reason.startswith("tags.note: a tag has letters")
    assert slow.leftovers() == []


def test_a_placeholder_of_scheduler_in_a_tag_arrives_unchanged_after_polls(
    slow: Interleaved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_TAG_TEXT", re.compile(".*"))
    tags = {"note": f"at {PLACEHOLDER}", PLACEHOLDER: "<aws.scheduler.execution-id>"}
    slow.create(slow.properties())
    request = slow.begin_update(slow.properties(**BIGGER, tags=tags))
    slow.cloudformation.idle(5)
    before = {key: slow.simulator.tags(group).get(key) for group in slow.groups() for key in tags}

    response = slow.end(request)

    assert response.ok, response.reason
    assert set(before.values()) == {None}  # a poll sets them
    assert tags.items() <= slow.simulator.tags(response.physical_id).items()
    assert json.loads(slow.cloudformation.schedule_inputs[-1])["ResourceProperties"]["tags"] == tags


# --- a clock of Lambda that is off ----------------------------------------------------------------------

TEN_MINUTES = 600.0


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_with_a_clock_ten_minutes_ahead_a_request_is_answered(slow: Interleaved, kind: str) -> None:
    request = begin(kind, slow)
    slow.skew = TEN_MINUTES

    response = slow.end(request)

    assert response.ok, response.reason
    slow.settle()


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_with_a_clock_ten_minutes_behind_a_request_fails_at_once_and_changes_nothing(
    slow: Interleaved, kind: str
) -> None:
    request = begin(kind, slow)
    left = slow.leftovers()
    slow.skew = -TEN_MINUTES

    response = slow.cloudformation.run(request)

    assert "The StartDate you specify cannot be earlier than 5 minutes ago" in response.reason
    assert response.seconds <= 60
    assert slow.leftovers() == left
    slow.settle()


def test_a_request_that_a_clock_stopped_is_answered_once_the_clock_is_right(slow: Interleaved) -> None:
    slow.create(slow.properties())
    slow.skew = -TEN_MINUTES
    assert not slow.cloudformation.delete(LOGICAL_ID).ok
    slow.skew = 0.0

    slow.finish()


def test_the_start_of_a_schedule_is_computed_at_the_call_and_not_when_the_request_was_signed(
    slow: Interleaved,
) -> None:
    request = slow.begin_create(slow.properties())
    slow.cloudformation._queue.clear()
    slow.cloudformation.deliver(request.event, after=840)

    response = slow.end(request)

    assert response.ok, response.reason
    slow.settle()
