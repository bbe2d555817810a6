"""What CloudFormation loses sight of: it is removed by a later request, and what is a stack's own stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from massdriver_redis.state import naming
from massdriver_redis.state.record import LAST_ANSWERED_REQUEST
from tests.harness.cloudformation import KilledError, stringify
from tests.harness.interleaved import LOGICAL_ID, SLOW, Interleaved, Made
from tests.harness.recorder import Call, client_error
from tests.harness.stack import BRISK

INVENTED = "shop-Redis-1ABCDEFGHIJK"
BIGGER = {"node_type": "cache.t3.small"}
REPLACED = {"secure": False, "allow_replacement": True}
UNTOUCHED = "a cluster of this resource is in service: untouched"

Fault = Callable[[Made], Mapping[str, Any] | None]


@pytest.fixture
def slow() -> Iterator[Interleaved]:
    with Interleaved(SLOW) as interleaved:
        yield interleaved


@pytest.fixture
def brisk() -> Iterator[Interleaved]:
    with Interleaved(BRISK) as interleaved:
        yield interleaved


def nothing(_: Made) -> None:
    """Put no fault in the way."""


def refused(name: str, code: str) -> Fault:
    def fault(made: Made) -> None:
        if made.call.name == name:
            raise client_error(code, operation=made.call.operation)

    return fault


def garbled(name: str) -> Fault:
    """Answer calls of a name with something that is no answer of AWS."""
    return lambda made: {"ResponseMetadata": "?"} if made.call.name == name else None


def killed_after(name: str) -> Callable[[Call, int, Mapping[str, Any]], None]:
    """End the process once, right after its first call of a name."""
    left = [1]

    def after(call: Call, _index: int, _result: Mapping[str, Any]) -> None:
        if call.name == name and left[0]:
            left[0] = 0
            raise KilledError("killed")

    return after


def killed_before_the_answer_is_on_record(made: Made) -> None:
    if any(tag["Key"] == LAST_ANSWERED_REQUEST for tag in made.call.params.get("Tags", ())):
        raise KilledError("killed")


def delete(interleaved: Interleaved, status: str, **changes: Any) -> None:
    """Send a Delete in a phase of the stack, and demand that it succeeds."""
    interleaved.cloudformation.stack_status(status)
    response = interleaved.cloudformation.run(
        interleaved.cloudformation.send("Delete", LOGICAL_ID, **changes)
    )
    assert response.ok, response.reason
    interleaved.settle()


# --- a Create that is delivered again -------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        refused("scheduler:CreateSchedule", "ThrottlingException"),
        refused("scheduler:CreateSchedule", "AccessDeniedException"),
        refused("scheduler:GetSchedule", "ThrottlingException"),
        refused("scheduler:ListSchedules", "AccessDeniedException"),
        garbled("scheduler:ListSchedules"),
        refused("elasticache:DescribeReplicationGroups", "Throttling"),
        refused("elasticache:DescribeReplicationGroups", "AccessDenied"),
        garbled("elasticache:DescribeReplicationGroups"),
        refused("ec2:DescribeSecurityGroups", "RequestLimitExceeded"),
        refused("ec2:DescribeSecurityGroups", "UnauthorizedOperation"),
        garbled("ec2:DescribeSecurityGroups"),
    ],
    ids=[
        "schedules throttled",
        "schedules denied",
        "the schedule throttled",
        "the list of schedules denied",
        "the list of schedules garbled",
        "replication groups throttled",
        "replication groups denied",
        "replication groups garbled",
        "security groups throttled",
        "security groups denied",
        "security groups garbled",
    ],
)
def test_whatever_ails_a_create_after_its_process_died_its_delete_removes_the_cluster(
    slow: Interleaved, trouble: Fault
) -> None:
    slow.recorder.after = killed_after("elasticache:CreateReplicationGroup")
    create = slow.begin_create(slow.properties())
    slow.cloudformation.step(until=slow.clock.now())
    assert len(slow.groups()) == 1
    slow.fault = trouble

    response = slow.cloudformation.run(create)
    slow.fault = nothing
    slow.resource.physical_id = response.physical_id
    rolled_back = slow.cloudformation.roll_back(LOGICAL_ID)
    slow.settle()

    assert rolled_back.ok, rolled_back.reason
    assert slow.leftovers() == []


# --- a SUCCESS that is on its way while CloudFormation cancels ------------------------------------------

CANCELS = {
    "rollback of a creation": ("CREATE", "ROLLBACK", "ROLLBACK"),
    "deletion of a stack that is being created": ("CREATE", "DELETE", "DELETE"),
    "rollback of an update that adds it": (
        "UPDATE",
        "UPDATE_ROLLBACK",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP",
    ),
}


def succeeded_too_late(interleaved: Interleaved, running: str, stopping: str) -> None:
    """Begin a Create that CloudFormation cancels once the cluster is marked and its SUCCESS is on its way."""
    create = interleaved.begin_create(interleaved.properties())
    interleaved.cloudformation.stack_status(f"{running}_IN_PROGRESS")
    interleaved.cut_before(
        create,
        "ec2:CreateTags",  # the mark, right before the response
        lambda: interleaved.cloudformation.stack_status(f"{stopping}_IN_PROGRESS"),
    )
    response = interleaved.cloudformation.run(create)
    assert response.ok, response.reason
    create.given_up = True


@pytest.mark.parametrize("given", [INVENTED, None], ids=["an invented id", "no id"])
@pytest.mark.parametrize("how", CANCELS)
def test_a_success_that_met_a_cancelled_create_leaves_no_cluster(
    brisk: Interleaved, how: str, given: str | None
) -> None:
    running, stopping, deleting = CANCELS[how]
    succeeded_too_late(brisk, running, stopping)
    assert len(brisk.groups()) == 1

    delete(brisk, f"{deleting}_IN_PROGRESS", physical_id=given)

    assert brisk.leftovers() == []


@pytest.mark.parametrize("given", [INVENTED, None], ids=["an invented id", "no id"])
@pytest.mark.parametrize("how", CANCELS)
def test_a_success_that_met_a_cancelled_create_leaves_the_retained_cluster_of_the_same_logical_id(
    brisk: Interleaved, how: str, given: str | None
) -> None:
    retained = brisk.create(brisk.properties(secure=False)).physical_id
    kept = set(brisk.leftovers())
    brisk.cloudformation.idle(120)
    # Whether the stack is a new one or not: the owner is the same.
    running, stopping, deleting = CANCELS[how]
    brisk.cloudformation.stack_status("UPDATE_IN_PROGRESS")
    succeeded_too_late(brisk, running, stopping)
    assert len(brisk.groups()) == 2

    delete(brisk, f"{deleting}_IN_PROGRESS", physical_id=given)

    assert list(brisk.groups()) == [retained]
    assert set(brisk.leftovers()) == kept
    assert UNTOUCHED in brisk.cloudformation.logs.getvalue()


@pytest.mark.parametrize("given", [INVENTED, None], ids=["an invented id", "no id"])
def test_a_cancelled_create_over_a_retained_cluster_of_the_same_id_leaves_that_cluster(
    brisk: Interleaved, given: str | None
) -> None:
    retained = brisk.create(brisk.properties()).physical_id
    kept = set(brisk.leftovers())
    brisk.cloudformation.idle(120)
    create = brisk.begin_create(brisk.properties())
    brisk.cloudformation.stack_status("UPDATE_IN_PROGRESS")
    refusal = brisk.cloudformation.run(create)
    create.given_up = True

    delete(brisk, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", physical_id=given)

    assert f"{retained} still exists" in refusal.reason
    assert set(brisk.leftovers()) == kept
    assert UNTOUCHED in brisk.cloudformation.logs.getvalue()


# --- a resource that continue-update-rollback skipped ---------------------------------------------------


def rollback_failed(interleaved: Interleaved) -> str:
    """Fail a replacement half-made, and its rollback by a denial that lasts; return the cluster's id."""
    original = interleaved.create(interleaved.properties()).physical_id
    interleaved.simulator.fail_next_create("insufficient capacity")
    assert not interleaved.cloudformation.run(interleaved.begin_update(interleaved.properties(**REPLACED))).ok
    interleaved.fault = refused("ec2:DescribeSecurityGroups", "UnauthorizedOperation")
    assert not interleaved.cloudformation.run(interleaved.begin_roll_back()).ok
    interleaved.cloudformation.stack_status("UPDATE_ROLLBACK_FAILED")
    return original


def skipped(interleaved: Interleaved) -> str:
    """Skip the resource of a replacement whose rollback failed too; return its id."""
    original = rollback_failed(interleaved)
    interleaved.settle()
    interleaved.fault = nothing
    interleaved.cloudformation.stack_status("UPDATE_ROLLBACK_COMPLETE")
    interleaved.cloudformation.idle(120)
    interleaved.resource.before = None
    interleaved.resource.physical_id = original
    assert len(interleaved.groups()) == 2
    return original


def test_the_deletion_of_the_stack_removes_what_a_skipped_replacement_left(slow: Interleaved) -> None:
    skipped(slow)

    slow.finish()


def test_the_next_update_removes_what_a_skipped_replacement_left(slow: Interleaved) -> None:
    original = skipped(slow)

    response = slow.end(slow.begin_update(slow.properties(**BIGGER)))

    assert response.ok, response.reason
    assert list(slow.groups()) == [original]
    slow.finish()


def test_a_failed_rollback_that_is_continued_removes_the_replacement_and_keeps_the_cluster(
    slow: Interleaved,
) -> None:
    original = rollback_failed(slow)
    slow.cloudformation.idle(120)
    slow.fault = nothing
    slow.cloudformation.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")

    response = slow.cloudformation.run(slow.cloudformation.send("Update", LOGICAL_ID))

    assert response.ok, response.reason
    assert response.physical_id == original
    assert list(slow.groups()) == [original]
    slow.finish()


def test_a_replacement_that_is_ready_after_its_rollback_failed_is_not_put_in_service(
    slow: Interleaved,
) -> None:
    slow.create(slow.properties())
    update = slow.begin_update(slow.properties(**REPLACED))
    slow.cloudformation.idle(5)
    slow.fault = refused("ec2:CreateTags", "UnauthorizedOperation")
    assert not slow.cloudformation.run(slow.begin_roll_back()).ok
    slow.fault = nothing
    slow.cloudformation.stack_status("UPDATE_ROLLBACK_FAILED")

    slow.again(update)
    slow.cloudformation.idle(600)
    slow.cloudformation.stack_status("UPDATE_ROLLBACK_COMPLETE")
    slow.cloudformation.idle(120)

    assert {group.status for group in slow.groups().values()} == {"available"}
    assert not (update.response and update.response.ok)
    slow.finish()


# --- an id that the properties no longer lead to --------------------------------------------------------


def begun(interleaved: Interleaved) -> None:
    """Begin a Create and let it make a cluster that is not in service yet."""
    create = interleaved.begin_create(interleaved.properties())
    interleaved.cloudformation.step(until=interleaved.clock.now())
    assert create.response is None
    assert len(interleaved.groups()) == 1


def test_a_delete_with_an_invented_id_removes_what_was_made_under_another_default(
    slow: Interleaved, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(slow)
    monkeypatch.setattr(
        "massdriver_redis.reconciler.delete.derived_id",
        lambda _, owner: naming.physical_id(owner, None, {"a default": "changed"}),
    )

    delete(slow, "ROLLBACK_IN_PROGRESS", physical_id=INVENTED)

    assert slow.leftovers() == []


@pytest.mark.parametrize("given", [INVENTED, None], ids=["an invented id", "no id"])
@pytest.mark.parametrize("properties", [{"node_type": "?"}, {}, {"vpc": "?"}], ids=str)
def test_a_delete_with_an_invented_id_and_unreadable_properties_removes_what_was_made(
    slow: Interleaved, properties: dict[str, Any], given: str | None
) -> None:
    begun(slow)

    delete(slow, "ROLLBACK_IN_PROGRESS", physical_id=given, properties=stringify(properties))

    assert slow.leftovers() == []


# --- a replacement that succeeded -----------------------------------------------------------------------


def test_the_clean_up_leaves_a_new_cluster_whose_answer_was_never_recorded(slow: Interleaved) -> None:
    slow.create(slow.properties())
    update = slow.begin_update(slow.properties(**REPLACED))
    slow.fault = killed_before_the_answer_is_on_record
    response = slow.end(update)
    assert response.ok, response.reason
    slow.cloudformation.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    cleaned = slow.cloudformation.clean_up(LOGICAL_ID)
    slow.fault = nothing
    slow.settle()

    assert cleaned
    assert cleaned.ok, cleaned.reason
    assert list(slow.groups()) == [response.physical_id]
    # Its polls went on without the old cluster: whatever they answered agrees with the first response.
    assert {(put["Status"], put["PhysicalResourceId"]) for put in update.puts} == {
        ("SUCCESS", response.physical_id)
    }
    slow.finish()


def test_a_late_copy_of_a_replacement_after_its_clean_up_answers_nothing(brisk: Interleaved) -> None:
    brisk.create(brisk.properties())
    update = brisk.begin_update(brisk.properties(**REPLACED))
    response = brisk.end(update)
    brisk.cloudformation.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    brisk.cloudformation.clean_up(LOGICAL_ID)
    brisk.cloudformation.stack_status("UPDATE_COMPLETE")

    brisk.again(update)
    brisk.settle()

    assert len(update.puts) == 1
    assert list(brisk.groups()) == [response.physical_id]


@pytest.mark.parametrize("recorded", [True, False], ids=["on record", "never recorded"])
def test_a_cluster_retained_by_its_replacement_survives_the_deletion_of_the_stack(
    brisk: Interleaved, recorded: bool
) -> None:
    def unrecorded(made: Made) -> None:
        if any(tag["Key"] == LAST_ANSWERED_REQUEST for tag in made.call.params.get("Tags", ())):
            raise client_error("UnauthorizedOperation", operation="CreateTags")

    brisk.fault = nothing if recorded else unrecorded
    retained = brisk.create(brisk.properties()).physical_id
    kept = set(brisk.leftovers())
    brisk.cloudformation.idle(120)
    replaced = brisk.end(brisk.begin_update(brisk.properties(**REPLACED)))
    assert replaced.physical_id != retained
    brisk.cloudformation.stack_status("UPDATE_COMPLETE")
    brisk.cloudformation.idle(120)

    delete(brisk, "DELETE_IN_PROGRESS")

    assert list(brisk.groups()) == [retained]
    assert kept <= set(brisk.leftovers())
