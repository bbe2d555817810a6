"""Requests by the state of the stack that they name: without an operation in progress nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from massdriver_redis.state import naming
from tests.harness.cloudformation import AT_REST, Kind, ReceivedResponse, SentRequest
from tests.harness.envelope import presigned, response_url
from tests.harness.recorder import Call, client_error
from tests.harness.stack import NAME, SLOW, StackUnderTest

BIGGER = {"node_type": "cache.t3.small"}
MISSING = "a missing stack"
UNEXPECTED = [*AT_REST, MISSING]
"""What a stack shows without an operation in progress."""

IN_OPERATION: dict[Kind, list[str]] = {
    "Create": ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"],
    "Update": ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "IMPORT_IN_PROGRESS"],
    "Delete": [
        "CREATE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "IMPORT_ROLLBACK_IN_PROGRESS",
    ],
}
"""The phases in which CloudFormation sends each request."""

KINDS: list[Kind] = ["Create", "Update", "Delete"]
PHASES = [(kind, status) for kind in KINDS for status in IN_OPERATION[kind]]


@pytest.fixture
def slow() -> Iterator[StackUnderTest]:
    with StackUnderTest(SLOW) as stack:
        yield stack


def shown(stack: StackUnderTest) -> dict[str, object]:
    """Return all there is that a request can change."""
    groups = stack.simulator.groups()
    return {
        "clusters": {each.id: (each.node_type, each.replicas, each.status) for each in groups},
        "tags": {each.id: stack.tags(each.id) for each in groups},
        "all": stack.leftovers(),
    }


def missing(call: Call, _index: int) -> None:
    if call.name == "cloudformation:DescribeStacks":
        raise _no_such_stack(call)


def _no_such_stack(call: Call) -> Exception:
    return client_error(
        "ValidationError", f"Stack with id {call.params['StackName']} does not exist", "DescribeStacks"
    )


def prepared(stack: StackUnderTest, kind: Kind, status: str, **changes: Any) -> SentRequest:
    """Return a request that is signed while its stack is in `status`."""
    request = stack.prepare(kind, stack.properties(**changes))
    if status == MISSING:
        stack.recorder.before = missing
    else:
        stack.stack_status(status)
    stack.recorder.clear()
    return request


def meant(stack: StackUnderTest, kind: Kind, status: str = "") -> SentRequest:
    """Return a request of an operation in progress; what it is about was made before, but for a Create."""
    if kind != "Create":
        stack.created()
    return prepared(stack, kind, status or f"{kind.upper()}_IN_PROGRESS", **BIGGER)


def from_another(request: SentRequest, stack_id: str, signed: str = "20260701T000000Z") -> SentRequest:
    """Let a request name another stack, with a URL that agrees."""
    query = presigned(signed, "5f2d1c0b")
    request.event["StackId"] = stack_id
    request.event["ResponseURL"] = response_url(stack_id, NAME, request.id, query)
    return request


def ended(stack: StackUnderTest, request: SentRequest) -> ReceivedResponse:
    response = stack.run_from(request)
    stack.idle(600)
    assert len(request.puts) == 1
    return response


# --- nobody waits for it --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", UNEXPECTED)
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_without_an_operation_in_progress_fails_and_changes_nothing(
    stack: StackUnderTest, kind: Kind, status: str
) -> None:
    password = stack.token(stack.created())
    before = shown(stack)
    change = {"secure": False} if kind == "Create" else BIGGER
    request = prepared(stack, kind, status, **change)

    response = ended(stack, request)

    assert not response.ok
    assert "no operation of it is in progress" in response.reason
    assert response.seconds >= (120 if status == MISSING else 60)
    assert stack.writes() == []
    assert shown(stack) == before
    assert response.data == {}
    assert password not in str(request.puts)
    if kind == "Create":
        assert not naming.is_nothing_made(response.physical_id)
    else:
        assert response.physical_id == request.event["PhysicalResourceId"]


@pytest.mark.parametrize("status", UNEXPECTED)
@pytest.mark.parametrize("given", ["shop-Redis-1OPG6JWK4V6NX", None], ids=["an invented id", "no id"])
def test_a_delete_without_a_known_id_and_an_operation_changes_nothing(
    stack: StackUnderTest, status: str, given: str | None
) -> None:
    stack.created()
    before = shown(stack)
    request = prepared(stack, "Delete", status)
    request.event.pop("PhysicalResourceId")
    if given:
        request.event["PhysicalResourceId"] = given

    ended(stack, request)

    assert stack.writes() == []
    assert shown(stack) == before


@pytest.mark.parametrize("known", [False, True], ids=["which does not exist", "which is in operation"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_made_up_stack_name_with_the_guid_of_a_stack_leads_to_nothing_of_that_stack(
    stack: StackUnderTest, kind: Kind, known: bool
) -> None:
    password = stack.token(stack.created())
    before = shown(stack)
    genuine, made_up = stack.stack_id, stack.stack_id.replace(":stack/shop/", ":stack/bank/")

    def only_the_genuine(call: Call, _index: int) -> None:
        asked = call.name == "cloudformation:DescribeStacks"
        if asked and call.params["StackName"] != genuine and not known:
            raise _no_such_stack(call)

    request = from_another(prepared(stack, kind, f"{kind.upper()}_IN_PROGRESS", **BIGGER), made_up)
    stack.recorder.before = only_the_genuine

    response = stack.run_from(request)

    assert password not in str(request.puts)
    if kind == "Update":
        assert not response.ok
    if kind == "Create" and known:
        # It is a stack of its own, and makes a cluster of its own.
        assert response.physical_id not in before["all"]
    else:
        assert shown(stack) == before
    clusters = shown(stack)["clusters"]
    assert isinstance(clusters, dict)
    assert clusters.items() >= dict(before["clusters"]).items()  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_another_stack_that_names_a_cluster_under_way_neither_changes_it_nor_stops_its_polls(
    slow: StackUnderTest, kind: Kind
) -> None:
    physical_id = slow.created()
    genuine = slow.prepare("Update", slow.properties(**BIGGER))
    slow.invoke(genuine.event)
    armed = slow.armed()
    assert len(armed) == 1
    resource = slow.resources[NAME]
    resource.before = (physical_id, resource.properties)
    forged = from_another(
        slow.send(kind, NAME), slow.stack_id.replace(":stack/shop/", ":stack/bank/")[:-1] + "0"
    )
    slow._queue.clear()
    slow.stack_status("UPDATE_IN_PROGRESS")

    slow.invoke(forged.event)
    assert set(armed) <= set(slow.armed())
    response = slow.run(genuine)
    slow.idle(1200)

    assert response.ok, response.reason
    assert slow.simulator.group(physical_id).node_type == "cache.t3.small"
    assert [put["Status"] for put in forged.puts] == ["FAILED" if kind == "Update" else "SUCCESS"]
    assert forged.puts[0]["Data"] == {}
    assert slow.armed() == []


def test_a_poll_body_with_the_schedule_of_another_is_a_poll_of_that_one(slow: StackUnderTest) -> None:
    physical_id = slow.created()
    genuine = slow.prepare("Update", slow.properties(**BIGGER))
    slow.invoke(genuine.event)
    (poll,) = slow.polls()
    forged = {**poll, "RequestType": "Delete", "StackId": slow.stack_id[:-1] + "0", "RequestId": "forged"}

    slow.invoke(forged)
    response = slow.run(genuine)

    assert response.ok, response.reason
    assert slow.simulator.group(physical_id).node_type == "cache.t3.small"
    assert len(genuine.puts) == 1


# --- CloudFormation waits for it ------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "status"), PHASES, ids=[f"{kind} in {status}" for kind, status in PHASES])
def test_a_request_is_carried_out_in_every_phase_in_which_cloudformation_sends_it(
    stack: StackUnderTest, kind: Kind, status: str
) -> None:
    response = ended(stack, meant(stack, kind, status))

    assert response.ok, response.reason
    assert response.seconds < 60
    assert [each.node_type for each in stack.simulator.groups()] == (
        [] if kind == "Delete" else ["cache.t3.small"]
    )


def test_a_nested_stack_has_its_resource_made_and_deleted_under_its_own_id() -> None:
    with StackUnderTest() as nested:
        nested.stack_id = nested.stack_id.replace(":stack/shop/", ":stack/shop-Cache-1ABCDEFGHIJKL/")
        physical_id = nested.created()

        assert physical_id.startswith("shop-cache-1abcdefghijkl")
        assert nested.delete(NAME).ok
        assert nested.leftovers() == []


def test_a_deletion_that_is_tried_again_with_retained_resources_deletes_the_others(
    stack: StackUnderTest,
) -> None:
    stack.created()
    stack.stack_status("DELETE_FAILED")
    stack.idle(120)

    assert stack.delete(NAME).ok

    assert stack.leftovers() == []


@pytest.mark.parametrize("former", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", MISSING])
@pytest.mark.parametrize("kind", KINDS)
def test_a_status_that_is_stale_for_some_seconds_costs_these_alone(
    stack: StackUnderTest, kind: Kind, former: str
) -> None:
    request = meant(stack, kind)
    until = stack.clock.now() + 30

    def stale(call: Call, _index: int) -> Mapping[str, Any] | None:
        if call.name != "cloudformation:DescribeStacks" or stack.clock.now() >= until:
            return None
        if former == MISSING:
            raise _no_such_stack(call)
        return {"Stacks": [{"StackStatus": former}]}

    stack.recorder.before = stale

    response = ended(stack, request)

    assert response.ok, response.reason
    assert response.seconds >= 30


@pytest.mark.parametrize("trouble", ["denied", "without a route"])
@pytest.mark.parametrize("kind", KINDS)
def test_where_the_status_can_not_be_read_a_request_counts_as_meant(
    stack: StackUnderTest, kind: Kind, trouble: str
) -> None:
    request = meant(stack, kind)

    def unreadable(call: Call, _index: int) -> None:
        if call.name == "cloudformation:DescribeStacks":
            if trouble == "denied":
                raise client_error("AccessDenied", operation="DescribeStacks")
            raise EndpointConnectionError(endpoint_url="https://cloudformation.us-east-1.amazonaws.com")

    stack.recorder.before = unreadable

    response = ended(stack, request)

    assert response.ok, response.reason
    assert "The stack's status is unknown" in stack.logs.getvalue()
