"""Work that outlasts one invocation, deployed: a schedule carries it on, and goes when it is done."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.e2e import shops
from tests.e2e.emulator.emulator import ACCOUNT, ROOT

from .emulator import stacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator.emulator import Emulator

REFUSED = 6
"""Calls refused for want of capacity; the function tries again every ten seconds, for 45 s at a time."""

TEMPLATE = (ROOT / "examples" / "free-tier.yaml").read_text()
SHORT = shops.with_a_short_timeout(TEMPLATE)
ENDS_AFTER = (shops.SHORT_TIMEOUT + 300) / 20
"""Seconds from the request to the EndDate of its schedule, with the emulator's time 20 times as fast."""


def test_a_create_that_outlasts_an_invocation_is_finished_by_its_schedule(
    emulator: Emulator, network: stacks.Network
) -> None:
    scheduler = emulator.client("scheduler")
    found: dict[str, dict[str, str]] = {}

    def look() -> None:
        for each in scheduler.list_schedules()["Schedules"]:
            try:
                shown = scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
            except scheduler.exceptions.ResourceNotFoundException:
                continue
            found[each["Name"]] = shown

    stack = stacks.Stack(emulator, "patient", at_each_look=look)
    emulator.order("capacity_shortage", REFUSED)

    status = stack.create(TEMPLATE, network.parameters())

    assert status == "CREATE_COMPLETE", stack.reasons()
    [(name, shown)] = found.items()
    assert re.fullmatch(re.escape(stack.physical_id()) + r"-\d{10}-[a-z2-7]{12}", name)
    assert shown["ScheduleExpression"] == "rate(1 minute)"
    assert shown["ActionAfterCompletion"] == "DELETE"
    assert re.fullmatch(r"mdr-[0-9a-f]{8}", shown["GroupName"])
    assert invocations(emulator) >= 2
    assert stacks.still_polled(emulator, seconds=10) == []
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_schedule_that_can_not_be_deleted_is_gone_by_itself_after_its_end(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack = stacks.Stack(emulator, "forgotten")
    with stacks.forbidden(emulator, "scheduler:DeleteSchedule"):
        assert stack.create(SHORT, network.parameters()) == "CREATE_COMPLETE", stack.reasons()
        [left] = stacks.schedules(emulator)
        assert left.startswith(f"{stack.physical_id()}-")

        assert stacks.still_polled(emulator, seconds=ENDS_AFTER + 10) == []

    assert stack.delete() == "DELETE_COMPLETE"


# IAM


@pytest.fixture
def stranger(emulator: Emulator) -> Iterator[str]:
    """Make a role that Scheduler can't assume, and return its ARN."""
    iam = emulator.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    yield iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.delete_role(RoleName="stranger")


def resource(emulator: Emulator, logical_id: str) -> str:
    return stacks.Stack(emulator, stacks.PROVIDER).physical_id(logical_id)


def execution_role(emulator: Emulator) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{resource(emulator, 'SchedulerRole')}"


def test_only_the_providers_own_schedules_can_use_its_execution_role(
    emulator: Emulator, stranger: str
) -> None:
    function = stacks.Stack(emulator, stacks.PROVIDER).outputs()["ServiceToken"]
    for role in (execution_role(emulator), stranger):
        with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
            emulator.client("scheduler").create_schedule(
                Name="another",
                ScheduleExpression="rate(1 minute)",
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": function, "RoleArn": role, "Input": "{}"},
            )


def test_a_provider_that_may_not_pass_the_role_says_so(emulator: Emulator, network: stacks.Network) -> None:
    stack = stacks.Stack(emulator, "unpassed")
    with stacks.forbidden(emulator, "iam:PassRole"):
        # The rollback's Delete is polled too, so it fails alike; both believe the denial at their deadline.
        assert stack.create(SHORT, network.parameters()) == "ROLLBACK_FAILED"

    assert any("iam:PassRole was denied" in reason for reason in stack.reasons()), stack.reasons()
    assert stack.delete() == "DELETE_COMPLETE"


@pytest.fixture
def probe(emulator: Emulator) -> Iterator[None]:
    """Let a schedule of the provider's group invoke it every three seconds, with an event that it refuses."""
    schedule = {"GroupName": resource(emulator, "ScheduleGroup"), "Name": "probe"}
    emulator.client("scheduler").create_schedule(
        **schedule,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": stacks.Stack(emulator, stacks.PROVIDER).outputs()["ServiceToken"],
            "RoleArn": execution_role(emulator),
            "Input": "{}",
        },
    )
    yield
    emulator.client("scheduler").delete_schedule(**schedule)


@pytest.mark.usefixtures("probe")
def test_a_schedule_invokes_only_if_its_role_may(emulator: Emulator) -> None:
    iam, role = emulator.client("iam"), resource(emulator, "SchedulerRole")
    policy = iam.get_role_policy(RoleName=role, PolicyName="scheduler")["PolicyDocument"]

    iam.delete_role_policy(RoleName=role, PolicyName="scheduler")
    time.sleep(4)  # what was fired before has ended
    before = invocations(emulator)
    time.sleep(7)
    without = invocations(emulator)
    iam.put_role_policy(RoleName=role, PolicyName="scheduler", PolicyDocument=json.dumps(policy))
    time.sleep(7)

    assert before == without < invocations(emulator)


def invocations(emulator: Emulator) -> int:
    """Return how often the provider was invoked so far, from its log."""
    logs = emulator.client("logs")
    [group] = [
        each["logGroupName"]
        for each in logs.describe_log_groups()["logGroups"]
        if "ProviderLogGroup" in each["logGroupName"]
    ]
    found = logs.filter_log_events(logGroupName=group, filterPattern="START RequestId")["events"]
    return len(found)
