"""The swift AWS: the same calls, with the same answers, as moto gives."""

from __future__ import annotations

import pytest

from .samples import FREE_TIER, SHARDED_CLUSTER
from .stack import NAME, StackUnderTest

LIFE = [{"replicas": 2, "tags": {"a": "1"}}, {"allow_vpc_access": False}, {"redis_version": "3.2"}]
PASSING = ("SecurityGroupId", "sg-", "subnet-", "vpc-")


def lived(preset: dict[str, object], *, real: bool) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the calls of a whole life by name, and what CloudFormation was told."""
    with StackUnderTest(real=real) as stack:
        told = [stack.create(NAME, stack.properties(preset))]
        told += [stack.update(NAME, stack.properties(preset, **change)) for change in LIFE]
        told.append(stack.roll_back(NAME))
        told += [stack.delete(NAME), stack.create(NAME, stack.properties(preset)), stack.delete(NAME)]
        calls = [call.name for call in stack.recorder.calls]
        return calls, [(each.status, each.reason) for each in told]


@pytest.mark.parametrize("preset", [FREE_TIER, SHARDED_CLUSTER], ids=lambda preset: preset["__name"])
def test_a_life_on_it_makes_the_calls_and_gets_the_answers_of_a_life_on_moto(preset) -> None:
    inmemory_aws, moto = lived(preset, real=False), lived(preset, real=True)

    assert inmemory_aws == moto
    assert len(inmemory_aws[0]) > 300
