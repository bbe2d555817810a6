"""The fallback: answers CloudFormation when the provider function itself can't run.

Lambda sends it the event of an invocation that failed at every try. It shares no code with the provider and
has no package of its own, for a package that doesn't import may be what went wrong.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from typing import Literal

import answer
from envelope import FailedEvent, Failure, read, reason, request_in
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


def handler(record: object, _context: object) -> Done:
    """Handle one on-failure record of the provider function."""
    return handle(record, connect(), answer.put, time.time())


def handle(record: object, schedules: Schedules, put: Put, now: float) -> Done:
    """Answer the request in `record` if nobody else will, and return what was done.

    Raises where Scheduler or the ResponseURL can't be reached: Lambda then delivers the record again.
    """
    failure = read(record, os.environ.get("RESPONSE_HOST", ""))
    if failure is None:
        return _ignored("no failed event of CloudFormation that may be answered")
    if failure.schedule_name:
        return _poll(failure, failure.schedule_name, schedules, put, now)
    failed = request_in(failure, failure.payload)
    if failed is None:
        return _ignored("no request of CloudFormation that may be answered")
    if schedules.exists(failed.schedule_suffix):
        return _left(failed)
    return _answered(failed, put)


def _poll(failure: Failure, name: str, schedules: Schedules, put: Put, now: float) -> Done:
    """Handle a failed poll by what its schedule carries; the delivered body may be anybody's."""
    schedule = schedules.get(name)
    if schedule is None:
        return _ignored("the schedule of this poll is gone")
    failed = request_in(failure, schedule.input)
    if failed is None or not name.endswith(failed.schedule_suffix):
        return _ignored("the schedule carries no request of its own")
    if _may_recover(failed, schedule, schedules, now):
        return _left(failed)
    done = _answered(failed, put)
    schedules.delete(name)
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
