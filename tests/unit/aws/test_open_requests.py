"""How many requests are open, by the schedules of the provider's group."""

from __future__ import annotations

import pytest

from massdriver_redis.aws.open_requests import is_crowded
from tests.harness.inmemory_aws import InMemoryAws, client
from tests.harness.recorder import Recorder, client_error
from tests.harness.schedules import GROUP, arm_others


@pytest.mark.parametrize(("requests", "crowded"), [(0, False), (5, False), (6, True), (300, True)])
def test_more_than_five_open_requests_are_a_crowd(requests: int, crowded: bool) -> None:
    with InMemoryAws() as aws, Recorder() as recorder:
        arm_others(aws.schedules, requests)

        assert is_crowded(client("scheduler"), GROUP) is crowded
        assert len(recorder.calls) == 1


def test_requests_that_cannot_be_listed_now_count_as_a_crowd() -> None:
    def refuse(*_: object) -> None:
        raise client_error("ThrottlingException", "Rate exceeded")

    with InMemoryAws(), Recorder(before=refuse):
        assert is_crowded(client("scheduler"), GROUP)
