"""The provider's schedule group in EventBridge Scheduler: each open request is polled by one schedule.

Names are exclusive, so that copies of one request meet at the same schedule. A schedule deletes itself
after its EndDate, whatever becomes of the invocations that it starts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from massdriver_redis.aws import errors
from massdriver_redis.errors import ResourceError, TransientError

_BETWEEN_READS = 1.0
"""Seconds between the two reads on whose word a missing schedule is believed."""

_A_FEW = 5
"""Open requests of which each may have an invocation wait: a new account's concurrency may be ten
(Lambda Developer Guide, "Lambda quotas"), and other functions share it."""

_RETRIES = {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1}
"""A missed poll is repeated by the next; Scheduler's default retries for a day."""


class PollSchedules:
    """The schedules of one group, which invoke `function_arn` by the execution role `role_arn`.

    `client` is boto3's client of the function's own role and Region, whatever role makes the cluster.
    Every method but `is_crowded` raises the exceptions of `aws.errors.translate`.
    """

    def __init__(
        self, client: Any, group: str, function_arn: str, role_arn: str, sleep: Callable[[float], None]
    ) -> None:
        self._call = functools.partial(errors.call, client, "scheduler")
        self._group = group
        self._target = {"Arn": function_arn, "RoleArn": role_arn, "RetryPolicy": _RETRIES}
        self._sleep = sleep

    def create(self, name: str, text: str, start: datetime, end: datetime) -> bool:
        """Start polling with `text` as the Input; False where a schedule of that name serves already."""
        try:
            self._call(
                "create_schedule",
                Name=name,
                GroupName=self._group,
                ScheduleExpression="rate(1 minute)",
                FlexibleTimeWindow={"Mode": "OFF"},
                StartDate=start,
                EndDate=end,
                ActionAfterCompletion="DELETE",
                Target={**self._target, "Input": text},
            )
        except ResourceError as error:
            if error.code != "ConflictException":
                raise errors.explain_create_schedule(error) from None
            if self._get(name) is None:
                raise TransientError(
                    "scheduler:CreateSchedule: the name is taken by a schedule that does not show"
                ) from None
            return False
        return True

    def read(self, name: str) -> Mapping[str, object] | None:
        """Return the event that a schedule carries; None once two reads say that there is no schedule."""
        found = self._get(name)
        if found is None:
            self._sleep(_BETWEEN_READS)
            found = self._get(name)
        if found is None:
            return None
        try:
            event = json.loads(found["Target"]["Input"])
        except (KeyError, ValueError):
            return None
        return event if isinstance(event, dict) else None

    def list(self, prefix: str) -> dict[str, float]:
        """Return the schedules whose names begin with `prefix`, and when each was created (epoch seconds)."""
        found: dict[str, float] = {}
        page: dict[str, str] = {}
        while True:
            answer = self._call("list_schedules", GroupName=self._group, NamePrefix=prefix, **page)
            for each in answer["Schedules"]:
                found[str(each["Name"])] = each["CreationDate"].timestamp()
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}

    def is_crowded(self) -> bool:
        """Return whether more than a few requests are open, each of which has a schedule.

        So it is where they can't be listed now: a poll may always leave the rest to the next.
        """
        try:
            answer = self._call("list_schedules", GroupName=self._group, MaxResults=_A_FEW + 1)
        except ResourceError:
            return True
        return len(answer["Schedules"]) > _A_FEW

    def delete(self, name: str) -> None:
        """Stop polling by this schedule; one that is gone is done."""
        try:
            self._call("delete_schedule", Name=name, GroupName=self._group)
        except ResourceError as error:
            if error.code != errors.NO_SUCH_SCHEDULE:
                raise

    def _get(self, name: str) -> Any:
        try:
            return self._call("get_schedule", Name=name, GroupName=self._group)
        except ResourceError as error:
            if error.code == errors.NO_SUCH_SCHEDULE:
                return None
            raise
