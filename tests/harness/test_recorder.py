"""The recording of AWS calls and the faults put in their way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from .moto_aws import MotoAws
from .recorder import Call, Killed, Recorder, client_error


@pytest.fixture
def cloud() -> Iterator[MotoAws]:
    with MotoAws() as cloud:
        cloud.make_subnet_group()
        yield cloud


def test_every_call_is_recorded_and_only_writes_are_mutations(cloud: MotoAws) -> None:
    with Recorder() as recorder:
        cloud.elasticache.create_replication_group(**cloud.request())
        cloud.group()
        cloud.ec2.describe_vpcs()
    assert [call.name for call in recorder.calls] == [
        "elasticache:CreateReplicationGroup",
        "elasticache:DescribeReplicationGroups",
        "ec2:DescribeVpcs",
    ]
    assert [call.operation for call in recorder.mutations()] == ["CreateReplicationGroup"]
    assert recorder.calls[0].params["ReplicationGroupId"] == "cache"
    recorder.clear()
    cloud.group()
    assert recorder.calls == []


def test_a_fault_before_a_call_keeps_it_from_being_made(cloud: MotoAws) -> None:
    def throttle(call: Call, index: int) -> None:
        if index == 0:
            raise client_error("Throttling", operation=call.operation, status=400)

    with Recorder(before=throttle), pytest.raises(ClientError) as refused:
        cloud.elasticache.create_replication_group(**cloud.request())
    assert refused.value.response["Error"]["Code"] == "Throttling"
    assert cloud.simulator.groups() == []


def test_an_answer_before_a_call_takes_its_place(cloud: MotoAws) -> None:
    with Recorder(before=lambda _call, _index: {"ReplicationGroups": []}):
        assert cloud.elasticache.describe_replication_groups() == {"ReplicationGroups": []}


def test_a_fault_after_a_call_leaves_it_made(cloud: MotoAws) -> None:
    def lose(call: Call, index: int, result: Mapping[str, Any]) -> None:
        assert result["ReplicationGroup"]["Status"] == "creating"
        raise ReadTimeoutError(endpoint_url="https://elasticache")

    with Recorder(after=lose), pytest.raises(ReadTimeoutError):
        cloud.elasticache.create_replication_group(**cloud.request())
    assert len(cloud.simulator.groups()) == 1


def test_a_killed_process_is_not_caught_by_its_own_error_handling(cloud: MotoAws) -> None:
    def kill(call: Call, index: int) -> None:
        raise Killed

    def careful() -> None:
        try:
            cloud.group()
        except Exception:
            pytest.fail("caught")

    with Recorder(before=kill), pytest.raises(Killed):
        careful()


def test_botocore_still_validates_what_is_sent(cloud: MotoAws) -> None:
    with Recorder(), pytest.raises(ParamValidationError):
        cloud.elasticache.create_replication_group(ReplicationGroupId=1)


def test_clients_are_themselves_again_afterwards(cloud: MotoAws) -> None:
    with Recorder() as recorder:
        pass
    cloud.ec2.describe_vpcs()
    assert recorder.calls == []
