"""What the tests of the fallback share: on-failure records, poll schedules, and the fallback between them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from tests.harness.cloudformation import on_failure_record
from tests.harness.context import FUNCTION
from tests.harness.envelope import NOW, RESPONSE_URL, event
from tests.harness.fallback import MODULES, take
from tests.harness.inmemory_aws import InMemoryAws, client
from tests.harness.schedules import GROUP, ROLE_ARN

ID = "shop-redis-abcdefghij"
answer, envelope, schedules, app = (MODULES[name] for name in ("answer", "envelope", "schedules", "app"))


class ImportModuleError(Exception):
    """What Lambda reports of a package that doesn't import."""


CAUSE = ImportModuleError("Unable to import module 'app': No module named 'crhelper'")


def record(payload: Any, **changes: Any) -> dict[str, Any]:
    """Return what Lambda sends to the on-failure destination for an event."""
    return {**on_failure_record({}, CAUSE), "requestPayload": payload, **changes}


def schedule_name(request: dict[str, Any], physical_id: str = ID) -> str:
    keys = ("StackId", "LogicalResourceId", "RequestId")
    digest = hashlib.sha256("\n".join(request[key] for key in keys).encode()).digest()
    return f"{physical_id}-1789999980-{base64.b32encode(digest).decode().lower()[:12]}"


def poll(kind: str = "Create", **changes: Any) -> dict[str, Any]:
    """Return the event of a poll of `kind`; a change to None removes its key."""
    request = event(kind, **changes)
    more = {"CrHelperPoll": True, "StartedAt": NOW - 60.0, "ArmedAt": NOW - 59.0}
    return {**request, **more, "ScheduleName": schedule_name(request), **changes}


class Stage:
    """The fallback on an AWS in memory, and what it PUT; `status` is what S3 answers."""

    def __init__(self, aws: InMemoryAws) -> None:
        self.aws = aws
        self.clock = aws.clock
        self.clock.advance(NOW - self.clock.now())
        self.scheduler = client("scheduler")
        self.puts: list[dict[str, Any]] = []
        self.status = 200

    def arm(self, poll: dict[str, Any], **changes: Any) -> str:
        """Make the schedule of a poll and return its name."""
        now = self.clock.now()
        wanted = {
            "GroupName": GROUP,
            "Name": poll["ScheduleName"],
            "ScheduleExpression": "rate(1 minute)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "StartDate": now + 60,
            "EndDate": now + 4000,
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": FUNCTION,
                "RoleArn": ROLE_ARN,
                "Input": json.dumps(poll),
                "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
            },
            **changes,
        }
        self.scheduler.create_schedule(**wanted)
        return str(poll["ScheduleName"])

    def shown(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.scheduler.get_schedule(GroupName=GROUP, Name=name)
        return found

    def fail(self, payload: Any, **changes: Any) -> dict[str, str]:
        """Give the fallback the record of an event; return what it did."""
        return take(record(payload, **changes), self._put, self.clock.now())

    def fail_every_minute(self, payload: Any, minutes: int) -> list[str]:
        """Let a poll fail now and every minute for so long; return what the fallback did each time."""
        done = [self.fail(payload)["status"]]
        for _ in range(minutes):
            self.clock.advance(60)
            done.append(self.fail(payload)["status"])
        return done

    def _put(self, url: str, body: bytes) -> int:
        assert url == RESPONSE_URL
        self.puts.append(json.loads(body))
        assert len(body) <= 4096
        return self.status

    @property
    def armed(self) -> list[str]:
        return self.aws.schedules.names()

    @property
    def response(self) -> dict[str, Any]:
        (body,) = self.puts
        return body
