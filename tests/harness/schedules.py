"""EventBridge Scheduler in memory, on a simulated clock and no kinder than AWS.

Every AWS of the tests uses it, moto's too: moto's own Scheduler never fires, and it compares a StartDate
with the machine's clock. Messages are AWS's own words where they are known.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.utils import parse_to_aware_datetime

from tests.simulator.errors import Refusal

from .clock import SimulatedClock
from .context import FUNCTION

ACCOUNT, REGION = "123456789012", "us-east-1"
GROUP = "mdr-1a2b3c4d"
"""The provider's schedule group; the same text as its RESOURCE_PREFIX."""

ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/provider-SchedulerRole"
LARGEST_INPUT = 262_144
"""Bytes of an Input (EventBridge Scheduler's quotas, "Payload size")."""

_PAST = 300.0
_NAME = re.compile(r"[0-9a-zA-Z-_.]{1,64}", re.ASCII)
_LONGEST = {"Description": 512, "ScheduleExpression": 256, "NamePrefix": 64, "NextToken": 2048}
_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
Params = dict[str, Any]


@dataclass(frozen=True)
class Schedule:
    """One schedule as it was last written; times in seconds since the epoch.

    `version` is new with every write. `params` are the fields of the request that wrote it.
    """

    version: int
    params: Params
    created: float
    modified: float
    start: float
    end: float
    every: float

    @property
    def name(self) -> str:
        return str(self.params["Name"])

    @property
    def group(self) -> str:
        return str(self.params["GroupName"])

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{self.group}/{self.name}"

    def input_at(self, scheduled: float) -> str:
        """Return the Input as the firing of `scheduled` delivers it: Scheduler fills in its attributes."""
        values = {
            "schedule-arn": self.arn,
            "scheduled-time": _iso(scheduled),
            "execution-id": f"execution-{self.version}-{scheduled:.0f}",
            "attempt-number": "1",
        }
        text = str(self.params["Target"].get("Input", "{}"))
        return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda found: values.get(found[1], found[0]), text)


class Schedules:
    """EventBridge Scheduler's schedules; `groups` are the schedule groups there are.

    `page` is the size of ListSchedules' pages unless asked for less. `roles` are the execution roles that
    Scheduler may assume.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self.groups = {"default", GROUP}
        self.roles = {ROLE_ARN}
        self.page = 100
        self._clock = clock
        self._kept: dict[tuple[str, str], Schedule] = {}
        self._versions = itertools.count(1)

    def live(self, group: str = GROUP) -> list[Schedule]:
        """Return the schedules of a schedule group, oldest first."""
        found = [each for each in self._all() if each.group == group]
        return sorted(found, key=lambda each: each.created)

    def names(self, group: str = GROUP) -> list[str]:
        """Return the names of a schedule group's schedules, oldest first."""
        return [each.name for each in self.live(group)]

    def find(self, name: str, group: str = GROUP) -> Schedule:
        """Return one schedule; raise Refusal where there is none."""
        self._check_group(group)
        self._all()
        if (group, name) not in self._kept:
            raise Refusal("ResourceNotFoundException", f"Schedule {name} does not exist.")
        return self._kept[group, name]

    # --- operations, as boto3 names them ------------------------------------------------------------

    def CreateSchedule(self, **params: Any) -> Params:  # noqa: N802
        name, group = self._names(params)
        wanted = self._validated({**params, "GroupName": group}, self._clock.now())
        self._all()
        if (group, name) in self._kept:
            raise Refusal("ConflictException", f"Schedule {name} already exists.")
        self._kept[group, name] = wanted
        return {"ScheduleArn": wanted.arn}

    def GetSchedule(self, **params: Any) -> Params:  # noqa: N802
        name, group = self._names(params)
        found = self.find(name, group)
        defaults = {"State": "ENABLED", "ActionAfterCompletion": "NONE", "ScheduleExpressionTimezone": "UTC"}
        shown = {**defaults, **found.params}
        shown["Target"] = {"RetryPolicy": dict(_RETRIES), **found.params["Target"]}
        return {**shown, "Arn": found.arn, **_dates(found)}

    def ListSchedules(self, **params: Any) -> Params:  # noqa: N802
        group, prefix = params.get("GroupName"), params.get("NamePrefix", "")
        _check_lengths(params)
        if group is not None:
            self._check_group(group)
        found = sorted(
            (
                each
                for each in self._all()
                if group in (None, each.group)
                and each.name.startswith(prefix)
                and params.get("State") in (None, each.params.get("State", "ENABLED"))
            ),
            key=lambda each: (each.group, each.name),
        )
        rest = [each for each in found if f"{each.group}/{each.name}" > params.get("NextToken", "")]
        page = rest[: min(self.page, params.get("MaxResults", 100))]
        more = {"NextToken": f"{page[-1].group}/{page[-1].name}"} if len(page) < len(rest) else {}
        return {"Schedules": [_summary(each) for each in page], **more}

    def UpdateSchedule(self, **params: Any) -> Params:  # noqa: N802
        name, group = self._names(params)
        found = self.find(name, group)
        self._kept[group, name] = self._validated({**params, "GroupName": group}, found.created)
        return {"ScheduleArn": found.arn}

    def DeleteSchedule(self, **params: Any) -> None:  # noqa: N802
        name, group = self._names(params)
        self.find(name, group)
        del self._kept[group, name]

    # --- inside -------------------------------------------------------------------------------------

    def _all(self) -> list[Schedule]:
        """Return every schedule, without those that ended and delete themselves, or whose group is gone."""
        now = self._clock.now()
        for key, each in list(self._kept.items()):
            ended = now >= each.end and each.params.get("ActionAfterCompletion") == "DELETE"
            if ended or each.group not in self.groups:
                del self._kept[key]
        return list(self._kept.values())

    def _names(self, params: Params) -> tuple[str, str]:
        name, group = params["Name"], params.get("GroupName", "default")
        for each in (name, group):
            if not _NAME.fullmatch(each):
                raise Refusal("ValidationException", f"Invalid name: {each}")
        self._check_group(group)
        return name, group

    def _check_group(self, group: str) -> None:
        if group not in self.groups:
            raise Refusal("ResourceNotFoundException", f"Schedule group {group} does not exist.")

    def _validated(self, params: Params, created: float) -> Schedule:
        """Return the schedule that a request describes; raise Refusal where AWS would not take it."""
        _check_lengths(params)
        _check_target(params["Target"])
        if params["Target"]["RoleArn"] not in self.roles:
            raise Refusal(
                "ValidationException",
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
            )
        now = self._clock.now()
        for key in ("StartDate", "EndDate"):
            if key in params:
                # The wire carries whole seconds.
                params[key] = parse_to_aware_datetime(params[key]).astimezone(UTC).replace(microsecond=0)
        start = params["StartDate"].timestamp() if "StartDate" in params else now
        end = params["EndDate"].timestamp() if "EndDate" in params else float("inf")
        if start < now - _PAST:
            raise Refusal(
                "ValidationException", "The StartDate you specify cannot be earlier than 5 minutes ago."
            )
        if end <= start or end <= now:
            raise Refusal("ValidationException", "The EndDate must be in the future and after the StartDate.")
        params.pop("ClientToken", None)
        return Schedule(next(self._versions), params, created, now, max(start, now), end, _rate(params))


def arm_others(schedules: Schedules, number: int) -> None:
    """Create the schedules of so many requests of other stacks, which never fire."""
    for each in range(number):
        schedules.CreateSchedule(
            Name=f"another-{each}-1782864000-aaaabbbbcccc",
            GroupName=GROUP,
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            State="DISABLED",
            Target={"Arn": FUNCTION, "RoleArn": ROLE_ARN},
        )


_RETRIES = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def _check_lengths(params: Params) -> None:
    for key, longest in _LONGEST.items():
        if len(params.get(key, "")) > longest:
            raise Refusal("ValidationException", f"{key} must have at most {longest} characters.")
    if params.get("MaxResults", 1) > 100:
        raise Refusal("ValidationException", "MaxResults must be at most 100.")


def _check_target(target: Params) -> None:
    if len(target.get("Input", "").encode()) > LARGEST_INPUT:
        raise Refusal("ValidationException", f"Input exceeds the limit of {LARGEST_INPUT} bytes.")
    retries = {**_RETRIES, **target.get("RetryPolicy", {})}
    if any(retries[key] > most for key, most in _RETRIES.items()):
        raise Refusal("ValidationException", "The RetryPolicy exceeds its limits.")


def _rate(params: Params) -> float:
    found = re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", params["ScheduleExpression"])
    if not found:
        raise Refusal("ValidationException", f"Invalid Schedule Expression {params['ScheduleExpression']}.")
    return int(found[1]) * _UNITS[found[2]]


def _summary(found: Schedule) -> Params:
    return {
        "Arn": found.arn,
        "GroupName": found.group,
        "Name": found.name,
        "State": found.params.get("State", "ENABLED"),
        "Target": {"Arn": found.params["Target"]["Arn"]},
        **_dates(found),
    }


def _dates(found: Schedule) -> Params:
    return {
        "CreationDate": datetime.fromtimestamp(found.created, UTC),
        "LastModificationDate": datetime.fromtimestamp(found.modified, UTC),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Firing:
    """A firing that falls due: of which schedule, at which nominal time, and when it is delivered."""

    schedule: Schedule
    scheduled: float
    due: float


class Firings:
    """What falls due of a schedule group: first at StartDate, then at the rate, each time a bit late.

    `lateness` gives the seconds by which a firing is late.
    """

    def __init__(self, schedules: Schedules, lateness: Callable[[], float]) -> None:
        self._schedules = schedules
        self._lateness = lateness
        self._next: dict[int, Firing] = {}

    def next(self) -> Firing | None:
        """Return the firing that is due first, None where no schedule fires any more."""
        live = self._schedules.live()
        known = self._next
        self._next = {
            each.version: known.get(each.version) or self._firing(each, each.start) for each in live
        }
        return min(filter(_fires, self._next.values()), key=lambda firing: firing.due, default=None)

    def take(self, firing: Firing) -> None:
        """Count a firing as delivered."""
        schedule = firing.schedule
        self._next[schedule.version] = self._firing(schedule, firing.scheduled + schedule.every)

    def _firing(self, schedule: Schedule, scheduled: float) -> Firing:
        return Firing(schedule, scheduled, scheduled + self._lateness())


def _fires(firing: Firing) -> bool:
    return firing.due < firing.schedule.end and firing.schedule.params.get("State") != "DISABLED"
