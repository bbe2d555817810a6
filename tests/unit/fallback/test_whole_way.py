"""The fallback behind a function that fails, on a simulated clock: how long a stack waits for its answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.cloudformation import FakeCloudFormation, StackResource
from tests.harness.fallback import take
from tests.harness.inmemory_aws import InMemoryAws

from .stage import ID, Stage, schedule_name


class BrokenCloudFormation(FakeCloudFormation):
    """A stack whose provider function always fails; `done` is what the fallback did each time."""

    def __init__(self, aws: InMemoryAws) -> None:
        self.done: list[str] = []
        super().__init__(aws.clock, aws.schedules, failed=self._fall_back)

    def _make_stack(self) -> None:
        pass

    def stack_status(self, status: str) -> None:
        pass

    def _fall_back(self, record: dict) -> None:
        self.done.append(take(record, self.put, self.clock.now())["status"])


@pytest.fixture
def aws() -> Iterator[InMemoryAws]:
    with InMemoryAws() as made:
        yield made


@pytest.fixture
def broken(aws: InMemoryAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[BrokenCloudFormation]:
    def fail(*_: object) -> None:
        raise ImportError("No module named 'crhelper'")

    with BrokenCloudFormation(aws) as cloudformation:
        monkeypatch.setattr(cloudformation._app, "handler", fail)
        yield cloudformation


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_function_that_fails_to_import_fails_the_stack_in_under_five_minutes(broken, kind):
    broken.resources["Redis"] = StackResource(
        ID if kind != "Create" else None, {"node_type": "cache.t3.micro"}
    )

    response = broken.run(broken.send(kind, "Redis"))

    assert response.status == "FAILED"
    assert "No module named 'crhelper'" in response.reason
    assert response.seconds < 300
    assert response.physical_id.startswith("unknown:" if kind == "Create" else ID)


def test_the_delete_after_such_a_create_fails_while_the_function_is_broken(broken):
    broken.create("Redis", {"node_type": "cache.t3.micro"})

    response = broken.roll_back("Redis")

    assert not response.ok
    assert response.physical_id.startswith("unknown:")


def test_a_function_that_breaks_while_work_is_open_fails_the_stack_and_leaves_no_schedule(aws, broken):
    broken.resources["Redis"] = StackResource(None, {"node_type": "cache.t3.micro"})
    stage = Stage(aws)
    request = broken.send("Create", "Redis")
    name = schedule_name(request.event)
    carried = {"CrHelperPoll": True, "StartedAt": request.sent_at, "ScheduleName": name}
    stage.arm({**request.event, **carried})

    response = broken.run(request)

    assert (response.status, response.physical_id) == ("FAILED", ID)
    assert 600 <= response.seconds <= 900
    assert broken.armed() == []
    assert broken.done[0] == "LEFT"
