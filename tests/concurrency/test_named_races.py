"""The races of requests and polls that the protocol is made for, each by its name.

`test_races.py` suspends a request at any of its calls; here each point is chosen, and so is what AWS says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.harness.cloudformation import ReceivedResponse, SentRequest, stringify
from tests.harness.interleaved import LOGICAL_ID, SLOW, Interleaved, Made
from tests.harness.recorder import client_error
from tests.harness.stack import BRISK

INVENTED = "shop-Redis-1ABCDEFGHIJK"
BIGGER = {"node_type": "cache.t3.small"}
REPLACED = {"secure": False, "allow_replacement": True}
FIRST_WRITE = "ec2:CreateSecurityGroup"

Fault = Callable[[Made], Mapping[str, Any] | None]


@pytest.fixture
def slow() -> Iterator[Interleaved]:
    with Interleaved(SLOW) as interleaved:
        yield interleaved


@pytest.fixture
def brisk() -> Iterator[Interleaved]:
    with Interleaved(BRISK) as interleaved:
        yield interleaved


# --- what AWS says --------------------------------------------------------------------------------------


def refused(interleaved: Interleaved, name: str, code: str, seconds: float = float("inf")) -> Fault:
    """Refuse every call of a name for so many seconds."""
    until = interleaved.clock.now() + seconds

    def fault(made: Made) -> None:
        if made.call.name == name and interleaved.clock.now() < until:
            raise client_error(code, operation=made.call.operation)

    return fault


def listed_without(interleaved: Interleaved, names: list[str], request: SentRequest, times: int) -> Fault:
    """Leave schedules out of a request's first lists."""
    left = [times]

    def fault(made: Made) -> Mapping[str, Any] | None:
        if made.request_id != request.id or made.call.operation != "ListSchedules" or not left[0]:
            return None
        left[0] -= 1
        shown = interleaved.schedules.ListSchedules(**made.call.params)
        return {"Schedules": [each for each in shown["Schedules"] if each["Name"] not in names]}

    return fault


def not_found(request: SentRequest, times: int) -> Fault:
    """Answer that a request's schedule is not there, so many times."""
    left = [times]

    def fault(made: Made) -> None:
        if made.call.operation == "GetSchedule" and request.id in made.request_id and left[0]:
            left[0] -= 1
            raise client_error("ResourceNotFoundException", operation="GetSchedule")

    return fault


# --- what happens ---------------------------------------------------------------------------------------


def under_way(interleaved: Interleaved, change: Mapping[str, Any]) -> tuple[str, SentRequest]:
    """Create a cluster and begin an update of it, which goes on by polls; return the id and the update."""
    original = interleaved.create(interleaved.properties()).physical_id
    older = interleaved.begin_update(interleaved.properties(**change))
    interleaved.cloudformation.idle(5)
    assert older.response is None
    return original, older


def schedule_of(interleaved: Interleaved, request: SentRequest) -> list[str]:
    found = interleaved.cloudformation
    return [name for name in found.armed() if found.carried(name)["RequestId"] == request.id]


def until_answered(
    interleaved: Interleaved, request: SentRequest, also: Callable[[], None]
) -> ReceivedResponse:
    """Let time pass until a request is answered; check something at each event on the way."""
    until = interleaved.clock.now() + 3600
    while request.response is None:
        assert interleaved.cloudformation.step(until=until), "nobody is left to answer"
        also()
    return request.response


def poll_of(interleaved: Interleaved, request: SentRequest) -> dict[str, Any]:
    """Return the event that a request's schedule delivers now."""
    return next(poll for poll in interleaved.cloudformation.polls() if poll["RequestId"] == request.id)


def writes(interleaved: Interleaved, request: SentRequest) -> list[str]:
    """Return a request's writes by name, the clean-up of a superseded one and its schedule left out."""
    calls = [made.call for made in interleaved.calls_of(request) if made.call.service != "scheduler"]
    return [
        call.name for call in calls if call.mutates and not call.operation.startswith(("Delete", "Untag"))
    ]


def node_types(interleaved: Interleaved) -> dict[str, str]:
    return {group.id: group.node_type for group in interleaved.groups().values()}


# --- taking over ----------------------------------------------------------------------------------------


def test_while_the_older_schedule_can_not_be_deleted_the_newer_request_answers_nothing(
    slow: Interleaved,
) -> None:
    original, older = under_way(slow, BIGGER)
    slow.fault = refused(slow, "scheduler:DeleteSchedule", "AccessDeniedException", seconds=1200)
    newer = slow.begin_roll_back()
    began = slow.clock.now()

    def still_polling() -> None:
        assert newer.response is None or not schedule_of(slow, older)

    response = until_answered(slow, newer, still_polling)

    assert response.ok, response.reason
    assert slow.clock.now() >= began + 1200
    assert node_types(slow) == {original: "cache.t3.micro"}
    slow.settle()


def test_a_newer_request_that_fails_says_so_only_once_no_older_one_polls(slow: Interleaved) -> None:
    _, older = under_way(slow, BIGGER)
    busy = refused(slow, "scheduler:DeleteSchedule", "ThrottlingException", seconds=600)
    denied = refused(slow, "elasticache:DescribeReplicationGroups", "AccessDenied")
    slow.fault = lambda made: busy(made) or denied(made)
    newer = slow.begin_roll_back()

    def still_polling() -> None:
        assert newer.response is None or not schedule_of(slow, older)

    response = until_answered(slow, newer, still_polling)

    assert response.reason.startswith("elasticache:DescribeReplicationGroups was denied")
    assert slow.clock.now() >= newer.sent_at + 600


def test_where_the_older_schedule_can_never_be_deleted_the_newer_request_ends_at_its_deadline(
    slow: Interleaved,
) -> None:
    original, older = under_way(slow, BIGGER)
    slow.fault = refused(slow, "scheduler:DeleteSchedule", "AccessDeniedException")
    newer = slow.begin_roll_back()

    response = slow.cloudformation.run(newer)
    begun = len(writes(slow, older))
    slow.cloudformation.idle(3600)

    assert not response.ok
    assert response.reason.startswith("Timed out while stopping an older request: scheduler:DeleteSchedule")
    assert len(writes(slow, older)) == begun
    assert node_types(slow) == {original: "cache.t3.micro"}
    slow.settle()


@pytest.mark.parametrize("times", [1, 1000], ids=["the first list", "every list"])
def test_an_older_request_that_no_list_shows_still_ends_by_the_record(slow: Interleaved, times: int) -> None:
    original, older = under_way(slow, BIGGER)
    newer = slow.begin_roll_back()
    slow.fault = listed_without(slow, slow.cloudformation.armed(), newer, times)

    response = slow.end(newer)
    begun = len(writes(slow, older))
    slow.settle()

    assert response.ok, response.reason
    assert older.response is None
    assert len(writes(slow, older)) == begun
    assert node_types(slow) == {original: "cache.t3.micro"}


def test_a_create_that_no_list_shows_makes_nothing_once_its_delete_was_answered(brisk: Interleaved) -> None:
    create = brisk.begin_create(brisk.properties())
    deleted: list[ReceivedResponse] = []

    def delete() -> None:
        brisk.cloudformation.stack_status("ROLLBACK_IN_PROGRESS")
        newer = brisk.cloudformation.send("Delete", LOGICAL_ID, physical_id=INVENTED)
        brisk.fault = listed_without(brisk, brisk.cloudformation.armed(), newer, 1000)
        deleted.append(brisk.cloudformation.run(newer))

    brisk.cut_before(create, FIRST_WRITE, delete)
    brisk.settle()

    assert deleted[0].ok, deleted[0].reason
    assert brisk.leftovers() == []


def test_a_request_whose_own_schedule_is_missing_in_every_list_goes_on(slow: Interleaved) -> None:
    request = slow.begin_create(slow.properties())

    def lists(made: Made) -> Mapping[str, Any] | None:
        return {"Schedules": []} if made.call.operation == "ListSchedules" else None

    slow.fault = lists

    assert slow.end(request).ok
    slow.settle()
    assert len(slow.groups()) == 1


# --- copies of one event --------------------------------------------------------------------------------


def begin(kind: str, interleaved: Interleaved) -> SentRequest:
    if kind == "create":
        return interleaved.begin_create(interleaved.properties())
    interleaved.create(interleaved.properties())
    if kind == "delete":
        return interleaved.begin_delete()
    return interleaved.begin_update(interleaved.properties(**(REPLACED if kind == "replacement" else BIGGER)))


def written(kind: str) -> list[str]:
    """Return the writes of an operation in which a copy of its event can be."""
    with Interleaved(BRISK) as interleaved:
        request = begin(kind, interleaved)
        interleaved.end(request)
        calls = [made.call for made in interleaved.calls_of(request) if made.call.mutates]
        return list(dict.fromkeys(call.name for call in calls))


KINDS = ("create", "update", "replacement", "delete")


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_the_event_does_not_answer_while_the_first_delivery_is_within_a_step(kind: str) -> None:
    for name in written(kind):
        with Interleaved(BRISK) as brisk:
            request = begin(kind, brisk)
            answered_within: list[bool] = []

            def twin() -> None:
                brisk.again(request)  # noqa: B023
                answered_within.append(request.response is not None)  # noqa: B023

            brisk.cut_before(request, name, twin)
            response = brisk.end(request)
            brisk.cloudformation.clean_up(LOGICAL_ID)
            brisk.settle()

            # Before the schedule is created, no delivery has done anything, and after the answer all is done.
            assert answered_within == [name in ("scheduler:CreateSchedule", "scheduler:DeleteSchedule")], name
            assert response.ok, f"{name}: {response.reason}"
            assert list(brisk.groups()) == ([] if kind == "delete" else [response.physical_id]), name
            if kind == "delete":
                assert brisk.leftovers() == [], name
            else:
                brisk.finish()


# --- polls ----------------------------------------------------------------------------------------------


def test_a_poll_after_its_schedule_was_deleted_does_nothing(slow: Interleaved) -> None:
    request = slow.begin_create(slow.properties())
    slow.cloudformation.idle(5)
    poll = poll_of(slow, request)
    assert slow.end(request).ok
    slow.made.clear()

    slow.invoke(poll)

    assert [made.call.name for made in slow.made] == ["scheduler:GetSchedule"] * 2
    assert len(request.puts) == 1
    slow.settle()


def test_a_poll_whose_schedule_is_deleted_after_it_was_read_takes_no_step(slow: Interleaved) -> None:
    original, older = under_way(slow, BIGGER)
    poll = poll_of(slow, older)
    ended: list[ReceivedResponse] = []

    def roll_back() -> None:
        response = slow.cloudformation.roll_back(LOGICAL_ID)
        ended.append(response)

    slow.cut_before(older, "elasticache:DescribeReplicationGroups", roll_back)
    begun = len(writes(slow, older))
    slow.invoke(poll)
    slow.settle()

    assert ended[0].ok, ended[0].reason
    assert len(writes(slow, older)) == begun
    assert older.response is None
    assert node_types(slow) == {original: "cache.t3.micro"}


@pytest.mark.parametrize("reads", [1, 2])
def test_a_schedule_that_reads_do_not_show_costs_one_poll_at_the_most(slow: Interleaved, reads: int) -> None:
    request = slow.begin_create(slow.properties())
    slow.cloudformation.idle(5)
    slow.fault = not_found(request, reads)

    assert slow.end(request).ok
    slow.settle()
    assert len(slow.groups()) == 1


@pytest.mark.parametrize(
    "forged",
    [
        {"RequestType": "Delete", "RequestId": "forged", "PhysicalResourceId": "shop-redis-abcdefghij"},
        {"ResponseURL": "https://s3.amazonaws.com/attacker?X-Amz-Signature=x"},
        {"ResourceProperties": {"node_type": "cache.m5.24xlarge"}, "LogicalResourceId": "Other"},
        {"StartedAt": 0, "ArmedAt": 0},
        {"StackId": "arn:aws:cloudformation:us-east-1:999999999999:stack/other/1"},
    ],
    ids=["another request", "another URL", "other properties", "other times", "another stack"],
)
def test_a_forged_poll_is_a_poll_of_the_request_that_its_schedule_carries(
    slow: Interleaved, forged: dict[str, Any]
) -> None:
    request = slow.begin_create(slow.properties())
    slow.cloudformation.idle(5)

    slow.invoke({**poll_of(slow, request), **forged})
    response = slow.end(request)

    assert response.ok, response.reason
    assert len(request.puts) == 1
    assert node_types(slow) == {response.physical_id: "cache.t3.micro"}
    slow.settle()
    slow.finish()


@pytest.mark.parametrize(
    "name",
    [
        "shop-redis-abcdefghij-1782864000-aaaabbbbcccc",
        "another-schedule",
        "../default/another",
        "",
        None,
        7,
    ],
)
def test_a_forged_poll_of_another_name_writes_and_answers_nothing(slow: Interleaved, name: object) -> None:
    request = slow.begin_create(slow.properties())
    slow.cloudformation.idle(5)
    slow.made.clear()

    slow.invoke({**poll_of(slow, request), "ScheduleName": name})

    assert [made.call.name for made in slow.made if made.call.mutates] == []
    assert request.puts == []
    assert slow.end(request).ok


# --- creating the schedule ------------------------------------------------------------------------------


def test_a_conflict_without_a_schedule_passes_and_nothing_is_made_before_there_is_one(
    brisk: Interleaved,
) -> None:
    brisk.fault = refused(brisk, "scheduler:CreateSchedule", "ConflictException", seconds=25)
    request = brisk.begin_create(brisk.properties())
    armed: list[bool] = []
    brisk.cut_before(request, FIRST_WRITE, lambda: armed.append(bool(schedule_of(brisk, request))))

    response = brisk.end(request)

    assert response.ok, response.reason
    assert armed == [True]
    brisk.settle()


def test_a_conflict_that_stays_without_a_schedule_is_answered_by_the_fallback(brisk: Interleaved) -> None:
    brisk.fault = refused(brisk, "scheduler:CreateSchedule", "ConflictException")
    request = brisk.begin_create(brisk.properties())

    response = brisk.cloudformation.run(request)

    assert not response.ok
    assert "could not run" in response.reason
    assert brisk.leftovers() == []


# --- a Delete alongside a Create that has made nothing --------------------------------------------------

OF_THE_CREATE = ("scheduler:CreateSchedule", "scheduler:ListSchedules", FIRST_WRITE)
OF_THE_DELETE = (
    "scheduler:CreateSchedule",
    "scheduler:ListSchedules",
    "elasticache:DescribeReplicationGroups",
    "scheduler:DeleteSchedule",
)


@pytest.mark.parametrize("known", [INVENTED, None], ids=["an invented id", "no id"])
@pytest.mark.parametrize("at", OF_THE_CREATE)
def test_a_delete_within_a_create_that_has_made_nothing_leaves_nothing(
    brisk: Interleaved, at: str, known: str | None
) -> None:
    create = brisk.begin_create(brisk.properties())
    deleted: list[ReceivedResponse] = []

    brisk.cut_before(create, at, lambda: deleted.append(brisk.cancel_create(known)))
    brisk.settle()

    assert deleted[0].ok, deleted[0].reason
    assert brisk.leftovers() == []


def test_a_create_that_sees_a_delete_right_before_its_first_write_makes_nothing(brisk: Interleaved) -> None:
    create = brisk.begin_create(brisk.properties())
    newer: list[SentRequest] = []

    def begin_delete() -> None:
        newer.append(brisk.cloudformation.send("Delete", LOGICAL_ID, physical_id=INVENTED))
        brisk.deliver_first(newer[0])

    brisk.cut_before(create, "cloudformation:DescribeStacks", begin_delete)
    brisk.cloudformation.step(until=brisk.clock.now())
    response = brisk.cloudformation.run(newer[0])
    brisk.settle()

    assert response.ok, response.reason
    assert writes(brisk, create) == []
    assert brisk.leftovers() == []


@pytest.mark.parametrize("at", OF_THE_DELETE)
def test_a_create_within_a_delete_that_finds_nothing_leaves_nothing(brisk: Interleaved, at: str) -> None:
    create = brisk.begin_create(brisk.properties())
    brisk.cloudformation._queue.clear()
    brisk.cloudformation.stack_status("ROLLBACK_IN_PROGRESS")
    delete = brisk.cloudformation.send("Delete", LOGICAL_ID, physical_id=INVENTED)

    brisk.cut_before(delete, at, lambda: brisk.again(create))
    response = brisk.cloudformation.run(delete)
    brisk.settle()

    assert response.ok, response.reason
    assert create.response is None
    assert brisk.leftovers() == []


def test_a_delete_that_begins_after_the_create_listed_for_the_last_time_finds_what_it_makes(
    brisk: Interleaved,
) -> None:
    create = brisk.begin_create(brisk.properties())
    newer: list[SentRequest] = []

    def begin_delete() -> None:
        newer.append(brisk.cloudformation.send("Delete", LOGICAL_ID, physical_id=INVENTED))
        brisk.deliver_first(newer[0])

    def roll_back() -> None:
        brisk.cloudformation.stack_status("ROLLBACK_IN_PROGRESS")

    brisk.cut_before(create, FIRST_WRITE, begin_delete)
    brisk.cut_before(create, "elasticache:CreateReplicationGroup", roll_back)
    brisk.cloudformation.step(until=brisk.clock.now())
    response = brisk.cloudformation.run(newer[0])
    brisk.settle()

    assert response.ok, response.reason
    assert create.response is None
    assert brisk.leftovers() == []


# --- a resource that continue-update-rollback skipped ---------------------------------------------------


def skipped_replacement(interleaved: Interleaved) -> tuple[str, set[str]]:
    """Fail a replacement and its rollback, and skip the resource; return its id and what is half-made."""
    original = interleaved.create(interleaved.properties()).physical_id
    whole = set(interleaved.leftovers())
    interleaved.simulator.fail_next_create("insufficient capacity")
    assert not interleaved.cloudformation.run(interleaved.begin_update(interleaved.properties(**REPLACED))).ok
    interleaved.fault = refused(interleaved, "ec2:DescribeSecurityGroups", "UnauthorizedOperation")
    assert not interleaved.cloudformation.run(interleaved.begin_roll_back()).ok
    interleaved.fault = lambda _: None
    interleaved.settle()
    return original, set(interleaved.leftovers()) - whole


def test_an_update_after_a_skipped_resource_removes_what_its_failed_replacement_left(
    slow: Interleaved,
) -> None:
    original, half_made = skipped_replacement(slow)
    assert half_made

    response = slow.end(slow.begin_update(slow.properties(**BIGGER)))
    slow.settle()

    assert response.ok, response.reason
    assert response.physical_id == original
    assert node_types(slow)[original] == "cache.t3.small"
    assert not half_made & set(slow.leftovers())


def test_an_update_that_names_the_properties_of_a_failed_replacement_removes_what_it_left(
    slow: Interleaved,
) -> None:
    original, _ = skipped_replacement(slow)
    slow.resource.properties = stringify(slow.properties(**REPLACED))

    response = slow.end(slow.begin_update(slow.properties(**BIGGER)))

    assert response.ok, response.reason
    assert node_types(slow) == {original: "cache.t3.small"}
    slow.finish()
