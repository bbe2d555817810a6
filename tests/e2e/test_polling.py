"""Work that outlasts one invocation, deployed: the poll rule carries it on, and goes when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.emulator.emulator import ROOT

from .emulator import stacks

if TYPE_CHECKING:
    from tests.e2e.emulator.emulator import Emulator

REFUSED = 6
"""Calls refused for want of capacity; the function tries again every ten seconds, for 45 s at a time."""


def test_a_create_that_outlasts_an_invocation_is_finished_by_the_poll_rule(
    emulator: Emulator, network: stacks.Network
) -> None:
    events, rules = emulator.client("events"), set()

    def look() -> None:
        found = events.list_rules(NamePrefix="mdr-")["Rules"]
        rules.update((each["Name"], each["ScheduleExpression"]) for each in found)

    stack = stacks.Stack(emulator, "patient", at_each_look=look)
    emulator.order("capacity_shortage", REFUSED)

    status = stack.create((ROOT / "examples" / "free-tier.yaml").read_text(), network.parameters())

    assert status == "CREATE_COMPLETE", stack.reasons()
    assert len(rules) == 1
    [(name, schedule)] = rules
    assert name.endswith(stack.physical_id())
    assert schedule == "rate(1 minute)"
    assert invocations(emulator) >= 2
    assert events.list_rules(NamePrefix="mdr-")["Rules"] == []
    assert stack.delete() == "DELETE_COMPLETE"


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
