"""The calls of EventBridge Scheduler that the fallback makes, with the SDK of the Lambda runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

POLL_INTERVAL = 60
"""Seconds between two firings of a poll schedule."""

_CONFIG = Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_GONE = "ResourceNotFoundException"
_WRITABLE = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "State",
    "KmsKeyArn",
    "Target",
    "FlexibleTimeWindow",
    "ActionAfterCompletion",
)


class SchedulerError(Exception):
    """Scheduler refused a call or did not answer; `code` is its wire code, empty without an answer.

    The message never repeats a parameter, for an Input holds secrets.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Schedule:
    """A poll schedule as GetSchedule returned it."""

    name: str
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def input(self) -> str:
        """The text of the request that it polls for."""
        return str(self.fields.get("Target", {}).get("Input", ""))

    @property
    def description(self) -> str:
        """The text alongside it, empty unless noted."""
        return str(self.fields.get("Description", ""))


class Schedules:
    """The schedules of the provider's schedule group `group`; every method raises SchedulerError."""

    def __init__(self, client: Any, group: str) -> None:
        self._client = client
        self._group = group

    def exists(self, suffix: str) -> bool:
        """Return whether the name of a schedule ends with `suffix`.

        Of a schedule group that is gone none exists; any other failed read raises.
        """
        try:
            return any(name.endswith(suffix) for name in self._names())
        except SchedulerError as error:
            if error.code == _GONE:
                return False
            raise

    def get(self, name: str) -> Schedule | None:
        """Return the schedule `name`, None where there is none."""
        try:
            return Schedule(name, self._call("get_schedule", Name=name))
        except SchedulerError as error:
            if error.code == _GONE:
                return None
            raise

    def note(self, schedule: Schedule, description: str, now: float) -> None:
        """Write a description on a schedule that still exists, and change nothing else of it.

        An update replaces every field, and a StartDate more than five minutes past is refused: it sends what
        GetSchedule returned, with the latest firing for its start. So no firing is skipped.
        """
        wanted = {key: schedule.fields[key] for key in _WRITABLE if schedule.fields.get(key)}
        if "StartDate" in wanted:
            wanted["StartDate"] = _latest_firing(wanted["StartDate"], now)
        self._unless_gone("update_schedule", Name=schedule.name, Description=description, **wanted)

    def delete(self, name: str) -> None:
        """Delete the schedule `name`, if it still exists."""
        self._unless_gone("delete_schedule", Name=name)

    def _names(self) -> Iterator[str]:
        wanted: dict[str, object] = {}
        while True:
            page = self._call("list_schedules", **wanted)
            yield from (str(listed["Name"]) for listed in page["Schedules"])
            if not page.get("NextToken"):
                return
            wanted["NextToken"] = page["NextToken"]

    def _unless_gone(self, operation: str, **wanted: object) -> None:
        try:
            self._call(operation, **wanted)
        except SchedulerError as error:
            if error.code != _GONE:
                raise

    def _call(self, operation: str, **wanted: object) -> Any:
        try:
            return getattr(self._client, operation)(GroupName=self._group, **wanted)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise SchedulerError(f"{operation} was refused: {code}", code) from None
        except BotoCoreError as error:
            raise SchedulerError(f"{operation} got no answer: {type(error).__name__}") from None


def connect() -> Schedules:
    """Return the schedules of this provider, reached by the function's own role."""
    return Schedules(boto3.client("scheduler", config=_CONFIG), os.environ["SCHEDULE_GROUP"])


def _latest_firing(start: datetime, now: float) -> datetime:
    """Return the last firing up to `now` of a schedule that begins at `start`; before that, `start`."""
    passed = max(0.0, (datetime.fromtimestamp(now, UTC) - start).total_seconds())
    return start + timedelta(seconds=passed // POLL_INTERVAL * POLL_INTERVAL)
