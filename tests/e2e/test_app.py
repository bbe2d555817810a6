"""The example of an app, deployed: it gets the cluster's address and password, and only it may connect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.e2e.emulator.emulator import ROOT
from tests.e2e.emulator.redis_server import INSTALLED

from .emulator import stacks

if TYPE_CHECKING:
    from tests.e2e.emulator.emulator import Emulator


def test_the_app_reaches_the_cluster_with_what_its_stack_was_given(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack = stacks.Stack(emulator, "app")
    template = (ROOT / "examples" / "app.yaml").read_text()

    assert stack.create(template, network.parameters()) == "CREATE_COMPLETE", stack.reasons()

    outputs = stack.outputs()
    group = emulator.client("ec2").describe_security_groups(GroupIds=[outputs["SecurityGroupId"]])
    rules = group["SecurityGroups"][0]["IpPermissions"]
    assert [len(rule["UserIdGroupPairs"]) for rule in rules] == [1]
    if INSTALLED:
        answer = emulator.client("lambda").invoke(FunctionName=outputs["App"])["Payload"].read()
        assert json.loads(answer) == ["+OK", "+PONG"]

    assert stack.delete() == "DELETE_COMPLETE"
