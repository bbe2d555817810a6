"""The fallback: answers CloudFormation when the provider function itself can't run.

Lambda sends it the event of an invocation that failed at every try. It shares one module with the provider,
of the standard library alone, that says which events are CloudFormation's own, and has no package of its own,
for a package that doesn't import may be what went wrong.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable
from typing import Literal, Protocol

import answer
from envelope import FailedEvent, RefusedError, read, reason, request_in
from massdriver_redis.cloudformation.genuine import Recipient
from schedules import Schedule, Schedules, connect

FAILS_FOR = 600
"""Seconds that polls may go on failing: one lost poll means nothing, the next comes within a minute."""

NOTE_INTERVAL = 120
"""Seconds between two notes: AWS doesn't document how an update shifts a schedule's next firing, so one in
between is never touched."""

LARGEST_GAP = NOTE_INTERVAL + 180
"""Seconds without a note after which polls in between must have succeeded."""

_NOTE = "Polls fail since {since}, last at {last} (seconds since 1970)."
_NOTED = re.compile(r"Polls fail since (\d{1,12}), last at (\d{1,12})\b", re.ASCII)

Put = Callable[[str, bytes], int]
Done = dict[str, str]

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


class Context(Protocol):
    """What is used of Lambda's context."""

    invoked_function_arn: str


def handler(record: object, context: Context) -> Done:
    """Handle one on-failure record of the provider function."""
    recipient = Recipient.from_environment(os.environ).at(context.invoked_function_arn)
    return handle(record, recipient, connect(), answer.put, time.time())


def handle(record: object, recipient: Recipient, schedules: Schedules, put: Put, now: float) -> Done:
    """Answer the request in `record` if nobody else will, and return what was done.

    It must be meant for `recipient`. Raises where Scheduler or the ResponseURL can't be reached: Lambda then
    delivers the record again.
    """
    try:
        failure = read(record)
        if not failure.schedule_name:
            failed = request_in(failure, failure.payload, recipient, now)
            return _left(failed) if schedules.exists(failed.schedule_suffix) else _answered(failed, put)
        # A poll is handled by what its schedule carries; the delivered body may be anybody's.
        schedule = schedules.get(failure.schedule_name)
        if schedule is None:
            return _ignored("the schedule of this poll is gone")
        return _poll(request_in(failure, schedule.input, recipient, now), schedule, schedules, put, now)
    except RefusedError as refused:
        return _refused(refused, now)


def _poll(failed: FailedEvent, schedule: Schedule, schedules: Schedules, put: Put, now: float) -> Done:
    if not schedule.name.endswith(failed.schedule_suffix):
        return _ignored("the schedule carries another request")
    if _may_recover(failed, schedule, schedules, now):
        return _left(failed)
    done = _answered(failed, put)
    schedules.delete(schedule.name)
    return done


def _may_recover(failed: FailedEvent, schedule: Schedule, schedules: Schedules, now: float) -> bool:
    """Return whether to wait for a better poll, after noting on the schedule since when they fail."""
    if failed.deadline is not None and now >= failed.deadline:
        return False
    noted = _NOTED.search(schedule.description)
    since, last = (float(noted[1]), float(noted[2])) if noted else (now, 0.0)
    if now - last > LARGEST_GAP:
        since = now
    if now - since >= FAILS_FOR:
        return False
    if now - last >= NOTE_INTERVAL:
        schedules.note(schedule, _NOTE.format(since=int(since), last=int(now)), now)
    return True


def _answered(failed: FailedEvent, put: Put) -> Done:
    status: Literal["SUCCESS", "FAILED"] = "SUCCESS" if failed.succeeds else "FAILED"
    text = "Nothing was ever made." if failed.succeeds else _explained(failed)
    code = put(failed.event["ResponseURL"], answer.build(failed, status, text))
    log.error("Answered %s (HTTP status %s): %s", status, code, failed.cause)
    return {"status": status, "physical_resource_id": failed.physical_id, "cause": failed.cause}


def _explained(failed: FailedEvent) -> str:
    cause = reason(failed.cause, limit=150)
    if failed.schedule_name:
        return f"The provider function has failed for {FAILS_FOR // 60} minutes: {cause}; see its log group."
    return f"The provider function could not run: {cause}; see its log group."


def _left(failed: FailedEvent) -> Done:
    log.warning("Left to the polls: %s", failed.cause)
    return {"status": "LEFT", "cause": failed.cause}


def _ignored(why: str) -> Done:
    log.warning("Ignored: %s", why)
    return {"status": "IGNORED"}


def _refused(refused: RefusedError, now: float) -> Done:
    """Log a refusal and count it as the provider does: by a line in CloudWatch's embedded metric format."""
    metric = {"Name": "RefusedEvents", "Unit": "Count"}
    metrics = {"Namespace": "MassdriverRedis", "Dimensions": [["service"]], "Metrics": [metric]}
    counted = {
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [metrics]},
        "service": "massdriver-redis-fallback",
        "RefusedEvents": 1,
    }
    print(json.dumps(counted))  # noqa: T201 - the line must be JSON alone, without the head of a log line
    return _ignored(f"{refused} {refused.url}".rstrip())
